"""Training with several tasks: the joined objective, its weighting, the videos that it learns on, and what tasks and weighting did."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypedDict

from torch import nn

from muybridge.config.stage_configs import FinetuneConfig, Optimisation
from muybridge.core import seeding
from muybridge.core.catalogue import pick, suggestion
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.networks.step import Weighting
from muybridge.data.index import VideoRecord
from muybridge.data.loader import Loader
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.multi import Auxiliary, Multi
from muybridge.objectives.objective import Objective, first_of
from muybridge.runs.contents.result_fields import Gate, WeightingFields
from muybridge.stages.training import options as single
from muybridge.stages.training.auxiliary import FLAG as TASK_FLAG
from muybridge.stages.training.auxiliary import task_configs
from muybridge.stages.training.material import Material, seeded
from muybridge.stages.training.training import augmented
from muybridge.stages.training.weighing import FLAG, options_of
from muybridge.weighting import WEIGHTINGS
from muybridge.weighting.teacher_weights import Taught

ROLE = "meta"
"""Name of the videos of meta batches among those of a stage."""
RECENT = 10
"""Training batches that replayed meta batches are drawn from, as in MELTR's code."""


class Several(TypedDict, total=False):
    """What ``result.json`` says of several tasks."""

    weighting: WeightingFields
    tasks: dict[str, Gate]


def with_auxiliaries(config: Optimisation, name: str, primary: Objective, dim: int) -> Objective:
    """The primary task, joined with the auxiliaries of a config if it has any.

    Args:
        config: names them.
        name: of the primary task.
        primary: the task.
        dim: length of the backbone's feature.

    Raises:
        UsageError: a value that a task cannot have, or clips that the primary one cannot.
    """
    primary = cut(config, name, primary)
    if not config.auxiliary:
        return primary
    tasks: dict[str, Objective] = {name: primary}
    ways = {}
    for task, own in task_configs(config).items():
        kind: type[Objective] = pick("objectives", OBJECTIVES, task)
        try:
            tasks[task] = seeded(partial(kind, dim, **single.options(own)), config.seed, f"head {task}")
        except ValueError as error:
            raise UsageError(f"{TASK_FLAG}: {error}.") from error
        ways[task] = Auxiliary(own.stride, own.gap, partial(augmented, own))
    only = isinstance(config, FinetuneConfig) and config.auxiliary_only_views
    return Multi(tasks, ways, only)


def cut(config: Optimisation, name: str, primary: Objective) -> Objective:
    """The primary task, its clips cut as the config says.

    Raises:
        UsageError: it has a law of its own, or several clips of each video.
    """
    if config.sampling != "dense":
        if getattr(type(primary), "law", None) is not Objective.law or primary.clips != 1:
            raise UsageError(
                f"--sampling {config.sampling}: {name} cuts its clips by a law of its own, or several of each video."
                " It goes with labels and tasks of one plain clip, as rotnet, masked or video-text; networks of any"
                " task can be tested with it (probe, ...)."
            )
        primary.sampling = config.sampling
    return primary


def build_weighting(config: Optimisation, objective: Objective, backbone: nn.Module) -> Weighting:
    """The weighting of a config, made for the terms of an objective on a backbone.

    Raises:
        UsageError: what it cannot do with these terms.
    """
    kind, given = pick("weightings", WEIGHTINGS, config.weighting), options_of(config)
    terms = tuple(getattr(objective, "terms", ()))
    if not terms and (config.weighting != "fixed" or given):
        raise UsageError(
            f"--weighting {config.weighting}: the task does not say the names of its terms (attribute terms of {type(objective).__name__})."
        )
    try:
        usual = getattr(objective, "term_weights", {})
        made: Weighting = kind(given, usual) if config.weighting == "fixed" else kind(**given)
        if isinstance(made, Taught):
            made.usual = usual
        if terms:
            seeded(partial(made.prepare, terms, objective.primary_terms), config.seed, "weighting")
    except ValueError as error:
        nearest = ""
        if config.weighting == "fixed":
            unknown = next((name for name in given if name not in terms), "")
            nearest = suggestion(unknown, terms)
        raise UsageError(f"{FLAG}: {error}{'' if nearest and nearest in str(error) else nearest}") from error
    if made.twice and any(type(part).__name__ == "OptimizedModule" for part in backbone.modules()):
        raise UsageError(
            f"--weighting {config.weighting}: --backbone {config.backbone} is compiled (torch.compile), and such networks have no second"
            f" derivatives. Use {FLAG} hypergradient=one-step or identity, or the network as it was before."
        )
    return made


def kept_for_meta(
    config: Optimisation, videos: Sequence[VideoRecord]
) -> tuple[list[VideoRecord], list[VideoRecord]]:
    """Unlabelled videos to train on and those of meta batches: whole groups by a hash of (seed, group) until the share is reached.

    Raises:
        UsageError: nothing is left for one of them.
    """
    by_group: dict[str, list[VideoRecord]] = {}
    for record in videos:
        by_group.setdefault(record.group, []).append(record)
    held: set[str] = set()
    for group in sorted(by_group, key=lambda name: (seeding.key(config.seed, ROLE, name), name)):
        if sum(len(by_group[one]) for one in held) >= max(1, round(config.meta_share * len(videos))):
            break
        held.add(group)
    if len(held) == len(by_group):
        raise UsageError(
            f"--meta-share {config.meta_share:g}: {len(by_group)} groups of videos leave nothing to train on or to learn weights on;"
            f" wanted at least two groups. Use {FLAG} meta=replay where the weighting has it."
        )
    return [r for r in videos if r.group not in held], [r for r in videos if r.group in held]


def wants_held_out(config: Optimisation) -> bool:
    """Whether the weighting of a config learns on videos that are not trained on.

    Raises:
        UsageError: an option of it that it cannot have.
    """
    if config.weighting == "fixed":
        return False
    kind = pick("weightings", WEIGHTINGS, config.weighting)
    try:
        return str(kind(**options_of(config)).meta) == "held-out"
    except ValueError as error:
        raise UsageError(f"{FLAG}: {error}") from error


def meta_batches(
    config: Optimisation, weighting: Weighting, objective: Objective, material: Material, videos: int
) -> Callable[[int], Clip] | None:
    """The meta batch of a step, as the primary task draws it; a pure function of (seed, step).

    Args:
        config: of the training.
        weighting: says where batches come from.
        objective: the primary task, alone or with others.
        material: decoded videos.
        videos: per batch.
    """
    if not weighting.meta:
        return None
    role = ROLE if weighting.meta == "held-out" else "train"
    law = first_of(objective).law(config.frames, config.stride, getattr(config, "gap", 0), config.short)
    seed = config.seed if role == "train" else seeding.key(config.seed, ROLE) % 2**31
    loader = Loader(material.store, material.parts[role], material.numbers(role), law, videos, seed)
    if role == ROLE:
        return loader

    def recent(step: int) -> Clip:
        back = int(seeding.rng(config.seed, "replay", step).integers(1, RECENT + 1))
        return loader(max(0, step - back))

    return recent


def gates(curve: Sequence[Mapping[str, Any]], names: Iterable[str], videos: int) -> dict[str, Gate]:
    """Accuracy against chance of every auxiliary task over the last tenth of a training curve.

    Args:
        curve: rows with a loss.
        names: of the tasks.
        videos: per step, of which each gives one answer.

    Returns:
        By task ``accuracy``, ``chance`` and ``active``: whether it is three standard errors of guessing above chance. Tasks that count no
        answers have ``explained`` where they say it, and no ``active``.
    """
    last = curve[-max(1, len(curve) // 10) :]
    before = curve[-len(last) - 1]["step"] if len(curve) > len(last) else 0
    answers = (last[-1]["step"] - before) * videos
    found: dict[str, Gate] = {}
    for name in names:
        means = {
            what: sum(row[f"{name}.{what}"] for row in last) / len(last)
            for what in ("accuracy", "chance", "explained")
            if all(f"{name}.{what}" in row for row in last)
        }
        if "accuracy" in means:
            chance = means["chance"]
            above = means["accuracy"] > chance + 3 * math.sqrt(chance * (1 - chance) / answers)
            found[name] = {"accuracy": means["accuracy"], "chance": chance, "active": above}
        else:
            found[name] = {"explained": means["explained"]} if "explained" in means else {}
    return found


def inactive(tasks: Mapping[str, Gate]) -> list[str]:
    """A sentence for every task that stayed at chance."""
    return [
        f"{_called(name)} is inactive: accuracy {one['accuracy']:.1%} at the end, chance {one['chance']:.1%}"
        for name, one in tasks.items()
        if one.get("active") is False
    ]


def _called(name: str) -> str:
    """A task as sentences call it; a teacher is no auxiliary task."""
    return name if name.startswith("teacher-") else f"auxiliary task {name}"


def account(
    config: Optimisation,
    weighting: Weighting,
    objective: Objective,
    curve: Sequence[Mapping[str, object]],
    videos: int,
) -> Several:
    """What ``result.json`` says of several tasks and of how they were weighted; empty for one task under ``fixed``."""
    names = getattr(objective, "names", ())
    if not names and config.weighting == "fixed":
        return {}
    asked = () if getattr(objective, "only_views", False) else names[1:]
    return {
        "weighting": {
            "name": config.weighting,
            "options": dict(options_of(config)),
            "terms": list(objective.terms),
        },
        "tasks": gates(curve, asked, videos),
    }
