"""Generations of a lease as files: what their names and contents say, whoever wrote them.

``.lease.7`` is held; ``.lease.7.free`` says that the seventh was given back. Numbers only rise, also over what was given back: a holder
that slept through all of it must never find its own number in use by another. Names and contents come from other machines, other versions
and whoever may write in the folder, so nothing in them is taken on trust: what is no generation is not looked at, what is no time is none.
"""

import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from muybridge.store.place import Place

PREFIX = ".lease."
FREE = ".free"
NAME = re.compile(r"\.lease\.(0|[1-9][0-9]{0,8})(\.free)?")
"""Names that count; ``.lease.backup``, ``.lease.1.part`` and ``.lease.-1`` do not."""
MOST = 999_999_999
"""Highest number that a name can say."""


@dataclass(frozen=True)
class Seen:
    """A generation as read.

    Attributes:
        number: of the generation.
        raw: content of its file; None of one that was given back.
        says: what the content says; empty while it is being written, or where it is no lease.
    """

    number: int
    raw: bytes | None
    says: dict[str, Any]

    @property
    def free(self) -> bool:
        """Whether it was given back."""
        return self.raw is None

    @property
    def time(self) -> float | None:
        """When its holder last gave a sign of life, by its own clock in seconds since 1970; None where it does not say."""
        told = self.says.get("time")
        if isinstance(told, bool) or not isinstance(told, int | float):
            return None
        with suppress(OverflowError):
            return float(told) if math.isfinite(float(told)) else None
        return None

    def word(self, key: str) -> str:
        """A word that it says, cut to 200 letters; empty where it does not say it."""
        told = self.says.get(key)
        return told[:200] if isinstance(told, str) else ""


def held(name: str) -> bool:
    """Whether a file name is that of a generation that nobody gave back."""
    found = NAME.fullmatch(name)
    return found is not None and found[2] is None


def newest(place: Place) -> Seen | None:
    """The generation that counts: the highest number; None where there was none yet."""
    while True:
        found = [match for match in map(NAME.fullmatch, place.names()) if match]
        if not found:
            return None
        number = max(int(match[1]) for match in found)
        if any(match[2] for match in found if int(match[1]) == number):
            return Seen(number, None, {})
        raw = place.read(f"{PREFIX}{number}")
        if raw is not None:  # else it was given back between the two looks
            return Seen(number, raw, _said(raw))


def release(place: Place, number: int) -> None:
    """Give a generation back; its number stays taken."""
    place.create(f"{PREFIX}{number}{FREE}", b"")
    place.remove(f"{PREFIX}{number}")


def forget(place: Place, seen: Seen) -> None:
    """Remove a generation that a newer one has replaced."""
    place.remove(f"{PREFIX}{seen.number}")
    if seen.free:
        place.remove(f"{PREFIX}{seen.number}{FREE}")


def _said(raw: bytes) -> dict[str, Any]:
    try:
        says = json.loads(raw)
    except (ValueError, RecursionError):  # just being written, or no lease at all
        return {}
    return says if isinstance(says, dict) else {}
