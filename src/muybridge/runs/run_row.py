"""One run folder in one row: what the index keeps of it. Nothing here is the truth; the folder is."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import TEXT, NotPlainError, first_line
from muybridge.core.parse import Json
from muybridge.core.plain_data import read_json, read_yaml
from muybridge.core.text.redact import redact, redacted
from muybridge.runs.contents.result import AGAIN
from muybridge.runs.contents.result_fields import ResultFields
from muybridge.runs.records import Run
from muybridge.runs.seal import changed
from muybridge.store.storage import store_of

Status = Literal["done", "running", "unfinished", "failed", "damaged"]
CLIP = ("frames",)
"""Names of a clip's own, whether a config has them or not."""
FACETS = ("arm", "data", "protocol", "backbone", "seed", "fold")


@dataclass(frozen=True)
class RunRow:
    """What can be asked of a run without opening its large files.

    Attributes:
        status: ``done`` has a ``result.json`` and every file as it was written; ``damaged`` one that cannot be believed; ``running`` a
            worker that is alive (said by the index alone); ``failed`` an ``error.log``; else ``unfinished``.
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
    facets: dict[str, object] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] | None = None
    started: str = ""
    budget: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    limited: bool = False

    @property
    def name(self) -> str:
        """``stage/signature``."""
        return f"{self.stage}/{self.signature}"

    def flat(self) -> dict[str, object]:
        """Every plain fact by name: of the run, its config, its facets, its budget and its numbers, later ones over earlier ones.

        ``frames`` are those of a clip; the frames that a run worked through are ``spent_frames``, as is all of the budget whose name
        the config has.
        """
        told = {
            f"spent_{key}" if key in self.config or key in CLIP else key: value
            for key, value in self.budget.items()
            if not isinstance(value, dict | list)
        }
        return {
            **self.config, "seconds": None, **told, **dict.fromkeys(FACETS), **self.facets, **(self.numbers or {}),
            "stage": self.stage, "signature": self.signature, "status": self.status, "reason": self.reason,
            "summary": self.summary, "started": self.started, "limited": self.limited, "notes": "; ".join(self.notes),
            "command": self.command,
        }  # fmt: skip


def stamp(folder: Path) -> str:
    """Hash of name, size and times of every file in a run folder; changes when one of them does."""
    try:
        with os.scandir(folder) as found:
            told = sorted(
                _told(one)
                for one in found
                if not one.name.startswith(".") and not one.is_dir(follow_symlinks=False)
            )
    except OSError as error:
        told = [f"{error.errno}"]
    return hashlib.blake2b("\0".join(told).encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _told(one: "os.DirEntry[str]") -> str:
    found = one.stat(follow_symlinks=False)
    # The time of change shows what set the other one back, and the number of the file what was put in its place.
    return f"{one.name}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def read_row(run: Run) -> RunRow:
    """Read a run folder; whatever is wrong with it becomes its status and never an exception.

    Every file of a finished run is hashed but for its weights: only stages read those, and they hash them. Of weights, length and time are
    looked at.
    """
    try:
        if run.path.is_symlink():
            raise NotPlainError(f"{run.path}: is a link; runs are read in the folder where they lie.")
        if not run.done:
            return _unfinished(run)
        result = run.result
        wrong = changed(
            run.path, result, thorough=True, weights=False, partial=store_of(run.path) is not None
        )
        if wrong:
            raise MuybridgeError(f"{run.path}: damaged ({wrong}). {AGAIN}")
        return _finished(run, result)
    except (MuybridgeError, OSError) as error:
        return RunRow(run.stage, run.signature, "damaged", " ".join(str(error).split()))


def _finished(run: Run, result: ResultFields) -> RunRow:
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
    reason = (first_line(log) or "no words left") if log.is_file() and not log.is_symlink() else ""
    said: dict[str, object] = {name: config[name] for name in ("seed", "fold", "backbone") if name in config}
    data = config.get("data")
    facets: dict[str, object] = {
        **said,
        "arm": config.get("objective"),
        "data": " ".join(map(str, data)) if isinstance(data, list) else None,
    }
    return RunRow(
        run.stage,
        run.signature,
        "failed" if reason else "unfinished",
        redacted(reason),
        facets=redact(facets),
        config=redact(config),
        inputs={
            name: "/".join(Path(str(config[name])).parts[-2:])
            for name in ("init", "model")
            if len(Path(str(config.get(name))).parts) > 2
        },
        started=_started(run.path / "env.json"),
    )


def _config(path: Path) -> dict[str, Json]:
    """The config of a run without result; its command writes it anew, so a torn one is none."""
    try:
        return read_yaml(path)
    except (MuybridgeError, OSError):
        return {}


def _started(path: Path) -> str:
    try:
        told = read_json(path, TEXT)
    except FileNotFoundError:
        return ""
    return str(told.get("started", "")) if isinstance(told, dict) else ""
