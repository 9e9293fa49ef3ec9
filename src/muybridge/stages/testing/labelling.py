"""What is said of how the answers of a model were taken for the labels of a data set."""

from collections.abc import Mapping, Sequence

from muybridge.data.index import Dataset
from muybridge.stages.testing.labels import APART, Labels, spelt

SHOWN = 10
"""Pairs that a note names."""


def notes(labels: Labels, names: Sequence[str], has_classes: bool) -> list[str]:
    """Notes on outputs that have no names, and on names that are spelt otherwise.

    Args:
        labels: from labels of the data set to classes of the model.
        names: labels of the data set.
        has_classes: whether the names of the model's classes are known.
    """
    if not has_classes:
        pairs = [f"output {i} = {name}" for i, name in enumerate(labels.classes)]
        return [
            f"the model names no classes, so its outputs were taken in the order of the labels: {_few(pairs)}; --classes says another order"
        ]
    other = [
        f"{name!r} = {labels.classes[found[0]]!r}"
        for name, found in zip(names, labels.accepted, strict=True)
        if APART not in name and not name.isdecimal() and spelt(name) != spelt(labels.classes[found[0]])
    ]
    return [f"labels that the model spells otherwise: {_few(other)}"] if other else []


def shift(told: Mapping[str, object], dataset: Dataset, classes: Sequence[str]) -> str:
    """What differs between the data that a run was trained on and those it is tested on, as a note."""
    untested = len(classes) - len(dataset.classes)
    rest = f"; {untested} of its {len(classes)} classes are not among these labels" if untested > 0 else ""
    return (
        f"tested on {dataset.name} ({dataset.fingerprint}), trained on {told.get('name')} ({told.get('fingerprint')}): labels were matched "
        f"with classes by name{rest}. Videos that it was trained on are not known here: see that none is among these"
    )


def _few(pairs: Sequence[str]) -> str:
    rest = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return ", ".join(pairs[:SHOWN]) + rest
