"""From run folders to experiments: what is there, what belongs together, what is missing or damaged."""
