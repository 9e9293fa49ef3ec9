"""Videos inside tar files, read in place: where the bytes of each member lie.

A member is named by the path of its tar, ``::`` and its own name, as ``/data/train-000.tar::00012.mp4``; whoever opens such a path reads
that stretch of the tar and nothing else. Nothing is unpacked. What a tar holds is found out once and kept in the cache folder under the
tar's path, size and time of change.

Refused, since a shard may come from anybody: names that lead out of the tar, links, devices, sparse files, two members of one name,
compressed tars, and tars that break off.
"""

import hashlib
import io
import os
import posixpath
import re
import stat
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

from muybridge.core.errors import UsageError
from muybridge.core.machine.paths import cache_root
from muybridge.core.plain_data import read_json, write_json
from muybridge.core.plain_names import leads_out

FORMAT = 1
MARK = "::"
MEMBERS = 200_000
"""Most members of one tar: more are a mistake, or meant to fill the memory."""
HEADER = 1 << 20
"""Longest header of a member (long names and the like), bytes."""
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}

Members = dict[str, tuple[int, int]]


class Extent(NamedTuple):
    """The bytes of a video: ``size`` of them from ``start`` on in ``file``."""

    file: Path
    start: int
    size: int

    @property
    def url(self) -> str:
        """How FFmpeg names it."""
        whole = not self.start  # a member comes after its header
        return (
            str(self.file)
            if whole
            else f"subfile,,start,{self.start},end,{self.start + self.size},,:{self.file}"
        )


def parted(path: Path) -> tuple[Path, str]:
    """The file and, for a member of a tar, its name; empty for a file of its own."""
    tar, mark, name = str(path).partition(f".tar{MARK}")
    return (Path(f"{tar}.tar"), name) if mark else (path, "")


def extent(path: Path) -> Extent:
    """Where the bytes of a video lie.

    Raises:
        OSError: there is no such file or member, or it is no file.
        UsageError: the tar is damaged.
    """
    file, name = parted(path)
    try:
        facts = file.stat()
    except FileNotFoundError as error:
        raise FileNotFoundError("there is no such file") from error
    if not stat.S_ISREG(facts.st_mode):
        raise OSError("it is not a file")
    if not name:
        return Extent(file, 0, facts.st_size)
    places = members(file)
    if name not in places:
        raise FileNotFoundError("the tar has no such member")
    return Extent(file, *places[name])


def is_there(path: Path) -> bool:
    """Whether a path leads to a file or to a member of a tar."""
    try:
        return bool(extent(path))
    except OSError:
        return False


def head(url: str, size: int) -> bytes:
    """The first bytes of what ``Extent.url`` names."""
    match = re.fullmatch(r"subfile,,start,(\d+),end,\d+,,:(.*)", url, re.DOTALL)
    with Path(match[2] if match else url).open("rb") as file:
        file.seek(int(match[1]) if match else 0)
        return file.read(size)


def members(file: Path) -> Members:
    """Start and size of every file in a tar, by name, in the tar's order.

    Raises:
        OSError: the tar cannot be read.
        UsageError: it is damaged, compressed, or holds what is refused; says the member and the byte.
    """
    facts = file.stat()
    return _members(file, facts.st_size, facts.st_mtime_ns)


@lru_cache(1024)
def _members(file: Path, size: int, changed: int) -> Members:
    facts = repr((FORMAT, os.fspath(file.absolute()), size, changed)).encode()
    kept = cache_root() / "tars" / f"{hashlib.blake2b(facts, digest_size=16).hexdigest()}.json"
    if not kept.is_file():
        write_json(kept, dict(_scan(file, size)))
    content = cast(dict[str, tuple[int, int]], read_json(kept))
    return {name: (start, length) for name, (start, length) in content.items()}


class _Source(io.FileIO):
    """A file of which no large piece is read at once: headers are small, and the rest is passed over."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


def _scan(file: Path, size: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names, starts and sizes of all files, each name once."""
    with _Source(os.fspath(file)) as source:
        start = source.read(512)
        packing = next((name for mark, name in COMPRESSED.items() if start.startswith(mark)), "")
        if packing:
            raise UsageError(
                f"{file}: compressed ({packing}), so its videos cannot be read in place. Unpack it to a plain tar."
            )
        source.seek(0)
        seen: set[str] = set()
        for member in _listed(file, source):
            name, at = _checked(file, member, size), member.offset
            if name in seen:
                raise UsageError(
                    f"{file}: member {name!r} at byte {at:,} is there twice. Pack each file once."
                )
            seen.add(name)
            if len(seen) > MEMBERS:
                raise UsageError(f"{file}: more than {MEMBERS:,} members. Spread them over more shards.")
            if member.isfile() and not any(part.startswith(".") for part in name.split("/")):
                yield name, (member.offset_data, member.size)


def _listed(file: Path, source: _Source) -> Iterator[tarfile.TarInfo]:
    """The members of a tar that ends as it must: with a block of zeros."""
    at = 0
    try:
        with tarfile.TarFile(fileobj=source, mode="r", encoding="utf-8", errors="surrogateescape") as tar:
            for member in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # else all stay in memory
                yield member
                at = tar.offset
        source.seek(at)
        end, rest = source.read(512), source.read(HEADER)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise UsageError(f"{file}: not a whole tar from byte {at:,} on ({error}). {_AGAIN}") from error
    if end.strip(b"\0"):
        raise UsageError(f"{file}: damaged at byte {at:,}: wanted the header of a member there. {_AGAIN}")
    if rest.strip(b"\0") or source.read(1):
        raise UsageError(
            f"{file}: ends at byte {at:,} and yet goes on; tars were strung together. Join them with `tar -A`."
        )
    if len(end) < 512:
        raise UsageError(f"{file}: breaks off at byte {at:,}, without the mark of its end. {_AGAIN}")


_AGAIN = "Copy or pack the shard again."


def _checked(file: Path, member: tarfile.TarInfo, size: int) -> str:
    """The name of a member, tidied."""
    where = f"{file}: member {member.name!r} at byte {member.offset:,}"
    if member.name != member.name.encode(errors="replace").decode():
        raise UsageError(f"{where}: its name is not UTF-8. Rename it and pack the shard again.")
    if leads_out(member.name):
        raise UsageError(f"{where}: its name leads out of the shard. Pack names like '00012.mp4'.")
    if not (member.isfile() or member.isdir()) or member.issparse():
        kind = (
            "a link"
            if member.islnk() or member.issym()
            else "a sparse file"
            if member.issparse()
            else "a device"
        )
        raise UsageError(f"{where}: {kind}; wanted files only. Pack the files themselves.")
    if member.offset_data + member.size > size:
        raise UsageError(
            f"{where}: says {member.size:,} bytes, and the shard breaks off after {size - member.offset_data:,}. {_AGAIN}"
        )
    return posixpath.normpath(member.name)
