"""Measures: pure functions of prediction rows or features."""
