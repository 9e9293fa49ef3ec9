"""Run folders: content-addressed, written atomically, readable without torch.

``runs/<stage>/<signature>/`` holds ``config.yaml``, ``env.json``, ``metrics.jsonl``, ``weights.safetensors``, ``predictions.parquet``,
``strips.npz``, ``state/`` (only while unfinished) and ``result.json``, which is written last: a folder without it counts as not done.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import numpy as np
import yaml

from muybridge.core.errors import MuybridgeError

RECORD_VERSION = 2
NOT_SIGNED = frozenset(
    {
        "device",
        "workers",
        "out",
        "resume",
        "overwrite",
        "dry_run",
        "track",
        "trust_code",
        "allow_broken",
        "allow_links",
        "data",
        "root",
        "init",
        "model",
        "weights",
        "classes",
    }
)
"""Fields that cannot change a result, and fields that say where something lies whose content is signed instead."""


def canonical(config: Any) -> str:
    """JSON text of a config with sorted keys: equal configs give equal texts."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def signature(stage: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Name of a run: hash of its stage, full resolved config, input runs' signatures and the record version.

    Fields that cannot change a result (``NOT_SIGNED``) stay out.
    """
    signed = {name: value for name, value in config.items() if name not in NOT_SIGNED}
    content = {"version": RECORD_VERSION, "stage": stage, "config": signed, "inputs": dict(inputs)}
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


class Signer:
    """Signs runs that differ in their seed and input runs alone and gives what ``signature`` gives; most of the text is made once.

    Args:
        stage: of the runs.
        config: of any of them.

    Raises:
        ValueError: a config that cannot be told from the marks for what differs.
    """

    def __init__(self, stage: str, config: Mapping[str, Any]) -> None:
        signed = {name: value for name, value in config.items() if name not in NOT_SIGNED}
        content = {
            "version": RECORD_VERSION,
            "stage": stage,
            "config": signed | {"seed": "\0seed"},
            "inputs": "\0inputs",
        }
        text = canonical(content)
        marks = [canonical(mark) for mark in ("\0seed", "\0inputs")]
        if [text.count(mark) for mark in marks] != [1, 1]:
            raise ValueError("the config holds one of the marks")
        self._head, _, rest = text.partition(marks[0])
        self._middle, _, self._tail = rest.partition(marks[1])

    def __call__(self, seed: int, inputs: Mapping[str, str]) -> str:
        """The signature of the run with this seed and these signatures of its inputs."""
        named = ",".join(f'"{name}":"{value}"' for name, value in sorted(inputs.items()))
        text = f"{self._head}{seed}{self._middle}{{{named}}}{self._tail}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def atomic(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary neighbour of ``path`` and rename it into place: readers see the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with draft.open(mode.replace("w", "x"), encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN is refused, a missing value is ``None``."""
    with atomic(path) as file:
        json.dump(content, file, indent=2, allow_nan=False, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        MuybridgeError: not JSON; names the file and the way out.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise MuybridgeError(
            f"{path}: damaged ({error}). Delete its folder and run the same command again."
        ) from error


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write YAML atomically, keys in the order given."""
    with atomic(path) as file:
        yaml.safe_dump(dict(content), file, sort_keys=False, allow_unicode=True)


def append_metrics(path: Path, row: Mapping[str, Any]) -> None:
    """Append one line to a ``metrics.jsonl``."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def keep_metrics(path: Path, last_step: int) -> None:
    """Drop the lines after ``last_step``: what a killed run wrote beyond its last saved state."""
    kept = [row for row in read_metrics(path) if row["step"] <= last_step]
    with atomic(path) as file:
        file.writelines(json.dumps(row) + "\n" for row in kept)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Rows of a ``metrics.jsonl``; an unfinished last line is left out."""
    rows: list[dict[str, Any]] = []
    if not path.exists():
        return rows
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def check_version(path: Path, version: Any) -> None:
    """Refuse what a newer Muybridge wrote.

    Raises:
        MuybridgeError: says both versions and the way out.
    """
    if isinstance(version, int) and version > RECORD_VERSION:
        raise MuybridgeError(
            f"{path}: written by a newer Muybridge (record version {version}; this one reads up to {RECORD_VERSION}). "
            "Update muybridge to read it."
        )


@dataclass(frozen=True)
class Run:
    """One run folder, read lazily."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def stage(self) -> str:
        """Which stage made it."""
        return self.path.parent.name

    @property
    def signature(self) -> str:
        """Hash of everything that decides its content."""
        return self.path.name

    @property
    def done(self) -> bool:
        """Whether it was finished."""
        return (self.path / "result.json").is_file()

    @cached_property
    def result(self) -> dict[str, Any]:
        """Content of ``result.json``: config, inputs, data, budget, command.

        Raises:
            MuybridgeError: damaged, or written by a newer version.
        """
        content: dict[str, Any] = read_json(self.path / "result.json")
        if isinstance(content, dict):
            check_version(self.path, content.get("version"))
        return content

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Training curve, one row per logged step."""
        return read_metrics(self.path / "metrics.jsonl")

    @property
    def strips(self) -> dict[str, np.ndarray]:
        """Film strips, uint8 ``t h w 3`` each, by name."""
        path = self.path / "strips.npz"
        if not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)


def write_strips(path: Path, strips: Mapping[str, np.ndarray]) -> None:
    """Write film strips (uint8 ``t h w 3``) atomically."""
    with atomic(path, "wb") as file:
        np.savez_compressed(file, **dict(strips))  # type: ignore[arg-type]


def find_runs(folder: Path) -> list[Run]:
    """Every finished run below ``folder/runs``, sorted by stage and signature."""
    return [Run(path.parent) for path in sorted((folder / "runs").glob("*/*/result.json"))]
