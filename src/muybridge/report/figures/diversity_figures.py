"""Pictures of the diversity study: every set's diversity against its robustness, and correlations with their intervals in rows."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from muybridge.measure.diversity.association import Association
from muybridge.measure.diversity.verdict import Evidence
from muybridge.report.figures.charts import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Cross, Drawn, Tick, scale, steps
from muybridge.report.figures.drawing import (
    COLOURS,
    LINE,
    SMALL,
    SOFT,
    WIDE,
    Dot,
    Drawing,
    Mark,
    Stroke,
    Words,
)
from muybridge.report.figures.figure_files import Figure
from muybridge.report.figures.paper_figures import figure, panels
from muybridge.report.scores.diversity_runs import Registered
from muybridge.report.tables.accuracy_tables import slugged
from muybridge.report.tables.class_tables import ClassChart
from muybridge.report.tables.class_tables import Dot as RowDot

HEIGHT = 280
ARMS = {"sum": "equal sum", "pcd": "PCD", "meltr": "MELTR, corrected"}
"""Combiners in the order of their panels; the colour of an arm is its place, the first after the grey one."""
ADJUSTMENTS = {
    "primary": "given which losses (primary)",
    "plain": "without adjustment",
    "accuracy": "given losses and accuracy",
    "every_cell": "over all cells",
    "worst": "missing sets least robust",
    "best": "missing sets most robust",
    "second": "second backbone",
    "placebo": "placebo losses",
    "combiner": "with MELTR's gain",
    "only_views": "with the views alone",
    "altering": "with the response to reversal",
    "naive": "diversity of single batches",
}
"""Rows of the coefficient plot, in few words; the table beside it says them in full."""
ROW_WIDTH, ROW_LEFT, ROW = 620, 210, 21


@dataclass(frozen=True)
class Spread:
    """Correlations with their intervals, one in each row: what it is of, by the words in front."""

    title: str
    rows: Mapping[str, Association]


def scatters(made: Registered) -> list[Drawn]:
    """A panel for each backbone and combiner: one point per set, intervals over batches (diversity) and test videos (robustness)."""
    x = made.prereg["hypothesis"]["primary"]["x"]
    found = [_scatter(made, backbone, arm, x) for backbone in made.networks for arm in ARMS]
    return [one for one in found if one is not None]


def _scatter(made: Registered, backbone: str, arm: str, x: str) -> Drawn | None:
    sets, reach = made.sets(backbone, arm), made.reach.get((backbone, arm), {})
    if x not in sets.numbers:
        return None
    by_name = dict(made.chosen())
    shown = [
        (name, value, low, high, reach[by_name[name]])
        for name, value, low, high in zip(sets.ids, *(sets.numbers[f"{x}{end}"] for end in ("", " low", " high")), strict=True)
        if by_name[name] in reach and math.isfinite(value)
    ]  # fmt: skip
    if len(shown) < 2:
        return None
    wide = [_ends(value, low, high) for _, value, low, high, _ in shown]
    tall = [_ends(one.value, one.low, one.high) for *_, one in shown]
    xs, ys = (
        steps(min(a for a, _ in wide), max(b for _, b in wide)),
        steps(min(a for a, _ in tall), max(b for _, b in tall)),
    )
    across = scale(xs[0], xs[-1], float(LEFT), float(WIDTH - RIGHT))
    up = scale(ys[0], ys[-1], float(HEIGHT - BOTTOM), float(TOP))
    crosses = []
    for (name, value, _, _, one), (left, right), (low, high) in zip(shown, wide, tall, strict=True):
        kept = _told(one.value, one.low, one.high)
        words = f"{name} ({', '.join(by_name[name])}): {x} {value:.2f}, robustness {kept}"
        ends = across(left), across(right), up(low), up(high)
        crosses.append(Cross("", 1 + list(ARMS).index(arm), across(value), up(one.value), *ends, words))
    return Drawn(
        f"{ARMS[arm]}, {backbone}: {len(shown)} sets", [],
        [Tick(across(at), f"{at:g}") for at in xs], [Tick(up(at), f"{at:g}") for at in ys],
        f"diversity of losses ({x})", "robustness in time", None, WIDTH, HEIGHT, bottom=HEIGHT - BOTTOM, crosses=crosses,
    )  # fmt: skip


def _ends(value: float, low: float, high: float) -> tuple[float, float]:
    """Bounds of an interval; the value itself where there is none."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (value, value)


def _told(value: float, low: float, high: float) -> str:
    """A number and its interval in words; without one where there is none."""
    known = math.isfinite(low) and math.isfinite(high)
    return f"{value:.2f} ({low:.2f} to {high:.2f})" if known else f"{value:.2f}"


def spreads(made: Registered, found: Evidence) -> list[Spread]:
    """The primary correlation under every adjustment, and that of every measure and backbone."""
    x = made.prereg["hypothesis"]["primary"]["x"]
    measures = {f"{x} (primary)": found.primary, f"{x}, second backbone": found.second}
    measures |= dict(found.secondary or {}) | {
        f"not registered: {name}": one for name, one in found.outside.items()
    }
    both = [
        Spread(
            "Under every adjustment", {words: getattr(found, name) for name, words in ADJUSTMENTS.items()}
        ),
        Spread("By measure and backbone", measures),
    ]
    kept = [
        Spread(one.title, {words: it for words, it in one.rows.items() if math.isfinite(it.rho)})
        for one in both
    ]
    return [one for one in kept if one.rows]


def chart(spread: Spread) -> ClassChart:
    """Correlations in rows, the line of no correlation dashed."""
    right = ROW_WIDTH - 16
    across = scale(-1.0, 1.0, float(ROW_LEFT), float(right))
    lines = []
    for place, (words, one) in enumerate(spread.rows.items()):
        low, high = _ends(one.rho, one.low, one.high)
        told = f"{words}: {_told(one.rho, one.low, one.high)}, p {one.p:.2g}, {one.n} sets"
        dot = RowDot(1 if place == 0 else 0, across(one.rho), across(low), across(high), told)
        lines.append((words, told, 8 + (place + 0.5) * ROW, [dot]))
    ticks = [Tick(across(rho), f"{rho:g}") for rho in (-1, -0.5, 0, 0.5, 1)]
    title = f"{spread.title}: rank correlation with 95 % interval"
    height = 8 + len(lines) * ROW + 30
    return ClassChart(title, lines, ticks, across(0), height, ROW_WIDTH, ROW_LEFT, right)


def files(made: Registered, found: Evidence) -> list[Figure]:
    """The same for papers."""
    unit = "points are sets of losses; bars are 95 % intervals, of diversity over batches of gradients, of robustness over test videos"
    data = ", ".join(made.prereg["population"]["data"]) + (" (SYNTHETIC)" if made.synthetic else "")
    about = f"Diversity of auxiliary losses against robustness in time on {data}: {unit}. Registered {made.prereg['created'][:10]}."
    drawn = scatters(made)
    arms = [
        (name, 1 + place)
        for place, name in enumerate(ARMS.values())
        if any(one.crosses[0].arm == 1 + place for one in drawn)
    ]
    pictures = panels("diversity-scatter", drawn, arms, about)
    return [
        *pictures,
        *(figure(slugged("diversity", one.title), _rows(one, data)) for one in spreads(made, found)),
    ]


def _rows(spread: Spread, data: str) -> Drawing:
    left, right = 190.0, WIDE - 102.0
    across = scale(-1.0, 1.0, left, right)
    marks: list[Mark] = []
    bottom = 8.0 + 11 * len(spread.rows)
    for rho in (-1.0, -0.5, 0.0, 0.5, 1.0):
        at = across(rho)
        marks.append(
            Stroke([(at, 4.0), (at, bottom)], SOFT if rho == 0 else LINE, 0.5, (2, 2) if rho == 0 else ())
        )
        marks.append(Words((at, bottom + 9), f"{rho:g}", SMALL, "middle", SOFT))
    marks.append(Words(((left + right) / 2, bottom + 19), "rank correlation", SMALL, "middle", SOFT))
    for place, (words, one) in enumerate(spread.rows.items()):
        marks += _row(words, one, across, left, 10.0 + 11 * place, COLOURS[1] if place == 0 else COLOURS[0])
    caption = (
        f"Diversity of auxiliary losses and robustness in time on {data}, {spread.title.lower()}: rank correlations over sets of losses"
        " with 95 % BCa intervals; dotted: none."
    )
    return Drawing(caption, WIDE, bottom + 26, marks)


def _row(
    words: str, one: Association, across: Callable[[float], float], left: float, y: float, colour: str
) -> Iterator[Mark]:
    low, high = _ends(one.rho, one.low, one.high)
    yield Words((left - 6, y + 2.5), words, SMALL, "end")
    yield Stroke([(across(low), y), (across(high), y)], colour, 1.2)
    yield Dot((across(one.rho), y), colour)
    yield Words((WIDE, y + 2.5), f"{_told(one.rho, one.low, one.high)}, {one.n} sets", SMALL, "end")
