"""What is wrong with a data set, and what it looks like."""
