"""Documents: their text, what is found in it, and the claims that they make."""
