"""Shipped studies that repeat those of the benchmark."""
