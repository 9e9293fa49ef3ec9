"""Numbers laid out as tables."""
