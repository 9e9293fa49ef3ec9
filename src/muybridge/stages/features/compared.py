"""Jobs that compare two networks: what their words mean, what they take over from runs, and how they are signed. Builds nothing."""

import dataclasses
from pathlib import Path
from typing import TypedDict, cast

from muybridge.backbones import BACKBONES, check_name
from muybridge.config.config_fields import ConfigFields
from muybridge.config.names import is_weights
from muybridge.config.stage_configs import ProbeConfig, SimilarityConfig, change
from muybridge.core.errors import UsageError
from muybridge.data.sets.known_sets import source_name
from muybridge.runs.contents import snapshots
from muybridge.runs.contents.result_fields import Facets
from muybridge.runs.records import Run
from muybridge.runs.stages import NETWORKS, is_known, of_runs
from muybridge.stages.job.facets import facets_of_run
from muybridge.stages.job.origins import Planned, read_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.signed import held
from muybridge.stages.testing import models
from muybridge.stages.testing.clip_protocol import OVERRIDES, PROTOCOLS, Protocol, of_run, preset_of
from muybridge.store.storage import local

FIELDS = ("a", "b")


def run_of(word: str) -> Run | None:
    """The run that a word names: the folder of one, or a snapshot in one; None for any other word."""
    if not word or word in BACKBONES or "=" in Path(word).name:
        return None
    run = Run(Path(snapshots.split(word)[0]))
    return run if is_known(run.stage) and run.path.parent.parent.name == "runs" else None


def file_of(word: str) -> tuple[str, Path | None]:
    """Name of the backbone and file of weights in ``NAME=FILE``; no file for a bare name."""
    name, sign, file = word.partition("=")
    return (name, Path(file)) if sign else (name, None)


def absolute_word(word: str) -> str:
    """The word with a full path; of a run in a store, that of its working copy."""
    name, file = file_of(word)
    if file is not None:
        return f"{name}={file.expanduser().absolute()}"
    folder = models.own_folder(name)
    if folder is not None and Path(name.removeprefix("hf:")).expanduser().is_dir():
        return f"hf:{folder.absolute()}"
    return str(local(word).expanduser().absolute()) if run_of(word) is not None else word


def check_word(flag: str, word: str) -> None:
    """Refuse a word that can name no network.

    Raises:
        UsageError: says what was wanted.
    """
    run = run_of(word)
    if run is not None:
        if run.stage not in NETWORKS:
            field = next(iter(of_runs(run.stage).inputs), None)
            way = f"Give the run or network of its --{field}." if field else "Give a run that has weights."
            raise UsageError(f"--{flag} {word}: a {run.stage} run has no weights of its own. {way}")
        return
    name, file = file_of(word)
    if not name or (file is None and Path(name).exists()):
        raise UsageError(
            f"--{flag} {word or '(nothing)'}: wanted a folder OUT/runs/STAGE/SIGNATURE, a backbone of `muybridge list backbones`"
            " (untrained), or NAME=FILE with its weights, as in i3d=i3d.pt or torchvision:r3d_18=r3d_18.safetensors."
        )
    check_name(name)
    if file is not None and not is_weights(str(file)):
        raise UsageError(
            f"--{flag} {word}: wanted a file of weights (.safetensors, .pt, .pth, .ckpt, ...) behind the =."
        )


def inherited(config: SimilarityConfig, origins: Planned) -> SimilarityConfig:
    """Take the data set from the run A where none is named, B from A, and write out the protocol."""
    for flag in FIELDS[: 1 + bool(config.b)]:
        check_word(flag, getattr(config, flag))
    one = origins.get("a", origins.get("b"))
    if not config.data:
        if one is None:
            raise UsageError("--data: wanted videos; neither A nor B is a run that has some.")
        config = dataclasses.replace(
            config, data=tuple(one["data"]), label=config.label or one["label"], group=config.group or one["group"],
            root=config.root or one["root"],
            stream=one.get("stream") if config.stream is None else config.stream,  # older runs have no such field
        )  # fmt: skip
    return dataclasses.replace(config, b="" if config.b == config.a else config.b)


def protocol_of(config: SimilarityConfig, origins: Planned) -> Protocol:
    """How clips are cut: by the preset, else as a run among the networks is tested, else as suits the network; one clip of a video.

    Raises:
        UsageError: unknown preset or numbers that make no clip.
    """
    changes = {name: getattr(config, name) for name in OVERRIDES if getattr(config, name) is not None}
    base = preset_of(config.protocol) if config.protocol is not None else _usual(config, origins)
    if changes.get("crop", 0) > base.short_side and config.short_side is None:
        changes["short_side"] = changes["crop"]
    try:
        return dataclasses.replace(base, temporal=1, spatial=1, **changes)
    except ValueError as error:
        raise UsageError(f"--protocol {base.name} with {changes or 'no changes'}: {error}.") from error


def _usual(config: SimilarityConfig, origins: Planned) -> Protocol:
    tested = origins.get("a", origins.get("b"))
    if tested is not None:
        names = ("frames", "stride", "sampling", "size", "crop", "short")
        return of_run(
            change(ProbeConfig(), {name: one for name, one in tested.items() if name in names}, "clips")
        )
    name = file_of(config.a)[0]
    if str(BACKBONES[name].facts.get("group") if name in BACKBONES else "") == "tiny":
        return of_run(ProbeConfig())
    return PROTOCOLS["i3d-kinetics" if name == "i3d" else "kinetics"]


def backbone_of(word: str, origin: ConfigFields | None) -> str:
    """Name of the network of a word."""
    return str(origin["backbone"]) if origin else file_of(word)[0]


class NetworkFacts(TypedDict, total=False):
    """What is known of a network that is compared."""

    arm: str
    backbone: str
    done: str
    source: str
    level: str
    seed: int | None
    data: str
    stage: str
    signature: str


def foreign_facts(word: str) -> NetworkFacts:
    """What is known of a network that is no run."""
    name, file = file_of(word)
    own = models.own_folder(name) is not None
    arm = file.stem if file else ("own weights" if own else "random")
    return {"arm": arm, "backbone": name, "done": "", "source": "", "level": "", "seed": None, "data": ""}


def run_facts(word: str, facets: Facets) -> NetworkFacts:
    """What is known of the network of a run, from how its run is sorted."""
    run, share = snapshots.split(word)
    stage = Path(run).parent.name
    done = {"finetune": f"fine-tuned on {facets['data']}", "probe": f"probed on {facets['data']}"}.get(
        stage, ""
    )
    names = ("arm", "backbone", "source", "level", "seed", "data")
    found = cast(NetworkFacts, {name: facets.get(name) for name in names} | {"done": done, "stage": stage})
    return found | {"arm": f"{facets['arm']} at {share} %"} if share else found


def named(facts: NetworkFacts) -> str:
    """What people call a network: its pretext task, its level, the network, what was done to it since, its seed."""
    words = [
        str(facts["arm"]) + (f" (level {facts['level']})" if facts.get("level") else ""),
        str(facts["backbone"]),
    ]
    if facts.get("done"):
        words.append(str(facts["done"]))
    if facts.get("seed") is not None:
        words.append(f"seed {facts['seed']}")
    return ", ".join(words)


def words_of(config: SimilarityConfig) -> dict[str, str]:
    """The words of the networks that are named, by field."""
    return {name: vars(config)[name] for name in FIELDS if vars(config)[name]}


def facts_of_word(word: str, planned: Planned) -> NetworkFacts:
    """What is known of the network of a word; of a run, finished or planned, by its config."""
    run = run_of(word)
    if run is None:
        return foreign_facts(word)
    data = source_name(tuple(read_config(run, planned)["data"]))
    return run_facts(word, facets_of_run(run, data, planned))


def signed_word(word: str, memory: ResolveCache, option: str) -> str:
    """What the signature says of a network that is no run: its name and a hash of its weights.

    Raises:
        UsageError: they cannot be read; ``option`` is what named them.
    """
    name, file = file_of(word)
    if file is not None:
        return f"{name}={memory.digest(file, option)}"
    folder = models.own_folder(name)
    return name if folder is None else held(folder, memory, option)
