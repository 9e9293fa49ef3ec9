"""Figures for papers from the numbers of a report: arms in tasks, accuracy by severity, accuracy against FLOPs."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import Interval
from muybridge.report.figures.charts import Drawn
from muybridge.report.figures.drawing import (
    COLOURS,
    COLUMN,
    DASHES,
    LETTER,
    LINE,
    SHAPES,
    SMALL,
    SOFT,
    TEXT,
    WIDE,
    Area,
    Dot,
    Drawing,
    Mark,
    Stroke,
    Words,
    pdf,
    svg,
)
from muybridge.report.figures.figure_files import Figure
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.same_protocol import variant
from muybridge.report.scores.score import Arm, Scored
from muybridge.report.tables.accuracy_tables import arm_index
from muybridge.report.tables.table import capital
from muybridge.runs.records import Run

INTERVALS = "95 % intervals of Student's t over source groups and training seeds"
ROW, HEAD = 10.0, 13.0


def figure(slug: str, drawing: Drawing) -> Figure:
    """A drawing as files: SVG always, PDF where figures are asked for by name."""
    return Figure(slug, lambda: {"svg": svg(drawing)}, partial(pdf, drawing))


def arms_in_tasks(
    slug: str, tasks: Sequence[tuple[str, float, Sequence[tuple[str, int, Interval]]]], about: str
) -> list[Figure]:
    """Every arm in every task as a dot with its interval; two columns wide.

    Args:
        slug: name of the file.
        tasks: name, chance and (arm, index of its colour, share) of each.
        about: of the caption, what the tasks are.
    """
    if not tasks:
        return []
    longest = max(len(name) for _, _, bars in tasks for name, _, _ in bars)
    left, right = min(150.0, 10 + LETTER * SMALL * longest), WIDE - 82.0
    marks: list[Mark] = []
    y = 6.0
    for name, chance, bars in tasks:
        y += HEAD
        marks.append(Words((0.0, y - 3), shortened(name, WIDE / (LETTER * TEXT)), TEXT))
        low = y
        for arm, index, share in bars:
            y += ROW
            marks += _bar(arm, index, share, left, right, y - 4)
        if math.isfinite(chance):
            at = left + chance * (right - left)
            marks.append(Stroke([(at, low), (at, y + 1)], SOFT, 0.5, (2, 2)))
    for percent in (0, 25, 50, 75, 100):
        at = left + percent / 100 * (right - left)
        marks.insert(0, Stroke([(at, 6.0), (at, y + 2)], LINE, 0.5))
        marks.append(Words((at, y + 11), str(percent), SMALL, "middle", SOFT))
    marks.append(Words(((left + right) / 2, y + 21), "accuracy, %", SMALL, "middle", SOFT))
    caption = f"{about}: accuracy in percent of the test videos, with {INTERVALS}; dotted: chance."
    return [figure(slug, Drawing(caption, WIDE, y + 26, marks))]


def _bar(arm: str, index: int, share: Interval, left: float, right: float, y: float) -> list[Mark]:
    across = partial(_across, left, right)
    colour = COLOURS[index]
    marks: list[Mark] = [
        Words((left - 6, y + 2.5), shortened(arm, (left - 6) / (LETTER * SMALL)), SMALL, "end")
    ]
    if math.isfinite(share.value):
        ends = (
            f" ({100 * share.low:.1f}\N{EN DASH}{100 * share.high:.1f})" if math.isfinite(share.low) else ""
        )
        marks.append(Words((WIDE, y + 2.5), f"{100 * share.value:.1f}{ends}", SMALL, "end"))
        if ends:
            marks.append(Stroke([(across(share.low), y), (across(share.high), y)], colour, 1.2))
        marks.append(Dot((across(share.value), y), colour))
    return marks


def _across(left: float, right: float, share: float) -> float:
    return left + share * (right - left)


def shortened(words: str, letters: float) -> str:
    """Words that fit into the room for so many letters."""
    most = max(4, int(letters))
    return words if len(words) <= most else words[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def panels(slug: str, drawn: Sequence[Drawn], arms: Sequence[tuple[str, int]], about: str) -> list[Figure]:
    """Curves of the page, three panels beside each other, two columns wide; a single one takes one column.

    Args:
        slug: name of the file.
        drawn: the panels.
        arms: name and index of the colour of each arm, for the legend.
        about: the caption.
    """
    if not drawn:
        return []
    many = min(3, len(drawn))
    width = WIDE if many > 1 else COLUMN
    room = width / many
    scale = room / drawn[0].width
    tall = scale * max(one.height for one in drawn) + 14  # room for the title of the row below
    marks: list[Mark] = []
    for place, one in enumerate(drawn):
        x, y = room * (place % many), 12 + tall * (place // many)
        marks += _panel(one, scale, x, y)
    bottom = tall * -(-len(drawn) // many) + 8
    at = 8.0
    for name, index in arms:
        taken = 26 + LETTER * SMALL * len(name)
        if at + taken > width and at > 8:
            at, bottom = 8.0, bottom + 11
        marks += [
            Stroke([(at, bottom), (at + 14, bottom)], COLOURS[index], 1.2, DASHES[index]),
            Words((at + 17, bottom + 2.5), name),
        ]
        at += taken
    return [figure(slug, Drawing(about, width, bottom + 8, marks))]


def _panel(one: Drawn, scale: float, x: float, y: float) -> list[Mark]:
    def put(points: str) -> list[tuple[float, float]]:
        pairs = (pair.split(",") for pair in points.split())
        return [(x + scale * float(a), y + scale * float(b)) for a, b in pairs]

    def line(ax: float, ay: float, bx: float, by: float) -> list[tuple[float, float]]:
        return [(x + scale * ax, y + scale * ay), (x + scale * bx, y + scale * by)]

    marks: list[Mark] = [
        Words(
            (x + scale * one.left, y - 3), shortened(one.title, scale * one.width / (LETTER * SMALL)), SMALL
        )
    ]
    for tick in one.y_ticks:
        marks.append(Stroke(line(one.left, tick.at, one.right, tick.at), LINE, 0.5))
        marks.append(
            Words((x + scale * one.left - 3, y + scale * tick.at + 2.4), tick.label, 6.0, "end", SOFT)
        )
    below = y + scale * one.bottom + 8
    marks += [Words((x + scale * tick.at, below), tick.label, 6.0, "middle", SOFT) for tick in one.x_ticks]
    marks.append(
        Words(
            (x + scale * (one.left + one.right) / 2, y + scale * one.bottom + 16),
            one.x_label,
            6.0,
            "middle",
            SOFT,
        )
    )
    if one.chance is not None:
        marks.append(Stroke(line(one.left, one.chance, one.right, one.chance), SOFT, 0.5, (2, 2)))
    marks += [Area(put(points), COLOURS[arm]) for arm, points in one.bands]
    marks += [Stroke(put(points), COLOURS[arm], 1.0, DASHES[arm]) for _, arm, points in one.lines]
    if one.diagonal:
        marks.append(Stroke(line(*one.diagonal), SOFT, 0.5, (2, 2)))
    for cross in one.crosses:
        colour = COLOURS[cross.arm]
        marks.append(Stroke(line(cross.left, cross.y, cross.right, cross.y), colour, 0.4))
        marks.append(Stroke(line(cross.x, cross.low, cross.x, cross.high), colour, 0.4))
        marks.append(Dot(line(cross.x, cross.y, cross.x, cross.y)[0], colour, reach=1.6))
    return marks


def flops_figures(scored: Sequence[Scored], gathered: Gathered) -> list[Figure]:
    """Accuracy against the FLOPs that were spent on it: networks (shapes) by tasks (colours), a panel for each protocol and data set.

    The FLOPs of an arm are those of the run and of the pretraining it came from, mean over its seeds. Protocols of which
    fewer than two arms tell their FLOPs have none.
    """
    alike: dict[tuple[str, str, str], list[Scored]] = {}
    for one in scored:
        told = one.experiment
        alike.setdefault((told.stage, told.protocol, told.data), []).append(one)
    runs = {run.signature: run for run in gathered.runs}
    drawn = []
    for (stage, protocol, data), ones in alike.items():
        spots = [
            (name, variant(arm.runs[0]).backbone, cost, arm.accuracy())
            for one in ones
            for name, arm in one.arms.items()
            if (cost := spent_flops(arm, runs))
        ]
        if len(spots) > 1 and len({cost for _, _, cost, _ in spots}) > 1:
            seeds = sorted({len(arm.rows) for one in ones for arm in one.arms.values()})
            drawn.append(
                (
                    f"accuracy-flops-{_slug(stage, data)}",
                    _flops(f"{protocol} on {data}", spots, seeds, ones, gathered),
                )
            )
    return [figure(slug, one) for slug, one in _unlike(drawn)]


def _slug(*words: str) -> str:
    from muybridge.report.tables.accuracy_tables import slugged

    return slugged(*words)


def _unlike(drawn: Sequence[tuple[str, Drawing]]) -> list[tuple[str, Drawing]]:
    """Names that are there twice get a number."""
    seen: dict[str, int] = {}
    found = []
    for slug, one in drawn:
        seen[slug] = seen.get(slug, 0) + 1
        found.append((slug if seen[slug] == 1 else f"{slug}-{seen[slug]}", one))
    return found


def spent_flops(arm: Arm, runs: dict[str, Run]) -> float | None:
    """Floating-point operations of the runs of an arm and of the pretrainings behind them, mean over runs; None where some do not tell."""
    costs = []
    for run in arm.runs:
        chain = [run, *(runs[one] for one in _inputs(run) if one in runs)]
        told = [one.result.get("budget", {}).get("flops") for one in chain]
        known = [float(one) for one in told if one is not None]
        if len(known) < len(told) or len(chain) < 1 + len(_inputs(run)):
            return None
        costs.append(sum(known))
    return float(np.mean(costs)) or None


def _inputs(run: Run) -> list[str]:
    """Signatures of the runs that it started from."""
    told = run.result.get("inputs") or {}
    return [str(one["signature"]) for one in told.values()]


def _flops(
    what: str,
    spots: Sequence[tuple[str, str, float, Interval]],
    seeds: Sequence[int],
    ones: Sequence[Scored],
    gathered: Gathered,
) -> Drawing:
    networks = list(dict.fromkeys(backbone for _, backbone, _, _ in spots))
    low, high = (bound(math.log10(cost) for _, _, cost, _ in spots) for bound in (min, max))
    first, last = math.floor(low - 0.05), math.ceil(high + 0.05)
    left, right, top, bottom = 30.0, COLUMN - 8, 16.0, 136.0

    def across(cost: float) -> float:
        return left + (math.log10(cost) - first) / (last - first) * (right - left)

    def up(share: float) -> float:
        return bottom - share * (bottom - top)

    marks: list[Mark] = [Words((left, 9.0), shortened(capital(what), 52), SMALL)]
    for percent in (0, 25, 50, 75, 100):
        marks.append(Stroke([(left, up(percent / 100)), (right, up(percent / 100))], LINE, 0.5))
        marks.append(Words((left - 4, up(percent / 100) + 2.4), str(percent), SMALL, "end", SOFT))
    step = -(-(last - first) // 5)
    for power in range(first, last + 1, step):
        at = left + (power - first) / (last - first) * (right - left)
        raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        marks.append(Words((at, bottom + 9), f"10{raised}", SMALL, "middle", SOFT))
    marks.append(
        Words(
            ((left + right) / 2, bottom + 19),
            "FLOPs spent, pretraining and test protocol",
            SMALL,
            "middle",
            SOFT,
        )
    )
    marks.append(Words((9.0, (top + bottom) / 2), "accuracy, %", SMALL, "middle", SOFT, turned=True))
    chance = ones[0].experiment.chance
    if math.isfinite(chance):
        marks.append(Stroke([(left, up(chance)), (right, up(chance))], SOFT, 0.5, (2, 2)))
    for name, backbone, cost, share in spots:
        colour = COLOURS[arm_index(name, gathered)]
        if math.isfinite(share.low):
            marks.append(Stroke([(across(cost), up(share.low)), (across(cost), up(share.high))], colour, 0.9))
        marks.append(
            Dot((across(cost), up(share.value)), colour, SHAPES[networks.index(backbone) % len(SHAPES)], 2.8)
        )
    y, at = bottom + 30, 6.0
    keys = [
        (name, COLOURS[arm_index(name, gathered)], "circle")
        for name in dict.fromkeys(name for name, *_ in spots)
    ]
    keys += [(name, SOFT, SHAPES[place % len(SHAPES)]) for place, name in enumerate(networks) if name]
    for name, colour, shape in keys:
        width = 14 + LETTER * SMALL * len(name)
        if at + width > COLUMN and at > 6:
            at, y = 6.0, y + 11
        marks += [Dot((at, y), colour, shape), Words((at + 5, y + 2.5), name)]
        at += width
    most = counted(seeds[-1], "training seed")
    over = most if len(seeds) == 1 else f"{seeds[0]} to {most}"
    caption = (
        f"{capital(what)}: accuracy in percent of the test videos against the floating-point operations that pretraining and test protocol "
        f"took, mean over {over}, with {INTERVALS}; colours are pretext tasks"
        + (f", shapes are networks ({listed(networks)})" if any(networks) else "")
        + "; dotted: chance."
    )
    return Drawing(caption, COLUMN, y + 10, marks)
