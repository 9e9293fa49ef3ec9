"""Weights as people have them: which tensors of a file are those of a network."""
