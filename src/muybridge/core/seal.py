"""Checksums of a finished run: what is read is what was written.

``result.json`` lists every file of its run with length, time and SHA-256, and ends with the SHA-256 of its own content. A file whose length
and time are as recorded counts as sound without being read; any other is hashed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.records import RECORD_VERSION, canonical, read_json

RESULT = "result.json"
ASIDE = "result.damaged.json"
NOT_SEALED = frozenset({RESULT, ASIDE, "error.log", "journal.jsonl"})


def seal(folder: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a ``result.json`` with the checksums of the files beside it and of itself."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and is_sealed(path.name))
    files = {path.name: _facts(path) for path in paths}
    whole = json.loads(json.dumps({**content, "files": files}, allow_nan=False))
    return {**whole, "sha256": _digest(whole)}


def is_sealed(name: str) -> bool:
    """Whether a file belongs to the result: no lock, no draft, no log of a failure."""
    return not name.startswith(".") and name not in NOT_SEALED


def check_content(content: Any) -> str:
    """What is wrong with the parsed content of a ``result.json``; empty if nothing is. A newer version is not judged."""
    if not isinstance(content, dict):
        return f"{RESULT} is damaged"
    if int(content.get("version", 0)) > RECORD_VERSION or "sha256" not in content:
        return ""
    rest = {name: value for name, value in content.items() if name != "sha256"}
    return "" if _digest(rest) == content["sha256"] else f"{RESULT} was changed after it was written"


def damage(folder: Path, *, thorough: bool = False, partial: bool = False) -> str:
    """What is wrong with a finished run; empty if nothing is.

    Args:
        folder: its folder.
        thorough: hash every file, not only those whose length or time has changed.
        partial: files may be absent, as in the working copy of a store.
    """
    try:
        content = read_json(folder / RESULT)
    except (MuybridgeError, OSError):
        return f"{RESULT} is damaged"
    wrong = check_content(content)
    if wrong:
        return wrong
    files = content.get("files", {})
    found = (_wrong(folder / name, facts, thorough, partial) for name, facts in files.items())
    return next((f"{name} {what}" for name, what in zip(files, found, strict=True) if what), "")


def set_aside(folder: Path) -> None:
    """Make a damaged run count as not done; its ``result.json`` is kept under another name."""
    (folder / RESULT).replace(folder / ASIDE)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256(path)}


def _wrong(path: Path, facts: Mapping[str, Any], thorough: bool, partial: bool) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:
        return "" if partial else "is missing"
    if status.st_size != facts["bytes"]:
        return f"has {status.st_size:,} bytes, {facts['bytes']:,} were written"
    if (thorough or status.st_mtime_ns != facts["mtime_ns"]) and sha256(path) != facts["sha256"]:
        return "has other content than was written"
    return ""


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()
