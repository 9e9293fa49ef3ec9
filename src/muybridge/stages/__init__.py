"""Stages: each a config and one object that says and does what is its own (``stages.job.job.Stage``); they meet only through run folders.

The table of them is ``runs.stages``.
"""
