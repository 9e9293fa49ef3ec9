"""From a word, as the verbs take it after ``--model`` and as ``similarity`` names networks, to a module that a user's own code can call."""

import dataclasses
from pathlib import Path
from typing import Any

from torch import nn

from muybridge.backbones import BACKBONES, check_clip, check_name
from muybridge.backbones.exported import exported_backbone, exported_classifier
from muybridge.backbones.outside.exported_folder import is_exported, read_exported
from muybridge.backbones.outside.preprocessor import Preprocessing
from muybridge.backbones.text.dual_encoders import dual_encoder
from muybridge.backbones.text.dual_transformers import is_dual
from muybridge.backbones.weights import elsewhere
from muybridge.backbones.weights.pretrained import checkpoint_of
from muybridge.config.config_fields import ConfigFields
from muybridge.config.embed_config import ModelConfig
from muybridge.config.names import ZOO, is_external
from muybridge.config.stage_configs import ProbeConfig, RobustnessConfig
from muybridge.core.catalogue import names_code
from muybridge.core.errors import UsageError
from muybridge.embeddings.clip_reader import ClipReader
from muybridge.embeddings.foreign_modules import ClipTower, Foreign
from muybridge.embeddings.loaded_model import LoadedModel, Origin
from muybridge.runs.kept import check_sound
from muybridge.runs.mirror import fetch
from muybridge.runs.records import Run
from muybridge.stages.features.compared import check_word, file_of, run_of
from muybridge.stages.features.networks import build
from muybridge.stages.job import consent
from muybridge.stages.job.origins import read_config, result_config
from muybridge.stages.job.resolve import check_one_network
from muybridge.stages.job.signed import signed_input
from muybridge.stages.testing import models, own_code
from muybridge.stages.testing.clip_protocol import Protocol, chosen, of_run, parse_views
from muybridge.stages.testing.feeding import FIELDS
from muybridge.stages.testing.models import TestedModel
from muybridge.stages.texts.own_pair import clips_of
from muybridge.stages.texts.text_scored import clip_of
from muybridge.stages.training.material import build_backbone
from muybridge.store.storage import local
from muybridge.train.precision import choose

FOREIGN = ("weights", "weights_key", "weights_prefix", *FIELDS, "protocol", "fps", "sampling")
"""What a run answers by itself."""


def load_model(config: ModelConfig, head: bool = True) -> LoadedModel:
    """The model that a config names, on the CPU and in evaluation mode; nothing is downloaded.

    Args:
        config: which, fed how, and shown which clips.
        head: False for the network of a model that is no run without its head: features in the place of logits.

    Raises:
        UsageError: no such model, none with weights of its own, options that do not go with it, or code that was not allowed.
        MuybridgeError: a run that is not finished, or damaged.
    """
    name, file = file_of(config.model)
    if not is_run_word(config.model) and file is not None:
        if config.weights is not None:
            raise UsageError(f"--weights {config.weights}: {config.model} names a file of weights already.")
        config = dataclasses.replace(config, model=name, weights=str(file.expanduser()))
    if (folder := exported_of(config.model)) is not None:
        made = _of_exported(config, folder)
    else:
        made = _of_run(config) if is_run_word(config.model) else _of_name(config, head)
    check_clip(
        made.backbone if made.prefix is not None else made.network,
        made.clip_protocol.frames,
        made.clip_protocol.crop,
    )
    choose("cpu", "fp32").place(made)  # its weights laid out as when it is tested
    return made.eval()


def is_run_word(word: str) -> bool:
    """Whether a word means a folder of a run, there or not: neither a name nor code nor ``NAME=FILE``."""
    if not word or run_of(word) is not None:
        return True
    return not is_external(word) and "=" not in word and (Path(word).name != word or Path(word).exists())


def _of_run(config: ModelConfig) -> LoadedModel:
    """The network of a finished run."""
    word = str(local(config.model).expanduser().absolute()) if config.model else ""
    run = run_of(word)
    if run is None and (said := elsewhere.by_name(config.model)):
        raise UsageError(f"--model {config.model}: {said}.")
    if run is None:
        raise UsageError(
            f"--model {config.model or '(nothing)'}: wanted a folder OUT/runs/pretrain|finetune|probe/SIGNATURE, a snapshot in one,"
            " i3d, torchvision:NAME, hf:NAME, module:function, a backbone of `muybridge list backbones` (untrained), or NAME=FILE."
        )
    check_word("model", word)
    given = next((name for name in FOREIGN if getattr(config, name) not in (None, ())), None)
    if given is not None:
        raise UsageError(
            f"--{given.replace('_', '-')}: goes with models that are no run; a run is shown clips as it was tested. --views, --frames,"
            " --stride, --short-side and --crop change them."
        )
    origin = read_config(run, {})
    check_one_network({"model": origin})
    trusted = {*config.trust_code}
    consent.demand(origin, run.path / "config.yaml", trusted)
    check_sound(run)
    consent.demand(result_config(run), run.path / "result.json", trusted)
    fetch(run)
    protocol = _changed(clips_of(run), config)
    module, prefix, _ = build(word, run, str(origin["backbone"]), int(origin["seed"]), protocol)
    return LoadedModel(
        module, ClipReader(protocol, squares=protocol.spatial == 1), _origin_of(run, word, origin),
        classes=tuple(run.result["data"]["classes"]) if prefix else None, prefix=prefix,
    )  # fmt: skip


def _origin_of(run: Run, word: str, origin: ConfigFields) -> Origin:
    """What a run says of itself; runs of older versions lack some of it."""
    facts = {
        "stage": run.stage, "signature": run.signature, "summary": run.result.get("summary", ""), "backbone": origin["backbone"],
        "trained_on": run.result.get("data", {}).get("name"),
    }  # fmt: skip
    name = f"{run.stage} {run.signature}: {facts['summary'] or origin['backbone']}"
    swin = str(origin["backbone"]).startswith("torchvision:swin3d")
    return Origin(name, signed_input(run.signature, word), facts, channels_last=swin, data=origin)


def _changed(protocol: Protocol, config: ModelConfig) -> Protocol:
    """The clips of a run with what was asked for otherwise.

    Raises:
        UsageError: numbers that make no clip.
    """
    asked = {name: getattr(config, name) for name in ("frames", "stride", "short_side", "crop")}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if config.views is not None:
        changes |= dict(zip(("temporal", "spatial"), parse_views(config.views), strict=True))
    try:
        made = dataclasses.replace(protocol, **changes)
    except ValueError as error:
        raise UsageError(f"clips of {config.model} with {changes}: {error}.") from error
    return made if made == protocol else dataclasses.replace(made, name=f"{protocol.name}, changed")


def exported_of(word: str) -> Path | None:
    """The folder of ``muybridge export --format hf`` that a word names, with ``hf:`` before it or not."""
    return Path(word.removeprefix("hf:")).expanduser() if is_exported(word.removeprefix("hf:")) else None


def _of_exported(config: ModelConfig, folder: Path) -> LoadedModel:
    """The network of an exported folder, with its head if it has one; clips as it was trained on, views as of any model that is no run."""
    if config.weights is not None:
        raise UsageError(f"--weights {config.weights}: {folder} has weights of its own. Leave --weights out.")
    _refuse_feed(config)
    found = read_exported(folder)
    network: Any = exported_classifier(folder) if found.classes else exported_backbone(folder)
    protocol = chosen(config, "kinetics", {**found.clip, "sampling": found.sampling})
    origin = Origin(f"hf:{folder}", models.key_of(network, "exported"), {"backbone": found.backbone})
    return LoadedModel(
        network,
        ClipReader(protocol),
        origin,
        classes=found.classes or None,
        prefix="backbone" if found.classes else "",
    )


def _of_name(config: ModelConfig, head: bool) -> LoadedModel:
    """A model that is no run."""
    name = config.model
    if name.startswith("hf:") and is_dual(name.removeprefix("hf:")):
        return _of_pair(config)
    if names_code(name) or (head and is_external(name)):
        return _of_tested(config, head)
    check_name(name)
    _refuse_feed(config)
    folder = models.own_folder(name)
    random = config.weights is None and (folder is None or not any(folder.glob("*.safetensors")))
    if random and (name == "i3d" or name.startswith(ZOO)):
        raise UsageError(
            f"--model {name}: names no weights, so its features would be drawn at random. Give --weights with its file, or a folder with"
            " config.json and *.safetensors (hf:FOLDER)."
        )
    weights = Path(config.weights).expanduser() if config.weights else None
    network = build_backbone(name, config.seed, weights, config.weights_key, config.weights_prefix)
    prepared: Preprocessing | None = getattr(network, "preprocessing", None)
    taken = checkpoint_of(network)
    facts = {
        "backbone": name, **({"preprocessing": prepared.facts()} if prepared else {}), **({"checkpoint": taken.facts()} if taken else {}),
    }  # fmt: skip
    key = models.key_of(network, name) + ("-bgr" if prepared and prepared.bgr else "")
    shown = f"{name} with random weights" if random else name
    swin = name.startswith("torchvision:swin3d")
    origin = Origin(shown, key, facts, untrained=random, channels_last=swin)
    return LoadedModel(network, ClipReader(_protocol(config, network, prepared)), origin)


def _protocol(config: ModelConfig, network: nn.Module, prepared: Preprocessing | None) -> Protocol:
    """How clips are cut for a backbone: by the preset, else as suits the network."""
    name = config.model
    if config.protocol is None and name in BACKBONES and BACKBONES[name].facts.get("group") == "tiny":
        return _changed(of_run(ProbeConfig()), config)
    clip = {
        "frames": getattr(network, "clip_frames", None),
        "crop": getattr(network, "clip_size", None),
        "short_side": prepared.short_side if prepared else None,
    }
    known = {field: value for field, value in clip.items() if value}
    return chosen(config, "i3d-kinetics" if name == "i3d" else "kinetics", known)


def _of_tested(config: ModelConfig, head: bool) -> LoadedModel:
    """A whole model as ``robustness`` tests it, with its head; or what ``module:function`` returns, as a backbone."""
    asked = {one.name: getattr(config, one.name) for one in dataclasses.fields(ModelConfig)}
    shared = {one.name for one in dataclasses.fields(RobustnessConfig)}
    known = RobustnessConfig(**{one: value for one, value in asked.items() if one in shared})
    return of_subject(models.fed(models.load(known), known), config, head)


def of_subject(subject: TestedModel, config: ModelConfig, head: bool) -> LoadedModel:
    """A model of others, loaded or handed over as an object."""
    network = (
        subject.call
        if isinstance(subject.call, nn.Module) and head
        else Foreign(subject.name, subject.call, head)
    )
    facts = {
        "preprocessing": dict(subject.preprocessing), **({"checkpoint": subject.checkpoint.facts()} if subject.checkpoint else {}),
    }  # fmt: skip
    return LoadedModel(
        network, ClipReader(chosen(config, subject.protocol, subject.clip)), Origin(subject.name, subject.key, facts),
        classes=subject.classes if head else None, prefix=None if head else "", feed=subject.feed,
    )  # fmt: skip


def given_model(module: nn.Module, config: ModelConfig) -> LoadedModel:
    """A module that was handed over as an object: what it puts out are features.

    Raises:
        UsageError: it has no weights that would tell it from another, or tensors without values.
    """
    if isinstance(module, LoadedModel):
        changed = models.key_of(module, module.origin.key + own_code.held(module.network))
        origin = dataclasses.replace(module.origin, key=changed)
        return LoadedModel(
            module.network, module.reader, origin, classes=module.classes, prefix=module.prefix, feed=module.feed
        )  # fmt: skip
    subject = models.given(module, kept=True)
    clip = {"frames": getattr(module, "clip_frames", None), "crop": getattr(module, "clip_size", None)}
    known = RobustnessConfig(model=subject.name, **{name: getattr(config, name) for name in FIELDS})
    told = {name: value for name, value in clip.items() if value}
    return of_subject(dataclasses.replace(models.fed(subject, known), clip=told), config, head=False)


def _of_pair(config: ModelConfig) -> LoadedModel:
    """The clip tower of a dual encoder."""
    _refuse_feed(config)
    if config.weights is not None:
        raise UsageError(f"--weights: {config.model} brings its own weights.")
    pair = dual_encoder(config.model.removeprefix("hf:"))
    origin = Origin(
        config.model, models.key_of(pair, config.model), {"backbone": config.model, "tower": "clips"}
    )
    return LoadedModel(
        ClipTower(config.model, pair), ClipReader(chosen(config, "zeroshot", clip_of(pair))), origin
    )


def _refuse_feed(config: ModelConfig) -> None:
    named = next((name for name in FIELDS if getattr(config, name) not in (None, ())), None)
    if named is not None:
        raise UsageError(
            f"--{named}: {config.model} knows by itself what it wants. For another preparation, build it in a module of yours."
        )
