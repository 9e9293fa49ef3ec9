"""Files of run folders, opened so that nothing in a folder from elsewhere leads out of it.

A folder of results may have been copied from anybody: a name in it may be a link to a file of ours, a second name of one (a hard link), a
pipe that never answers or a device. So below the folder after ``--out`` no link is followed, for reading or for writing, and what is not a
file is not opened. That folder itself may be a link, for instance to a larger disk. Folders are entered one by one through their
descriptors where the system can (``openat``), so that a link put in the place of a folder meanwhile is not followed either.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_names import SIGNATURE

TEXT = 64 << 20
"""Most bytes of a text file of a run."""
AT = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class NotPlainError(MuybridgeError):
    """A link, a folder, a pipe or a device where a file of a run should be."""


def out_of(path: Path) -> Path | None:
    """``OUT`` of a path ``OUT/runs/STAGE/SIGNATURE`` or below it; None of every other path."""
    parts = path.parts
    for place in range(len(parts) - 3, 0, -1):
        if parts[place] == "runs" and SIGNATURE.fullmatch(parts[place + 2]):
            return Path(*parts[:place])
    return None


@contextmanager
def parent(
    path: Path, below: Path | None = None, make: bool = False
) -> Iterator[tuple[str | Path, int | None]]:
    """The folder of a file, entered: yields what to hand to calls of ``os`` as path and as ``dir_fd``.

    Args:
        path: the file.
        below: links on the way from here are not followed; of a file of a run its ``OUT``, of others their own folder when not given.
        make: make folders that are missing.

    Raises:
        NotPlainError: a link on the way.
        OSError: no such folder, or it cannot be entered.
    """
    root = below or out_of(path) or path.parent
    names = path.parent.relative_to(root).parts
    if make:
        root.mkdir(parents=True, exist_ok=True)
    if not AT:
        yield _walked(path, root, names, make), None
        return
    place = os.open(root, _FOLDER)
    try:
        at = root
        for name in names:
            at = at / name
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=place)
            inner = _enter(name, place, at)
            os.close(place)
            place = inner
        yield path.name, place
    finally:
        os.close(place)


def _enter(name: str, place: int, at: Path) -> int:
    try:
        return os.open(name, _FOLDER | _NO_LINK, dir_fd=place)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK) and at.is_symlink():
            raise _linked(at) from error
        raise type(error)(error.errno, error.strerror, str(at)) from error


def _walked(path: Path, root: Path, names: tuple[str, ...], make: bool) -> Path:
    """Where the system has no ``openat``: a look at each folder before it is entered."""
    at = root
    for name in names:
        at = at / name
        if at.is_symlink():
            raise _linked(at)
        if make:
            at.mkdir(exist_ok=True)
    return path


def make_folder(path: Path) -> None:
    """Make a run folder, and those above it; links below ``OUT`` are refused.

    Raises:
        NotPlainError: it or one above it is a link.
    """
    with parent(path / "-", make=True):
        return


def facts(path: Path) -> os.stat_result:
    """Size and times of a file; the file itself, not what a link points to.

    Raises:
        NotPlainError: not a file.
        OSError: there is none.
    """
    return _plain(path.lstat(), path)


def open_plain(path: Path, most: int | None = None) -> BufferedReader:
    """Open a file for reading.

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        NotPlainError: not a file, a link on the way, or longer.
        OSError: there is none, or it cannot be read.
    """
    with parent(path) as (name, place):
        _plain(
            os.stat(name, dir_fd=place, follow_symlinks=False), path
        )  # before it is opened: opening a device may do something
        file = _open(name, os.O_RDONLY | _FILE, place, path)
    try:
        size = _plain(os.fstat(file), path).st_size
    except MuybridgeError:
        os.close(file)
        raise
    if most is not None and size > most:
        os.close(file)
        raise NotPlainError(
            f"{path}: has {size:,} bytes; wanted at most {most:,}. It is damaged or made to do harm."
        )
    return os.fdopen(file, "rb")


def read_bytes(path: Path, most: int = TEXT) -> bytes:
    """Content of a file, as ``open_plain`` opens it."""
    with open_plain(path, most) as file:
        return file.read(most + 1)


def first_line(path: Path) -> str:
    """First line of a text file, at most 2,000 letters, whatever else it holds; empty where it cannot be read."""
    try:
        with open_plain(path) as file:
            text = file.read(8000).decode(errors="replace")
    except (MuybridgeError, OSError):
        return ""
    return text.partition("\n")[0].strip()[:2000]


def append_text(path: Path, text: str) -> None:
    """Append to a file of a run. A second name of it (a hard link) keeps what it has: the line goes to a copy in its place.

    Raises:
        NotPlainError: not a file, or a link.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FILE
    with parent(path) as (name, place):
        with suppress(FileNotFoundError):
            _plain(os.stat(name, dir_fd=place, follow_symlinks=False), path)
        file = _open(name, flags, place, path)
        with os.fdopen(file, "ab") as stream:
            if _plain(os.fstat(file), path).st_nlink == 1:
                stream.write(text.encode())
                return
    content = read_bytes(path)
    with atomic(path, "wb") as copy:
        copy.write(content + text.encode())


@contextmanager
def atomic(path: Path, mode: str = "w", below: Path | None = None) -> Iterator[IO[Any]]:
    """Open a temporary neighbour of ``path`` and rename it into place: readers see the old file or the whole new one.

    What has the name before, also a link, is replaced and never written through.

    Args:
        path: the file; its folder is made.
        mode: ``w`` or ``wb``.
        below: as of ``parent``.

    Raises:
        NotPlainError: a device, a pipe or a socket has that name: the first user of a machine could replace ``/dev/null`` by a file.
    """
    with parent(path, below, make=True) as (name, place):
        refuse_special(path)
        target = path if place is None else Path(name)
        draft = target.with_name(f".{path.name}.{uuid4().hex}.part")
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o666, dir_fd=place)
        try:
            with os.fdopen(opened, mode, encoding=None if "b" in mode else "utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target, src_dir_fd=place, dst_dir_fd=place)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=place)


def refuse_special(path: Path) -> None:
    """See that a name can be taken by a file: nothing has it, or a file, or a link to one.

    Raises:
        NotPlainError: a device, a pipe or a socket has it, or is what a link of that name leads to.
    """
    with suppress(OSError):
        for found in (path.lstat(), path.stat()):
            if stat.S_IFMT(found.st_mode) not in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR):
                raise NotPlainError(f"{path}: is {_kind(found)}; wanted the name of a file to write.")


def create(path: Path, content: bytes) -> bool:
    """Write a file that does not exist; False, and nothing is written, if anything has that name. Exclusive on NFS too."""
    with parent(path) as (name, place):
        try:
            file = _open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, place, path)
        except FileExistsError:
            return False
    with os.fdopen(file, "wb") as stream:
        stream.write(content)
    return True


def rewrite(path: Path, content: bytes) -> None:
    """Write over a file that is there, in its place.

    Raises:
        NotPlainError: not a file, or one with a second name.
        FileNotFoundError: there is none.
    """
    with parent(path) as (name, place):
        _plain(os.stat(name, dir_fd=place, follow_symlinks=False), path)
        file = _open(name, os.O_RDWR | _FILE, place, path)
    with os.fdopen(file, "r+b") as stream:
        if _plain(os.fstat(file), path).st_nlink > 1:
            raise NotPlainError(f"{path}: has a second name elsewhere (a hard link); it is not written over.")
        stream.write(content)
        stream.truncate()


def _open(name: str | Path, flags: int, place: int | None, path: Path) -> int:
    try:
        return os.open(name, flags, 0o666, dir_fd=place)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise _linked(path) from error
        raise type(error)(error.errno, error.strerror, str(path)) from error


def _plain(found: os.stat_result, path: Path) -> os.stat_result:
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        return found
    if kind == stat.S_IFLNK:
        raise _linked(path)
    raise NotPlainError(f"{path}: is {_kind(found)}; wanted a file. It is damaged or made to do harm.")


def _kind(found: os.stat_result) -> str:
    words = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return words.get(stat.S_IFMT(found.st_mode), "a device")


def _linked(path: Path) -> NotPlainError:
    return NotPlainError(
        f"{path}: is a link, and links below an --out folder are not followed. Put what it points to in its place, or link the "
        "--out folder itself."
    )
