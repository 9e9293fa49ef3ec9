"""From a study to cells: signed stage configs and what each needs.

A study is a generator: it yields a stage config and is sent the folder its run will have, which later configs name as their input.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from muybridge.core.records import Run
from muybridge.stages.config import Control, as_dict
from muybridge.stages.job import Job, resolve

Study = Generator[Control, str, None]


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes:
        job: config, data set and signature.
        needs: signatures of the cells that must be finished first.
    """

    job: Job
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


def plan(study: Study) -> list[Cell]:
    """Every cell of a study, inputs before those that need them; equal configs become one cell."""
    cells: dict[str, Cell] = {}
    planned: dict[str, dict[str, Any]] = {}
    try:
        config = next(study)
        while True:
            job = resolve(config, planned)
            needs = frozenset(run.signature for run in job.inputs.values() if run.signature in cells)
            cells.setdefault(job.signature, Cell(job, needs))
            folder = str(job.run.path)
            planned[folder] = as_dict(job.config)
            config = study.send(folder)
    except StopIteration:
        return list(cells.values())
