"""Tasks that learn from sentences about videos."""
