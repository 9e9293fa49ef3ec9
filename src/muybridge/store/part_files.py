"""Parts of something long, written as it comes: ``PREFIX-START-STOP-CHECKSUM.SUFFIX`` holds what stands at START to STOP - 1.

After a kill the parts that continue each other from 0 and whose bytes are those of their checksum are gone on from; all others are removed.
"""

from pathlib import Path

from muybridge.core.files import atomic
from muybridge.store.checked import digest


def write_part(folder: Path, prefix: str, start: int, stop: int, suffix: str, content: bytes | memoryview, owner: str) -> Path:  # fmt: skip
    """Write a part, whole or not at all.

    Args:
        folder: where parts of that prefix lie.
        prefix: what the parts are, without a hyphen.
        start: place of the first thing in it.
        stop: place behind the last.
        suffix: with its dot.
        content: its bytes.
        owner: whose it is; the parts of another have other checksums.
    """
    path = folder / f"{prefix}-{start:08d}-{stop:08d}-{digest(content, owner)}{suffix}"
    with atomic(path, "wb") as file:
        file.write(content)
    return path


def sound_parts(folder: Path, prefix: str, suffix: str, owner: str) -> tuple[list[Path], int]:
    """The parts that can be gone on from, in order, and the place behind them; others of that prefix are removed."""
    found, done = [], 0
    for path in sorted(folder.glob(f"{prefix}-*{suffix}")):
        words = path.stem.split("-")[1:]
        known = len(words) == 3 and all(word.isascii() and word.isdecimal() for word in words[:2])
        continues = known and int(words[0]) == done < int(words[1])
        if continues and digest(path.read_bytes(), owner) == words[2]:
            found.append(path)
            done = int(words[1])
        else:
            path.unlink()
    return found, done
