"""Data sets by name: the embedded ones, and published ones from their official lists."""
