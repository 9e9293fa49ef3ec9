"""What a report must know of published data sets: appearance-based or temporal-based, and which of several official splits."""

from collections.abc import Sequence
from pathlib import Path

from muybridge.data import DATASETS

SPLITS = {"ucf101": 3, "hmdb51": 3}
"""Data sets with several official splits, whose accuracies are averaged; ``NAME`` is the first, ``NAME-2`` the second."""


def source_name(sources: Sequence[str]) -> str:
    """Name of what stands behind ``--data``, for tables: ``kinetics400``, or the last part of a path."""
    return "+".join(Path(source).name for source in sources)


def kind_of(sources: Sequence[str]) -> str:
    """``appearance`` (one frame often tells the class) or ``temporal`` (only motion does); empty for other data or a mixture."""
    kinds = {DATASETS[source].facts["kind"] if source in DATASETS else "" for source in sources}
    return str(kinds.pop()) if len(kinds) == 1 else ""


def official_split(sources: Sequence[str]) -> dict[str, object] | None:
    """``family``, ``number`` and ``of`` of an official split; None where there is only one, or for other data."""
    family, _, number = (sources[0] if len(sources) == 1 else "").partition("-")
    if family not in SPLITS or (number and number not in ("2", "3")):
        return None
    return {"family": family, "number": int(number or 1), "of": SPLITS[family]}
