"""Which frames of a video a clip consists of."""
