"""Where small files of several workers meet: a folder, or a folder of an object store. Both do the same five things."""

from pathlib import Path
from typing import Protocol


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
        """Names of the files."""
        return [path.name for path in self.path.iterdir()] if self.path.is_dir() else []

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is none."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that does not exist; exclusive on every file system, NFS included."""
        try:
            with (self.path / name).open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
        return True

    def renew(self, name: str, content: bytes) -> None:
        """Write over a file."""
        with (self.path / name).open("r+b") as file:
            file.write(content)
            file.truncate()

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)
