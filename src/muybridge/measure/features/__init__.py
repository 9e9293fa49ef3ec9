"""What features are worth: health, neighbours, linear layers."""
