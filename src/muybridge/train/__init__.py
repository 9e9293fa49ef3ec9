"""The training loop and what it needs: optimisers, precision, checkpoints, several processes."""
