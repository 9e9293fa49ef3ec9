"""Sentences about arms as predicates over rows."""
