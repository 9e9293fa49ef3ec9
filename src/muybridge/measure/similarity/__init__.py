"""How alike layers are."""
