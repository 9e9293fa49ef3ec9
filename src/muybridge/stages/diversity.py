"""diversity: train under the equal sum and take the gradients of every loss on the shared weights on the way.

The training is a reference of its own and never that of an arm whose robustness is looked at: diversity measured under a learned weighting
would be an outcome of that weighting.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones import check_clip
from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import DiversityConfig
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.files import atomic
from muybridge.core.networks.gather import rank
from muybridge.core.networks.step import Weighting
from muybridge.data.index import Dataset
from muybridge.data.loader import Loader, stream
from muybridge.measure.diversity.diversity_rows import SetDiversity, diversity
from muybridge.measure.diversity.gradient_grams import gram_of
from muybridge.measure.diversity.loss_diversity import (
    Gram,
    category_entropy,
    naive_cosines,
    normalised,
    rao,
    vendi,
)
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.objective import Learner
from muybridge.runs.metrics import append_metrics
from muybridge.sampling.frame_numbers import Law
from muybridge.stages.job.job import Job, Progress, Result, Work
from muybridge.stages.job.origins import Planned
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.training.labelled import Labelled, clips_of, parts_of
from muybridge.stages.training.material import Material, build_backbone, data_facts, prepare, seeded
from muybridge.stages.training.tasks import account, build_weighting, inactive, with_auxiliaries
from muybridge.stages.training.training import (
    augmented,
    budget,
    compute_of,
    loader_of,
    schedule_of,
    steps_within,
)
from muybridge.stages.training.weighing import options_of
from muybridge.train.checkpoint import State
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import Compute

SCOPES = ("all", "last")
"""All shared weights; those of the last part of the backbone that has any."""


class Diversity(Labelled[DiversityConfig]):
    """Measure how diverse auxiliary losses are, on the way of a training."""

    name = "diversity"
    shorter = "--epochs or --budget"

    def check(
        self, config: DiversityConfig, dataset: Dataset, origins: Planned, memory: ResolveCache
    ) -> None:
        """Refuse what leaves nothing to measure, or a weighting that the measure would be an outcome of."""
        super().check(config, dataset, origins, memory)
        _check_diversity(config)

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """The training, and the gradients of every task at every point; no test video is seen."""
        training = super().work(config, backbone, train, test)
        looked = len(config["points"]) * config["gradient_batches"] * config["gradient_batch"]
        return Work(training.learnt + looked * clips_of(config, backbone), 0.0, training.like)

    def run(self, job: Job[DiversityConfig], progress: Progress | None) -> Result:
        """Measure at every point; the measures stand in ``result.json`` and as rows of ``metrics.jsonl``."""
        config = job.config
        backbone = build_backbone(config.backbone, config.seed, job.init)
        check_clip(backbone, config.frames, config.crop)
        supervised = seeded(partial(Supervised, backbone.dim, len(job.dataset.classes)), config.seed)
        objective = with_auxiliaries(config, "supervised", supervised, backbone.dim)
        weighting = build_weighting(config, objective, backbone)
        law = objective.law(config.frames, config.stride, 0, config.short)
        material = prepare(job, parts_of(job), config, law)
        objective.needs(config.batch, len(material.parts["train"]))
        learner = seeded(
            partial(Learner, backbone, objective, config.frames, config.crop), config.seed, "learner"
        )
        loader = loader_of(job, material, law, config.batch)
        steps = max(1, math.ceil(config.epochs * len(material.parts["train"]) / config.batch))
        if config.budget is not None:
            steps = steps_within(config, learner, loader, weighting)
        compute = compute_of(config)
        grams: list[tuple[int, str, Gram]] = []
        state = State()
        for share in config.points:
            stop = max(1, round(steps * share / 100))
            kept = job.run.path / "state" / f"grams-{share}.npy"
            if not kept.exists():  # a killed run may stand behind this point already
                state = _trained(job, learner, weighting, loader, steps, stop, compute, progress)
                batches = list(_batches(config, material, law, share))
                _keep(kept, np.stack([gram for _, gram in _grams(config, learner, batches, compute, share)]))
            grams += [(share, scope, gram) for scope, gram in zip(SCOPES, np.load(kept), strict=True)]
        if rank() > 0:
            return {}
        curve = [row for row in job.run.metrics if "loss" in row]
        several = account(config, weighting, objective, curve, config.batch)
        idle = [
            name
            for name, one in several["tasks"].items()
            if one.get("active") is False and not _is_control(name)
        ]
        points = [_point(config, share, scope, gram, objective.names, idle) for share, scope, gram in grams]
        for (share, _, _), one in zip(grams, points, strict=True):
            append_metrics(
                job.run.path / "metrics.jsonl", {"step": round(steps * share / 100), "diversity": one}
            )
        return {
            "summary": f"diversity of {' '.join(config.auxiliary)} on {job.dataset.name}",
            "data": data_facts(job, material, material.parts),
            "budget": budget(state, learner, loader, config.frames, weighting, config.budget_unit or "clips"),
            "chance": None,
            "diversity": {**labels(config.auxiliary), "points": points},
            "notes": material.notes + inactive(several["tasks"]),
            **several,
        }  # fmt: skip


def _trained(
    job: Job[DiversityConfig], learner: Learner, weighting: Weighting, loader: Loader, steps: int, stop: int, compute: Compute,
    progress: Progress | None,
) -> State:  # fmt: skip
    """Train up to a step, from the saved state of the point before; of ``steps`` in all."""
    config = job.config
    recipe = Recipe(
        steps, config.lr, config.weight_decay, config.optimiser, config.warmup, config.clip_norm,
        log_every=max(1, steps // 50), schedule=schedule_of(config),
    )  # fmt: skip
    return fit(
        learner, weighting, partial(stream, loader, workers=config.workers or 1), partial(augmented, config), recipe, compute,
        seed=config.seed, folder=job.run.path, report=progress, stop_after=stop,
        per_epoch=len(loader.records) / loader.batch,
    )  # fmt: skip


def _keep(path: Path, grams: np.ndarray) -> None:
    """Write inner products to the saved state."""
    with atomic(path, "wb") as file:
        np.save(file, grams, allow_pickle=False)


def _batches(config: DiversityConfig, material: Material, law: Law, share: int) -> Iterator[Clip]:
    """Independent batches: each is the first of an order of its own, so that none tells what another leaves over."""
    for number in range(config.gradient_batches):
        seed = seeding.key(config.seed, "diversity", share, number) % 2**31
        yield Loader(
            material.store,
            material.parts["train"],
            material.numbers("train"),
            law,
            config.gradient_batch,
            seed,
        )(0)


def _grams(
    config: DiversityConfig, learner: Learner, batches: Sequence[Clip], compute: Compute, share: int
) -> Iterator[tuple[str, Gram]]:
    """Inner products of the gradients, by scope. The learner is copied: neither running statistics nor queues move."""
    looked = copy.deepcopy(learner)
    looked.train()
    rows = []
    for number, clip in enumerate(batches):
        torch.manual_seed(seeding.key(config.seed, "diversity dropout", share, number))
        draw = seeding.generator(config.seed, "diversity views", share, number, device=str(compute.device))
        views = looked.objective.views(clip.to(compute.device), partial(augmented, config), draw)
        rows.append(task_gradients(looked, views))
    gradients = torch.stack(rows)
    last = _last(looked.backbone)
    for scope in SCOPES:
        kept = gradients if scope == "all" else gradients[:, :, -last:]
        yield scope, gram_of(kept)


def task_gradients(learner: Learner, views: object) -> Float[Tensor, "k p"]:
    """Gradient of every task's summed terms on the parameters of the backbone, the primary task first; in their order."""
    shared = [one for one in learner.backbone.parameters() if one.requires_grad]
    terms = learner(views).terms
    rows = []
    names = learner.objective.names
    for place, name in enumerate(names):
        value = torch.stack([one for term, one in terms.items() if term.startswith(f"{name}.")]).sum()
        found = torch.autograd.grad(value, shared, retain_graph=place + 1 < len(names), allow_unused=True)
        flat = [
            torch.zeros_like(parameter).flatten() if one is None else one.flatten()
            for one, parameter in zip(found, shared, strict=True)
        ]
        rows.append(torch.cat(flat).float().cpu())
    return torch.stack(rows)


def _last(backbone: nn.Module) -> int:
    """Numbers in the last part of the backbone that has weights, which come last among all; a part that holds everything is looked into."""
    whole = _size(backbone)
    sizes = [(size, child) for child in backbone.children() if (size := _size(child))]
    if not sizes:
        return whole
    size, child = sizes[-1]
    return _last(child) if size == whole else size


def _size(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters() if one.requires_grad)


def _is_control(task: str) -> bool:
    """Whether a task has nothing to teach, so that nothing can be asked of what it learnt."""
    return task in OBJECTIVES and OBJECTIVES[task].facts["kind"] == "control"


def labels(tasks: Sequence[str]) -> dict[str, object]:
    """The measures that need no gradient: number, entropy over kinds, Rao's quadratic entropy."""
    facts = [OBJECTIVES[name].facts if name in OBJECTIVES else {} for name in tasks]
    axes, kinds = [one.get("kind", "") for one in facts], [bool(one.get("contrastive")) for one in facts]
    quadratic = rao(axes, kinds)
    return {
        "D0": len(tasks),
        "D1": category_entropy(list(zip(axes, kinds, strict=True))),
        "Rao": None if math.isnan(quadratic) else quadratic,
    }


def _point(
    config: DiversityConfig, share: int, scope: str, gram: Gram, names: Sequence[str], idle: Sequence[str]
) -> dict[str, object]:
    """What is kept of one point and scope; NaN as None."""
    draw = seeding.rng(config.seed, "diversity bootstrap", share, scope)
    found: SetDiversity = diversity(gram, names, draw, idle, config.redraws)
    naive = naive_cosines(gram)[1:, 1:]
    return {
        "at": share, "scope": scope, "batches": found.batches, "names": list(names),
        "measures": {
            one.name: {"value": _plain(one.value), "low": _plain(one.low), "high": _plain(one.high)} for one in found.measures
        },
        "naive": {"D3norm": _plain(float(normalised(vendi(naive), len(naive))))},
        "shares": list(map(_plain, found.shares)),
        "undefined": list(found.undefined),
        "cosines": [list(map(_plain, row)) for row in found.cosines],
    }  # fmt: skip


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _check_diversity(config: DiversityConfig) -> None:
    if not config.auxiliary or config.auxiliary_only_views:
        raise UsageError(
            "--auxiliary: names the losses whose diversity is measured; wanted one or more, asked about."
        )
    weights = options_of(config) if config.weighting == "fixed" else {}
    equal = not weights or (weights.keys() == {*config.auxiliary} and len({*weights.values()}) == 1)
    if config.weighting != "fixed" or not equal:
        raise UsageError(
            "--weighting: diversity is measured under the equal sum, so that it is no outcome of the weighting; leave it out, or give every"
            " auxiliary task one and the same weight (--weighting-options TASK=0.1 ...)."
        )
    if not config.points or not all(0 < a < b <= 100 for a, b in pairwise((0.5, *config.points))):
        raise UsageError(
            f"--points {' '.join(map(str, config.points))}: wanted rising numbers from 1 to 100."
        )
    if config.gradient_batches < 2:
        raise UsageError(
            f"--gradient-batches {config.gradient_batches}: products between batches want 2 or more."
        )


DIVERSITY = Diversity()
