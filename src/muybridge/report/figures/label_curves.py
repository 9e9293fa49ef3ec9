"""Label efficiency: accuracy against labels per class, a line and a band per arm."""

import math

from muybridge.measure.estimate import Interval
from muybridge.report.figures.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Drawn,
    Tick,
    joined,
    scale,
)
from muybridge.report.gather.across import Labels
from muybridge.report.gather.collect import Gathered
from muybridge.report.tables.accuracy_tables import arm_index


def label_panel(one: Labels, all_of: Gathered) -> Drawn:
    """One panel; labels on a logarithmic axis, accuracies from 0 to 100 %."""
    xs = [math.log(at) for at, _, _ in one.points]
    across = scale(xs[0], xs[-1], LEFT + 14.0, WIDTH - RIGHT - 14.0)
    up = scale(0.0, 1.0, float(HEIGHT - BOTTOM), float(TOP))
    lines, bands = [], []
    for name in dict.fromkeys(name for _, _, scored in one.points for name in scored.arms):
        shown = [
            (across(x), scored.arms[name].accuracy())
            for x, (_, _, scored) in zip(xs, one.points, strict=True)
            if name in scored.arms
        ]
        arm, places = arm_index(name, all_of), [x for x, _ in shown]
        lines.append((name, arm, joined(places, [up(value.value) for _, value in shown])))
        bands.append(
            (arm, joined([*places, *places[::-1]], [up(end) for end in _ends([v for _, v in shown])]))
        )
    chance = one.points[0][2].experiment.chance
    return Drawn(
        f"{one.words}: few labels", lines, [Tick(across(x), words) for x, (_, words, _) in zip(xs, one.points, strict=True)],
        [Tick(up(y / 4), f"{25 * y}") for y in range(5)], "labels per class, logarithmic", "accuracy, %",
        up(chance) if math.isfinite(chance) else None, bands=bands,
    )  # fmt: skip


def _ends(shown: list[Interval]) -> list[float]:
    """Lower bounds from left to right, then upper bounds back; an undefined bound is the value itself."""
    low = [one.value if math.isnan(one.low) else one.low for one in shown]
    high = [one.value if math.isnan(one.high) else one.high for one in shown]
    return [*low, *high[::-1]]
