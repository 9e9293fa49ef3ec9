"""Sections of what was found."""
