"""Equal tuning: as many learning rates tried for every pretext task and network before a study, and the best of each taken.

Equal budgets are not equal tuning: a rate that suits one task makes another look bad. A trial is the task's own pretraining at a
multiple of its rate, by a seed that the study does not have, and a linear probe whose accuracy on held-out training videos chooses; test
videos have no say. Trials lie in ``OUT/tuning`` (`muybridge report OUT/tuning`), what was chosen in its ``rates.json``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

from muybridge.config.stage_configs import FinetuneConfig, PretrainConfig, ProbeConfig, Transfer
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import TEXT
from muybridge.core.plain_data import read_json, write_json
from muybridge.runs.contents.result import misfit
from muybridge.runs.contents.study_file import TRIAL, Trial
from muybridge.studies.plan import Cell, Study
from muybridge.studies.study_configs import StudyConfig

FACTORS = (1.0, 3.0, 1 / 3, 10.0, 0.1, 30.0, 1 / 30)
"""Multiples of a task's own learning rate, in the order in which they are tried."""
SEED = 90_000
"""Added to the seed of the study for that of the trials."""
NAME = "rates.json"
_FIELDS = {"trials!": [TRIAL]}
Rates = Mapping[tuple[str, str], float]


def folder(config: StudyConfig) -> Path:
    """Where the trials of a study lie."""
    return config.out / "tuning"


def trials(cells: Sequence[Cell], config: StudyConfig) -> Study:
    """Pretraining and probe of every trial of a study.

    Args:
        cells: the plan of the study at the tasks' own rates.
        config: of the study; says how many trials.

    Raises:
        UsageError: nothing is pretrained, or nothing in it could choose.
    """
    like = _template(cells)
    begun = _tasks(cells)
    if like is None or not begun:
        raise UsageError(
            f"--trials {config.trials}: wanted a study that pretrains and then probes or fine-tunes, whose training videos can choose."
        )
    for first in begun.values():
        for factor in FACTORS[: config.trials]:
            own: dict[str, Any] = {"seed": SEED + config.seed, "out": folder(config)}
            init = yield replace(first, lr=first.lr * factor, **own)
            yield ProbeConfig(**{**like, **own, "init": init, "backbone": first.backbone})


def _tasks(cells: Sequence[Cell]) -> dict[tuple[str, str], PretrainConfig]:
    """The first pretraining of every task and network."""
    found: dict[tuple[str, str], PretrainConfig] = {}
    for cell in cells:
        if isinstance(cell.job.config, PretrainConfig):
            found.setdefault((cell.job.config.objective, cell.job.config.backbone), cell.job.config)
    return found


def _template(cells: Sequence[Cell]) -> dict[str, Any] | None:
    """Fields of a probe on the labelled data that the study has first."""
    kinds = (ProbeConfig, FinetuneConfig)
    for kind in kinds:
        for cell in cells:
            config = cell.job.config
            if type(config) is kind and isinstance(config, Transfer) and config.init != "random":
                return {field.name: getattr(config, field.name) for field in fields(ProbeConfig)}
    return None


def write_choice(cells: Sequence[Cell], config: StudyConfig) -> None:
    """Choose by the finished trials and write ``rates.json``; of equal ones that nearest to the task's own rate.

    Raises:
        MuybridgeError: a probe could hold nothing out.
    """
    by_name = {cell.job.signature: cell.job.config for cell in cells}
    rows: list[Trial] = []
    for cell in cells:
        if cell.job.stage != "probe":
            continue
        grid = cell.run.result.get("selection", {}).get("grid", [])
        if not grid:
            raise MuybridgeError(
                f"{cell.run.path}: no training video could be held out, so that nothing chooses a learning rate; leave --trials out."
            )
        (needed,) = cell.needs
        learnt = by_name[needed]
        assert isinstance(learnt, PretrainConfig)  # as ``trials`` makes them
        rows.append(
            {"objective": learnt.objective, "backbone": learnt.backbone, "lr": learnt.lr, "run": cell.job.signature,
             "held_out": max(one["accuracy"] for one in grid)}
        )  # fmt: skip
    write_json(folder(config) / NAME, {"trials": list(_chosen(rows))})


def _chosen(rows: Sequence[Trial]) -> Iterator[Trial]:
    """Rows with their factor, and whether they are the best of their task and network."""
    of: dict[tuple[str, str], list[Trial]] = {}
    for row in rows:
        own = of.setdefault((row["objective"], row["backbone"]), [])
        own.append({**row, "factor": FACTORS[len(own)]})
    for own in of.values():
        best = max(own, key=lambda row: (row["held_out"], -FACTORS.index(row["factor"])))
        for row in own:
            yield {**row, "chosen": row is best}


def read_choice(config: StudyConfig) -> list[Trial]:
    """Trials of a study and what was chosen of them; empty before they are finished.

    Raises:
        MuybridgeError: damaged.
    """
    path = folder(config) / NAME
    try:
        content = read_json(path, TEXT)
    except FileNotFoundError:
        return []
    if wrong := misfit(content, _FIELDS):
        raise MuybridgeError(
            f"{path}: damaged ({wrong!r} is of another kind). Delete it and run the study again."
        )
    return cast(dict[str, list[Trial]], content)["trials"]


def rates_of(cells: Sequence[Cell], config: StudyConfig) -> Rates:
    """Chosen multiples by task and network; empty unless they were chosen by just these trials.

    Args:
        cells: the plan of the trials.
        config: of the study.
    """
    rows = read_choice(config)
    planned = {cell.job.signature for cell in cells if cell.job.stage == "probe"}
    if {row["run"] for row in rows} != planned:
        return {}
    return {(row["objective"], row["backbone"]): row["factor"] for row in rows if row["chosen"]}


def tuned(study: Study, rates: Rates) -> Study:
    """A study with its pretrainings at the chosen multiples of their rates."""
    try:
        config = next(study)
        while True:
            if isinstance(config, PretrainConfig):
                factor = rates[config.objective, config.backbone]
                config = replace(config, lr=config.lr * factor)
            config = study.send((yield config))
    except StopIteration:
        return
