"""Checksums of a finished run: what is read is what was written.

``result.json`` lists every file of its run with length, time and SHA-256, and ends with the SHA-256 of its own content. A file whose length
and time are as recorded counts as sound without being read; any other is hashed.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import facts, open_plain
from muybridge.core.plain_names import is_plain
from muybridge.runs.contents.result import RESULT, NewerError, ResultError, digest, read_result

ASIDE = "result.damaged.json"
NOT_SEALED = frozenset({RESULT, ASIDE, "error.log", "journal.jsonl"})
WEIGHTS = ".safetensors"
ENDINGS = (".json", ".jsonl", ".yaml", ".parquet", ".npz", WEIGHTS)
"""Files that readers of a run may take for its own."""


def seal(folder: Path, content: Mapping[str, object]) -> dict[str, object]:
    """The content of a ``result.json`` with the checksums of the files beside it and of itself."""
    files = {name: _facts(folder / name) for name in sealed_names(folder, {})}
    whole = json.loads(json.dumps({**content, "files": files}, allow_nan=False))
    return {**whole, "sha256": digest(whole)}


def is_sealed(name: str) -> bool:
    """Whether a file belongs to the result: no lock, no draft, no log of a failure, nothing with a name that no stage gives."""
    return is_plain(name) and name not in NOT_SEALED


def sealed_names(folder: Path, content: Mapping[str, Any]) -> list[str]:
    """Names of the files that belong to a result: those it lists, of one from before checksums those that lie beside it."""
    if "files" in content:
        return list(content["files"])
    return sorted(name for name in _files(folder) if is_sealed(name))


def damage(folder: Path, *, thorough: bool = False, weights: bool = True, partial: bool = False) -> str:
    """What is wrong with a finished run; empty if nothing is. A newer version is not judged.

    Args:
        folder: its folder.
        thorough: hash every file, not only those whose length or time has changed.
        weights: of weights too; only stages read them.
        partial: files may be absent or left over from another try, as in the working copy of a store.
    """
    try:
        return changed(folder, read_result(folder), thorough=thorough, weights=weights, partial=partial)
    except NewerError:
        return ""
    except ResultError as error:
        return error.reason
    except MuybridgeError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def changed(
    folder: Path,
    content: Mapping[str, Any],
    *,
    thorough: bool = False,
    weights: bool = True,
    partial: bool = False,
) -> str:
    """What is wrong with the files beside the ``content`` of a ``result.json``; the other arguments are those of ``damage``.

    Raises:
        NotPlainError: a link, a pipe or the like in the place of a file.
        OSError: a file cannot be read.
    """
    if "sha256" in content and not partial and (added := unlisted(folder, content)):
        return f"{added[0]} was not there when it was finished"
    files = content.get("files", {})
    found = (
        _wrong(folder / name, told, thorough and (weights or not name.endswith(WEIGHTS)), partial)
        for name, told in files.items()
    )
    return next((f"{name} {what}" for name, what in zip(files, found, strict=True) if what), "")


def _files(folder: Path) -> list[str]:
    """Names of the files in a folder; folders are none, links and pipes are."""
    with os.scandir(folder) as found:
        return [one.name for one in found if not one.is_dir(follow_symlinks=False)]


def unlisted(folder: Path, content: Mapping[str, Any]) -> list[str]:
    """Files that readers could take for those of a run, and that its result does not list."""
    return sorted(
        name
        for name in _files(folder)
        if is_sealed(name) and name.endswith(ENDINGS) and name not in content.get("files", {})
    )


def set_aside(folder: Path) -> None:
    """Make a damaged run count as not done; its ``result.json`` is kept under another name."""
    (folder / RESULT).replace(folder / ASIDE)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(path: Path) -> dict[str, object]:
    status = facts(path)
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256(path)}


def _wrong(path: Path, told: Mapping[str, object], thorough: bool, partial: bool) -> str:
    try:
        status = facts(path)
    except FileNotFoundError:
        return "" if partial else "is missing"
    if status.st_size != told["bytes"]:
        return f"has {status.st_size:,} bytes, {told['bytes']:,} were written"
    if (thorough or status.st_mtime_ns != told["mtime_ns"]) and sha256(path) != told["sha256"]:
        return "has other content than was written"
    return ""
