"""Sections of what the findings rest on: claims, data, training, pictures, runs."""
