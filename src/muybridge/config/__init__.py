"""Configs: frozen, complete, serialisable; what the command line, Python and YAML say. Imports no torch."""
