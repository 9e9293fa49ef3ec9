"""How results are sorted: arm, data, protocol, seed, fold, backbone and where a network learnt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muybridge.config.names import is_weights
from muybridge.config.stage_configs import KINDS, as_dict, change
from muybridge.data.sets.known_sets import kind_of, source_name
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.stages.job.origins import Planned, read_config
from muybridge.stages.texts.text_scored import is_run, regime
from muybridge.stages.training.weighing import in_words
from muybridge.store.storage import local


def facets_of(
    config: Any, data: str, inputs: dict[str, Run], origins: Planned, planned: Planned
) -> dict[str, Any]:
    """How a result is sorted; a robustness run carries the facets of its model.

    ``arm`` is the pretext task of the network, or ``random`` where it had none; ``source`` names the data it was pretrained on,
    also whether clips were one frame repeated, ``source_kind`` says what tells their classes apart, and ``level`` is
    the complexity of the task where it was asked for.
    """
    stage, source = config.stage, as_dict(config)
    if stage == "zeroshot":
        return zeroshot_facets(source, data, planned)
    if "model" in inputs:
        if inputs["model"].done:
            return dict(inputs["model"].result.get("facets", {}))
        stage, source = inputs["model"].stage, dict(origins["model"])
        if stage == "zeroshot":
            return zeroshot_facets(source, data, planned)
    init = source.get("init", "random")
    public = is_weights(init)
    folder, share = snapshots.split(init)
    origin = {} if init == "random" or public else read_config(Run(local(folder)), planned)
    begun = source if stage == "pretrain" else origin
    learnt = tuple(begun.get("data", ()))
    still = bool(learnt) and _still(begun)
    return {
        "arm": (source["objective"] if stage == "pretrain" else _arm(init, origin, share))
        + _taught(source, data, planned)
        + (in_words(source) if stage in ("pretrain", "finetune", "diversity") else ""),
        "data": data,
        "protocol": protocol(stage, source),
        "seed": source["seed"],
        "fold": source.get("fold"),
        "backbone": source.get("backbone", ""),
        "source": source_name(learnt) + (", one frame" if still else ""),
        "source_kind": "appearance" if still else kind_of(learnt),
        "level": str(begun.get("complexity") or ""),
    }


def _arm(init: str, origin: Mapping[str, Any], share: int | None) -> str:
    """Name of what a network starts from: a pretext task, a file of public weights, or ``random``."""
    if is_weights(init):
        return Path(init).stem
    return str(origin.get("objective", init)) + in_words(origin) + (f" at {share} %" if share else "")


def _taught(source: Mapping[str, Any], data: str, planned: Planned) -> str:
    """Who taught a student: what its teachers started from, and their network where it is another one."""
    names = []
    for word in source.get("teachers") or ():
        told = facets_of(_config_of(Run(local(word)), planned), data, {}, {}, planned)
        own = told["backbone"] == source.get("backbone")
        names.append(told["arm"] if own else f"{told['arm']} {told['backbone']}")
    permuted = " with permuted classes" if source.get("teacher_classes") == "permuted" else ""
    return f" taught by {' and '.join(names)}{permuted}" if names else ""


def protocol(stage: str, config: Mapping[str, Any]) -> str:
    """Name of the protocol in tables."""
    if stage != "finetune":
        return {"probe": "linear probe", "knn": "kNN"}.get(stage, stage)
    labels = f"{config['labels_per_class']} labels per class" if config["labels_per_class"] else "all labels"
    seen = f", perturbed by {' '.join(config['perturb'])}" if config.get("perturb") else ""
    return f"fine-tune, {labels}" + (", single frame" if _still(config) else "") + seen


def _still(config: Mapping[str, Any]) -> bool:
    """Whether all frames of a clip are the same one."""
    return bool(config["frames"] == 1 or config["stride"] == 0)


def zeroshot_facets(source: Mapping[str, Any], data: str, planned: Planned) -> dict[str, Any]:
    """How a zero-shot result is sorted: as its network, under its regime."""
    model = str(source["model"])
    told: dict[str, Any] = {"arm": model, "seed": 0, "fold": None, "backbone": "", "source": ""}
    if is_run(model):
        told = facets_of(_config_of(Run(local(model)), planned), data, {}, {}, planned)
    return {**told, "data": data, "protocol": f"zero-shot {regime(source)}"}


def _config_of(run: Run, planned: Planned) -> Any:
    return change(KINDS[run.stage](), dict(read_config(run, planned)), run.signature)
