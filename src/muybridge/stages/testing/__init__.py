"""Testing a classifier: the clips, the model, its answers under every condition."""
