"""Tasks that learn from labels, or from the answers of teachers."""
