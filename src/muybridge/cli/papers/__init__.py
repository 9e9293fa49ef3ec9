"""Commands about papers, their claims and their numbers."""
