"""This machine: its memory, its folders, worker processes, the collector of cycles."""
