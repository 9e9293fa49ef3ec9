"""Studies in files of users."""
