"""Pages made of pieces: plain words, and references to the ledger. A number that is no reference is an orphan, and a lint finds it.

A reference names type, id and field of a line, and how its value is shown. ``lint`` reads a finished page: each reference must show what
the ledger holds now, and no digit may stand outside of one.
"""

import html as escapes
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from muybridge.claims.ledger.lines import Ledger
from muybridge.core.errors import MuybridgeError
from muybridge.core.text.terminal import visible

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Ref:
    """A value of the ledger.

    Attributes:
        path: type, id, then fields and places in lists.
        shape: how it is shown, a key of ``SHAPES``.
        shown: its text.
    """

    path: Path
    shape: str
    shown: str


Piece = str | Ref
Cell = list[Piece]
SHAPES: Mapping[str, Any] = {
    "text": lambda value: str(value),
    "short": lambda value: str(value)[:12],
    "whole": lambda value: f"{value:,.0f}",
    "two": lambda value: f"{value:.2f}",
    "signed": lambda value: (
        f"{value:+.3f}" if abs(value) >= 0.001 or not value else f"{value:+.1e}"
    ).replace("-", "\u2212"),
    "three": lambda value: f"{value:.3f}",
    "p": lambda value: f"{value:.3f}" if value >= 0.001 else "< 0.001",
    "level": lambda value: f"{100 * value:g} %",
    "count": lambda value: f"{len(value):,}",
    "json": lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True),
    "list": lambda value: ", ".join(map(str, value)),
}


@dataclass(frozen=True)
class Grid:
    """A table; ``kind`` tells the page how wide its columns want to be."""

    caption: Cell
    head: list[str]
    rows: list[list[Cell]]
    kind: str = ""


@dataclass(frozen=True)
class Part:
    """A section: paragraphs, then tables; ``folded`` tables are shown on demand."""

    name: str
    title: str
    paragraphs: list[Cell]
    tables: list[Grid]
    folded: list[Grid]


def look_up(ledger: Ledger, path: Sequence[str | int]) -> object:
    """The value that a path names.

    Raises:
        MuybridgeError: there is none.
    """
    value: Any = ledger.get(str(path[0]), str(path[1]))
    for part in path[2:]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
    if value is None:
        raise MuybridgeError(f"the ledger has no {' / '.join(map(str, path))}")
    return value


def ref(ledger: Ledger, shape: str, *path: str | int) -> Ref:
    """A reference to what the ledger holds."""
    return Ref(path, shape, visible(SHAPES[shape](look_up(ledger, path))))


def as_html(pieces: Sequence[Piece]) -> str:
    """Pieces with everything escaped; references carry their path."""
    return "".join(_html(one) for one in pieces)


def _html(piece: Piece) -> str:
    if isinstance(piece, str):
        return escapes.escape(piece)
    path = escapes.escape(json.dumps(piece.path, ensure_ascii=False), quote=True)
    return (
        f'<span class="ref" data-ref="{path}" data-shape="{piece.shape}">{escapes.escape(piece.shown)}</span>'
    )


def as_text(pieces: Sequence[Piece]) -> str:
    """Pieces as Markdown: what could be markup is escaped, line breaks are spaces."""
    shown = "".join(one if isinstance(one, str) else one.shown for one in pieces)
    return re.sub(r"([\\`*_\[\]<>|#$])", r"\\\1", " ".join(shown.split()))


class _Reader(HTMLParser):
    """Text of a page outside of references, and the references with what they show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.refs: list[tuple[str, str, str]] = []
        self.bare: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] | None = None
        self._skipped = 0
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("style", "script", "title"):
            self._skipped += 1
            self.scripts += ["script"] if tag == "script" else []
        self.scripts += [name for name in told if name.startswith("on")]
        if tag == "span" and "data-ref" in told:
            self._open = [told["data-ref"] or "", told.get("data-shape") or "", ""]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "title"):
            self._skipped -= 1
        if tag == "span" and self._open is not None:
            self.refs.append((self._open[0], self._open[1], self._open[2]))
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[2] += data
        elif not self._skipped:
            self.bare.append(data)


def lint(page: str, ledger: Ledger) -> list[str]:
    """What is wrong with a page, in words; empty for one that shows the ledger and nothing else."""
    reader = _Reader()
    reader.feed(page)
    found = [
        f"a number without a reference: {' '.join(text.split())[:80]!r}"
        for text in reader.bare
        if re.search(r"\d", text)
    ]
    return found + list(_unlike(reader, ledger))


def _unlike(reader: _Reader, ledger: Ledger) -> Iterator[str]:
    for path, shape, shown in reader.refs:
        try:
            expected = visible(SHAPES[shape](look_up(ledger, json.loads(path))))
        except (MuybridgeError, KeyError, ValueError, TypeError) as error:
            yield f"a reference that leads nowhere: {path} ({error})"
            continue
        if shown != expected:
            yield f"{path}: the page says {shown[:80]!r}, the ledger {expected[:80]!r}"
