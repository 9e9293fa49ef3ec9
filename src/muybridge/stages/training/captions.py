"""Sentences about the videos of a pretraining run, for objectives that learn from language."""

import hashlib
from collections.abc import Mapping

from muybridge.config.stage_configs import PretrainConfig
from muybridge.core.catalogue import pick
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import canonical
from muybridge.data.index import Dataset
from muybridge.data.lists import caption_column
from muybridge.objectives import OBJECTIVES


def needs_captions(config: PretrainConfig) -> bool:
    """Whether the task of a config learns from sentences.

    Raises:
        UsageError: a caption column for a task that reads none.
    """
    wanted = bool(getattr(pick("objectives", OBJECTIVES, config.objective), "language", False))
    if config.caption and not wanted:
        raise UsageError(
            f"--caption {config.caption}: {config.objective} reads no sentences; leave it out, or --objective video-text."
        )
    return wanted


def captions_of(config: PretrainConfig, dataset: Dataset) -> Mapping[str, str]:
    """The sentence about each video of a config's data, by id."""
    return caption_column.read(
        config.data,
        dataset,
        config.caption,
        group=config.group,
        root=config.root,
        allow_links=config.allow_links,
    )


def signed_captions(config: PretrainConfig, dataset: Dataset) -> dict[str, object]:
    """Hash of the sentences, where they decide the result; nothing otherwise."""
    if not needs_captions(config):
        return {}
    found = dict(captions_of(config, dataset))
    return {"captions": hashlib.sha256(canonical(found).encode()).hexdigest()[:16]}
