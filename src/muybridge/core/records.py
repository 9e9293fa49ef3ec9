"""Run folders: content-addressed, written atomically, readable without torch.

``runs/<stage>/<signature>/`` holds ``config.yaml``, ``env.json``, ``metrics.jsonl``, ``weights.safetensors``, ``predictions.parquet``,
``strips.npz``, ``state/`` (only while unfinished) and ``result.json``, which is written last: a folder without it counts as not done.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import append_text, open_plain, read_bytes
from muybridge.core.files import atomic as atomic
from muybridge.core.names import is_plain
from muybridge.core.parse import CONFIG, DEPTH, UnreadableError, parse_json, parse_yaml
from muybridge.core.redact import redact
from muybridge.core.result import AGAIN, RESULT, WORDS, misfit, read_result
from muybridge.core.result import RECORD_VERSION as RECORD_VERSION
from muybridge.core.result import canonical as canonical
from muybridge.core.strips import read_strips
from muybridge.core.strips import write_strips as write_strips

LINES = 1 << 30
"""Most bytes of a ``metrics.jsonl``."""
ROW: dict[str, Any] = {"step": int} | dict.fromkeys(
    ("clips", "loss", "accuracy", "chance", "lr", "grad_norm"), (float, None)
)
"""Kinds of what readers take from a row."""
CURVE = {"step!": int} | ROW
"""The same of a training curve, where each row has its step."""

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
        "teachers",
        "weights",
        "classes",
    }
)
"""Fields that cannot change a result, and fields that say where something lies whose content is signed instead."""
LATER: Mapping[str, Any] = {
    "threads": 1, "caption": None, "held_out_fold": None, "held_out_folds": None,
    "auxiliary": [], "auxiliary_options": [], "auxiliary_only_views": False, "weighting": "fixed", "weighting_options": [],
    "mode": None, "meta_share": 0.2, "budget": None, "budget_unit": None, "prereg": "",
    "teacher_temperature": 4.0, "teacher_classes": "own",
    "layout": None, "range": None, "mean": [], "std": [], "channels": None, "weights_key": None, "weights_prefix": None,
}  # fmt: skip
"""Fields that came later, each with the value that all runs before are taken to have: there it is not signed, and no old run is renamed."""


def signed_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """What is signed of a config: all but ``NOT_SIGNED``, and of ``LATER`` what differs from the value of old runs."""
    return {
        name: value
        for name, value in config.items()
        if name not in NOT_SIGNED and not (name in LATER and value == LATER[name])
    }


def signature(stage: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Name of a run: hash of its stage, full resolved config, input runs' signatures and the record version.

    Fields that cannot change a result stay out (``signed_fields``).
    """
    signed = signed_fields(config)
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
        signed = signed_fields(config)
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


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN is refused, a missing value is ``None``."""
    with atomic(path) as file:
        json.dump(content, file, indent=2, allow_nan=False, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path, most: int | None = None) -> Any:
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


def read_yaml(path: Path) -> dict[str, Any]:
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


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write YAML atomically, keys in the order given."""
    with atomic(path) as file:
        yaml.safe_dump(dict(content), file, sort_keys=False, allow_unicode=True)


def append_metrics(path: Path, row: Mapping[str, Any]) -> None:
    """Append one line to a ``metrics.jsonl``."""
    append_text(path, json.dumps(row) + "\n")


def keep_metrics(path: Path, last_step: int) -> None:
    """Drop the lines after ``last_step``: what a killed run wrote beyond its last saved state."""
    kept = [row for row in read_metrics(path, CURVE) if row["step"] <= last_step]
    with atomic(path) as file:
        file.writelines(json.dumps(row) + "\n" for row in kept)


def read_metrics(path: Path, kind: Mapping[str, Any] = ROW) -> list[dict[str, Any]]:
    """Rows of a ``metrics.jsonl`` or a journal; an unfinished last line is left out. Numbers may be NaN or infinite, as losses are.

    Args:
        path: of the file.
        kind: of its rows, as of ``result.misfit``.

    Raises:
        MuybridgeError: no text, or a line that no run writes; names it.
    """
    try:
        text = read_bytes(path, LINES).decode()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise MuybridgeError(f"{path}: damaged ({error}). {AGAIN}") from error
    if re.search(r"[0-9]{40}|\\u[dD][89a-fA-F]", text):
        raise MuybridgeError(f"{path}: damaged (a number of 40 digits, or half a letter). {AGAIN}")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            break
        except RecursionError:
            row = None
        if not isinstance(row, dict) or misfit(row, kind) or line.count("[") + line.count("{") > DEPTH:
            raise MuybridgeError(f"{path}: damaged (line {number} is no row that a run writes). {AGAIN}")
        rows.append(row)
    return rows


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
        """Whether it was finished: something is called ``result.json``, which need not be sound, or even a file."""
        return os.path.lexists(self.path / RESULT)

    @cached_property
    def result(self) -> dict[str, Any]:
        """Content of ``result.json``: config, inputs, data, budget, command.

        Raises:
            MuybridgeError: damaged, changed after it was written, of another run, or written by a newer version.
        """
        content = read_result(self.path)
        return {**content, **redact({name: content[name] for name in WORDS if name in content})}

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Training curve, one row per logged step."""
        return read_metrics(self.path / "metrics.jsonl", CURVE)

    @property
    def strips(self) -> dict[str, np.ndarray]:
        """Film strips, uint8 ``t h w 3`` each, by name.

        Raises:
            MuybridgeError: damaged.
        """
        return read_strips(self.path / "strips.npz")


def folders(out: Path) -> Iterator[Run]:
    """Every run folder below ``out/runs``, finished or not; hidden ones are none; links are told, as nobody should take them for absent."""
    for stage in _subfolders(out / "runs"):
        for path in _subfolders(stage):
            yield Run(path)


def _subfolders(folder: Path) -> list[Path]:
    """Folders with names of ours, and links to folders."""
    try:
        with os.scandir(folder) as found:
            return [
                folder / one.name
                for one in found
                if is_plain(one.name) and os.path.isdir(one.path)  # noqa: PTH112 - of many, and never raises
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_runs(out: Path) -> list[Run]:
    """Every finished run below ``out/runs``, sorted by stage and signature; ``core.index`` says which of them are sound."""
    return sorted((run for run in folders(out) if run.done), key=lambda run: (run.stage, run.signature))
