"""How diverse losses are, and whether that goes with anything."""
