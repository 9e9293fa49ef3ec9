"""Augmentation: batched tensor code on uint8 clips, parameters drawn once per clip from a generator that is passed in."""
