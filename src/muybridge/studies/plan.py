"""From a study to cells: signed stage configs and what each needs.

A study is a generator: it yields a stage config and is sent the folder its run will have, which later configs name as their input.
"""

import marshal
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from muybridge.config.config_fields import ConfigFields, saved_fields
from muybridge.config.stage_configs import Control, Transfer
from muybridge.core.errors import UsageError
from muybridge.core.machine.collector import no_collector
from muybridge.runs.contents.snapshots import split
from muybridge.runs.records import Run
from muybridge.runs.signing import Signer
from muybridge.runs.stages import facts_of, names
from muybridge.stages.job.job import Job, stage_of
from muybridge.stages.job.resolve import ALL, resolve
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.signed import signed_input
from muybridge.studies.study_configs import StudyConfig

Study = Generator[Control, str, None]
MOST = 1_000_000
"""Cells of a plan: ten times the largest of a benchmark; a study of one's own that never ends is told so."""


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes:
        job: config, data set and signature.
        needs: signatures of the cells that must be finished first.
    """

    job: Job[Control]
    needs: frozenset[str]

    @property
    def run(self) -> Run:
        """Its run folder."""
        return self.job.run

    @property
    def name(self) -> str:
        """Short text for people."""
        facets = self.job.facets
        what = facets["arm"] if self.job.stage == "pretrain" else f"{facets['data']} {facets['arm']}"
        if facets["backbone"] not in ("", "r2plus1d-tiny"):
            what += f" {facets['backbone']}"
        fold = "" if facets["fold"] is None else f" fold {facets['fold']}"
        return f"{self.job.stage} {what}{fold} [{self.job.signature[:6]}]"


def _words(config: Control) -> Iterator[str]:
    """What a config names in the fields for runs that it starts from: folders, snapshots in them, and other words."""
    for name in facts_of(config.stage).inputs:
        value = vars(config)[name]
        yield from value if isinstance(value, tuple) else [str(value)]


def plan(study: Study, memory: ResolveCache | None = None) -> list[Cell]:
    """Every cell of a study, inputs before those that need them; equal configs become one cell.

    Raises:
        UsageError: something that is no stage config, no cell at all, or more than ``MOST``.
    """
    planner = _Planner(memory or ResolveCache())
    with no_collector():
        try:
            config = next(study)
            while True:
                config = study.send(planner.add(config))
                if len(planner.cells) > MOST:
                    raise UsageError(
                        f"the study yields more than {MOST:,} cells. Split it, or ask for fewer seeds or values."
                    )
        except StopIteration:
            pass
    if not planner.cells:
        raise UsageError("the study is empty: it yields no config of a stage.")
    return list(planner.cells.values())


@dataclass(frozen=True)
class _Shape:
    """A resolved job and the signer of all that differ from it in seed and input runs alone."""

    number: int
    job: Job[Control]
    sign: Signer


def shared(config: Control) -> tuple[Any, ...]:
    """The fields that configs of one shape share: all but seed, folder and what they start from."""
    kind: object = type(config)
    return _reader(kind)(config)


@cache
def _reader(kind: Any) -> Callable[[Control], tuple[object, ...]]:
    own = {"seed", "out", *facts_of(kind.stage).inputs}
    return attrgetter(*(field.name for field in fields(kind) if field.name not in own))


class _Planner:
    """Cells by signature and by folder; a config of a known shape is signed without being resolved again."""

    def __init__(self, memory: ResolveCache) -> None:
        self.memory = memory
        self.cells: dict[str, Cell] = {}
        self.shapes: dict[object, _Shape] = {}
        self._made: dict[str, tuple[Cell, int | None]] = {}
        self._runs: dict[str, Run] = {}

    def add(self, config: Control) -> str:
        """Plan one config; returns the folder of its run."""
        if not isinstance(config, Control) or not config.stage or isinstance(config, StudyConfig):
            raise UsageError(
                f"the study yields {type(config).__name__} {str(config)[:60]!r}; wanted the config of a stage: {', '.join(names())}."
            )
        if isinstance(config, Transfer) and config.fold == ALL:
            raise UsageError(
                "fold: all is for the verbs; a study names its folds, as [0, 1, 2], and its report joins them."
            )
        key = self._key(config)
        shape = self.shapes.get(key)
        job = self._resolved(config) if shape is None else self._alike(config, shape)
        if shape is None and key is not None and "code" not in job.signed:  # which hangs on the seed
            shape = self.shapes[key] = _Shape(len(self.shapes), job, Signer(job.stage, job.signed))
        cell = self.cells.get(job.signature)
        if cell is None:
            needs = frozenset(self._inputs(config))
            cell = self.cells[job.signature] = Cell(job, needs)
        folder = os.path.join(job.config.out, "runs", job.stage, job.signature)  # noqa: PTH118 - text, for many cells
        self._made[folder] = cell, shape.number if shape else None
        return folder

    def _inputs(self, config: Control) -> Iterator[str]:
        """Signatures of the planned runs that a config starts from."""
        for folder, _ in map(split, _words(config)):
            if folder in self._made:
                yield self._made[folder][0].job.signature

    def _key(self, config: Control) -> object:
        """Everything but seed and input runs, of which the shapes; None where a run is not planned here. Tells 1 from 1.0 and True."""
        kind, values = type(config), vars(config)
        if type(config.seed) is not int or not stage_of(config.stage).alike:
            return None
        origins = []
        for name in facts_of(config.stage).inputs:
            if isinstance(values[name], tuple):
                if values[name]:
                    return None
                continue
            run, share = split(str(values[name]))
            _, shape = self._made.get(run, (None, None))
            if run != "random" and shape is None:
                return None
            origins.append((shape, share))
        return kind, str(config.out), marshal.dumps(shared(config), 2), *origins

    def _resolved(self, config: Control) -> Job[Control]:
        """A job by reading, checking and signing."""
        return resolve(config, dict(self._ancestors(config)), memory=self.memory)

    def _ancestors(self, config: Control) -> Iterator[tuple[str, ConfigFields]]:
        """Folders and configs of the planned runs that a config starts from, and of those that they start from."""
        for folder, _ in map(split, _words(config)):
            if folder in self._made:
                origin = self._made[folder][0].job.config
                yield folder, saved_fields(origin)
                yield from self._ancestors(origin)

    def _alike(self, config: Control, shape: _Shape) -> Job[Control]:
        """A job like another one, but for its seed and its inputs."""
        given, like = vars(config), shape.job
        folders = {name: given[name] for name in like.inputs}
        cells = {name: self._made[split(folder)[0]][0] for name, folder in folders.items()}
        named = {name: signed_input(cells[name].job.signature, folder) for name, folder in folders.items()}
        seed = cells["model"].job.facets["seed"] if "model" in cells else config.seed
        made = object.__new__(type(config))  # dataclasses.replace checks every field again
        vars(made).update(vars(like.config), seed=config.seed, **folders)
        inputs = {name: self._run(split(folder)[0]) for name, folder in folders.items()}
        facets = like.facets | {"seed": seed}
        name = shape.sign(config.seed, named)
        return Job(
            like.stage, made, like.dataset, inputs, name, facets, like.signed, like.notes, transductive=like.transductive,
        )  # fmt: skip

    def _run(self, folder: str) -> Run:
        if folder not in self._runs:
            self._runs[folder] = Run(Path(folder))
        return self._runs[folder]
