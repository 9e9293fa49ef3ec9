"""Nearest neighbours in numbers: recall and mean average precision of an arm, and its kNN accuracy for every number of neighbours."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from muybridge.measure.counts import Counts, joined
from muybridge.measure.estimate import Interval, mean_over_seeds
from muybridge.measure.intervals import resample_groups
from muybridge.report.gather.collect import Experiment, Gathered, Seeds
from muybridge.report.tables.accuracy_tables import (
    arm_cell,
    cautions,
    interval_words,
    ranged,
    runs_cell,
    slugged,
    spanned,
)
from muybridge.report.tables.table import Cell, Column, Table, missing, text
from muybridge.runs.records import Run

TITLES = {
    "retrieval": "Retrieval of training videos by test videos of {}",
    "neighbours": "Nearest neighbours in {}",
}


def recall_tables(all_of: Gathered) -> list[Table]:
    """One table per experiment; mean over seeds."""
    return [_table(experiment, all_of) for experiment in all_of.of(*TITLES)]


def _table(one: Experiment, all_of: Gathered) -> Table:
    found = {arm: recalls(arm, seeds) for arm, seeds in one.arms.items()}
    precise = {arm: precision(arm, seeds) for arm, seeds in one.arms.items()}
    ks = sorted({k for told in found.values() for k in told})
    ranked = any(precise.values())
    columns = [Column("arm"), *(Column(f"recall at {k}, %", True) for k in ks)]
    columns += [Column("mAP, %", True, "mean average precision over the whole gallery")] if ranked else []
    columns += [Column("runs")]
    rows = []
    for arm, seeds in one.arms.items():
        cells = [_cell(found[arm].get(k)) if seeds else missing("") for k in ks]
        cells += [_cell(precise[arm])] if ranked else []
        runs = [run for kept in seeds.values() for run in kept]
        rows.append([arm_cell(arm, all_of), *cells, runs_cell(runs) if runs else missing()])
    shown = {arm: next(iter(told.values())) for arm, told in found.items() if told}
    caption = TITLES[one.stage].format(one.data) + (f", {one.details}" if one.details else "")
    slug = f"recall-{slugged(one.stage, one.data, one.details)}"
    what = "Test videos with a video of their class among the k nearest in percent (recall at k)"
    what += ", and mean average precision over the whole gallery" if ranked else ""
    return Table(slug, caption, columns, rows, cautions(shown), legend=_legend(one, what, shown))


def recalls(arm: str, seeds: Seeds) -> dict[int, Interval]:
    """Recall at each k that every run has, mean over seeds, with its interval over source groups and seeds."""
    ks = [{one["k"] for one in run.result.get("recall", []) if one.get("groups")} for run in _runs(seeds)]
    both = sorted(set.intersection(*ks)) if ks else []
    return {k: share(arm, seeds, partial(_recalled, k)) for k in both}


def _recalled(k: int, run: Run) -> Counts:
    return _at(run.result["recall"], k=k)


def precision(arm: str, seeds: Seeds) -> Interval | None:
    """Mean average precision, mean over seeds; None where a run has none."""
    told = [run.result.get("average_precision") or {} for run in _runs(seeds)]
    if not told or not all(one.get("groups") for one in told):
        return None
    return share(arm, seeds, lambda run: dict((run.result["average_precision"] or {})["groups"]))


def knn_table(one: Experiment, all_of: Gathered) -> Table | None:
    """Accuracy for every number of neighbours, plain and weighted votes; None where the runs do not say."""
    runs = [run for seeds in one.arms.values() for run in _runs(seeds)]
    ways = [{(told["vote"], told["k"]) for told in run.result.get("knn", [])} for run in runs]
    both = sorted(set.intersection(*ways)) if ways else []
    if not both:
        return None
    ks = sorted({k for _, k in both})
    columns = [
        Column("arm"),
        Column("vote"),
        *(Column(f"{k} neighbours, %" if k > 1 else "1 neighbour, %", True) for k in ks),
    ]
    rows = [
        [
            arm_cell(arm, all_of),
            text(vote),
            *(_votes(arm, seeds, vote, k) if (vote, k) in both else missing() for k in ks),
        ]
        for arm, seeds in one.arms.items()
        if seeds
        for vote in dict.fromkeys(vote for vote, _ in both)
    ]
    slug = f"knn-{slugged(one.protocol, one.data, one.details)}"
    notes = [
        "The tables above take the number of neighbours that the protocol names; no number is chosen by its accuracy."
    ]
    vote, k = next(iter(both))
    shown = {arm: _share_of_votes(arm, seeds, vote, k) for arm, seeds in one.arms.items() if seeds}
    legend = _legend(one, "Top-1 accuracy in percent of votes of the nearest training videos", shown)
    return Table(slug, f"{one.name}: accuracy by number of neighbours", columns, rows, notes, legend=legend)


def _legend(one: Experiment, what: str, shown: Mapping[str, Interval]) -> str:
    """What a caption needs to stand alone; ``shown`` is any number of every arm."""
    if not shown:
        return f"{what}, on {one.data}; nothing is measured yet."
    seeds = sorted({s.seeds for s in shown.values()})
    intervals = interval_words({s.groups for s in shown.values()}, seeds[-1])
    return f"{what}, on {one.data}, mean over {ranged(seeds, 'training seed')}; {intervals}."


def _votes(arm: str, seeds: Seeds, vote: str, k: int) -> Cell:
    return spanned(_share_of_votes(arm, seeds, vote, k))


def _share_of_votes(arm: str, seeds: Seeds, vote: str, k: int) -> Interval:
    return share(arm, seeds, lambda run: _at(run.result["knn"], vote=vote, k=k))


def share(arm: str, seeds: Seeds, of: Callable[[Run], Counts]) -> Interval:
    """A share that runs counted by source group: folds pooled, mean over seeds, groups and seeds redrawn.

    Args:
        arm: names the random stream of its seeds.
        seeds: runs of each seed, one per fold.
        of: found and asked by group, of one run.
    """
    values, draws, groups = [], [], []
    for runs in seeds.values():
        pooled = joined([of(run) for run in runs])
        kept = np.array([pooled[name] for name in sorted(pooled)], dtype=np.float64)
        right, total = kept[:, :1], kept[:, 1:]
        values.append(float(right.sum() / total.sum()))
        draws.append(resample_groups(right, total)[:, 0])
        groups.append(len(kept))
    mean = mean_over_seeds(np.array(values), np.stack(draws, axis=1), min(groups), arm)
    return mean.interval(of_accuracy=True)


def _at(told: Sequence[Mapping[str, Any]], **wanted: object) -> Counts:
    found: Counts = next(
        one["groups"] for one in told if all(one[key] == value for key, value in wanted.items())
    )
    return found


def _runs(seeds: Seeds) -> list[Run]:
    return [run for runs in seeds.values() for run in runs]


def _cell(one: Interval | None) -> Cell:
    return missing() if one is None else spanned(one)
