"""JSON and YAML of our own: written atomically, read as plain data or refused with the name of the file."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic, open_plain, read_bytes
from muybridge.core.parse import CONFIG, Json, UnreadableError, parse_json, parse_yaml


def canonical(config: object) -> str:
    """JSON text of a config with sorted keys: equal configs give equal texts."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically; NaN is refused, a missing value is ``None``."""
    with atomic(path) as file:
        json.dump(content, file, indent=2, allow_nan=False, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path, most: int | None = None) -> Json:
    """Read a JSON file.

    Args:
        path: of the file; a link, a pipe or a device is refused.
        most: bytes that it may have.

    Raises:
        MuybridgeError: no file, or not JSON of ours (``core.parse``); names it and the way out.
        OSError: there is none, or it cannot be read.
    """
    with open_plain(path, most) as file:
        raw = file.read()
    try:
        return parse_json(raw)
    except UnreadableError as error:
        raise MuybridgeError(
            f"{path}: damaged ({error}). Delete its folder and run the same command again."
        ) from error


def read_yaml(path: Path) -> dict[str, Json]:
    """Read the ``config.yaml`` of a run.

    Raises:
        MuybridgeError: no file, or no YAML of ours; names it and the way out.
        OSError: there is none, or it cannot be read.
    """
    try:
        content = parse_yaml(read_bytes(path, CONFIG))
    except UnreadableError as error:
        raise MuybridgeError(
            f"{path}: damaged ({error}). Delete its folder and run its command again."
        ) from error
    if not isinstance(content, dict):
        raise MuybridgeError(f"{path}: damaged (no fields). Delete its folder and run its command again.")
    return content


def write_yaml(path: Path, content: Mapping[str, object]) -> None:
    """Write YAML atomically, keys in the order given."""
    with atomic(path) as file:
        yaml.safe_dump(dict(content), file, sort_keys=False, allow_unicode=True)
