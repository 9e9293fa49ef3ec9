"""Run folders as stages leave them, made up: finished, failed, unfinished, damaged."""

import json
from pathlib import Path
from typing import Any

from muybridge.core.plain_data import write_json, write_yaml
from muybridge.runs.contents.result import RECORD_VERSION
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.runs.signing import signature


def finished(
    out: Path, stage: str, inputs: dict[str, Run] | None = None, seed: int = 0, arm: str = "vcop", **more: Any
) -> Run:
    """A finished run with its checksums; ``more`` goes over its ``result.json``."""
    inputs = inputs or {}
    config = {
        "out": str(out),
        "seed": seed,
        "objective": arm,
        "lr": 0.001,
        "augment": ["crop", "flip"],
        "labels_per_class": None,
    }
    name = signature(stage, config, {key: run.signature for key, run in inputs.items()})
    path = out / "runs" / stage / name
    write_yaml(path / "config.yaml", config | {key: str(run.path) for key, run in inputs.items()})
    write_json(
        path / "env.json", {"started": f"2026-05-09T12:00:0{seed}+00:00", "argv": ["muybridge", str(out)]}
    )
    facets = {
        "arm": arm,
        "data": "builtin-motions",
        "protocol": stage,
        "seed": seed,
        "fold": None,
        "backbone": "r2plus1d-tiny",
    }
    result = {
        "version": RECORD_VERSION, "stage": stage, "signature": name, "config": config, "facets": facets,
        "inputs": {key: {"stage": run.stage, "signature": run.signature} for key, run in inputs.items()},
        "summary": f"{stage} of {arm}", "limited": False, "notes": [], "command": f"muybridge {stage} --out {out}",
        "budget": {"clips": 48, "steps": 1, "frames": 384, "flops": 10, "seconds": 2.5}, **more,
    }  # fmt: skip
    return sealed(path, result)


def sealed(path: Path, result: dict[str, Any]) -> Run:
    """A run folder with this result, its checksums made anew."""
    told = {name: value for name, value in result.items() if name not in ("files", "sha256")}
    write_json(path / "result.json", seal(path, told))
    return Run(path)


def unfinished(out: Path, stage: str, name: str, error: str = "", init: Path | None = None) -> Run:
    """A run without result, with an ``error.log`` where it failed."""
    path = out / "runs" / stage / name
    config = {
        "seed": 7,
        "backbone": "r2plus1d-tiny",
        "data": ["builtin-objects"],
        "init": str(init) if init else "random",
    }
    write_yaml(path / "config.yaml", config)
    if error:
        (path / "error.log").write_text(f"{error}\n\nTraceback")
    return Run(path)


def damaged(run: Run) -> Run:
    """The run, its result cut in the middle."""
    path = run.path / "result.json"
    path.write_text(json.dumps(run.result)[:50])
    return Run(run.path)
