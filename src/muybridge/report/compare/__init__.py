"""Runs side by side: two of them, or the best of many."""
