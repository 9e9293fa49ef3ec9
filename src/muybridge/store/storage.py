"""Results behind a URL (``s3://``, ``gs://``, anything that fsspec knows): a store, and its working copy on this machine.

``--out URL`` is the working copy below ``stores_root()``, an ordinary folder for all else. Its name is the quoted URL, so that path and URL
follow from each other. Work is done there; what crosses over is in ``runs.mirror``.

A URL may hold a password or a signed query. It is kept whole in the memory of this process and of its own workers, and nowhere else: the
name of the working copy, and everything that is written or said, has ``***`` in its place.
"""

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from muybridge.core import files
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.machine.paths import stores_root
from muybridge.core.text.redact import HIDDEN, redacted_url

_URL = re.compile(r"([a-z][a-z0-9+.-]+):/{1,3}(?=[^/])")
_RUN = re.compile(r"(.+)/(runs/[a-z]+/[0-9a-f]{16}(?:/[^/]+)?)/?")


class StoreError(MuybridgeError):
    """A store cannot be reached, read or written."""


def is_url(text: object) -> bool:
    """Whether this names a store and not a folder; a URL that went through ``Path`` and lost a slash counts."""
    return _URL.match(str(text)) is not None


def whole(text: object) -> str:
    """A URL with the slashes that ``Path`` took, and none at its end."""
    found = _URL.match(str(text))
    if not found:
        raise UsageError(f"{text}: not a URL; wanted PROTOCOL://PLACE, as s3://bucket/folder.")
    rest = str(text)[found.end() :].rstrip("/")
    return f"{found[1]}://{'/' if found[1] in ('file', 'local') else ''}{rest}"


_WHOLE: dict[str, str] = {}
"""URLs with their secrets by the name of their working copy, as far as this process was told."""


def local(text: object) -> Path:
    """Where a store, or a run in it, has its working copy; a path is given back as it is."""
    if not is_url(text):
        return Path(str(text))
    url = whole(text)
    run = _RUN.fullmatch(url)
    if run:
        return local(run[1]) / run[2]
    name = _name(url)
    if HIDDEN not in url:
        _WHOLE[name] = url
        _rename(url, name)
    return stores_root() / name


def _name(url: str) -> str:
    """Name of a working copy; two queries of one place have two, and passwords leave no trace."""
    query = url.partition("?")[2]
    mark = f"@{hashlib.sha256(query.encode()).hexdigest()[:8]}" if query and HIDDEN not in query else ""
    return quote(redacted_url(url), safe="") + mark


def _rename(url: str, name: str) -> None:
    """Take over a working copy that an older version named by the whole URL."""
    before = stores_root() / quote(url, safe="")
    if before.name != name and not (stores_root() / name).exists():
        with suppress(OSError):
            before.rename(stores_root() / name)


def known_urls() -> dict[str, str]:
    """What ``local`` was told, for processes of this machine that take over work of this one."""
    return dict(_WHOLE)


def learn_urls(known: Mapping[str, str]) -> None:
    """The other end of ``known_urls``."""
    _WHOLE.update(known)


def portable(text: str) -> str:
    """The URL of what lies in a working copy, without its secrets, for other machines to understand; other texts stay as they are."""
    name, rest = _parted(text)
    return redacted_url(unquote(name.partition("@")[0])) + rest if name else text


def _parted(text: str) -> tuple[str, str]:
    """Name of the working copy that a path lies in, and the rest of the path; empty for others."""
    root = f"{stores_root().absolute()}/"
    if not text.startswith(root):
        return "", text
    name, slash, rest = text[len(root) :].partition("/")
    return name, slash + rest


def store_of(path: Path) -> "Store | None":
    """The folder of the store that a path in a working copy stands for; None for every other path, and where its secrets are not known."""
    name, rest = _parted(str(path.absolute()))
    url = _WHOLE.get(name) or unquote(name.partition("@")[0])
    if not is_url(url) or lacks_secrets(path):
        return None
    return Store(joined(url, *rest.strip("/").split("/")) if rest.strip("/") else url)


def lacks_secrets(path: Path) -> bool:
    """Whether a path lies in the working copy of a store that wants secrets this process was not told."""
    name, _ = _parted(str(path.absolute()))
    return HIDDEN in unquote(name) and name not in _WHOLE


def joined(url: str, *names: str) -> str:
    """The URL of something below a URL; a query, which HTTP has, stays at the end."""
    place, mark, query = url.partition("?") if url.startswith("http") else (url, "", "")
    return "/".join((place.rstrip("/"), *names)) + mark + query


class Store:
    """A folder in a store. A ``Place`` for its own files; ``below`` leads to its folders.

    Raises:
        StoreError: from every method, when the store does not answer or refuses.
        UsageError: unknown protocol, or its package is not installed.
    """

    def __init__(self, url: str, out: Path | None = None) -> None:
        self.url = redacted_url(url)
        """For messages: without secrets."""
        self._whole = url
        self.fs, self.root = _connect(url)
        protocols = (self.fs.protocol,) if isinstance(self.fs.protocol, str) else self.fs.protocol
        self.disk = Path(self.root) if "file" in protocols else None
        """Its folder, where it lies on a disk: then links in it are followed no more than in any other folder of results."""
        self.out = out or self.disk

    def below(self, *names: str) -> "Store":
        """A folder in it."""
        return Store(joined(self._whole, *names), self.out)

    def names(self) -> list[str]:
        """Names of the files."""
        return list(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Bytes of the files by name; those of folders mean nothing. Names that lead elsewhere are left out."""
        with _explained(self.url):
            self.fs.invalidate_cache(self.root)
            try:
                found = self.fs.ls(self.root, detail=True)
            except FileNotFoundError:
                return {}
        named = {str(one["name"]).rstrip("/").rsplit("/", 1)[-1]: int(one.get("size") or 0) for one in found}
        return {name: size for name, size in named.items() if name not in ("", ".", "..")}

    def find(self, pattern: str) -> list[str]:
        """Paths below it that match a pattern, relative to it."""
        with _explained(self.url):
            self.fs.invalidate_cache()
            found = self.fs.glob(f"{self.root}/{pattern}")
        return sorted(path[len(self.root) :].lstrip("/") for path in found)

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is none."""
        with _explained(self.url):
            try:
                if self.disk:
                    return files.read_bytes(self.disk / name)
                content: bytes = self.fs.cat_file(f"{self.root}/{name}")
            except FileNotFoundError:
                return None
        return content

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that does not exist; False if it does.

        Of several at once one succeeds where the store can create exclusively (S3, Google Cloud, memory, local files do); other protocols
        of fsspec look first and write then.
        """
        with _explained(self.url):
            if self.disk:
                files.make_folder(self.disk)
                return files.create(self.disk / name, content)
            try:
                self.fs.pipe_file(f"{self.root}/{name}", content, mode="create")
            except FileExistsError:
                return False
        return True

    def renew(self, name: str, content: bytes) -> None:
        """Write over a file."""
        with _explained(self.url):
            if self.disk:
                files.rewrite(self.disk / name, content)
                return
            if not self.fs.exists(f"{self.root}/{name}"):
                raise FileNotFoundError(name)
            self.fs.pipe_file(f"{self.root}/{name}", content)

    def write(self, name: str, content: bytes) -> None:
        """Write a file, new or not."""
        with _explained(self.url):
            if self.disk:
                with files.atomic(self.disk / name, "wb", self.out) as file:
                    file.write(content)
                return
            self.fs.makedirs(self.root, exist_ok=True)
            self.fs.pipe_file(f"{self.root}/{name}", content)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with _explained(self.url):
            try:
                self.fs.rm_file(f"{self.root}/{name}")
            except FileNotFoundError:
                return

    def clear(self, names: Iterable[str]) -> None:
        """Delete files and folders of it, whatever they hold."""
        with _explained(self.url):
            for name in names:
                if self.fs.exists(f"{self.root}/{name}"):
                    self.fs.rm(f"{self.root}/{name}", recursive=True)

    def put(self, path: Path) -> None:
        """Copy a local file into it.

        Raises:
            NotPlainError: it is a link, or no file.
        """
        with _explained(self.url):
            if self.disk:
                with (
                    files.open_plain(path) as source,
                    files.atomic(self.disk / path.name, "wb", self.out) as copy,
                ):
                    shutil.copyfileobj(source, copy)
                return
            files.facts(path)
            self.fs.makedirs(self.root, exist_ok=True)
            self.fs.put_file(str(path), f"{self.root}/{path.name}")

    def get(self, name: str, path: Path) -> None:
        """Copy a file of it to a local path, which it makes."""
        with _explained(self.url):
            if self.disk:
                with files.open_plain(self.disk / name) as source, path.open("xb") as copy:
                    shutil.copyfileobj(source, copy)
                return
            self.fs.get_file(f"{self.root}/{name}", str(path))


@lru_cache(maxsize=4096)
def _connect(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    protocol = url.partition("://")[0]
    try:
        with _explained(redacted_url(url)):
            fs, root = url_to_fs(url, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        raise UsageError(
            f"--out {redacted_url(url)}: {error}. Install what {protocol}:// needs, or give a folder."
        ) from error
    return fs, str(root)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Errors of the store's driver in words; they are of every kind."""
    try:
        yield
    except (MuybridgeError, FileNotFoundError, ImportError, ValueError):
        raise
    except Exception as error:
        raise StoreError(
            f"{url}: the store cannot be reached or written ({type(error).__name__}: {error}). Finished runs are kept below "
            f"{stores_root()}; the same command publishes them when the store answers again."
        ) from error
