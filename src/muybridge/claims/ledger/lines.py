"""The ledger: one JSON object a line, only appended to, each line sealed and tied to the one before.

A later line with the same type and id takes the place of an earlier one; the earlier ones are its history. A line that cannot be read,
whose seal does not fit (somebody edited it) or that a newer Muybridge wrote is said and left out; the rest is kept. The seal notices a
hand in the file, not a forger who makes new seals: ``verify --again`` computes every verdict anew and says which differ.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muybridge import __version__
from muybridge.claims.ledger.schema import problem
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import append_text, read_bytes

NAME = "ledger.jsonl"
VERSION = 1
FIRST = "0" * 64
MOST = 256 << 20


@dataclass(frozen=True)
class Line:
    """One line as it stands in the file; ``number`` counts lines of the file from 1."""

    type: str
    id: str
    body: Mapping[str, Any]
    utc: str
    by: str
    seal: str
    number: int


@dataclass
class Ledger:
    """A ledger on disk.

    Attributes:
        folder: it lies in ``folder/ledger.jsonl``.
        lines: those that are sound, in order.
        problems: what is wrong with others, in words.
    """

    folder: Path
    lines: list[Line] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    newer: bool = False
    _last: str = FIRST
    _history: dict[tuple[str, str], list[Line]] = field(default_factory=dict)
    _size: int = 0
    _count: int = 0
    _torn: bool = False

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / NAME

    @classmethod
    def open(cls, folder: Path, now: Callable[[], datetime] | None = None, new: bool = False) -> "Ledger":
        """Read a ledger; ``new`` makes the folder of one that is not there.

        Raises:
            UsageError: there is none.
        """
        made = cls(Path(folder))
        made.now = now or made.now
        if made.path.exists():
            made._read()
        elif not new:
            raise UsageError(
                f"{folder}: no ledger. Looked for {made.path}; `muybridge review new QUESTION --out {folder}` or "
                f"`muybridge claims add SOURCE --out {folder}` begins one."
            )
        else:
            made.folder.mkdir(parents=True, exist_ok=True)
        return made

    def append(self, type_: str, id_: str, body: Mapping[str, object]) -> Line:
        """Write a line; nothing that stands in the file is changed. A body equal to the one that holds is not written again.

        Raises:
            MuybridgeError: the ledger holds lines of a newer version.
            ValueError: the body does not fit the schema.
        """
        if self.newer:
            raise MuybridgeError(
                f"{self.path}: holds lines of a newer version than {VERSION}; it is read but not written to. Update Muybridge."
            )
        body = json.loads(_canonical(body))
        held = self._history.get((type_, id_))
        if held and held[-1].body == body:
            return held[-1]
        wrong = problem(type_, body)
        if wrong:
            raise ValueError(f"{type_} {id_}: {wrong}")
        content = {
            "ledger": VERSION, "type": type_, "id": id_, "utc": self.now().isoformat(timespec="seconds"), "by": f"muybridge {__version__}",
            "before": self._last, "body": body,
        }  # fmt: skip
        seal = seal_of(content)
        self._write(("\n" if self._torn else "") + _canonical({**content, "seal": seal}) + "\n")
        self._last, self._torn = seal, False
        self._count += 1
        return self._keep(Line(type_, id_, body, str(content["utc"]), str(content["by"]), seal, self._count))

    def _keep(self, line: Line) -> Line:
        self.lines.append(line)
        self._history.setdefault((line.type, line.id), []).append(line)
        return line

    def _write(self, text: str) -> None:
        """Append while nobody else does: two writers would each tie their line to the same one before."""
        from filelock import FileLock

        with FileLock(self.folder / ".ledger.lock"):
            size = self.path.stat().st_size if self.path.exists() else 0
            if size != self._size:
                raise MuybridgeError(
                    f"{self.path}: another process has written to it meanwhile. Run the command again; nothing is lost."
                )
            append_text(self.path, text)
            self._size = size + len(text.encode())

    def all(self, type_: str) -> dict[str, Mapping[str, Any]]:
        """What holds now, by id, in the order of first mention."""
        return {id_: lines[-1].body for (type__, id_), lines in self._history.items() if type__ == type_}

    def get(self, type_: str, id_: str) -> Mapping[str, Any] | None:
        """What holds of one id; None where there is none."""
        held = self._history.get((type_, id_))
        return held[-1].body if held else None

    def history(self, type_: str, id_: str) -> list[Line]:
        """Every line of one id, oldest first."""
        return list(self._history.get((type_, id_), []))

    def _read(self) -> None:
        for number, text in self._texts():
            try:
                content = json.loads(text)
                version = content["ledger"]
            except (ValueError, KeyError, TypeError):
                self.problems.append(
                    f"{self.path}, line {number}: is damaged and left out; the other lines are kept"
                )
                continue
            if not isinstance(version, int) or version > VERSION:
                self.newer = True
                self.problems.append(
                    f"{self.path}, line {number}: is of ledger version {version}, this Muybridge reads {VERSION}; left out"
                )
                continue
            self._take(number, content)

    def _texts(self) -> Iterator[tuple[int, str]]:
        content = read_bytes(self.path, MOST)
        self._size, self._torn = len(content), bool(content) and not content.endswith(b"\n")
        self._count = content.count(b"\n") + self._torn
        for number, raw in enumerate(content.split(b"\n"), 1):
            if raw.strip():
                yield number, raw.decode("utf-8", errors="replace")

    def _take(self, number: int, content: dict[str, Any]) -> None:
        where = f"{self.path}, line {number}"
        seal = content.pop("seal", None)
        if seal != seal_of(content):
            self.problems.append(
                f"{where}: {content.get('type')} {content.get('id')} was changed by hand (its seal does not fit); it is left out. "
                "Verdicts are computed, never typed"
            )
            return
        wrong = problem(content["type"], content["body"])
        if wrong:
            self.problems.append(f"{where}: {wrong}; left out")
            return
        if content["before"] != self._last:
            self.problems.append(f"{where}: the line before it is missing, damaged or changed")
        self._last = seal
        self._keep(
            Line(content["type"], content["id"], content["body"], content["utc"], content["by"], seal, number)
        )


def _canonical(content: Mapping[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def seal_of(content: Mapping[str, object]) -> str:
    """SHA-256 of an object written in one way."""
    return hashlib.sha256(_canonical(content).encode()).hexdigest()
