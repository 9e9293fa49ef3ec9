"""The quickstart study: which task teaches what, how few labels it saves, and what breaks it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from muybridge.config.stage_configs import (
    FinetuneConfig,
    NeighboursConfig,
    PretrainConfig,
    ProbeConfig,
    RobustnessConfig,
)
from muybridge.core.errors import UsageError
from muybridge.data.index import count_folds, has_split
from muybridge.data.sources import load
from muybridge.studies.plan import Study
from muybridge.studies.study_configs import QuickstartConfig

BUILTIN = ("builtin-objects", "builtin-motions")
CELLS: dict[str, Any] = {"types": ("gaussian_noise", "jumbling", "freezing", "reversal")}
"""Perturbations of a quick look: one kind of noise and what only time can show."""


def cells(config: QuickstartConfig) -> Study:
    """All stages, seed by seed: pretraining, probes, fine-tuning, robustness and, on own data, neighbours."""
    for name in ("pretrain_data", "label", "group", "root", "label_changing"):
        if getattr(config, name) and not config.data:
            raise UsageError(f"--{name.replace('_', '-')}: goes with --data, your labelled videos.")
    study = _own if config.data else _embedded
    for seed in range(config.seed, config.seed + config.seeds):
        yield from study(replace(config, seed=seed))


def _embedded(config: QuickstartConfig) -> Study:
    clips: dict[str, object] = {"size": config.size or 36, "crop": config.crop or 32}
    inits = yield from _pretrain(config, BUILTIN[1:], clips | {"budget": config.budget or 30_000})
    for data in BUILTIN:
        common = {**_control(config), **clips, "data": (data,)}
        models = []
        for init in inits:
            yield ProbeConfig(**common, init=init)
            few = config.labels_per_class or 10
            models.append(
                (yield FinetuneConfig(**common, init=init, labels_per_class=few, epochs=config.epochs))
            )
        models.append((yield FinetuneConfig(**common, epochs=6, batch=32)))
        for model in models:
            yield _perturbed(config, model)
    yield FinetuneConfig(**common, epochs=6, batch=32, frames=1)


def _own(config: QuickstartConfig) -> Study:
    clips: dict[str, object] = {"size": config.size or 72, "crop": config.crop or 64}
    columns: dict[str, object] = {"label": config.label, "group": config.group, "root": config.root}
    source = config.pretrain_data or config.data
    own, folds = source == config.data, list(_folds(config, columns))
    apart = own and folds != [None] and not config.transductive
    budget = config.budget or max(24_000 // len(folds) if apart else 24_000, 6_000)
    values = {**clips, **(columns if own else {}), "budget": budget}
    common = {**_control(config), **clips, **columns, "data": config.data}
    inits: list[str] = []
    for fold in folds:
        if apart or not inits:
            inits = yield from _pretrain(config, source, values | ({"held_out_fold": fold} if apart else {}))
        for init in inits:
            models = [(yield ProbeConfig(**common, init=init, fold=fold))]
            few: dict[str, Any] = {"labels_per_class": config.labels_per_class, "epochs": config.epochs}
            models.append((yield FinetuneConfig(**common, **few, init=init, fold=fold)))
            yield from (_perturbed(config, model) for model in models)
    yield from (NeighboursConfig(**common, init=init) for init in inits)


def _perturbed(config: QuickstartConfig, model: str) -> RobustnessConfig:
    asked = {**CELLS, "severities": config.severities, "label_changing": config.label_changing}
    return RobustnessConfig(**_control(config, seed=0, model=model), **asked)


def _pretrain(config: QuickstartConfig, data: tuple[str, ...], values: dict[str, Any]) -> Any:
    """Yield the pretraining runs; returns what later stages start from, ``random`` first."""
    inits = ["random"]
    for task in config.tasks:
        stride: dict[str, Any] = {"stride": 1} if task == "vcop" else {}
        inits.append(
            (yield PretrainConfig(**_control(config), **values, data=data, objective=task, **stride))
        )
    return inits


def _folds(config: QuickstartConfig, columns: dict[str, Any]) -> Iterator[int | None]:
    """One fold where the data set states a split, else every fold."""
    dataset = load(config.data, **columns)
    if has_split(dataset):
        return iter([None])
    return iter(range(count_folds(dataset)))


def _control(config: QuickstartConfig, **changes: object) -> dict[str, Any]:
    names = ("out", "device", "precision", "seed", "workers", "limit", "allow_broken", "allow_links", "stream", "track")  # fmt: skip
    return {name: getattr(config, name) for name in names} | changes
