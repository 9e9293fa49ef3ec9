"""Plan a study, decode its videos, run its cells and write down how it ended."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from muybridge.core.catalogue import pick
from muybridge.core.records import read_json, write_json
from muybridge.core.screen import Screen
from muybridge.data import DATASETS, builtin, cache
from muybridge.data.loader import check_broken
from muybridge.stages.config import Control, as_dict
from muybridge.stages.job import command
from muybridge.studies import STUDIES
from muybridge.studies.execute import Outcome, run_cells
from muybridge.studies.plan import Cell, plan

FEW = 32


@dataclass(frozen=True)
class Finished:
    """A study that has ended, with or without failures."""

    cells: Sequence[Cell]
    outcome: Outcome


def make_plan(name: str, config: Control) -> list[Cell]:
    """Cells of a shipped study."""
    return plan(pick("studies", STUDIES, name)(config))


def run(name: str, config: Control, screen: Screen) -> Finished:
    """Run what is missing of a study and write ``study.json``; a study without failures can be asked for again at no cost."""
    workers = worker_count(config.workers)
    render(config, workers, screen)
    cells = make_plan(name, config)
    _record(name, config, cells, Outcome())
    warm(cells, workers, screen)
    outcome = run_cells(cells, min(workers, len(cells)), screen)
    _record(name, config, cells, outcome)
    return Finished(cells, outcome)


def worker_count(workers: int) -> int:
    """Number of processes; 0 means one per core, at most 16."""
    return workers or min(
        16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def render(config: Any, workers: int, screen: Screen) -> None:
    """Render the embedded videos if the study reads them and they are not there yet."""
    wanted = {*config.data, *getattr(config, "pretrain_data", ())} or set(DATASETS)
    if wanted & DATASETS.keys():
        task = "render embedded videos"
        builtin.ensure(progress=lambda done, total: screen.update(task, done, total), workers=workers)
        screen.finish(task)


def warm(cells: Sequence[Cell], workers: int, screen: Screen) -> None:
    """Decode every data set of the cells once, with the size said before it is built."""
    planned: dict[tuple[str, int], Any] = {}
    for cell in cells:
        size = getattr(cell.job.config, "size", None)
        if size and cell.job.config.limit is None and not cell.run.done:
            planned.setdefault((cell.job.dataset.fingerprint, size), cell.job.dataset.records)
    for (_, size), records in planned.items():
        decode(records, size, workers, screen, cells[0].job.config.allow_broken)


def decode(records: Any, size: int, workers: int, screen: Screen, allow_broken: bool) -> None:
    """Build one cache with a bar; few videos are not worth the start of other processes.

    Raises:
        UsageError: more than 1 % of the videos are broken and that was not allowed.
    """
    workers = workers if len(records) >= FEW else 1
    caching = cache.plan(records, cache.Geometry(size, size), workers=workers)
    if not (caching.folder / "index.json").is_file():
        screen.say(f"cache: {caching}")
    task = "decode videos"
    store = cache.build(
        records, caching, workers=workers, progress=lambda done, total: screen.update(task, done, total)
    )
    screen.finish(task)
    check_broken(records, store.errors, allow_broken)


def _record(name: str, config: Any, cells: Sequence[Cell], outcome: Outcome) -> None:
    path = config.out / "study.json"
    before = read_json(path) if path.is_file() else {}
    by_signature = {cell.job.signature: cell for cell in cells}
    content = {
        "name": name,
        "title": f"{name.capitalize()}: what {' and '.join(config.tasks)} teach",
        "command": command(config),
        "config": as_dict(config),
        "started": before.get("started") or datetime.now(UTC).isoformat(timespec="seconds"),
        "arms": ["random", *config.tasks],
        "cells": [
            {"stage": c.job.stage, "signature": c.job.signature, "summary": c.name, "facets": c.job.facets}
            for c in cells
        ],
        "failed": [
            {
                "stage": by_signature[s].job.stage,
                "signature": s,
                "summary": by_signature[s].name,
                "error": error,
            }
            for s, error in outcome.failed.items()
        ],
    }
    write_json(path, content)
