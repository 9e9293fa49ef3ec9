"""From the labels of a data set to the classes of a model that was trained on another one.

A label may accept several classes, written ``A|B``. Rows of predictions have one label, the first accepted class. So that top-1 and top-k
of a row count any accepted class as right, the score of the accepted class that the model prefers on that video and condition (mean over
its views) changes places with the score of the first one; all other scores stay.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

APART = "|"
SHOWN = 5
"""Names that an error shows."""


@dataclass(frozen=True)
class Labels:
    """Which classes of a model are right for each label of a data set.

    Attributes:
        classes: names of the model's classes, in the order of its scores.
        accepted: by label of the data set: classes that count as right, the one written first in front.
    """

    classes: tuple[str, ...]
    accepted: tuple[tuple[int, ...], ...]

    def first(self, label: int) -> int:
        """The class that stands for a label of the data set; -1 for none."""
        return self.accepted[label][0] if label >= 0 else -1

    def chance(self, labels: Sequence[int]) -> float:
        """Share of right answers of a guess among all classes, where a label accepts several: a fraction.

        Args:
            labels: of the tested videos, of the data set; those without one count as never right.
        """
        accepted = [len(self.accepted[label]) if label >= 0 else 0 for label in labels]
        return sum(accepted) / max(1, len(accepted)) / len(self.classes)

    def merged(
        self, scores: Float32[np.ndarray, "n k"], labels: Sequence[int], videos: Sequence[str]
    ) -> Float32[np.ndarray, "n k"]:
        """Scores of the rows of one condition with the preferred accepted class moved to the first one.

        Args:
            scores: not modified.
            labels: of the data set, one per row.
            videos: id of the video of each row; the views of a video lie together.
        """
        if all(len(self.accepted[label]) < 2 for label in labels if label >= 0):
            return scores
        scores, names = scores.copy(), np.array(videos)
        for video in dict.fromkeys(videos):
            rows = np.flatnonzero(names == video)
            accepted = list(self.accepted[labels[rows[0]]]) if labels[rows[0]] >= 0 else []
            if len(accepted) > 1:
                best = accepted[int(scores[np.ix_(rows, accepted)].mean(axis=0).argmax())]
                scores[np.ix_(rows, [accepted[0], best])] = scores[np.ix_(rows, [best, accepted[0]])]
        return scores

    def facts(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Names of the accepted classes of each label of the data set."""
        return {
            name: [self.classes[i] for i in found] for name, found in zip(names, self.accepted, strict=True)
        }


def same(classes: Sequence[str]) -> Labels:
    """Labels of the data set that the model was trained on."""
    return Labels(tuple(classes), tuple((i,) for i in range(len(classes))))


def matched(labels: Sequence[str], classes: Sequence[str], where: str) -> Labels:
    """Find every label among a model's classes, whatever the case, with ``_`` for blanks; or take whole numbers as class indices.

    A label that is none of them is found by its letters and digits alone, where they are those of one class only: ``ApplyEyeMakeup`` is
    ``apply eye make-up``.

    Args:
        labels: names of the data set's labels, each one or several classes with ``|`` between.
        classes: names of the model's classes.
        where: the data set, for the message.

    Raises:
        UsageError: a label that is no class of the model.
    """
    place = {spelt(name): i for i, name in reversed(list(enumerate(classes)))}
    letters = _by_letters(classes)
    numbers = all(label.isdecimal() for label in labels) and not any(
        spelt(label) in place for label in labels
    )
    if numbers:
        return Labels(tuple(classes), tuple((_number(label, classes, where),) for label in labels))
    found = [[_index(word, place, letters) for word in label.split(APART)] for label in labels]
    if any(None in indices for indices in found):
        raise _unmatched(labels, found, classes, where)
    accepted = (tuple(dict.fromkeys(one for one in indices if one is not None)) for indices in found)
    return Labels(tuple(classes), tuple(accepted))


def _number(label: str, classes: Sequence[str], where: str) -> int:
    if int(label) >= len(classes):
        raise UsageError(
            f"{where}: label {label} is outside the model's {len(classes)} classes, which count from 0. Give the"
            " list of the data set that the model was trained on, or class names and --classes."
        )
    return int(label)


def _by_letters(classes: Sequence[str]) -> dict[str, int]:
    """Index of a class by its letters and digits; those that two classes share are left out."""
    spelt_alike = Counter(letters_of(name) for name in classes)
    return {key: i for i, name in enumerate(classes) if spelt_alike[key := letters_of(name)] == 1 and key}


def _index(word: str, place: dict[str, int], letters: dict[str, int]) -> int | None:
    """The class of a name."""
    return place.get(spelt(word), letters.get(letters_of(word)))


def _unmatched(
    labels: Sequence[str], found: Sequence[Sequence[int | None]], classes: Sequence[str], where: str
) -> UsageError:
    """What is said where labels are no classes: which are, which are not, and the way out."""
    lost = [
        word.strip()
        for label, indices in zip(labels, found, strict=True)
        for word, index in zip(label.split(APART), indices, strict=True)
        if index is None
    ]
    matched = [label for label, indices in zip(labels, found, strict=True) if None not in indices]
    others = f"; neither are {_few(lost[1:])}" if len(lost) > 1 else ""
    fine = (
        f"{len(matched)} of {len(labels)} labels match ({_few(matched)})" if matched else "No label matches"
    )
    return UsageError(
        f"{where}: label {lost[0]!r} is none of the model's {len(classes)} classes{others}.{suggestion(lost[0], classes)} {fine}; "
        f"its classes are {_few(classes)}. Name the right column with --label (accepted classes with {APART!r} between, empty to leave a "
        "video out), or its classes with --classes (zeroshot: --candidates)."
    )


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + rest


def letters_of(name: str) -> str:
    """Letters and digits of a name, without case."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def spelt(name: str) -> str:
    """A name without case, with blanks for underscores."""
    return " ".join(name.replace("_", " ").casefold().split())
