"""Catalogues: tables that can be read and listed without importing what they name.

Each folder (backbones, objectives, ...) holds one table ``{name: Entry}``. Outside packages add theirs through the entry-point group
``muybridge.<kind>``; one object each. Nothing is scanned and nothing is decorated.

Code of the user's own is named by ``module:function``. ``imported`` is the only place that follows such a name; whether it may be followed
is for ``stages.job.consent`` to say.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from operator import attrgetter
from typing import Any, TypeVar

from muybridge.core.errors import MuybridgeError, UsageError

T = TypeVar("T")
PACKAGES = ("torchvision", "hf")
"""In front of a colon they name a package whose networks we build, and no module of the user's."""


@dataclass(frozen=True)
class Entry:
    """One line of a catalogue.

    Attributes:
        summary: one line for people.
        target: ``module:object``, imported on use.
        facts: further columns of ``muybridge list KIND --json``.
    """

    summary: str
    target: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import and return the object."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)


def names_code(word: str) -> bool:
    """Whether a word is ``module:function``: code that is imported and called where the word is used."""
    module, _, function = word.partition(":")
    parts = [*module.split("."), *function.split(".")]
    return module not in PACKAGES and all(part.isidentifier() for part in parts)


def imported(word: str) -> Any:
    """The object that ``module:function`` names; importing its module runs it.

    Raises:
        UsageError: not a word of that kind, or nothing of that name; says why.
    """
    module, _, function = word.partition(":")
    if not names_code(word):
        raise UsageError(f"{word}: wanted module:function, with its folder on PYTHONPATH.")
    try:
        return attrgetter(function)(import_module(module))
    except MuybridgeError:
        raise
    except Exception as error:  # whatever a foreign module does while it is read
        raise UsageError(
            f"{word}: cannot be imported ({type(error).__name__}: {error}). Wanted module:function, with its folder on PYTHONPATH."
        ) from error


def suggestion(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` with the nearest known name, or nothing when none is near."""
    spelt = {word.lower(): word for word in known}
    near = difflib.get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return f" Did you mean {spelt[near[0]]!r}?" if near else ""


def require(kind: str, table: Mapping[str, Entry], name: str) -> None:
    """Refuse an unknown name without importing what a known one stands for.

    Raises:
        UsageError: says the nearest known name and lists all.
    """
    if name in table:
        return
    known = sorted({*table, *entry_points(group=f"muybridge.{kind}").names})
    if name not in known:
        raise UsageError(f"{kind} has no {name!r}.{suggestion(name, known)} Known: {', '.join(known)}.")


def pick(kind: str, table: Mapping[str, Entry], name: str) -> Any:
    """The object called ``name``: built in, or from the entry-point group ``muybridge.<kind>``.

    Raises:
        UsageError: unknown name, or that of a package which is broken.
    """
    require(kind, table, name)
    return table[name].load() if name in table else outside(kind, name, object)


def outside(kind: str, name: str, wanted: type[T]) -> T | None:
    """What another package offers under a name; None where none does.

    Raises:
        UsageError: it cannot be imported, or is none of what is wanted; names the line of its package.
    """
    line = f"{kind.removesuffix('s')} {name}"
    point = next(iter(entry_points(group=f"muybridge.{kind}", name=name)), None)
    if point is None:
        return None
    try:
        found = point.load()
    except Exception as error:  # whatever a foreign module does while it is read
        raise UsageError(
            f"{line}: {point.value} cannot be imported ({type(error).__name__}: {error}). Mend or remove its package."
        ) from error
    if not isinstance(found, wanted):
        raise UsageError(
            f"{line}: {point.value} is a {type(found).__name__}; wanted a {wanted.__name__} ({wanted.__module__})."
        )
    return found


def rows(kind: str, table: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """What ``muybridge list KIND --json`` prints: one object per entry with ``name``, ``summary`` and its facts."""
    inside = [{"name": name, "summary": entry.summary, **entry.facts} for name, entry in table.items()]
    outside = {
        point.name: point for point in entry_points(group=f"muybridge.{kind}") if point.name not in table
    }
    return inside + [{"name": name, "summary": f"from {point.value}"} for name, point in outside.items()]
