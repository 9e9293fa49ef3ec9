"""The database of runs: folders named by their content, what is found in them, and how they are listed, asked for and deleted."""
