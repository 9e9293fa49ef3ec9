"""Where small files of several workers meet: a folder, or a folder of an object store. Both do the same five things."""

import os
from pathlib import Path
from typing import Protocol, runtime_checkable

from muybridge.core import files


@runtime_checkable
class Place(Protocol):
    """A flat set of small files by name."""

    def names(self) -> list[str]:
        """Names of the files."""
        ...

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is none."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that does not exist; False, and nothing is written, if it does. Of several at once one succeeds."""
        ...

    def renew(self, name: str, content: bytes) -> None:
        """Write over a file.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        ...


class Folder:
    """A folder on a disk or a network share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """Names of the files; folders, links and pipes are none."""
        try:
            with os.scandir(self.path) as found:
                return [one.name for one in found if one.is_file(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is none."""
        try:
            return files.read_bytes(self.path / name)
        except FileNotFoundError:
            return None

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that does not exist; exclusive on every file system, NFS included."""
        return files.create(self.path / name, content)

    def renew(self, name: str, content: bytes) -> None:
        """Write over a file."""
        files.rewrite(self.path / name, content)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)
