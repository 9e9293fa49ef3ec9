"""Published values beside ours: row by row where a run of this study answers to one, with what differs between the settings said."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from muybridge.core.reference.published_values import COUNTERPARTS, SOURCES, Published, of
from muybridge.core.text.plurals import counted
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN
from muybridge.measure.robustness.robustness_scores import relative
from muybridge.report.claims.lessons import Role, roles_of
from muybridge.report.claims.verdicts import Place, World
from muybridge.report.scores.shares import Cells, Score, estimate
from muybridge.report.tables.table import Cell, Column, Table, missing, points, span, text
from muybridge.runs.records import Run

AXES = {
    "backbone": "network", "arm": "task", "protocol": "protocol", "data": "data", "epochs": "epochs", "level": "level",
    "condition": "condition", "severity": "severity", "metric": "number", "source": "pretrained on",
}  # fmt: skip
"""Fields that may name a row, and how they are called; the last one only where the others do not tell the rows apart."""
STAGES = {"fine-tune, all labels": "finetune", "linear probe": "probe"}
SAME_EPOCHS = 0.01
"""Share by which the passes over the training videos of ours may differ from those of a published row: a step more or less."""
TAUGHT = "kd-"
"""How tables of students and teachers begin: their levels say who taught whom."""
FEWEST = 3
"""Rows below which an order is not compared."""

Key = tuple[str, ...]
Ours = dict[Key, Interval]


@dataclass(frozen=True)
class Beside:
    """A published table with our values.

    Attributes:
        axes: fields that name a row.
        rows: published rows by what these fields say.
        ours: our values by setting and row.
        seen: how often the pretraining of ours showed its videos, from least to most; None where no run tells.
    """

    name: str
    axes: list[str]
    rows: dict[Key, Published]
    ours: dict[str, Ours]
    seen: tuple[float, float] | None = None


def beside(world: World) -> list[Beside]:
    """Every published table that the ``study.json`` names under ``tables``; tables that a newer version knew are left out."""
    named = world.all_of.study.get("tables", [])
    return [_beside(str(name), world) for name in named if name in SOURCES]


def _beside(name: str, world: World) -> Beside:
    rows, roles = of(name), roles_of(world) if name.startswith(TAUGHT) else {}
    axes = [axis for axis in AXES if len({getattr(row, axis) for row in rows}) > 1]
    if "source" in axes and len({_key(row, axes[:-1]) for row in rows}) == len(rows):
        axes = axes[:-1]
    by_key = {_key(row, axes): row for row in rows}
    ours: dict[str, Ours] = {}
    lengths = {id(place): _epochs(place, world) for place in world.places}
    known = {row.data for row in rows}
    shown: list[float] = []
    for key, row in by_key.items():
        for place in world.places:
            seen = lengths[id(place)]
            told = (
                {**place.facets, **_role(row, roles.get(id(place), ()))}
                if name.startswith(TAUGHT)
                else place.facets
            )
            score = _score(row, place) if _answers(told, row, axes, known) else None
            if score is not None and _as_long(row, seen):
                ours.setdefault(_setting(place, axes), {})[key] = estimate(score, place.arm.right).interval()
                shown += seen
    return Beside(name, axes, by_key, ours, (min(shown), max(shown)) if shown else None)


def _as_long(row: Published, seen: Sequence[float]) -> bool:
    """Whether every network of a place was pretrained as long as a row says; a row that says nothing takes any."""
    if not row.epochs:
        return True
    wanted = float(row.epochs)
    return bool(seen) and all(abs(one - wanted) <= SAME_EPOCHS * wanted for one in seen)


def _epochs(place: Place, world: World) -> list[float]:
    """How often the pretraining behind each run of a place showed its videos; empty where one does not tell."""
    runs = world.all_of.by_name
    share = _share(place.facets["arm"])[1]
    found = []
    for run in place.arm.runs:
        origin: Run | None = run
        while origin is not None and origin.stage != "pretrain":
            inputs = origin.result.get("inputs", {})
            named = inputs.get("model") or inputs.get("init")
            origin = runs.get((named["stage"], named["signature"])) if named else None
        spent = origin.result.get("budget", {}).get("epochs") if origin else None
        if spent is None:
            return []
        found.append(float(spent) * share / 100)
    return found


def _key(row: Published, axes: Sequence[str]) -> Key:
    return tuple(str(getattr(row, axis)) for axis in axes)


def _role(row: Published, roles: Sequence[Role]) -> dict[str, str]:
    """What a place is in the lesson that a row tells of, by the row's words where it is that; else by words that no row has."""
    level = row.level or "student"
    if (level, row.arm) not in roles:
        return {"arm": "", "level": ""}
    return {"arm": row.arm, "level": row.level, "source": row.source}


def _answers(facets: Mapping[str, str], row: Published, axes: Sequence[str], data: Collection[str]) -> bool:
    """Whether a place of ours, by its facets, stands for a published row; networks by their small counterpart too, other data for each."""
    stage = "robustness" if row.condition else STAGES.get(row.protocol)
    arm = _share(facets["arm"])[0] if row.epochs else facets["arm"]
    told = {
        **facets,
        "backbone": COUNTERPARTS.get(facets["network"], facets["network"]),
        "arm": arm,
    }
    told["data"] = facets["data"] if facets["data"] in data else row.data
    named = [axis for axis in axes if axis not in ("protocol", "condition", "severity", "metric", "epochs")]
    return (
        facets["stage"] == stage
        and told["backbone"] == row.backbone
        and all(told.get(axis, "") == str(getattr(row, axis)) for axis in named)
    )


def _share(arm: str) -> tuple[str, int]:
    """A task, and per cent of its pretraining: ``"vcop at 25 %"`` is VCOP after a quarter of it."""
    found = re.fullmatch(r"(.+) at (\d+) %", arm)
    return (found[1], int(found[2])) if found else (arm, 100)


def _score(row: Published, place: Place) -> Score | None:
    """What a published number measures, of our cells; None where ours lack them, or have no such number."""
    if row.metric == "accuracy" and row.condition in ("", "clean"):
        return lambda cells: cells[CLEAN]
    if (
        place.design is None
        or place.gaps
        or not row.severity
        or row.metric not in ("accuracy", "relative drop")
    ):
        return None
    severity = int(row.severity)
    types = [name for name in place.design.kept if severity in place.design.types[name]]
    if not row.condition.startswith("mean"):
        return (lambda cells: cells[row.condition, severity]) if row.condition in types else None
    if not types:
        return None

    def mean(cells: Cells) -> np.ndarray:
        return np.mean([cells[name, severity] for name in types], axis=0)  # type: ignore[no-any-return]

    return mean if row.metric == "accuracy" else lambda cells: 1 - relative(cells[CLEAN], mean(cells))


def _setting(place: Place, axes: Sequence[str]) -> str:
    names = ["data", *(name for name in ("protocol", "details", "source") if name not in axes)]
    told = {name: place.facets[name] for name in names if place.facets[name]}
    if "source" in told:
        told["source"] = f"pretrained on {told['source']}"
    return ", ".join(told.values())


def published_tables(found: Sequence[Beside]) -> list[Table]:
    """One table per published one."""
    return [_table(one) for one in found]


def _table(one: Beside) -> Table:
    columns = [Column(AXES[axis]) for axis in one.axes]
    columns += [Column("published, %", True), *(Column(f"ours: {setting}, %", True) for setting in one.ours)]
    rows = [
        [
            *map(text, key),
            Cell(f"{row.value:.1f}", sort=row.value),
            *(_cell(key, ours) for ours in one.ours.values()),
        ]
        for key, row in one.rows.items()
    ]
    said = "Ours differ in data, network or length as the columns say: compare orders, not values."
    notes = [SOURCES[one.name], said if one.ours else "No finished run of this study answers to a row."]
    if any(row.epochs for row in one.rows.values()):
        notes.append("A row that says how many epochs stands beside runs of ours of as many alone.")
    if one.seen:
        notes.append(
            f"Ours saw every video of their pretraining {one.seen[0]:.0f} to {one.seen[1]:.0f} times."
        )
    notes += [words for setting, ours in one.ours.items() if (words := _order(one, setting, ours))]
    legend = (
        "Numbers as they were published, and ours, in percent; below ours their 95 % intervals of Student's t over source groups of the"
        " test videos and training seeds."
    )
    return Table(
        f"published-{one.name}",
        f"Published values beside ours: {one.name}",
        columns,
        rows,
        notes,
        legend=legend,
    )


def _cell(key: Key, ours: Ours) -> Cell:
    """Ours; missing where each part of the row's name is in this study, not run where it is of the published one alone."""
    if key in ours:
        return Cell(points(ours[key].value), sort=100 * ours[key].value, small=span(ours[key]))
    known = all(part in {other[place] for other in ours} for place, part in enumerate(key))
    return missing() if known else missing("not run")


def _order(one: Beside, setting: str, ours: Ours) -> str:
    """How far both orders agree, over the rows that both have."""
    if len(ours) < FEWEST:
        return ""
    signs = [
        (one.rows[a].value - one.rows[b].value) * (ours[a].value - ours[b].value)
        for a, b in combinations(ours, 2)
    ]
    tau = (sum(sign > 0 for sign in signs) - sum(sign < 0 for sign in signs)) / len(signs)
    return f"Order of the {counted(len(ours), 'row')} that both have, {setting}: Kendall’s τ {tau:+.2f}; few rows reach far from 0 by luck."


def published_rows(found: Sequence[Beside]) -> Iterator[dict[str, object]]:
    """One tidy row per published value and setting of ours; ours is empty where it is missing."""
    for one in found:
        for key, row in one.rows.items():
            for setting, ours in (one.ours or {"": Ours()}).items():
                told = ours.get(key)
                yield {
                    "table": one.name, **{axis: getattr(row, axis) for axis in AXES}, "published": row.value / 100,
                    "setting": setting, "ours": told.value if told else None, "low": told.low if told else None,
                    "high": told.high if told else None,
                }  # fmt: skip
