"""What crosses over between a store and its working copy on this machine.

A run is published file by file, ``result.json`` last and only if there is none: of two that computed the same run, the first result stays
and the other takes it over. A run is fetched when it is needed; every file is checked against the checksums in ``result.json``.
"""

import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.places import Folder, Place
from muybridge.core.records import Run, atomic, find_runs
from muybridge.core.seal import RESULT, check_content, is_sealed, sha256
from muybridge.core.storage import Store, is_url, local, store_of

WEIGHTS = ".safetensors"
AT_ONCE = 8


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
        DamagedError: a file in the store is not what was published; the run counts as not done there now.
    """
    store = store_of(run.path)
    if store is None:
        return
    raw = None if run.done else store.read(RESULT)
    if raw is None and not run.done:
        return
    content = run.result if raw is None else _parsed(raw)
    run.path.mkdir(parents=True, exist_ok=True)
    for name, facts in content.get("files", {}).items():
        path = run.path / name
        if raw is not None and path.exists() and sha256(path) != facts["sha256"]:
            path.unlink()  # left by a try of our own
        if not path.exists() and (weights or not name.endswith(WEIGHTS)):
            _get(store, run, name, facts)
    if raw is not None and content:
        with atomic(run.path / RESULT, "wb") as file:
            file.write(raw)


def publish(run: Run) -> None:
    """Bring a finished run of a working copy into its store, unless a sound result is there already: then that one is taken over."""
    store = store_of(run.path)
    if store is None:
        return
    if _published(store):
        _take_over(run)
        return
    for path in sorted(run.path.iterdir()):
        if path.is_file() and is_sealed(path.name):
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

    Raises:
        StoreError: the store does not answer.
    """
    store = store_of(out)
    if store is None:
        return
    there = {Path(path).parent.as_posix() for path in store.find(f"runs/*/*/{RESULT}")}
    here = {run.path.relative_to(out).as_posix() for run in find_runs(out)}
    _each(publish, (Run(out / name) for name in sorted(here - there)))
    _each(lambda run: fetch(run, weights=False), (Run(out / name) for name in sorted(there)))


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
    pages = [path for path in sorted(out.iterdir()) if path.is_file() and not path.name.startswith(".")]
    for path in [*pages, *sorted((out / "tables").glob("*"))]:
        store.below(*path.parent.relative_to(out).parts).put(path)


def _published(store: Store) -> bool:
    raw = store.read(RESULT)
    return raw is not None and bool(_parsed(raw))


def _parsed(raw: bytes) -> dict[str, Any]:
    """Content of a result; empty if it is damaged or still being written."""
    try:
        content = json.loads(raw)
    except ValueError:
        return {}
    return {} if check_content(content) else dict(content)


def _take_over(run: Run) -> None:
    """Put the published result in the place of ours."""
    theirs = store_of(run.path)
    assert theirs is not None
    raw = theirs.read(RESULT)
    if raw is None or raw == (run.path / RESULT).read_bytes():
        return
    (run.path / RESULT).unlink()
    for name in _parsed(raw).get("files", {}):
        (run.path / name).unlink(missing_ok=True)
    fetch(Run(run.path))


def _get(store: Store, run: Run, name: str, facts: dict[str, Any]) -> None:
    draft = run.path / f".{name}.{os.getpid()}.part"
    try:
        try:
            store.get(name, draft)
        except FileNotFoundError:
            draft.touch()
        if sha256(draft) != facts["sha256"]:
            retract(run)
            raise DamagedError(
                f"{store.url}/{name}: not what was published. The run counts as not done now; run its command again."
            )
        os.utime(draft, ns=(facts["mtime_ns"], facts["mtime_ns"]))
        draft.replace(run.path / name)
    finally:
        draft.unlink(missing_ok=True)


def _each(do: Any, runs: Iterable[Run]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(do, runs):
            pass
