"""Parts of something long, written as it comes: ``PREFIX-START-STOP-CHECKSUM.SUFFIX`` holds what stands at START to STOP - 1.

After a kill the parts that continue each other from 0 and whose bytes are those of their checksum are gone on from; all others are removed.
Where the parts are cut depends on the clock; what is made of them must not.
"""

import time
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

from muybridge.core.files import atomic
from muybridge.core.machine.interrupts import whole
from muybridge.store.checked import digest

T = TypeVar("T")


class Parts(Generic[T]):
    """The parts of one thing; a subclass says how items become bytes, and when there are enough of them.

    Args:
        folder: where they lie; leftovers of a kill in it are removed.
        owner: whose they are; the parts of another have other checksums.

    Attributes:
        stop: the place behind the last item, written or in memory.
        items: those in memory.
        size: of these, in units of the subclass.
        since: when the last part was written, on the monotonic clock.
    """

    prefix: ClassVar[str]
    suffix: ClassVar[str]

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*.part"):
            draft.unlink()
        self.folder, self.owner = folder, owner
        self.files, self.stop = self._sound()
        self.start, self.items, self.size, self.since = self.stop, list[T](), 0, time.monotonic()

    def content(self, items: list[T]) -> bytes | memoryview | None:
        """The bytes of a part; None where there is nothing to keep."""
        raise NotImplementedError

    def is_due(self) -> bool:
        """Whether what is in memory makes a part."""
        raise NotImplementedError

    def put(self, item: T, number: int = 1, size: int = 0) -> None:
        """The next item, which takes ``number`` places."""
        with whole():  # it counts whole or not at all, also where a signal comes
            self.items.append(item)
            self.stop, self.size = self.stop + number, self.size + size
        if self.is_due():
            self.flush()

    def flush(self) -> None:
        """Write what is in memory."""
        if self.stop > self.start:
            content = self.content(self.items)
            if content is not None:
                self._write(content)
        self.start, self.items, self.size, self.since = self.stop, [], 0, time.monotonic()

    def _write(self, content: bytes | memoryview) -> None:
        name = f"{self.prefix}-{self.start:08d}-{self.stop:08d}-{digest(content, self.owner)}{self.suffix}"
        with atomic(self.folder / name, "wb") as file:
            file.write(content)
        if (
            self.folder / name not in self.files[-1:]
        ):  # written once already, where a signal came right behind it
            self.files.append(self.folder / name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Asked to stop: what was done is kept."""
        if kind is not None and not issubclass(kind, Exception):
            self.flush()

    def _sound(self) -> tuple[list[Path], int]:
        """The parts that can be gone on from, in order, and the place behind them; others are removed."""
        found, done = [], 0
        for path in sorted(self.folder.glob(f"{self.prefix}-*{self.suffix}")):
            words = path.stem.split("-")[1:]
            known = len(words) == 3 and all(word.isascii() and word.isdecimal() for word in words[:2])
            continues = known and int(words[0]) == done < int(words[1])
            if continues and digest(path.read_bytes(), self.owner) == words[2]:
                found.append(path)
                done = int(words[1])
            else:
                path.unlink()
        return found, done
