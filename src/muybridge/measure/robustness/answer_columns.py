"""Answers of one network by condition, in columns and without the scores behind them: what a report counts.

Of 240,000 videos under 93 conditions with 400 classes the scores take 36 GB. What is told of perturbed clips hangs on the class that was
answered and on how many classes scored higher than the label: four bytes for a video and condition. Only of clean clips the scores are
kept, and what wants those of perturbed ones (``mean_answers``, folds that test a video twice) reads them once more, one perturbation
after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int64, Integer

from muybridge.measure.accuracy import video_level
from muybridge.measure.ensemble import mean_answer
from muybridge.measure.intervals import CLEAN, Condition, Outcomes
from muybridge.runs.contents.predictions import Predictions, concatenate

Rows = Bool[np.ndarray, "n"] | Int64[np.ndarray, "m"] | slice
Again = Callable[[str], Predictions]
"""The rows of one perturbation with their scores, views averaged."""


@dataclass(frozen=True, eq=False)
class Videos:
    """Who was asked, one object for all conditions that were asked of the same: id, source group and true class, all of length n."""

    video: np.ndarray
    group: np.ndarray
    label: Int64[np.ndarray, "n"]

    @classmethod
    def of(cls, rows: Predictions, known: "Videos | None") -> "Videos":
        """The videos of some rows; ``known`` where they are the same, else a copy, so that the rows themselves can go."""
        columns = (rows.video, rows.group, rows.label)
        if known is not None and all(map(np.array_equal, columns, (known.video, known.group, known.label))):
            return known
        return cls(*(column.copy() for column in columns))

    def where(self, rows: Rows) -> "Videos":
        """Those of a mask, of numbers or of a slice."""
        return Videos(self.video[rows], self.group[rows], self.label[rows])


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered under one condition, one row per video.

    Attributes:
        predicted: class with the highest score; -1 where there are no scores.
        rank: as of ``Predictions``.
        classes: how many there are.
    """

    asked: Videos
    condition: Condition
    predicted: Integer[np.ndarray, "n"]
    rank: Integer[np.ndarray, "n"]
    classes: int

    @classmethod
    def of(cls, rows: Predictions, condition: Condition, known: Videos | None) -> "Answers":
        """The answers of rows, all under one condition."""
        kind = np.min_scalar_type(-1 - rows.classes)
        predicted, rank = (column.astype(kind) for column in (rows.predicted, rows.rank))
        return cls(Videos.of(rows, known), condition, predicted, rank, rows.classes)

    def __len__(self) -> int:
        return len(self.predicted)

    @property
    def video(self) -> np.ndarray:
        """Ids."""
        return self.asked.video

    @property
    def group(self) -> np.ndarray:
        """Source groups."""
        return self.asked.group

    @property
    def label(self) -> Int64[np.ndarray, "n"]:
        """True classes."""
        return self.asked.label

    @property
    def perturbation(self) -> np.ndarray:
        """The name of the condition in every row."""
        return np.broadcast_to(np.array(self.condition[0]), len(self))

    @property
    def severity(self) -> Int64[np.ndarray, "n"]:
        """The severity in every row."""
        return np.broadcast_to(np.int64(self.condition[1]), len(self))

    @property
    def correct(self) -> Bool[np.ndarray, "n"]:
        """Whether the top-1 class is the label; never where there is no label."""
        right: np.ndarray = (self.predicted == self.label) & (self.label >= 0)
        return right

    def where(self, rows: Rows) -> "Answers":
        """The rows of a mask, of numbers or of a slice."""
        return replace(
            self, asked=self.asked.where(rows), predicted=self.predicted[rows], rank=self.rank[rows]
        )


@dataclass(frozen=True, eq=False)
class Tested:
    """All answers of one network.

    Attributes:
        cells: answers by condition, sorted, of the videos by id.
        clean: those without perturbation with their scores; no rows where there are none.
        again: reads the scores of a perturbation once more.
    """

    cells: Mapping[Condition, Answers]
    clean: Predictions
    again: Again

    @property
    def classes(self) -> int:
        """How many there are."""
        return self.clean.classes

    @property
    def names(self) -> list[str]:
        """Perturbations, ``clean`` among them."""
        return list(dict.fromkeys(name for name, _ in self.cells))

    def under(self, condition: Condition) -> Answers:
        """Answers under a condition; no rows where there are none."""
        found = self.cells.get(condition)
        return next(iter(self.cells.values())).where(slice(0)) if found is None else found

    def count(self, marks: Callable[[Answers], Bool[np.ndarray, "n"]]) -> Outcomes:
        """Marked rows by group and condition, as of ``tally``."""
        shape = (len(self._groups), len(self.cells))
        right, total = np.zeros(shape), np.zeros(shape)
        for column, cell in enumerate(self.cells.values()):
            place = self._places[cell.asked]
            right[:, column] = np.bincount(place, marks(cell), len(right))
            total[:, column] = np.bincount(place, minlength=len(right))
        return Outcomes(self._groups, self.videos, tuple(self.cells), right, total)

    @cached_property
    def right(self) -> Outcomes:
        """Right answers, as of ``outcomes``."""
        return self.count(lambda cell: cell.correct)

    @cached_property
    def videos(self) -> np.ndarray:
        """Sorted ids of all that were asked."""
        return np.unique(np.concatenate([asked.video for asked in self._asked]))

    @cached_property
    def _asked(self) -> list[Videos]:
        return list(dict.fromkeys(cell.asked for cell in self.cells.values()))

    @cached_property
    def _groups(self) -> np.ndarray:
        return np.unique(np.concatenate([asked.group for asked in self._asked]))

    @cached_property
    def _places(self) -> dict[Videos, Int64[np.ndarray, "n"]]:
        return {asked: np.searchsorted(self._groups, asked.group) for asked in self._asked}


def answers_of(pieces: Iterable[Predictions], again: Again) -> Tested:
    """The answers of rows, of which no more than a piece is in memory; views are averaged.

    Args:
        pieces: rows of which no two pieces have a video under the same condition.
        again: reads the rows of one perturbation once more.

    Raises:
        ValueError: no rows, or the views of a video disagree on its label or group.
    """
    parts, scores = defaultdict[Condition, list[Answers]](list), []
    none: Predictions | None = None
    for piece in pieces:
        if not len(piece):
            continue
        known: Videos | None = None
        for condition, rows in video_level(piece).by_condition().items():
            found = Answers.of(rows, condition, known)
            known = found.asked
            parts[condition].append(found)
            if condition == CLEAN:
                scores.append(rows.scores.copy())
        none = piece.where(np.zeros(0, np.int64)) if none is None else none
        del piece, rows  # the next one is made beside this one otherwise
    if none is None:
        raise ValueError("no prediction rows: answers of nothing are undefined")
    return _joined(parts, scores, again, none)


def answers_in(rows: Predictions) -> Tested:
    """The answers of rows that are in memory, and stay there.

    Raises:
        ValueError: as ``answers_of``.
    """
    return answers_of([rows], lambda name: video_level(rows.where(rows.perturbation == name)))


def together(folds: Sequence[Tested]) -> Tested:
    """Answers of the same network in several folds, below each other; of a video that is tested in several the scores are averaged.

    Raises:
        ValueError: other classes, or folds that disagree on the label or group of a video.
    """
    if len(folds) == 1:
        return folds[0]

    def again(name: str) -> Predictions:
        return video_level(concatenate([one.again(name) for one in folds if name in one.names]))

    videos = np.concatenate([one.videos for one in folds])
    if len(np.unique(videos)) < len(videos):
        return answers_of(map(again, dict.fromkeys(name for one in folds for name in one.names)), again)
    parts = defaultdict[Condition, list[Answers]](list)
    for one in folds:
        for condition, cell in one.cells.items():
            parts[condition].append(cell)
    clean = [one.clean for one in folds if len(one.clean)]
    return _joined(parts, [one.scores for one in clean], again, folds[0].clean.where(np.zeros(0, np.int64)))


def mean_answers(members: Sequence[Tested]) -> Tested:
    """The answers of the mean of several networks (``ensemble.mean_answer``) under every condition.

    Raises:
        ValueError: no members, or members that answered for other clips or classes.
    """
    if not members or any(one.cells.keys() != members[0].cells.keys() for one in members):
        raise ValueError("the members of an ensemble were tested under different conditions")

    def again(name: str) -> Predictions:
        return mean_answer([one.again(name) for one in members])

    return answers_of(map(again, members[0].names), again)


def flips(tested: Tested) -> tuple[Outcomes, Outcomes]:
    """Videos whose answer is not the clean one, and among them those that were right and are wrong.

    "Not decoded" is an answer of its own, and wrong.

    Raises:
        ValueError: a perturbed video without its clean row.
    """
    clean = tested.under(CLEAN)
    places = {asked: _beside(clean.asked, asked) for asked in {cell.asked for cell in tested.cells.values()}}
    changed = tested.count(lambda cell: cell.predicted != clean.predicted[places[cell.asked]])
    return changed, tested.count(lambda cell: clean.correct[places[cell.asked]] & ~cell.correct)


def _beside(clean: Videos, asked: Videos) -> Int64[np.ndarray, "n"]:
    """Where videos stand among the clean ones."""
    place: np.ndarray = np.searchsorted(clean.video, asked.video)
    if not len(clean.video) or (clean.video[place.clip(max=len(clean.video) - 1)] != asked.video).any():
        raise ValueError("flips want the clean answer of every video")
    return place


def _joined(
    parts: Mapping[Condition, Sequence[Answers]],
    scores: Sequence[np.ndarray],
    again: Again,
    none: Predictions,
) -> Tested:
    """Parts below each other by condition, their videos sorted; conditions that were asked of the same videos share them."""
    seen: dict[tuple[Videos, ...], tuple[Videos, Int64[np.ndarray, "n"]]] = {}
    cells: dict[Condition, Answers] = {}
    clean = none
    for condition in sorted(parts):
        some = parts[condition]
        if len({one.classes for one in some}) > 1:
            raise ValueError("folds that answered among different numbers of classes")
        key = tuple(one.asked for one in some)
        asked, order = seen[key] = seen[key] if key in seen else _sorted(key)
        columns = {
            name: np.concatenate([getattr(one, name) for one in some])[order]
            for name in ("predicted", "rank")
        }
        cells[condition] = replace(some[0], asked=asked, **columns)
        if condition == CLEAN:
            view, kind = np.zeros(len(order), np.int64), np.full(len(order), CLEAN[0])
            whole = np.concatenate(scores)[order]
            clean = Predictions(asked.video, asked.group, asked.label, view, kind, view, whole)
    return Tested(cells, clean, again)


def _sorted(parts: Sequence[Videos]) -> tuple[Videos, Int64[np.ndarray, "n"]]:
    """The videos of all parts by id, and where each stood."""
    names = np.concatenate([one.video for one in parts])
    order: np.ndarray = np.argsort(names, kind="stable")
    group, label = (np.concatenate([getattr(one, name) for one in parts]) for name in ("group", "label"))
    return Videos(names[order], group[order], label[order]), order
