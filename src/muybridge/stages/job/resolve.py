"""From a config to its job: one plain sequence that reads, asks the hooks of the stage, and signs."""

import dataclasses
from pathlib import Path
from typing import Any, Final

from muybridge.config.names import starts_from_run
from muybridge.config.stage_configs import Control, PretrainConfig, Transfer, as_dict, change
from muybridge.core.errors import UsageError
from muybridge.data.index import count_folds
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.stages.job.check import check_numbers
from muybridge.stages.job.job import C, Job, Request, Stage, stage_of
from muybridge.stages.job.origins import Planned, consented, read_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.settled import absolute, command
from muybridge.stages.job.signed import signed_config
from muybridge.stages.job.transductive import check_labels_unseen
from muybridge.stages.testing import own_code
from muybridge.stages.testing.models import TestedModel

ALL: Final = "all"
"""The ``fold`` of a run that joins those of all folds."""


def resolve(
    config: C,
    planned: Planned | None = None,
    subject: TestedModel | None = None,
    memory: ResolveCache | None = None,
) -> Job[C]:
    """Read the data set's list, find the inputs and sign.

    Args:
        config: what to do.
        planned: configs of runs that will be made before.
        subject: a model under test that was handed over as an object.
        memory: what configs resolved before have read already.

    Raises:
        UsageError: unknown names or missing inputs.
    """
    stage: Stage[C] = stage_of(config.stage)
    planned, memory = planned or {}, memory or ResolveCache()
    config = stage.located(absolute(config))
    if isinstance(config, Transfer) and config.fold == ALL:
        return _over_folds(stage, config, planned, memory)
    inputs = {} if subject else stage.runs(config)
    origins = {name: read_config(run, planned) for name, run in inputs.items()}
    config = stage.inherit(consented(config, inputs, origins, planned), origins)
    config = dataclasses.replace(
        config, precision=stage.precision(config, subject, _networks(config, origins))
    )
    check_one_network(origins)
    dataset = stage.load(config, origins, memory)
    check_numbers(config)
    stage.check(config, dataset, origins, memory)
    check_labels_unseen(config, dataset, origins, memory)
    config = stage.complete(config)
    signed = signed_config(config, dataset, memory) | stage.signed(config, dataset, memory)
    signed |= own_code.code_of((as_dict(config), *origins.values()), config.seed)
    return stage.job(Request(config, dataset, inputs, origins, planned, signed, subject, memory))


def _networks(config: Control, origins: Planned) -> list[str]:
    """The backbone of a config, else those of what it starts from."""
    own = vars(config).get("backbone")
    return (
        [own] if own else [str(origin["backbone"]) for origin in origins.values() if origin.get("backbone")]
    )


def _over_folds(stage: Stage[Any], config: Transfer, planned: Planned, memory: ResolveCache) -> Job[Any]:
    """A job that joins the answers of one run for each fold."""
    if not stage.facts.transfers:
        raise UsageError(
            f"--fold all: {stage.name} answers for no videos that could be joined; name one fold."
        )
    count = count_folds(stage.load(config, {}, memory), config.folds)
    jobs: dict[str, Job[Any]] = {}
    for fold in range(count):
        init = _init_of(config, fold, count, planned, memory)
        one = dataclasses.replace(config, fold=fold, init=init)
        jobs[f"fold-{fold}"] = resolve(one, planned, memory=memory)
    first = jobs["fold-0"]
    config = dataclasses.replace(first.config, fold=ALL, init=config.init)
    signed = signed_config(config, first.dataset, memory)
    name = signature(stage.name, signed, {name: job.signature for name, job in jobs.items()})
    return Job(
        stage.name, config, first.dataset, {name: job.run for name, job in jobs.items()}, name,
        first.facets | {"fold": ALL}, signed, transductive=any(job.transductive for job in jobs.values()), parts=jobs,
    )  # fmt: skip


def _init_of(config: Transfer, fold: int, count: int, planned: Planned, memory: ResolveCache) -> str:
    """What a fold starts from: of a pretraining that left one fold out, the run that left this one out.

    Raises:
        UsageError: that run is not there, or folds of another number were left out.
    """
    folder, share = snapshots.split(config.init)
    if not starts_from_run(config.init):
        return str(config.init)
    origin = read_config(Run(Path(folder)), planned)
    if origin.get("held_out_fold") is None:
        return str(config.init)
    begun: PretrainConfig = change(PretrainConfig(), origin, folder)
    begun = dataclasses.replace(begun, out=Path(folder).parents[2], held_out_fold=fold)
    theirs = count_folds(memory.load_for(origin), begun.held_out_folds)
    if theirs != count:
        raise UsageError(
            f"--init {folder}: left out one of {theirs} folds, and {count} are tested. Give --folds {theirs}."
        )
    run = resolve(begun, planned, memory=memory).run
    if not run.done:
        raise UsageError(
            f"--fold all: --init {folder} left out fold {origin['held_out_fold']}, and no run beside it left out fold {fold}. Make it: "
            f"{command(begun)}"
        )
    return str(run.path / snapshots.name_of(share) if share else run.path)


def check_one_network(origins: Planned) -> None:
    """Refuse what starts from the joined answers of several networks.

    Raises:
        UsageError: says whose runs to give instead.
    """
    for name, origin in origins.items():
        if origin.get("fold") == ALL:
            flag = "teachers" if name.startswith("teacher") else name
            raise UsageError(
                f"--{flag}: joins the answers of all folds and has no network of its own; give the run of one fold. "
                "`muybridge runs ls --where fold=0` lists them."
            )
