"""Commands about networks in files: taken in from others, and handed on to them."""
