"""Tables on a terminal: columns that fit its width, the most telling ones first."""

import io
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GAP = 2
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tabs and line breaks, marks that turn the order of letters, and halves of letters, which nothing can print."""
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True)
class Column:
    """Cells below a head; what would steer the terminal in them is replaced.

    Attributes:
        rank: columns with the highest rank go first where the terminal is narrow.
        right: whether it is set to the right, as numbers are.
        least: width down to which its words may be cut.
    """

    head: str
    cells: list[str]
    rank: int
    right: bool = False
    least: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", [visible(cell).replace("\n", " ") for cell in self.cells])

    @property
    def width(self) -> int:
        """Width of its longest cell."""
        return max(map(len, (self.head, *self.cells)))


def visible(text: str) -> str:
    """A text in which nothing steers the terminal or turns the order of letters; line breaks stay."""
    return STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def width() -> int | None:
    """Columns of the terminal (``COLUMNS`` where that is set); None where the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def lines(columns: Sequence[Column], within: int | None) -> list[str]:
    """Head and rows; empty columns are left out, then the least telling ones until the rest fits, then long words are cut.

    Args:
        columns: in the order shown.
        within: width of the terminal; None for no limit.
    """
    kept = [column for column in columns if any(column.cells)]
    while within is not None and len(kept) > 1 and _needed([_least(column) for column in kept]) > within:
        kept.remove(max(kept, key=lambda column: column.rank))
    widths = [column.width for column in kept]
    while (
        within is not None
        and _needed(widths) > within
        and any(w > _least(c) for w, c in zip(widths, kept, strict=True))
    ):
        room = [w - _least(c) for w, c in zip(widths, kept, strict=True)]
        widths[room.index(max(room))] -= 1
    grid = zip(*([column.head, *column.cells] for column in kept), strict=True)
    return [_line(cells, kept, widths) for cells in grid]


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = []
    for cell, column, size in zip(cells, columns, widths, strict=True):
        shown = cell if len(cell) <= size else cell[: size - 1] + ELLIPSIS
        parts.append(shown.rjust(size) if column.right else shown.ljust(size))
    return (" " * GAP).join(parts).rstrip()


def _least(column: Column) -> int:
    return min(column.width, column.width if column.right else column.least)


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def settle() -> None:
    """Make the three streams usable: a closed one is opened on nothing, and letters that its encoding lacks become question marks.

    A program whose output is closed (``>&-``) would give the number of the stream to the next file that it opens, and print into that.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def hush() -> None:
    """Print into nothing from here on: whoever read the output has left."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
        with suppress(OSError, ValueError):
            os.dup2(nothing, stream.fileno())
    os.close(nothing)


def finish() -> None:
    """Write out what is held back, so that a reader who left is noticed here and not while the interpreter ends."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        hush()


def print_json(value: object) -> None:
    """Print a value as JSON: as it is where the output can hold it, with escapes where it cannot; nothing in it steers the terminal."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    print(visible(json.dumps(value, indent=2, ensure_ascii=not encoding.startswith("utf"))))
