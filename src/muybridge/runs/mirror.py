"""What crosses over between a store and its working copy on this machine.

A run is published file by file, ``result.json`` last and only if there is none: of two that computed the same run, the first result stays
and the other takes it over. A run is fetched when it is needed; every file is checked against the checksums in ``result.json``.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import TEXT, atomic, facts, make_folder
from muybridge.core.plain_names import NameRefusedError, is_plain
from muybridge.runs.contents.result import RESULT, NewerError, parse_result
from muybridge.runs.contents.result_fields import FileFields, ResultFields
from muybridge.runs.records import Run, find_runs
from muybridge.runs.seal import WEIGHTS, sealed_names, sha256, unlisted
from muybridge.store.place import Folder, Place
from muybridge.store.storage import Store, StoreError, is_url, local, store_of

LOG = logging.getLogger("muybridge")
AT_ONCE = 8
RUN = re.compile(rf"(runs/[a-z][a-z0-9_-]*/[0-9a-f]{{16}})/{re.escape(RESULT)}")
PAGES = (".html", ".md", ".json", ".csv", ".tex")
"""Files of a study that are published beside its runs."""
BELOW = ("tables", "audit")
"""Folders with such files."""


class DamagedError(MuybridgeError):
    """A file of a store is not what was published."""


def place_of(run: Run) -> Place:
    """Where the lease of a run lies: in the store, if its folder is a working copy, else in the folder."""
    return store_of(run.path) or Folder(run.path)


def fetch(run: Run, weights: bool = True) -> None:
    """Complete a run of a working copy from its store; nothing is done where there is no store or no finished run in it.

    Args:
        run: which.
        weights: the large files too, which only stages need.

    Raises:
        DamagedError: a file in the store is not what was published.
        NameRefusedError: its result names files that no run has; nothing was touched.
        MuybridgeError: the result that is here already cannot be read.
    """
    store = store_of(run.path)
    if store is None:
        return
    done = run.done
    sizes = store.sizes()
    raw = None if done or sizes.get(RESULT, TEXT + 1) > TEXT else store.read(RESULT)
    if raw is None and not done:
        return
    content = run.result if raw is None else _parsed(raw, store)
    if not content:
        return
    make_folder(run.path)
    if raw is not None:
        for name in unlisted(run.path, content):  # left by a try of our own, as is what differs
            (run.path / name).unlink()
    for name, told in content.get("files", {}).items():
        path = run.path / name
        if raw is not None and _differs(path, told):
            path.unlink()
        if not os.path.lexists(path) and (weights or not name.endswith(WEIGHTS)):
            _get(store, run, name, told, sizes.get(name, 0))
    if raw is not None:
        with atomic(run.path / RESULT, "wb") as file:
            file.write(raw)


def _differs(path: Path, told: Mapping[str, object]) -> bool:
    """Whether a file is there and is another one.

    Raises:
        NotPlainError: what is there is no file, and is not ours to delete.
    """
    with suppress(FileNotFoundError):
        return bool(facts(path).st_size != told["bytes"] or sha256(path) != told["sha256"])
    return False


def publish(run: Run) -> None:
    """Bring a finished run of a working copy into its store, unless a sound result is there already: then that one is taken over.

    Nothing but the files of the run goes there, and no link is followed.
    """
    store = store_of(run.path)
    if store is None:
        return
    if _published(store):
        _take_over(run)
        return
    names = sealed_names(run.path, run.result)
    for path in (run.path / name for name in sorted(names)):
        store.put(path)
    content = (run.path / RESULT).read_bytes()
    if store.create(RESULT, content):
        return
    if _published(store):
        _take_over(run)
    else:
        store.write(RESULT, content)


def retract(run: Run) -> None:
    """Make a damaged run of a working copy count as not done in its store too."""
    store = store_of(run.path)
    if store is not None:
        store.remove(RESULT)


def synchronise(out: Path) -> None:
    """Publish what an earlier command could not, and fetch the finished runs of others, all but their weights.

    A run of the store that is damaged, or names files that no run has, is said and left there; only its own command mends it.

    Raises:
        StoreError: the store does not answer.
    """
    store = store_of(out)
    if store is None:
        return
    there = {found[1] for path in store.find(f"runs/*/*/{RESULT}") if (found := RUN.fullmatch(path))}
    here = {
        name
        for run in find_runs(out)
        if RUN.fullmatch(f"{(name := run.path.relative_to(out).as_posix())}/{RESULT}")
    }
    _each(publish, (Run(out / name) for name in sorted(here - there)))
    _each(_bring, (Run(out / name) for name in sorted(there)))


def _bring(run: Run) -> None:
    """Fetch a run that others have finished.

    Raises:
        DamagedError: its result cannot be read.
    """
    fetch(run, weights=False)
    if not run.done:
        raise DamagedError(f"{run.path}: its result in the store is damaged, or still being written.")


def working_copy(out: str | Path) -> Path:
    """The folder to read results from: the folder itself, or the working copy of a URL brought up to date."""
    folder = local(out)
    if is_url(out):
        synchronise(folder)
    return folder


def publish_pages(out: Path) -> None:
    """Bring the study's own files (plan, report, tables) into the store of a working copy."""
    store = store_of(out)
    if store is None:
        return
    for folder, place in ((out, store), *((out / name, store.below(name)) for name in BELOW)):
        for path in _pages(folder):
            place.put(path)


def _pages(folder: Path) -> list[Path]:
    """What Muybridge writes for people; links, and whatever else lies there, stay here."""
    if not folder.is_dir() or (folder.is_symlink() and folder.name in BELOW):
        return []
    with os.scandir(folder) as found:
        names = [one.name for one in found if one.is_file(follow_symlinks=False)]
    return [folder / name for name in sorted(names) if is_plain(name) and name.endswith(PAGES)]


def _published(store: Store) -> bool:
    raw = store.read(RESULT)
    return raw is not None and bool(_parsed(raw, store))


def _parsed(raw: bytes, store: Store) -> ResultFields:
    """Content of a result; empty if it is damaged, still being written or of a newer version.

    Raises:
        NameRefusedError: it names files that no run has.
    """
    try:
        return parse_result(raw, store.url)
    except (NameRefusedError, NewerError):
        raise
    except MuybridgeError:
        return {}


def _take_over(run: Run) -> None:
    """Put the published result in the place of ours."""
    theirs = store_of(run.path)
    assert theirs is not None
    raw = theirs.read(RESULT)
    if raw is None or raw == (run.path / RESULT).read_bytes():
        return
    (run.path / RESULT).unlink()
    for name in _parsed(raw, theirs).get("files", {}):
        (run.path / name).unlink(missing_ok=True)
    fetch(Run(run.path))


def _get(store: Store, run: Run, name: str, told: FileFields, size: int) -> None:
    """Copy a file of a store; one of another length is not even begun."""
    draft = run.path / f".{uuid4().hex}.part"
    try:
        if size == told["bytes"]:
            with suppress(FileNotFoundError):
                store.get(name, draft)
        if not draft.is_file() or sha256(draft) != told["sha256"]:
            raise DamagedError(
                f"{store.url}/{name}: not what was published. Run the command of this run again."
            )
        os.utime(draft, ns=(told["mtime_ns"], told["mtime_ns"]))
        draft.replace(run.path / name)
    finally:
        draft.unlink(missing_ok=True)


def _each(do: Callable[[Run], None], runs: Iterable[Run]) -> None:
    """Do something with several runs at once; one that is refused or damaged is said and does not stop the others.

    Raises:
        StoreError: the store does not answer.
    """

    def tried(run: Run) -> None:
        try:
            do(run)
        except StoreError:
            raise
        except MuybridgeError as error:
            LOG.warning("%s/%s is left out: %s", run.stage, run.signature, error)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(tried, runs):
            pass
