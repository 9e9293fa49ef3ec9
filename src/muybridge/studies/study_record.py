"""``study.json``: what a study planned and how it ended, for the report and for commands that come later."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from muybridge.config.stage_configs import as_dict
from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.core.text.redact import redact
from muybridge.runs.contents.study_file import NAME, StudyFields, read_study
from muybridge.stages.job.settled import command
from muybridge.studies import STUDIES, tuning
from muybridge.studies.cell_runner import Outcome
from muybridge.studies.files.factors import factors
from muybridge.studies.files.find import Recipe
from muybridge.studies.plan import Cell
from muybridge.studies.study_configs import QuickstartConfig, StudyConfig

OWN = "Quickstart on own videos"
"""Title of a quickstart on other data than the embedded ones, of which its usual title speaks."""


def write_plan(recipe: Recipe, config: StudyConfig, cells: Sequence[Cell], outcome: Outcome) -> None:
    """Write the plan and the failures of a study."""
    before = _before(config.out)
    by_signature = {cell.job.signature: cell for cell in cells}
    told = factors(cells)
    arms = dict.fromkeys(cell.job.facets["arm"] for cell in cells if cell.job.stage != "similarity")
    content = {
        "name": recipe.name,
        "title": OWN if isinstance(config, QuickstartConfig) and config.data else recipe.title,
        "tables": list(STUDIES[recipe.name].facts.get("tables", ())) if recipe.name in STUDIES else [],
        "claims": list(recipe.claims),
        "command": command(config, recipe.words),
        "config": as_dict(config),
        "tuning": tuning.read_choice(config) if config.trials > 1 else [],
        "started": before.get("started") or datetime.now(UTC).isoformat(timespec="seconds"),
        "arms": sorted(arms, key=lambda arm: arm != "random"),
        "cells": [
            _row(cell) | {"facets": cell.job.facets, "factors": told[cell.job.signature]} for cell in cells
        ],
        "failed": [_row(by_signature[name]) | {"error": text} for name, text in outcome.failed.items()],
    }
    write_json(config.out / NAME, redact(content))


def _before(out: Path) -> StudyFields:
    """What an earlier command wrote; a damaged file is written anew."""
    try:
        return read_study(out)
    except MuybridgeError:
        return {}


def _row(cell: Cell) -> dict[str, object]:
    return {"stage": cell.job.stage, "signature": cell.job.signature, "summary": cell.name}
