"""Numbers of experiments from their rows, with intervals."""
