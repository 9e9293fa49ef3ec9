"""One run folder in one row: what the index keeps of it. Nothing here is the truth; the folder is."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from muybridge.core.errors import MuybridgeError
from muybridge.core.records import RECORD_VERSION, Run, read_json
from muybridge.core.seal import check_content

Status = Literal["done", "running", "unfinished", "failed", "damaged"]
WATCHED = ("result.json", "predictions.parquet", "error.log", "config.yaml")
FACETS = ("arm", "data", "protocol", "backbone", "seed", "fold")
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class RunRow:
    """What can be asked of a run without opening its large files.

    Attributes:
        status: ``done`` has a whole ``result.json``; ``damaged`` one that cannot be used; ``running`` a worker that is
            alive (said by the index alone); ``failed`` an ``error.log``; else ``unfinished``.
        reason: why it failed or is damaged.
        facets: how it is sorted: arm, data, protocol, backbone, seed, fold.
        inputs: ``stage/signature`` of each run it starts from, by the field that names it.
        numbers: headline numbers; None where nobody has computed them yet.
        started: ISO 8601 time at which its last process began; empty where not told.
        budget: clips, steps, frames, flops and seconds spent.
    """

    stage: str
    signature: str
    status: Status
    reason: str = ""
    summary: str = ""
    facets: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] | None = None
    started: str = ""
    budget: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    limited: bool = False

    @property
    def name(self) -> str:
        """``stage/signature``."""
        return f"{self.stage}/{self.signature}"

    def flat(self) -> dict[str, Any]:
        """Every plain fact by name: of the run, its config, its facets, its budget and its numbers, later ones over earlier ones."""
        told = {key: value for key, value in self.budget.items() if not isinstance(value, dict | list)}
        return {
            **self.config, "seconds": None, **told, **dict.fromkeys(FACETS), **self.facets, **(self.numbers or {}),
            "stage": self.stage, "signature": self.signature, "status": self.status, "reason": self.reason,
            "summary": self.summary, "started": self.started, "limited": self.limited, "notes": "; ".join(self.notes),
            "command": self.command,
        }  # fmt: skip


def stamp(folder: Path) -> str:
    """Times and sizes of the files that decide a row; changes when one of them does."""
    return " ".join(_stamp(f"{folder}/{name}") for name in WATCHED)


def _stamp(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116 - four for each of many runs; a Path costs as much again
    except OSError:
        return "-"
    return f"{found.st_mtime_ns}:{found.st_size}"


def read_row(run: Run) -> RunRow:
    """Read a run folder; whatever is wrong with it becomes its status and never an exception."""
    if run.done:
        try:
            return _finished(run, _checked(run))
        except (MuybridgeError, OSError) as error:
            return RunRow(run.stage, run.signature, "damaged", " ".join(str(error).split()))
    return _unfinished(run)


def _checked(run: Run) -> dict[str, Any]:
    """The content of ``result.json``.

    Raises:
        MuybridgeError: no mapping, of a newer version, or with parts of another kind.
    """
    path = run.path / "result.json"
    result = read_json(path)
    kinds: dict[str, Any] = {
        "config": dict, "facets": dict, "inputs": dict, "budget": dict, "notes": list, "numbers": dict | None, "version": int,
    }  # fmt: skip
    if not isinstance(result, dict):
        raise MuybridgeError(f"{path}: damaged (not a JSON object).")
    for name, kind in kinds.items():
        if name in result and not isinstance(result[name], kind):
            raise MuybridgeError(f"{path}: damaged ({name!r} is of another kind).")
    if wrong := check_content(result):
        raise MuybridgeError(f"{path.parent}: {wrong}. Run its command again.")
    if result.get("version", 0) > RECORD_VERSION:
        raise MuybridgeError(
            f"{path}: written by a newer Muybridge (record version {result['version']}, this one reads {RECORD_VERSION})."
        )
    return result


def _finished(run: Run, result: Mapping[str, Any]) -> RunRow:
    return RunRow(
        run.stage,
        run.signature,
        "done",
        summary=str(result.get("summary", "")),
        facets=dict(result.get("facets", {})),
        config=dict(result.get("config", {})),
        inputs={
            name: f"{one['stage']}/{one['signature']}"
            for name, one in result.get("inputs", {}).items()
            if isinstance(one, dict) and {"stage", "signature"} <= one.keys()
        },
        numbers=result.get("numbers"),
        started=_started(run.path / "env.json"),
        budget=dict(result.get("budget", {})),
        notes=[str(note) for note in result.get("notes", [])],
        command=str(result.get("command", "")),
        limited=bool(result.get("limited")),
    )


def _unfinished(run: Run) -> RunRow:
    """What the config and the log of a run without result say."""
    config = _config(run.path / "config.yaml")
    log = run.path / "error.log"
    reason = ""
    if log.is_file():
        reason = (
            log.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip() or "no words left"
        )
    said: dict[str, Any] = {name: config[name] for name in ("seed", "fold", "backbone") if name in config}
    data = config.get("data")
    facets: dict[str, Any] = {
        **said,
        "arm": config.get("objective"),
        "data": " ".join(map(str, data)) if isinstance(data, list) else None,
    }
    return RunRow(
        run.stage,
        run.signature,
        "failed" if reason else "unfinished",
        reason,
        facets=facets,
        config=config,
        inputs={
            name: "/".join(Path(config[name]).parts[-2:])
            for name in ("init", "model")
            if len(Path(str(config.get(name))).parts) > 2
        },
        started=_started(run.path / "env.json"),
    )


def _config(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _started(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("started", ""))
    except (OSError, ValueError, AttributeError):
        return ""
