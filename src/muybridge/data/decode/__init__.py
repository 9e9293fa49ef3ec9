"""Exact frames of video files; the only files of this room that import the decoder."""
