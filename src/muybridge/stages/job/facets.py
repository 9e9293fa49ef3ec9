"""How results are sorted: arm, data, protocol, seed, fold, backbone and where a network learnt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from muybridge.backbones.outside import exported_folder
from muybridge.config.config_fields import ConfigFields
from muybridge.config.names import is_weights, starts_from_run
from muybridge.core.errors import MuybridgeError
from muybridge.data.sets.known_sets import kind_of, source_name
from muybridge.runs.contents import snapshots
from muybridge.runs.contents.result_fields import Facets
from muybridge.runs.records import Run
from muybridge.runs.stages import facts_of
from muybridge.stages.job.origins import Planned, read_config
from muybridge.stages.training.weighing import in_words
from muybridge.store.storage import local


def network_facets(config: ConfigFields, data: str, protocol: str, planned: Planned) -> Facets:
    """How a result of a network is sorted that starts from ``init``.

    ``arm`` is the pretext task of the network, or ``random`` where it had none; ``source`` names the data it was pretrained on,
    also whether clips were one frame repeated, ``source_kind`` says what tells their classes apart, ``level`` is
    the complexity of the task where it was asked for, and ``frames`` the length of the clips it was pretrained on. A network that was
    fine-tuned keeps all these, and the protocol says what it was taught; of a student with teachers, source and level are its own and
    theirs, joined by ``+``.

    Args:
        config: fields of the run.
        data: name of the data set.
        protocol: name of the protocol.
        planned: configs of runs that will be made before.
    """
    init = config.get("init", "random")
    folder, share = snapshots.split(init)
    run = Run(local(folder))
    begun = read_config(run, planned) if starts_from_run(init) else {}
    if begun and run.stage == "finetune":
        learnt = source_name(tuple(begun["data"]))
        told = facets_of_run(run, learnt, planned)
        kept: Facets = {
            "arm": told["arm"], "source": told["source"], "source_kind": told["source_kind"], "level": told["level"],
            "frames": told["frames"],
        }  # fmt: skip
        taught = told["protocol"] + (f" on {learnt}" if learnt != data else "")
        own = sorted_as(told["arm"], config, {}, data, f"{protocol} after {taught}")
        return own | kept
    teachers = [facets_of_run(Run(local(word)), data, planned) for word in config.get("teachers") or ()]
    arm = _arm(init, begun, share) + _taught(config, teachers) + in_words(config)
    found = sorted_as(arm, config, begun, data, protocol)
    if not teachers:
        return found
    return found | {"source": _joined(found, teachers, "source"), "level": _joined(found, teachers, "level")}


def sorted_as(arm: str, config: ConfigFields, begun: ConfigFields, data: str, protocol: str) -> Facets:
    """Facets of a run of a network; ``begun`` is the config of its pretraining, empty where there was none."""
    learnt = tuple(begun.get("data", ()))
    still = bool(learnt) and is_still(begun)
    return {
        "arm": arm,
        "data": data,
        "protocol": protocol,
        "seed": config["seed"],
        "fold": config.get("fold"),
        "backbone": config.get("backbone", ""),
        "source": source_name(learnt) + (", one frame" if still else ""),
        "source_kind": "appearance" if still else kind_of(learnt),
        "level": str(begun.get("complexity") or ""),
        "frames": str(begun.get("frames") or ""),
    }


def facets_of_run(run: Run, data: str, planned: Planned) -> Facets:
    """How a run, finished or planned, is sorted by its config, as if its data set were called ``data``.

    Raises:
        MuybridgeError: runs that start from each other, or are each other's teachers, in a circle: folders that were made by hand.
    """
    try:
        told: Facets = facts_of(run.stage).load().facets(read_config(run, planned), data, planned)
    except RecursionError:
        raise MuybridgeError(
            f"{run.path}: damaged: it starts from itself, or is its own teacher. Delete its folder and run its command again."
        ) from None
    return told


def _arm(init: str, origin: ConfigFields, share: int | None) -> str:
    """Name of what a network starts from: a pretext task, a file of public weights, or ``random``."""
    if is_weights(init):
        file = Path(init)
        return file.parent.name if file.name == exported_folder.WEIGHTS else file.stem
    return str(origin.get("objective", init)) + in_words(origin) + (f" at {share} %" if share else "")


def _taught(source: ConfigFields, teachers: Sequence[Facets]) -> str:
    """Who taught a student: what its teachers started from, how many of each, and their network where it is another one."""
    names = Counter(
        one["arm"] if one["backbone"] == source.get("backbone") else f"{one['arm']} {one['backbone']}"
        for one in teachers
    )
    told = [name if number == 1 else f"{number} of {name}" for name, number in names.items()]
    permuted = " with permuted classes" if source.get("teacher_classes") == "permuted" else ""
    weight = source.get("feature_weight") or 0
    kind = "standardised " if source.get("feature_targets") == "standardised" else ""
    features = f", {kind}features {weight:g}" if weight else ""
    cached = ", answers cached" if source.get("teacher_views") == "cached" else ""
    return f" taught by {' and '.join(told)}{permuted}{features}{cached}" if told else ""


def _joined(own: Mapping[str, object], teachers: Sequence[Mapping[str, object]], name: str) -> str:
    """What a student and its teachers learnt from, or how hard a task, each once."""
    return "+".join(dict.fromkeys(str(one[name]) for one in (own, *teachers) if one[name]))


def is_still(config: ConfigFields) -> bool:
    """Whether all frames of a clip are the same one."""
    return bool(
        config["frames"] == 1 or (config["stride"] == 0 and config.get("sampling", "dense") == "dense")
    )
