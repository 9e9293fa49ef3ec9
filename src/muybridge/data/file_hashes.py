"""Hashes of whole files, read once and kept.

A hash of parts is cheaper and was not enough: two films of one size that differ in the middle were taken for one, and damage between
the parts went unseen. So every byte counts. What was read is kept in one SQLite file of the cache under path, size, times of change and
inode, for all processes; a file whose time of change is so young that it may still change without a new time is not kept (as git does
with "racily clean" entries). A damaged or locked file of hashes only costs time.
"""

import errno
import hashlib
import sqlite3
import stat
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from muybridge.core.errors import MuybridgeError
from muybridge.core.machine.paths import cache_root
from muybridge.data.lists.tar import Extent, extent

BLOCK = 1 << 20
YOUNG = 2 * 10**9
"""Nanoseconds; the coarsest clock of a file system in use (FAT) ticks every two seconds."""
TICK = 10**8
"""Nanoseconds; ten ticks or more of the kernel's clock, by which the time of a change of the inode is told (nobody can set it back)."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO)
"""Errors that say a file is not there; all others (too many open files, a disk or network that fails, no permission) may pass."""
THREADS = 8
Key = tuple[str, int, int, int, int, int, int]


def content_hashes(paths: Sequence[Path]) -> list[str]:
    """Hash of the size and all bytes of each file, 32 hexadecimal digits, in order.

    A file that is not there, or is no file, gets a hash of its name; it is found broken when it is decoded, and counted there.

    Raises:
        MuybridgeError: a file cannot be read now, or changes while it is read; says which and why.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        keys = list(pool.map(_key, paths, chunksize=64))
        known = _recall([key for key in keys if key])
        jobs = [(path, key, known.get(key) if key else None) for path, key in zip(paths, keys, strict=True)]
        found = list(pool.map(_hash, jobs))
    _remember({key: one for (_, key, before), one in zip(jobs, found, strict=True) if key and not before})
    return found


def _key(path: Path) -> Key | None:
    """What tells a file's content from another's without reading it; None for what is not there."""
    try:
        place = extent(path)
        about = place.file.stat()
    except OSError as error:
        _refuse(path, error)
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    whole = str(place.file.absolute())
    return whole, place.start, place.size, about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino


def _hash(job: tuple[Path, Key | None, str | None]) -> str:
    path, key, known = job
    if known:
        return known
    try:
        if key:
            found = _read(Extent(Path(key[0]), key[1], key[2]))
            if _key(path) != key:
                raise MuybridgeError(
                    f"{path}: the file changed while it was read. Wait until it is complete and run the same command again."
                )
            return found
    except OSError as error:
        _refuse(path, error)
    return hashlib.blake2b(f"missing {path.name}".encode(errors="replace"), digest_size=16).hexdigest()


def _refuse(path: Path, error: OSError) -> None:
    """Raise for an error that may pass: a file that cannot be read now is no other file."""
    if error.errno is not None and error.errno not in GONE:
        reason = error.strerror or str(error)
        raise MuybridgeError(
            f"{path}: cannot be read ({reason}). Mend that and run the same command again."
        ) from error


def _read(place: Extent) -> str:
    digest, left = hashlib.blake2b(f"{place.size} ".encode(), digest_size=16), place.size
    with place.file.open("rb", buffering=0) as file:
        file.seek(place.start)
        while left and (block := file.read(min(BLOCK, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


SAMPLE = 65536


def sampled_hash(path: Path) -> str:
    """Hash of the size and the first, middle and last 64 KiB: what versions before 0.2 signed runs with; to know their data again."""
    try:
        place = extent(path)
        digest, size = hashlib.blake2b(str(place.size).encode(), digest_size=16), place.size
        with place.file.open("rb") as file:
            for start in sorted({0, max((size - SAMPLE) // 2, 0), max(size - SAMPLE, 0)}):
                file.seek(place.start + start)
                digest.update(file.read(min(SAMPLE, size - start)))
        return digest.hexdigest()
    except OSError:
        return hashlib.blake2b(f"missing {path.name}".encode(errors="replace"), digest_size=16).hexdigest()


def _database() -> Path:
    return cache_root() / "content-1.sqlite"


def _connected() -> sqlite3.Connection:
    path = _database()
    path.parent.mkdir(parents=True, exist_ok=True)
    base = sqlite3.connect(path, timeout=30)
    base.execute(
        "CREATE TABLE IF NOT EXISTS content (path TEXT, start INTEGER, length INTEGER, size INTEGER, changed INTEGER, noted INTEGER,"
        " inode TEXT, hash TEXT, PRIMARY KEY (path, start))"
    )
    return base


def _recall(keys: Sequence[Key]) -> dict[Key, str]:
    """The hashes that are kept, of files that have not changed since."""
    found: dict[Key, str] = {}
    with suppress(OSError, sqlite3.Error), closing(_connected()) as base:
        for key in keys:
            row = base.execute(
                "SELECT length, size, changed, noted, inode, hash FROM content WHERE path = ? AND start = ?",
                key[:2],
            ).fetchone()
            if row and row[:5] == (*key[2:6], str(key[6])) and _is_hash(row[5]):
                found[key] = row[5]
    return found


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 32 and not set(value) - set("0123456789abcdef")


def _remember(hashes: dict[Key, str]) -> None:
    """Keep hashes of files that are old enough; a damaged file of hashes is begun anew."""
    now = time.time_ns()
    rows = [
        (*key[:6], str(key[6]), one)
        for key, one in hashes.items()
        if key[4] < now - YOUNG and key[5] < now - TICK
    ]
    if not rows:
        return
    try:
        with closing(_connected()) as base, base:
            base.executemany("INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):
            with suppress(OSError):
                _database().unlink()
    except OSError:
        pass  # a cache that cannot be written: hashes are taken again next time
