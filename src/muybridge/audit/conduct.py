"""An audit from its config to its card: look at the data, measure the first clips, choose what fits, run it, say what was found."""

import math
import os
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from muybridge.audit.card import Card, card_of
from muybridge.audit.card_limits import Circumstances
from muybridge.audit.card_pages import write_card
from muybridge.audit.costs import FIRST, measure
from muybridge.audit.data_look import DataLook, affordable, look
from muybridge.audit.flip_pictures import pictures_of
from muybridge.audit.readings import readings_of
from muybridge.audit.rungs import Choice, Costs, Rung, choose, rungs
from muybridge.config.names import is_run_of
from muybridge.config.stage_configs import (
    AuditConfig,
    RobustnessConfig,
    Transfer,
    change,
    kind_of,
)
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import read_json, write_json
from muybridge.core.text.screen import Screen
from muybridge.data.index import VideoRecord, check_there, divide
from muybridge.perturb.apply import CLEAN
from muybridge.runs.records import Run
from muybridge.stages.job.execute import execute
from muybridge.stages.job.job import Job
from muybridge.stages.job.origins import result_config
from muybridge.stages.job.resolve import resolve
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.settled import absolute, command
from muybridge.stages.robustness import grid_of, setup
from muybridge.stages.testing.models import TestedModel
from muybridge.stages.testing.tested import held_out
from muybridge.train.precision import choose as compute_of

FOLDER = "audit"
"""Below OUT: the plan and the pages."""
PLAN, VERSION = "plan.json", 1
LOOK = 0.25
"""Share of the time after which the doctor looks at fewer videos."""
SHORT = 16
"""Frames below which the doctor calls a video short, where no other number is asked for."""
MOST = 32
"""Videos that are measured at most, where a batch holds so many."""
MARGIN = 0.94
"""Share of the time that is planned with: forward passes of a whole run are a little slower than the first."""


@dataclass(frozen=True)
class Audit:
    """A finished audit.

    Attributes:
        card: what was found, in words and numbers.
        run: the robustness run behind it.
        folder: of its pages, ``OUT/audit``.
    """

    card: Card
    run: Run
    folder: Path


@dataclass(frozen=True)
class Plan:
    """What was chosen, as it is kept for a second start.

    Attributes:
        choice: videos and conditions.
        looked: videos that the doctor looks at.
        limit: as ``robustness --limit``; None for all videos.
    """

    choice: Choice
    looked: int
    limit: int | None


def audit(
    config: AuditConfig, show: Screen, subject: TestedModel | None = None, memory: ResolveCache | None = None
) -> Audit | None:
    """Do all of it; what an earlier start with the same words has done is not done again. None for a dry run, which says the plan.

    Args:
        config: with ``minutes``.
        show: where progress goes.
        subject: a model that was handed over as an object.
        memory: what was read already.

    Raises:
        UsageError: model and data do not fit together, or the time is too short for anything (says the least).
    """
    began = time.monotonic()
    config = absolute(config)
    check(config)
    memory = memory or ResolveCache()
    job = resolve(robustness(config, (CLEAN,), None), subject=subject, memory=memory)
    check_there(job.dataset, config.allow_broken)
    train, tested = parts(job)
    place = config.out / FOLDER
    request = asked(config, job)
    plan = read_plan(place / PLAN, request)
    looked = (
        plan.looked
        if plan
        else affordable(job.dataset, tested, 60 * config.minutes, config.workers, config.seed)
    )
    seen = look(
        job.dataset, train, tested, looked, config.workers, config.seed, job.config.frames or SHORT,
        lambda task, done, total: show.update(task, done, total), math.inf if plan else LOOK * 60 * config.minutes,
    )  # fmt: skip
    if plan is not None:
        show.say(f"{place / PLAN}: planned before. {said(plan, config.minutes)}")
    else:
        plan = make_plan(config, job, len(tested), len(seen.looked), memory, began, show)
        show.say(said(plan, config.minutes))
    if config.dry_run:
        return None
    place.mkdir(parents=True, exist_ok=True)
    write_json(place / PLAN, {"version": VERSION, "request": request, **asdict(plan)})
    planned = resolve(
        robustness(config, plan.choice.rung.types, plan.limit), subject=subject or job.subject, memory=memory
    )
    run = execute(planned, lambda done, total, _: show.update("videos", done, total), show.say)
    show.finish("videos")
    return finish(config, planned, run, plan, len(tested), seen, time.monotonic() - began)


def check(config: AuditConfig) -> None:
    """Refuse what no audit can be made of.

    Raises:
        UsageError: says why.
    """
    if not config.model:
        raise UsageError(
            "audit: wanted a model: the folder of a finetune, probe or zeroshot run, i3d, torchvision:NAME, hf:NAME or module:function."
        )
    if not 0 < config.minutes <= 10_000:
        raise UsageError(f"--minutes {config.minutes:g}: wanted a number above 0.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("audit: runs in one process; `muybridge robustness` shares videos between several.")


def robustness(config: AuditConfig, types: tuple[str, ...], limit: int | None) -> RobustnessConfig:
    """The config of the run: the audit's own fields, and what was chosen."""
    own = {one.name: getattr(config, one.name) for one in fields(AuditConfig) if one.name != "minutes"}
    return RobustnessConfig(
        **own | {"limit": limit, "dry_run": False},
        types=types,
        limit_over="classes" if limit is None else "groups",
    )


def parts(job: Job[RobustnessConfig]) -> tuple[list[VideoRecord], list[VideoRecord]]:
    """Training videos, as far as they are known, and those that the run would test."""
    model = job.inputs.get("model")
    if model is not None and not job.shifted:
        origin = change(kind_of(model.stage)(), dict(result_config(model)), model.signature)
        if isinstance(origin, Transfer):
            train, tested = divide(job.dataset, *origin.split)
            return [record for record in train if record.label >= 0], tested
    tested = held_out(job.dataset, None)[0]
    names = {record.id for record in tested}
    splits = {record.split for record in job.dataset.records}
    train = (
        [r for r in job.dataset.records if r.split == "train" and r.label >= 0] if "train" in splits else []
    )
    return [record for record in train if record.id not in names], tested


def make_plan(
    config: AuditConfig,
    job: Job[RobustnessConfig],
    tested: int,
    looked: int,
    memory: ResolveCache,
    began: float,
    show: Screen,
) -> Plan:
    """Measure the first clips and choose what fits into what is left of the time.

    Args:
        config: of the audit.
        job: of the clean run.
        tested: videos that could be tested.
        looked: those that the doctor has looked at.
        memory: what was read already.
        began: when the audit did, on the monotonic clock.
        show: told what is done.
    """
    seconds = 60 * config.minutes
    of = min(tested, config.limit or tested)
    first = resolve(robustness(config, (CLEAN,), min(FIRST, of)), subject=job.subject, memory=memory)
    start = time.monotonic()
    compute = compute_of(first.config.device, first.config.precision)
    trial = setup(first, compute)
    building = time.monotonic() - start
    more = min(of, MOST, -(-trial.batch // trial.protocol.views))
    caching = 0.0
    if more > FIRST:  # a whole batch, which takes less time for each clip
        first = resolve(robustness(config, (CLEAN,), more), subject=job.subject, memory=memory)
        start = time.monotonic()
        trial = setup(first, compute)
        caching = max(0.0, time.monotonic() - start - building) / (more - FIRST)
    steps = rungs(trial.protocol.frames)
    cells = list(dict.fromkeys(cell for rung in steps for cell in rung.conditions))
    show.say("measuring the first clips")
    costs = measure(trial, grid_of(first, trial), cells, compute, seconds, building)
    costs = replace(costs, decode=costs.decode + caching)
    gone = time.monotonic() - began
    choice = choose(MARGIN * seconds - gone, of, trial.protocol.frames, costs, config.minutes, gone)
    return Plan(choice, looked, None if choice.videos == tested else choice.videos)


def said(plan: Plan, minutes: float) -> str:
    """The plan in a sentence."""
    choice = plan.choice
    some = "all" if choice.videos == choice.of else f"{choice.videos:,} of"
    return (
        f"{minutes:g} minutes: {some} {choice.of:,} videos under {len(choice.rung.conditions)} conditions ({choice.rung.name}), about "
        f"{choice.seconds:.0f} s; the doctor looks at {plan.looked:,} videos"
    )


def asked(config: AuditConfig, job: Job[RobustnessConfig]) -> str:
    """What a plan is for: the model, the data and the clips by the signature of the clean run, the time and the seed."""
    return f"{job.signature} {config.minutes:g} {config.limit} {config.seed}"


def read_plan(path: Path, request: str) -> Plan | None:
    """The plan of an earlier start; None where there is none for this request, or what is there is no plan."""
    try:
        content: Any = read_json(path, 1 << 20)  # whatever is no plan ends below
        if content["version"] != VERSION or content["request"] != request:
            return None
        choice = content["choice"]
        rung = Rung(
            str(choice["rung"]["name"]),
            tuple(map(str, choice["rung"]["types"])),
            int(choice["rung"]["videos"]),
        )
        limit = content["limit"]
        return Plan(
            Choice(
                rung,
                int(choice["videos"]),
                int(choice["of"]),
                float(choice["seconds"]),
                Costs(**choice["costs"]),
            ),
            int(content["looked"]),
            None if limit is None else int(limit),
        )
    except (OSError, MuybridgeError, KeyError, TypeError, ValueError):
        return None


def finish(
    config: AuditConfig,
    job: Job[RobustnessConfig],
    run: Run,
    plan: Plan,
    of: int,
    seen: DataLook,
    seconds: float,
) -> Audit:
    """The card of a finished run, and its pages.

    Args:
        config: of the audit.
        job: of the run.
        run: finished.
        plan: what was chosen.
        of: videos that could be tested.
        seen: what the data say by themselves.
        seconds: that the audit took so far.
    """
    full = replace(
        robustness(config, (), None), out=config.out.with_name(f"{config.out.name}-full"), limit=None
    )
    own = is_run_of(config.model, ("finetune", "probe", "zeroshot"))
    around = Circumstances(
        minutes=config.minutes,
        seconds=round(seconds, 1),
        videos=plan.choice.videos,
        of=of,
        limit=config.limit,
        rung=plan.choice.rung.name,
        is_all=plan.choice.rung == rungs(2)[-1],
        command=command(replace(config, model=""), ("audit", config.model)),
        full=command(full),
        own=own,
        shifted=job.shifted,
    )
    readings = readings_of(run, seen)
    card = card_of(run, readings, seen, around)
    pictures = pictures_of(job, run, readings)
    folder = config.out / FOLDER
    write_card(folder, card, pictures)
    return Audit(card, run, folder)
