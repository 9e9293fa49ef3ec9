"""Label changes that a user declares, and what is said of augmentations that change labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from muybridge.augment.chain import spell
from muybridge.augment.steps import Flip
from muybridge.core.catalogue import rows, suggestion
from muybridge.core.errors import UsageError
from muybridge.core.label_changes import FLIP, NONE, Change, LabelMap, partners
from muybridge.data.index import Dataset
from muybridge.data.sets.changes import read
from muybridge.perturb import PERTURBATIONS

SHOWN = 3
"""Classes that a note names."""


def absolute(words: Sequence[str]) -> tuple[str, ...]:
    """The words with full paths of the files among them."""
    return tuple(str(Path(word).expanduser().absolute()) if _is_file(word) else word for word in words)


def _is_file(word: str) -> bool:
    path = Path(word).expanduser()
    return path.suffix.lower() == ".csv" or path.is_file()


def declare(dataset: Dataset, words: Sequence[str]) -> Dataset:
    """The data set with what a user says of its labels, in place of what it says itself of the same types.

    Args:
        dataset: as read.
        words: perturbations that change every label, into which class is not known; and csv files (``data.sets.changes.read``).

    Raises:
        UsageError: a word that is neither, or a file that is no such table.
    """
    if not words:
        return dataset
    told: list[Change] = []
    for word in words:
        every = [Change(word, dict.fromkeys(dataset.classes, NONE))]
        told += read(Path(word).expanduser(), dataset.classes) if _is_file(word) else every
    known = [*(row["name"] for row in rows("perturbations", PERTURBATIONS)), FLIP]
    for change in told:
        if change.type not in known:
            raise UsageError(
                f"--label-changing: no perturbation {change.type!r:.80}.{suggestion(change.type, known)} Wanted names of `muybridge list "
                "perturbations`, or a csv file with the columns perturbation,class,becomes."
            )
    said = {change.type for change in told}
    changed = replace(dataset, changes=(*(one for one in dataset.changes if one.type not in said), *told))
    changed.__dict__.update(
        {name: value for name, value in dataset.__dict__.items() if name == "files"}
    )  # hashed once
    return changed


def signed(dataset: Dataset, words: Sequence[str]) -> dict[str, object]:
    """What is signed of a declaration: what it says, not where it stands; nothing without one."""
    told = [[one.type, list(one.severities), dict(sorted(one.becomes.items()))] for one in dataset.changes]
    return {"label_changing": told} if words else {}


def flips(dataset: Dataset, config: object) -> list[str]:
    """A note where a training with labels mirrors clips whose class a mirror changes."""
    mirrored = any(isinstance(step, Flip) for step in spell(getattr(config, "augment", ())))
    becomes = {name: to for one in dataset.changes if one.type == FLIP for name, to in one.becomes.items()}
    if not mirrored or not becomes:
        return []
    pairs = [f"{name} becomes {to or 'no class of the data'}" for name, to in becomes.items()]
    rest = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    some = ", ".join(pairs[:SHOWN])
    return [
        f"training mirrors clips, and a mirror changes the label of {len(becomes)} of {len(dataset.classes)} classes ({some}"
        f"{rest}): they are learnt under a wrong label half of the time. --augment without flip leaves them whole"
    ]


def pairs(dataset: Dataset, names: Mapping[str, str] | None = None) -> dict[str, dict[str, str]]:
    """``partners`` for the ``data`` of a result: classes that reversal turns into one another; nothing where there are none.

    Args:
        dataset: what was read.
        names: name of each class as the results spell it, where they spell it otherwise.
    """
    names = names or {name: name for name in dataset.classes}
    found = {names[a]: names[b] for a, b in partners(dataset.changes).items() if a in names and b in names}
    return {"partners": found} if found else {}


def changing(found: LabelMap) -> list[str]:
    """Types that change a label in some cell."""
    return sorted(name for name, cells in found.items() if cells)
