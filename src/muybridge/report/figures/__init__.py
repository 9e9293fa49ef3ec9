"""Numbers drawn."""
