"""From the rows of a run to its numbers: accuracies, falls, changed answers, calibration, each an estimate over source groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from muybridge.audit.data_look import DataLook
from muybridge.core.label_changes import FLIP, REVERSAL
from muybridge.measure.accuracy import video_level
from muybridge.measure.counts import counts_of, share
from muybridge.measure.estimate import Estimate, Interval
from muybridge.measure.intervals import CLEAN, Condition, Outcomes, resample_groups, tally
from muybridge.measure.robustness.altered import PARTNER, by_kind
from muybridge.measure.robustness.answer_columns import answers_in, flips
from muybridge.measure.robustness.robustness_scores import category_means, grid
from muybridge.measure.zeroshot_scores import calibration, probabilities
from muybridge.perturb import TYPES
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import Run

SHUFFLED, FROZEN = ("jumbling", 5), ("freezing", 5)
SINGLE, CENTRE, BORDER = ("single_frame", 0), ("centre_masked", 0), ("border_masked", 0)
BACKWARDS, MIRROR = (REVERSAL, 1), (FLIP, 0)
TIME = {
    "reversed": BACKWARDS,
    "mirrored": MIRROR,
    "shuffled": SHUFFLED,
    "frozen": FROZEN,
    "single frame": SINGLE,
}
"""Controls of time, and the mirror that stands beside reversal: it changes every frame and no order."""
PLACE = {"centre masked": CENTRE, "border masked": BORDER}
TOLD = 1e-3
"""How far from 1 the scores of a row may add up to be taken for probabilities."""


@dataclass(frozen=True)
class Cell:
    """One condition, or the mean over several.

    Attributes:
        conditions: which.
        accuracy: share of right answers.
        drop: clean accuracy less that.
        changed: share of videos with another answer than the clean one; a mean over the conditions.
        relabelled: whether it turns clips of some class into another, so that the old label is not the right answer there.
    """

    conditions: tuple[Condition, ...]
    accuracy: Estimate
    drop: Estimate
    changed: Estimate
    relabelled: bool = False


@dataclass(frozen=True)
class Calibration:
    """How sure answers are beside how often they are right.

    Attributes:
        error: expected calibration error, 15 bins.
        over: mean confidence less accuracy: above 0 is too sure.
        confidence: mean.
        videos: with scores that are numbers.
    """

    error: Estimate
    over: Estimate
    confidence: float
    videos: int


@dataclass(frozen=True)
class Readings:
    """The numbers of a run.

    Attributes:
        rows: one per video and condition.
        clean: accuracy.
        chance: of guessing.
        videos: tested.
        groups: of these.
        by_group: right answers and videos, by group, where groups hold several videos.
        calibration: None where no video has scores.
        categories: by name.
        time: by name in ``TIME``.
        place: by name in ``PLACE``.
        partner: share of reversed clips of classes with a reverse that are called by it; None where no class has one.
        reader: accuracy of the order-free reader, and the model's clean accuracy above it on the same videos.
        read: how many videos these are.
        nans: videos without scores that are numbers, clean.
        classes: names by index.
    """

    rows: Predictions
    clean: Estimate
    chance: float
    videos: int
    groups: int
    by_group: Mapping[str, tuple[int, int]]
    calibration: Calibration | None
    categories: Mapping[str, Cell]
    time: Mapping[str, Cell]
    place: Mapping[str, Cell]
    partner: Interval | None
    reader: tuple[Estimate, Estimate] | None
    read: int
    nans: int
    classes: tuple[str, ...] = field(default=())

    @property
    def clean_rows(self) -> Predictions:
        """Answers without perturbation."""
        return self.rows.condition(*CLEAN)


@dataclass(frozen=True)
class _Shares:
    """Counts by group and condition with their redraws, of right answers or of changed ones."""

    counted: Outcomes
    values: Mapping[Condition, float]
    draws: Mapping[Condition, np.ndarray]

    @classmethod
    def of(cls, counted: Outcomes) -> "_Shares":
        drawn = resample_groups(counted.right, counted.total)
        values = dict(zip(counted.conditions, map(float, counted.accuracy), strict=True))
        return cls(counted, values, dict(zip(counted.conditions, drawn.T, strict=True)))

    def estimate(self, condition: Condition) -> Estimate:
        return Estimate(self.values[condition], self.draws[condition], len(self.counted.groups))

    def category(self, name: str, wanted: Mapping[str, list[int]], categories: Mapping[str, str]) -> Estimate:
        """Mean over severities, then over the types of a category."""
        types = {one: severities for one, severities in wanted.items() if categories[one] == name}
        value = float(category_means(self.values, types, categories)[name])
        return Estimate(value, category_means(self.draws, types, categories)[name], len(self.counted.groups))


def readings_of(run: Run, seen: DataLook) -> Readings:
    """All numbers of a robustness run.

    Raises:
        MuybridgeError: its files are damaged.
        ValueError: it holds no rows.
    """
    told = run.result
    rows = video_level(read_predictions(run.path / "predictions.parquet"))
    answered = answers_in(rows)
    right, changed = _Shares.of(answered.right), _Shares.of(flips(answered)[0])
    clean = right.estimate(CLEAN)
    relabelled = told.get("label_map") or {}
    categories = told.get("categories") or {}
    left_out = {*(told.get("label_changing") or []), *(told.get("seen") or [])}
    wanted = {name: has for name, has in grid(right.counted.conditions).items() if name not in left_out}

    def cell(condition: Condition) -> Cell:
        name, severity = condition
        one = right.estimate(condition)
        is_relabelled = bool(relabelled.get(name, {}).get(str(severity)))
        return Cell((condition,), one, clean - one, changed.estimate(condition), is_relabelled)

    def category(name: str) -> Cell:
        one = right.category(name, wanted, categories)
        cells = tuple((t, s) for t, has in wanted.items() if categories[t] == name for s in has)
        return Cell(cells, one, clean - one, changed.category(name, wanted, categories))

    there = set(right.counted.conditions)
    by_clean = rows.condition(*CLEAN)
    classes, chance = tuple(map(str, told["data"]["classes"])), told["chance"]
    assert chance is not None, "every robustness run says it"
    return Readings(
        rows,
        clean,
        chance,
        len(by_clean),
        len(right.counted.groups),
        _by_group(by_clean),
        calibrated(by_clean),
        {name: category(name) for name in [*TYPES, "other"] if name in {categories[one] for one in wanted}},
        {name: cell(one) for name, one in TIME.items() if one in there},
        {name: cell(one) for name, one in PLACE.items() if one in there},
        _partner(rows, relabelled.get(REVERSAL, {}).get("1"), classes),
        _beside_reader(by_clean, seen),
        0 if isinstance(seen.reader, str) else sum(name in seen.reader for name in by_clean.video.tolist()),
        int((by_clean.predicted == -1).sum()),
        classes,
    )


def _by_group(rows: Predictions) -> dict[str, tuple[int, int]]:
    """Right answers and videos of each group; nothing where every video is its own."""
    counts = counts_of(rows.correct, rows.group)
    if len(counts) == len(rows):
        return {}
    return {name: (int(right), int(total)) for name, (right, total) in counts.items()}


def calibrated(rows: Predictions) -> Calibration | None:
    """Confidence beside accuracy, of rows with scores; scores that are probabilities already are taken as such."""
    rows = rows.where(np.isfinite(rows.scores).all(axis=1))
    if not len(rows):
        return None
    rows = as_logits(rows)
    drawn = calibration(rows)
    assert drawn is not None, "there are rows with scores"
    confidence = probabilities(rows.scores).max(axis=1)
    over = tally(rows, confidence - rows.correct)
    draws = resample_groups(over.right, over.total)[:, 0]
    return Calibration(
        Estimate(*drawn),
        Estimate(float(over.accuracy[0]), draws, len(over.groups)),
        float(confidence.mean()),
        len(rows),
    )


def as_logits(rows: Predictions) -> Predictions:
    """The rows with the logarithm of their scores where these are probabilities, so that softmax gives them back."""
    if not are_probabilities(rows):
        return rows
    return replace(rows, scores=np.log(np.maximum(rows.scores, 1e-30)).astype(np.float32))


def are_probabilities(rows: Predictions) -> bool:
    """Whether all scores are in [0, 1] and those of each row add up to 1; of one class nothing tells."""
    scores = rows.scores
    inside = bool(scores.shape[1] > 1 and (scores >= 0).all() and (scores <= 1 + TOLD).all())
    return inside and bool((np.abs(scores.sum(axis=1) - 1) < TOLD).all())


def _partner(
    rows: Predictions, becomes: Mapping[str, str] | None, classes: tuple[str, ...]
) -> Interval | None:
    """Of reversed clips whose class has a reverse: how many are called by it."""
    backwards = rows.condition(*BACKWARDS)
    if not becomes or not len(backwards):
        return None
    marks = by_kind(backwards, becomes, classes).get(PARTNER)
    if marks is None:
        return None
    counts = zip(marks.groups, marks.right[:, 0], marks.total[:, 0], strict=True)
    return share({str(g): [float(r), int(t)] for g, r, t in counts})


def _beside_reader(rows: Predictions, seen: DataLook) -> tuple[Estimate, Estimate] | None:
    """The order-free reader on the tested videos that it answered for, and the model on the same ones."""
    if isinstance(seen.reader, str):
        return None
    known = np.array([name in seen.reader for name in rows.video.tolist()])
    if not known.any():
        return None
    some = rows.where(known)
    hit = np.array([seen.reader[name] for name in some.video.tolist()])
    marks = tally(some, hit), tally(some, some.correct)
    both = (
        np.concatenate([one.right for one in marks], axis=1),
        np.concatenate([one.total for one in marks], axis=1),
    )
    draws = resample_groups(*both)
    reader, model = (
        Estimate(float(one.accuracy[0]), draws[:, i], len(one.groups)) for i, one in enumerate(marks)
    )
    return reader, model - reader
