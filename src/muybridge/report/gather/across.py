"""What lies across experiments of one protocol: official splits, sources by targets, few labels, and the two sets of weights.

Experiments share a table only under one ``Frame``: stage, protocol with its hash, backbone and profile.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from muybridge.core.plain_data import canonical
from muybridge.measure.estimate import Interval, mean_over_seeds
from muybridge.measure.intervals import CLEAN, Difference, Outcomes, outcomes, resample_groups
from muybridge.measure.robustness.answer_columns import together
from muybridge.report.gather.collect import BASELINE, Gathered, data_of, facets
from muybridge.report.gather.same_protocol import Variant, protocol_of, variant
from muybridge.report.scores.score import Arm, Scored, difference
from muybridge.runs.contents.result_fields import SplitFields
from muybridge.runs.records import Run

K = TypeVar("K")
ALL = "all labels"


class Frame(NamedTuple):
    """What must be equal in experiments that share a table."""

    stage: str
    protocol: str
    variant: Variant


def frame_of(one: Scored) -> Frame:
    """The frame of an experiment with runs."""
    return Frame(one.experiment.stage, one.experiment.protocol, variant(one.experiment.runs[0]))


def frame_words(frame: Frame) -> str:
    """How people call it: protocol, backbone and hash, as far as they are known."""
    tail = f"protocol {frame.variant.hash[:6]}" if frame.variant.hash else ""
    return ", ".join(word for word in (frame.protocol, frame.variant.backbone, tail) if word)


def grouped_by(scored: Sequence[Scored], key: Callable[[Scored], K | None]) -> dict[K, list[Scored]]:
    """Experiments by a key, in order; those without one are left out."""
    found: dict[K, list[Scored]] = defaultdict(list)
    for one in scored:
        place = key(one) if one.arms else None
        if place is not None:
            found[place].append(one)
    return dict(found)


@dataclass(frozen=True)
class Splits:
    """Experiments on the official splits of one data set under one frame.

    Attributes:
        of: how many official splits there are.
        by_number: experiment of each split that is there.
    """

    frame: Frame
    family: str
    of: int
    by_number: dict[int, Scored]

    @property
    def arms(self) -> list[str]:
        """Arms of any split, in order."""
        return list(dict.fromkeys(name for one in self.by_number.values() for name in one.arms))

    def mean(self, name: str) -> Interval | None:
        """Mean accuracy of an arm over the splits that are there; None where it lacks one, or has no seed that is in all of them.

        Source groups of all splits are redrawn together: a group that is tested in two splits is drawn for both. Splits are not redrawn,
        they are all there is. Seeds are, the same for all splits: what a seed was pretrained to is in all of them.
        """
        arms = [one.arms.get(name) for one in self.by_number.values()]
        there = [arm for arm in arms if arm is not None]
        if len(there) < len(arms):
            return None
        seeds = [seed for seed in there[0].rows if all(seed in arm.rows for arm in there)]
        if not seeds:
            return None
        counted = [[outcomes(arm.clean(seed)[0]) for arm in there] for seed in seeds]
        values = np.array([np.mean([one.accuracy[0] for one in each]) for each in counted])
        draws = np.stack([_redrawn(each) for each in counted], axis=1)
        groups = len(np.unique(np.concatenate([one.groups for one in counted[0]])))
        return mean_over_seeds(values, draws, groups, name).interval(of_accuracy=True)


def _redrawn(splits: Sequence[Outcomes]) -> np.ndarray:
    """Mean over splits of the redrawn accuracies of one seed."""
    names = np.unique(np.concatenate([one.groups for one in splits]))
    right, total = (np.zeros((len(names), len(splits))) for _ in range(2))
    for column, one in enumerate(splits):
        rows = np.searchsorted(names, one.groups)
        right[rows, column], total[rows, column] = one.right[:, 0], one.total[:, 0]
    means: np.ndarray = resample_groups(right, total).mean(axis=1)
    return means


def split_of(run: Run) -> SplitFields | None:
    """The official split that a run was tested on."""
    return data_of(run).get("split")


def splits(scored: Sequence[Scored]) -> list[Splits]:
    """Data sets of which at least one official split is there."""

    def key(one: Scored) -> tuple[Frame, str] | None:
        told = split_of(one.experiment.runs[0])
        return (frame_of(one), str(told["family"])) if told else None

    found = []
    for (frame, family), ones in grouped_by(scored, key).items():
        told = [(split, one) for one in ones if (split := split_of(one.experiment.runs[0]))]
        by_number = {int(split["number"]): one for split, one in told}
        found.append(Splits(frame, family, int(told[0][0]["of"]), dict(sorted(by_number.items()))))
    return found


@dataclass(frozen=True)
class Crossed:
    """Sources by targets under one frame.

    Attributes:
        targets: experiment of each data set.
        rows: arm -> its task and the data it was pretrained on; the baseline first.
    """

    frame: Frame
    targets: dict[str, Scored]
    rows: dict[str, tuple[str, str]]


def crossed(scored: Sequence[Scored]) -> list[Crossed]:
    """Frames with several targets and with arms that were pretrained on known data."""
    found = []
    for frame, ones in grouped_by(scored, frame_of).items():
        rows: dict[str, tuple[str, str]] = {}
        for one in ones:
            for name, arm in one.arms.items():
                told = facets(arm.runs[0])
                rows.setdefault(name, (told["arm"], str(told["source"])))
        if len(ones) > 1 and any(source for _, source in rows.values()):
            first = sorted(rows, key=lambda name: name != BASELINE)
            targets = {one.experiment.data: one for one in ones}
            found.append(Crossed(frame, targets, {name: rows[name] for name in first}))
    return found


def kinds(all_of: Gathered) -> dict[str, str]:
    """What tells the classes of a data set apart, by its name: ``appearance`` or ``temporal``; those that do not say are left out."""
    told: dict[str, str] = {}
    for run in all_of.runs:
        said = run.result.get("facets", {})
        told |= {
            data_of(run).get("name", ""): data_of(run).get("kind") or "",
            said.get("source", ""): said.get("source_kind", ""),
        }
    return {name: kind for name, kind in told.items() if name and kind}


@dataclass(frozen=True)
class Labels:
    """Experiments that differ in the number of labels only.

    Attributes:
        words: what they have in common.
        points: (labels per class on average, words for them, experiment), fewest labels first.
    """

    words: str
    points: list[tuple[float, str, Scored]]


def by_labels(scored: Sequence[Scored]) -> list[Labels]:
    """Groups of experiments with at least two numbers of labels."""
    found = []
    for (_, data, backbone, _), ones in grouped_by(scored, _but_for_labels).items():
        points = sorted((_labels(one) for one in ones), key=lambda point: point[0])
        if len({at for at, _, _ in points}) > 1:
            name = without_labels(ones[0].experiment.protocol)
            found.append(Labels(", ".join(word for word in (f"{name} on {data}", backbone) if word), points))
    return found


def _but_for_labels(one: Scored) -> tuple[str, str, str, str] | None:
    """What must be equal: stage, data, backbone, and the protocol without its labels; None where the runs do not say their training."""
    run = one.experiment.runs[0]
    if one.experiment.stage != "finetune" or not data_of(run).get("videos", {}).get("train"):
        return None
    rest = {
        key: value
        for key, value in protocol_of(run).items()
        if key not in ("hash", "name", "labels_per_class")
    }
    rest["words"] = without_labels(one.experiment.protocol)
    return one.experiment.stage, one.experiment.data, variant(run).backbone, canonical(rest)


def without_labels(protocol: str) -> str:
    """Name of a protocol without the number of its labels."""
    return re.sub(rf", ({ALL}|\d+ labels per class)", "", protocol)


def _labels(one: Scored) -> tuple[float, str, Scored]:
    run = one.experiment.runs[0]
    asked = run.result.get("config", {}).get("labels_per_class")
    told = data_of(run)
    videos = sum(told["videos"].get(role, 0) for role in ("train", "validation"))
    mean = videos / max(1, len(told.get("classes") or []))
    return (float(asked), str(asked), one) if asked else (mean, "all", one)


@dataclass(frozen=True)
class TwoWeights:
    """Accuracies of the last and the best-validation weights of one arm, and the second minus the first on the same videos."""

    name: str
    last: Interval
    best: Interval
    change: Difference
    runs: list[Run]


def two_weights(one: Scored, all_of: Gathered) -> list[TwoWeights]:
    """Arms whose runs all have both."""
    found = []
    for name, arm in one.arms.items():
        if all(
            run.signature in all_of.others and "best-validation" in (run.result.get("weights") or {})
            for run in arm.runs
        ):
            last, best = (_with_weights(one, arm, weights, all_of) for weights in ("last", "best-validation"))
            change = difference(best, last, lambda cells: cells[CLEAN])
            found.append(TwoWeights(name, last.accuracy(), best.accuracy(), change, arm.runs))
    return found


def _with_weights(one: Scored, arm: Arm, weights: str, all_of: Gathered) -> Arm:
    """The arm with the rows of one set of weights; both sets share the random stream of the arm's seeds."""
    rows = {}
    for seed, runs in one.experiment.arms[arm.name].items():
        parts = [all_of.others[run.signature].get(weights, all_of.rows[run.signature]) for run in runs]
        rows[seed] = together(parts)
    return Arm(arm.name, arm.runs, rows, arm.blocks)


def best_epochs(runs: Sequence[Run]) -> list[float]:
    """Epoch of the best-validation weights of each run."""
    told = [run.result["weights"] or {} for run in runs]
    return [float(one["best-validation"]["epoch"]) for one in told]
