"""Recall tables: how often a video of the query's own class is among its nearest neighbours."""

from typing import Any

import numpy as np

from muybridge.core.records import Run
from muybridge.measure.intervals import Interval, interval, resample_groups
from muybridge.report.accuracy_tables import arm_cell, cautions, runs_cell
from muybridge.report.collect import Collected, Experiment
from muybridge.report.table import Cell, Column, Table, missing, points, span


def recall_tables(all_of: Collected) -> list[Table]:
    """One table per data set; the first seed of each arm."""
    return [_table(experiment, index, all_of) for index, experiment in enumerate(all_of.of("neighbours"))]


def _table(experiment: Experiment, index: int, all_of: Collected) -> Table:
    first = {
        arm: next((run for runs in seeds.values() for run in runs), None)
        for arm, seeds in experiment.arms.items()
    }
    found = {arm: recalls(run) for arm, run in first.items() if run is not None}
    ks = sorted({k for told in found.values() for k in told})
    columns = [Column("arm"), *(Column(f"recall at {k}, %", True) for k in ks), Column("runs")]
    rows = []
    for arm, run in first.items():
        cells = [_cell(found[arm].get(k)) if arm in found else missing("") for k in ks]
        rows.append([arm_cell(arm, all_of), *cells, runs_cell([run]) if run is not None else missing()])
    shown = {arm: next(iter(told.values())) for arm, told in found.items() if told}
    return Table(
        f"recall-{index}", f"Nearest neighbours in {experiment.data}", columns, rows, cautions(shown)
    )


def recalls(run: Run) -> dict[int, Interval]:
    """Recall at each k with its interval over source groups."""
    told: list[dict[str, Any]] = run.result.get("recall", [])
    return {one["k"]: _interval(one["groups"]) for one in told if one.get("groups")}


def _interval(groups: dict[str, list[int]]) -> Interval:
    counts = np.array([groups[name] for name in sorted(groups)], dtype=np.float64)
    right, total = counts[:, :1], counts[:, 1:]
    draws = resample_groups(right, total)[:, 0]
    return interval(float(right.sum() / total.sum()), draws, len(counts), of_accuracy=True)


def _cell(one: Interval | None) -> Cell:
    if one is None:
        return missing()
    return Cell(points(one.value), sort=100 * one.value, small=span(one))
