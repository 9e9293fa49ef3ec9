"""Questions to rows of the index: which runs, in which order, which one, and what rests on it."""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.runs.run_row import RunRow
from muybridge.runs.stages import order

HIGHER_FIRST = ("accuracy", "perturbed", "recall", "pretext")
"""Numbers of which more is better."""
CONDITION = re.compile(r"([\w-]+)(!=|>=|<=|=|>|<)(.*)", re.DOTALL)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def chosen(rows: Sequence[RunRow], stage: str | None = None, where: Iterable[str] = ()) -> list[RunRow]:
    """The rows of one stage that fulfil every condition.

    Args:
        rows: of the index.
        stage: name of a stage; all when None.
        where: ``NAME=VALUE``, ``NAME!=VALUE``, ``NAME>NUMBER``, and so on; names are those of ``RunRow.flat``, dashes for underscores.

    Raises:
        UsageError: a stage or name that no run has, a value that no run has there, or no condition at all; says the nearest one.
    """
    kept = list(rows)
    if stage is not None:
        stages = sorted({row.stage for row in rows})
        if rows and stage not in stages:
            raise UsageError(
                f"--stage {stage}: no such runs here.{suggestion(stage, stages)} Stages here: {', '.join(stages)}."
            )
        kept = [row for row in kept if row.stage == stage]
    for condition in where:
        kept = _fulfilling(kept, condition)
    return kept


def _fulfilling(rows: list[RunRow], condition: str) -> list[RunRow]:
    parts = CONDITION.fullmatch(condition)
    if not parts:
        raise UsageError(f"--where {condition}: wanted NAME=VALUE, NAME!=VALUE, or NAME>NUMBER.")
    name, sign, wanted = parts[1].replace("-", "_"), parts[2], parts[3]
    values = [row.flat() for row in rows]
    check_name(rows, name, f"--where {condition}")
    if sign in COMPARE:
        limit = _number(wanted)
        if limit is None:
            raise UsageError(f"--where {condition}: {wanted!r} is no number.")
        numbers = [_number(told.get(name)) for told in values]
        return [
            row
            for row, number in zip(rows, numbers, strict=True)
            if number is not None and COMPARE[sign](number, limit)
        ]
    same = [_same(told.get(name), wanted) for told in values]
    if sign == "=" and rows and not any(same):
        known = sorted({spelt(told.get(name)) for told in values})
        shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        raise UsageError(
            f"--where {condition}: no such run.{suggestion(wanted, known)} {name} here: {shown}."
        )
    return [row for row, equal in zip(rows, same, strict=True) if equal is (sign == "=")]


def check_name(rows: Sequence[RunRow], name: str, flag: str) -> None:
    """Refuse a name that no row has.

    Raises:
        UsageError: says the nearest name.
    """
    names = {key for row in rows for key in row.flat()}
    if rows and name not in names:
        raise UsageError(
            f"{flag}: no run says {name!r}.{suggestion(name, names)} `runs show` lists what a run says."
        )


def ordered(rows: Sequence[RunRow], by: str | None = None, reverse: bool = False) -> list[RunRow]:
    """Rows by a name of ``RunRow.flat``: accuracies from the highest, everything else from the lowest, rows without it last.

    Args:
        rows: of the index.
        by: the name; by stage, data, arm, backbone, seed and fold when None.
        reverse: the other way round; rows without it stay last.

    Raises:
        UsageError: no row has that name.
    """
    if by is None:
        found = sorted(rows, key=lambda row: (*order(row.stage), *map(str, _place(row))))
        return found[::-1] if reverse else found
    by = by.replace("-", "_")
    check_name(rows, by, f"--sort {by}")
    told = [(row, row.flat().get(by)) for row in rows]
    has = [(row, value) for row, value in told if value is not None]
    numeric = all(_number(value) is not None for _, value in has)

    def key(one: tuple[RunRow, Any]) -> Any:
        return float(one[1]) if numeric else spelt(one[1])

    has.sort(key=key, reverse=reverse is not (by in HIGHER_FIRST))
    return [row for row, _ in has] + [row for row, value in told if value is None]


def _place(row: RunRow) -> tuple[object, ...]:
    """How a row is sorted inside its stage; seeds and folds as numbers of four digits."""
    words = (row.facets.get(name) for name in ("data", "protocol", "backbone", "arm"))
    numbers = (row.facets.get(name) or 0 for name in ("seed", "fold"))
    return (*(word or "" for word in words), *(f"{number:>4}" for number in numbers), row.signature)


def find(rows: Sequence[RunRow], words: str) -> RunRow:
    """The one run whose signature, or ``stage/signature``, begins like that; as git does with commits.

    Raises:
        UsageError: none or several do.
    """
    stage, _, start = words.strip("/").rpartition("/")
    stage = stage.rpartition("/")[2]
    found = [row for row in rows if row.signature.startswith(start) and stage in ("", row.stage)]
    if len(found) == 1 and start:
        return found[0]
    if not found or not start:
        near = suggestion(start, [row.signature[: max(4, len(start))] for row in rows])
        raise UsageError(
            f"{words}: no run whose signature begins like that.{near} `muybridge runs ls` lists them."
        )
    listed = ", ".join(f"{row.name}" for row in found[:5]) + (", ..." if len(found) > 5 else "")
    raise UsageError(f"{words}: {len(found)} runs begin like that: {listed}. Give more letters.")


def dependents(rows: Iterable[RunRow], one: RunRow) -> list[RunRow]:
    """The runs that start from a run."""
    return [row for row in rows if one.name in row.inputs.values()]


def spelt(value: object) -> str:
    """A value as it is written after ``--where NAME=``."""
    if isinstance(value, list | tuple):
        return " ".join(map(spelt, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _same(value: object, wanted: str) -> bool:
    if isinstance(value, list):
        return spelt(value) == wanted or any(_same(one, wanted) for one in value)
    number = None if isinstance(value, bool) else _number(value)
    if number is not None and _number(wanted) is not None:
        return number == _number(wanted)
    return spelt(value).lower() == wanted.lower()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
