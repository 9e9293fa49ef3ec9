"""Networks that see a clip and a text."""
