"""Features of frozen networks: pooled for probes and neighbours, by layer for maps of similarity."""
