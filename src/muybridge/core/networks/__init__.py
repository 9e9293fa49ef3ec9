"""What the rooms that hold networks share: features, momentum copies, rows of all processes, one training step."""
