"""The card: every verdict with its numbers, what cannot be said and why, and where it all comes from (docs/audit.md has its JSON)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from muybridge import __version__
from muybridge.audit import card_words
from muybridge.audit.card_limits import Circumstances, limits
from muybridge.audit.card_words import Verdict
from muybridge.audit.data_look import DataLook
from muybridge.audit.family import Compared, family, percent, point_ends
from muybridge.audit.readings import Cell, Readings
from muybridge.core.text.plurals import listed
from muybridge.measure.estimate import Estimate, Interval
from muybridge.runs.records import Run

VERSION = 1


@dataclass(frozen=True)
class Row:
    """One line of the table of numbers; shares are fractions.

    Attributes:
        part: category, ``time`` or ``background``.
        name: of the control or category.
        conditions: as ``gaussian_noise 3``.
        accuracy: with interval; None where the label is not the right answer there.
        drop: of accuracy, with its interval and p-values; None likewise.
        changed: share of changed answers.
    """

    part: str
    name: str
    conditions: str
    accuracy: Interval | None
    drop: Compared | None
    changed: Interval


@dataclass(frozen=True)
class Card:
    """What an audit found.

    Attributes:
        question: that it answers.
        answer: in a sentence or two.
        verdicts: one for each question below it.
        rows: the numbers behind them.
        comparisons: the family that is corrected together, by name.
        limits: what cannot be said, and why.
        facts: about model, data, time and runs.
        numbers: accuracy, chance, calibration.
    """

    question: str
    answer: str
    verdicts: list[Verdict]
    rows: list[Row]
    comparisons: dict[str, Compared]
    limits: list[str]
    facts: dict[str, Any]
    numbers: dict[str, object]

    def as_json(self) -> dict[str, object]:
        """Plain values, NaN as None; the layout is that of docs/audit.md."""
        content = {
            "version": VERSION,
            "muybridge": __version__,
            "question": self.question,
            "answer": self.answer,
            "verdicts": [asdict(one) for one in self.verdicts],
            "numbers": self.numbers,
            "rows": [
                {
                    "part": row.part,
                    "name": row.name,
                    "conditions": row.conditions,
                    "accuracy": row.accuracy and bounds(row.accuracy),
                    "drop": row.drop and compared_json(row.drop),
                    "changed": bounds(row.changed),
                }
                for row in self.rows
            ],
            "comparisons": {name: compared_json(one) for name, one in self.comparisons.items()},
            "limits": self.limits,
            **self.facts,
        }
        plain: dict[str, object] = _plain(content)
        return plain


def bounds(one: Interval) -> dict[str, float | int | None]:
    """An interval by name."""
    return {"value": one.value, "low": one.low, "high": one.high, "groups": one.groups}


def compared_json(one: Compared) -> dict[str, object]:
    """A comparison by name."""
    return {**bounds(one.interval), "p": one.p, "p_holm": one.adjusted, "stands": one.stands}


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def card_of(run: Run, found: Readings, seen: DataLook, around: Circumstances) -> Card:
    """The card of a finished run.

    Args:
        run: the robustness run.
        found: its numbers.
        seen: what the data say by themselves.
        around: how it was made.
    """
    told = run.result
    name, data = name_of(run, around), str(told["data"]["name"])
    compared = family(compared_estimates(found, seen))
    has_training = (around.own and not around.shifted) or not isinstance(seen.reader, str)
    categories = [card_words.category(one, cell, compared[one]) for one, cell in found.categories.items()]
    verdicts = [
        card_words.accuracy(found, compared), card_words.calibration(found, compared), *categories,
        card_words.time(found, compared, seen), card_words.background(found, compared),
        card_words.shortcuts(seen, compared), card_words.data(seen, has_training),
    ]  # fmt: skip
    return Card(
        f"How far can {name} be trusted on {data}?",
        answer(name, found, compared, verdicts),
        verdicts,
        rows(found, compared),
        compared,
        limits(found, around, len(compared), told),
        facts(run, found, around),
        numbers(found, seen),
    )


def name_of(run: Run, around: Circumstances) -> str:
    """The model in a sentence: of an own run its arm and how it was trained."""
    told = run.result
    facets = told.get("facets") or {}
    if around.own and facets.get("arm"):
        return f"{facets['arm']} ({facets.get('protocol') or 'own run'})"
    return str((told["model"] or {})["name"])


def compared_estimates(found: Readings, seen: DataLook) -> dict[str, Estimate]:
    """The family: each number would be 0 if there were nothing to find."""
    told = {"above chance": found.clean.above(found.chance)}
    if found.calibration:
        told["confidence"] = found.calibration.over
    told |= {name: cell.drop for name, cell in found.categories.items()}
    told |= {name: cell.drop for name, cell in {**found.time, **found.place}.items() if not cell.relabelled}
    if "reversed" in told and "mirrored" in told:
        told["reversed beside mirrored"] = told["reversed"] - told["mirrored"]
    if "centre masked" in told:
        told["centre masked above chance"] = found.place["centre masked"].accuracy.above(found.chance)
    if found.reader:
        told["above the order-free reader"] = found.reader[1]
    if not isinstance(seen.hints, str):
        told |= {f"label from {name}": one.above for name, one in seen.hints.items()}
    return told


def rows(found: Readings, compared: Mapping[str, Compared]) -> list[Row]:
    """The table of numbers: categories, then controls of time and place."""
    parts = (("perturbations", found.categories), ("time", found.time), ("background", found.place))
    return [
        _row(part, name, cell, compared.get(name)) for part, cells in parts for name, cell in cells.items()
    ]


def _row(part: str, name: str, cell: Cell, one: Compared | None) -> Row:
    accuracy = None if cell.relabelled else cell.accuracy.interval(of_accuracy=True)
    return Row(part, name, card_words.named(cell), accuracy, one, cell.changed.interval(of_accuracy=True))


def answer(name: str, found: Readings, compared: Mapping[str, Compared], verdicts: list[Verdict]) -> str:
    """The first sentences of the card."""
    if found.nans == found.videos:
        return f"{name} gives no numbers: the scores of all {found.videos:,} videos are NaN. Nothing else can be said of it."
    short = {one.key: one for one in verdicts}
    told = found.clean.interval(of_accuracy=True)
    bounds_ = "" if math.isnan(told.low) else f", 95 % interval {100 * told.low:.1f} to {100 * told.high:.1f}"
    words = f"Right in {percent(told.value)} of {found.videos:,} videos{bounds_}"
    if compared["above chance"].is_open:
        return f"{words}. There is one source group, so no interval: nothing tells how far that holds for others, and there is no verdict."
    if not compared["above chance"].above:
        return f"{words}: that cannot be separated from chance ({percent(found.chance)}), and no further verdict can rest on it."
    falls = [one for one in found.categories if compared[one].above]
    rest = [one for one in found.categories if one not in falls]
    clauses = []
    if falls:
        worst = max(falls, key=lambda one: compared[one].interval.value)
        fall = compared[worst].interval
        most = f", most of all {worst}," if len(falls) > 1 else ""
        clauses.append(
            f"{listed(falls)} perturbations lower that{most} by {100 * fall.value:.0f} points {point_ends(fall)}"
        )
    if rest:
        clauses.append(f"no fall is shown under {listed(rest)} perturbations")
    against = [
        short[key].title.rstrip("?").lower() + ": " + short[key].short
        for key in ("calibration", "shortcuts", "data")
        if short[key].mark == "bad"
    ]
    sentences = [
        words + ".",
        *(clause[0].upper() + clause[1:] + "." for clause in clauses),
        f"Use of time: {short['time'].short}.",
    ]
    return " ".join([*sentences, *(one[0].upper() + one[1:] + "." for one in against)])


def facts(run: Run, found: Readings, around: Circumstances) -> dict[str, object]:
    """About model, data, time and runs."""
    told = run.result
    conditions = {*zip(found.rows.perturbation.tolist(), found.rows.severity.tolist(), strict=True)}
    return {
        "model": {**(told["model"] or {}), "protocol": told["protocol"]},
        "data": {
            "name": told["data"]["name"], "fingerprint": told["data"]["fingerprint"], "videos": around.videos, "of": around.of,
            "groups": found.groups, "classes_tested": len({*found.rows.label.tolist()}), "broken": len(told["data"]["broken"]),
        },
        "conditions": {"chosen": around.rung, "number": len(conditions)},
        "time": {"minutes_asked": around.minutes, "seconds": around.seconds},
        "runs": [{"stage": run.stage, "signature": run.signature, "command": told["command"]}],
        "commands": {"again": around.command, "full": around.full},
    }  # fmt: skip


def numbers(found: Readings, seen: DataLook) -> dict[str, object]:
    """Accuracy, groups, calibration, and what the data say by themselves."""
    calibration = found.calibration
    return {
        "accuracy": bounds(found.clean.interval(of_accuracy=True)),
        "chance": found.chance,
        "without_scores": found.nans,
        "by_group": {name: {"right": right, "videos": total} for name, (right, total) in found.by_group.items()},
        "calibration": calibration and {
            "expected_error": bounds(calibration.error.interval(of_accuracy=True)),
            "confidence": calibration.confidence,
            "videos": calibration.videos,
        },
        "called_by_its_reverse": found.partner and bounds(found.partner),
        "order_free_reader": {"reason": seen.reader} if isinstance(seen.reader, str) else {
            "accuracy": found.reader and bounds(found.reader[0].interval(of_accuracy=True)), "training_videos": seen.learnt,
        },
        "label_from": {"reason": seen.hints} if isinstance(seen.hints, str) else {
            name: {**bounds(one.accuracy.interval(of_accuracy=True)), "most_frequent_class": one.usual}
            for name, one in seen.hints.items()
        },
        "doctor": {"looked": len(seen.looked), "of": seen.of, "verdict": seen.survey.verdict, "findings": dict(seen.kinds)},
    }  # fmt: skip
