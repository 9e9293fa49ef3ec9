"""Tasks whose views of one video attract each other."""
