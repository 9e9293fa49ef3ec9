"""What lies in a run folder: rows, maps, pictures, weights on the way and the result."""
