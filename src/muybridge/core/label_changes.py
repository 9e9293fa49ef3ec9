"""What perturbations make of the classes of a data set: kept, turned into another class, or into none.

After Price and Damen, Retro-Actions (arXiv 1909.09422), who split classes under time reversal into invariant, equivariant (two that change
places) and irreversible ones: an accuracy under a perturbation is robustness only for the first kind. Of the second the answer is right
that names the partner; the third shows nothing that has a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

FLIP = "horizontal_flip"
"""Shown beside ``REVERSAL``: a mirror changes every frame and no order."""
REVERSAL = "reversal"
NONE = ""
"""What a clip is that no class of its data set describes any more, or nobody said which."""
NO_ORDER = 0.1
"""Kendall's tau up to which, either way, frames are taken to stand in no order."""

Becomes: TypeAlias = Mapping[str, str]
"""Class to the class that its clips show then; classes that keep their label are left out."""
LabelMap: TypeAlias = Mapping[str, Mapping[str, Becomes]]
"""By type and severity (as text, as in JSON); what is left out keeps every label."""
Orders: TypeAlias = Mapping[str, Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True)
class Change:
    """One declaration.

    Attributes:
        type: perturbation.
        becomes: the class that clips of a class show then, ``NONE`` for none; classes that keep their label are left out.
        severities: at which it is so; empty for all.
    """

    type: str
    becomes: Becomes
    severities: tuple[int, ...] = ()


def types_of(changes: Iterable[Change]) -> tuple[str, ...]:
    """Types that change the label of some class at some severity."""
    return tuple(sorted({change.type for change in changes if change.becomes}))


def partners(changes: Iterable[Change], type: str = REVERSAL) -> dict[str, str]:
    """Classes that a perturbation turns into one another, each with its partner."""
    becomes = {name: to for change in changes if change.type == type for name, to in change.becomes.items()}
    return {name: to for name, to in becomes.items() if to and to != name and becomes.get(to) == name}


def label_map(
    changes: Sequence[Change], cells: Iterable[tuple[str, int]], order: Orders, names: Mapping[str, str]
) -> dict[str, dict[str, dict[str, str]]]:
    """What each cell of a grid makes of the classes.

    Where a cell leaves no order of frames (one frame, or a shuffle of all), nothing tells a class from its partner under reversal any more:
    such classes become none there, whatever was declared.

    Args:
        changes: what is declared of the data set.
        cells: types and severities.
        order: Kendall's tau and distinct frames of temporal cells, as ``stages.testing.controls.orders`` measures them.
        names: name of each class of the data set as the results spell it; others are left out.
    """
    ordered = partners(changes)
    found: dict[str, dict[str, dict[str, str]]] = {}
    for type, severity in cells:
        becomes: dict[str, str] = {}
        for change in changes:
            if change.type == type and (not change.severities or severity in change.severities):
                becomes |= change.becomes
        told = order.get(type, {}).get(str(severity))
        if told and (told["distinct"] < 2 or abs(told["tau"]) <= NO_ORDER):
            becomes |= dict.fromkeys(ordered, NONE)
        spelt = {
            names[name]: names.get(to, NONE) for name, to in becomes.items() if name in names and to != name
        }
        if spelt:
            found.setdefault(type, {})[str(severity)] = spelt
    return found


def joined(parts: Iterable[tuple[Sequence[str], Sequence[Change]]]) -> tuple[Change, ...]:
    """Declarations of data sets that are read as one; a class of which two say different things becomes none.

    Args:
        parts: classes and changes of each.
    """
    parts = list(parts)
    keys = dict.fromkeys((change.type, change.severities) for _, changes in parts for change in changes)
    found = []
    for type, severities in keys:
        told: dict[str, set[str]] = {}
        for classes, changes in parts:
            own = {
                n: to
                for c in changes
                if (c.type, c.severities) == (type, severities)
                for n, to in c.becomes.items()
            }
            for name in classes:
                told.setdefault(name, set()).add(own.get(name, name))
        becomes = {name: to.pop() if len(to) == 1 else NONE for name, to in told.items()}
        found.append(Change(type, {name: to for name, to in becomes.items() if to != name}, severities))
    return tuple(found)


def rows_as_changes(
    rows: Iterable[tuple[int, Mapping[str, str]]], classes: Sequence[str], where: str
) -> tuple[Change, ...]:
    """Declarations from the lines of a table with the columns perturbation, class, becomes and, if wanted, severity.

    An empty ``class`` means every class, an empty ``becomes`` no class any more, an empty ``severity`` all severities.

    Args:
        rows: line number and cells.
        classes: of the data set.
        where: file, for messages.

    Raises:
        UsageError: a column is missing, a class or severity that is none, or the same said twice.
    """
    found: dict[tuple[str, tuple[int, ...]], dict[str, str]] = {}
    for number, row in rows:
        here = f"{where}, line {number}"
        lacking = [name for name in ("perturbation", "class", "becomes") if name not in row]
        if lacking:
            raise UsageError(
                f"{here}: no column {lacking[0]!r}; wanted perturbation,class,becomes and, if wanted, severity."
            )
        type, name, to = (str(row[one] or "").strip() for one in ("perturbation", "class", "becomes"))
        severity = str(row.get("severity") or "").strip()
        if not type:
            raise UsageError(f"{here}: no perturbation; `muybridge list perturbations` names them.")
        for word in (name, to):
            if word and word not in classes:
                raise UsageError(
                    f"{here}: {word!r:.200} is not a class of the data.{suggestion(word, classes)}"
                )
        if severity and severity not in "12345":
            raise UsageError(f"{here}: severity {severity!r:.20}; wanted 1 to 5, or nothing for all.")
        own = found.setdefault((type, (int(severity),) if severity else ()), {})
        for one in [name] if name else classes:
            if own.get(one, to) != to:
                raise UsageError(
                    f"{here}: {type} of {one!r:.200} is said twice, as {own[one]!r:.200} and as {to!r:.200}."
                )
            own[one] = to
    return tuple(Change(type, becomes, severities) for (type, severities), becomes in found.items())
