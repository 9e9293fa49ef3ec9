"""Curves as geometry: the template turns panels into SVG, so that colours follow the page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from muybridge.report.gather.collect import Experiment, Gathered
from muybridge.report.tables.accuracy_tables import arm_index
from muybridge.report.tables.table import capital
from muybridge.runs.records import Run

WIDTH, HEIGHT = 380, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40
MOST_POINTS = 60


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: arm and seed.
        arm: index of its colour.
        xs: clips seen.
        ys: values.
    """

    name: str
    arm: int
    xs: list[float]
    ys: list[float]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: position in the drawing and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Cross:
    """A point with an interval in both directions, in the drawing.

    Attributes:
        words: told on hover.
        text: left end of its name's base line.
    """

    name: str
    arm: int
    x: float
    y: float
    left: float
    right: float
    low: float
    high: float
    words: str
    text: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Drawn:
    """One panel, ready to be drawn.

    Attributes:
        lines: (name, arm, points of a polyline).
        chance: height of the chance line; None for none.
        bands: (arm, points of a polygon): intervals of lines.
        crosses: points with intervals.
        diagonal: ends of the line of equal values; None for none.
    """

    title: str
    lines: list[tuple[str, int, str]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_label: str
    y_label: str
    chance: float | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    bands: list[tuple[int, str]] = field(default_factory=list)
    crosses: list[Cross] = field(default_factory=list)
    diagonal: tuple[float, float, float, float] | None = None


def pretraining_panels(all_of: Gathered) -> list[list[Drawn]]:
    """A row of accuracies at the pretext tasks, with chance, and a row of losses; one panel per arm."""
    rows = []
    for key, words in (("accuracy", "pretext accuracy, %"), ("loss", "loss")):
        panels = [
            _logged_panel(
                f"{arm}: {words}", curves(experiment, [arm], key, all_of), key, _chance(experiment, arm)
            )
            for experiment in all_of.of("pretrain")
            for arm in experiment.arms
        ]
        rows.append([panel for panel in panels if panel.lines])
    return [row for row in rows if row]


def transfer_panels(all_of: Gathered) -> list[Drawn]:
    """Two panels per fine-tuning experiment, all arms in one."""
    panels = []
    for experiment in all_of.of("finetune"):
        for key, words in (("accuracy", "training accuracy, %"), ("loss", "training loss")):
            lines = curves(experiment, list(experiment.arms), key, all_of)
            panels.append(
                _logged_panel(f"{capital(experiment.name)}: {words}", lines, key, _finite(experiment.chance))
            )
    return [panel for panel in panels if panel.lines]


def curves(experiment: Experiment, arms: Sequence[str], key: str, all_of: Gathered) -> list[Line]:
    """One line per run that logged ``key``; the mean of neighbouring log lines where there are very many."""
    lines = []
    for arm in arms:
        for seed, runs in experiment.arms[arm].items():
            for run in runs:
                xs, ys = logged(run, key)
                if len(xs) > 1:
                    lines.append(Line(f"{arm}, seed {seed}", arm_index(arm, all_of), xs, ys))
    return lines


def logged(run: Run, key: str) -> tuple[list[float], list[float]]:
    """Clips seen and values of what a run logged; the mean of neighbouring rows where there are very many."""
    rows = [row for row in run.metrics if isinstance(row.get(key), int | float) and math.isfinite(row[key])]
    xs = np.array([row.get("clips", row["step"]) for row in rows], dtype=np.float64)
    ys = np.array([row[key] for row in rows], dtype=np.float64)
    parts = np.array_split(np.arange(len(rows)), min(MOST_POINTS, len(rows)) or 1)
    return [float(xs[part].mean()) for part in parts if len(part)], [
        float(ys[part].mean()) for part in parts if len(part)
    ]


def _chance(experiment: Experiment, arm: str) -> float | None:
    runs = [run for runs in experiment.arms[arm].values() for run in runs]
    said = [run.result.get("chance") for run in runs] + [
        row["chance"] for run in runs for row in run.metrics if "chance" in row
    ]
    return next((float(value) for value in said if value is not None), None)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _logged_panel(title: str, lines: list[Line], key: str, chance: float | None) -> Drawn:
    share = key == "accuracy"
    return panel(title, lines, share, "accuracy, %" if share else key, chance)


def panel(title: str, lines: list[Line], share: bool, y_label: str, chance: float | None = None) -> Drawn:
    """Lines over clips seen; shares reach from 0 to 100 %, other values from 0 or below."""
    highest_x = max((max(line.xs) for line in lines), default=1.0)
    highest_y = 1.0 if share else max((max(line.ys) for line in lines), default=1.0)
    lowest_y = 0.0 if share else min(0.0, min((min(line.ys) for line in lines), default=0.0))
    x_steps, y_steps = steps(0.0, highest_x), steps(lowest_y, highest_y)
    across = scale(0.0, x_steps[-1], float(LEFT), float(WIDTH - RIGHT))
    up = scale(y_steps[0], y_steps[-1], float(HEIGHT - BOTTOM), float(TOP))
    thousands = x_steps[-1] >= 10_000
    drawn = [
        (line.name, line.arm, joined([across(x) for x in line.xs], [up(y) for y in line.ys]))
        for line in lines
    ]
    return Drawn(
        title,
        drawn,
        [Tick(across(x), f"{x / 1000 if thousands else x:g}") for x in x_steps],
        [Tick(up(y), f"{100 * y if share else y:g}") for y in y_steps],
        "clips seen, thousand" if thousands else "clips seen",
        y_label,
        up(chance) if share and chance is not None else None,
    )


def steps(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers that cover ``low`` to ``high`` in steps of 1, 2, 2.5 or 5 times a power of ten."""
    rough = max(high - low, 1e-9) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Linear map of [low, high] onto [start, end], to a tenth of a pixel."""
    return lambda value: round(start + (value - low) * (end - start) / (high - low), 1)


def joined(xs: list[float], ys: list[float]) -> str:
    """Points of a polyline or polygon."""
    return " ".join(f"{x:g},{y:g}" for x, y in zip(xs, ys, strict=True))
