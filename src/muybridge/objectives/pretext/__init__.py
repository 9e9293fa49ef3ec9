"""Tasks that ask what was done to a clip."""
