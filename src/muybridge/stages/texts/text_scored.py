"""Models that a zero-shot run can ask: dual encoders, own video-text runs, and classifiers through the meaning of their classes."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from muybridge.backbones.outside.model_folder import CONFIG, read_facts
from muybridge.backbones.outside.zoo import called
from muybridge.backbones.text.conse import Conse
from muybridge.backbones.text.dual import DualEncoder, Given, ZeroShot
from muybridge.backbones.text.dual_encoders import dual_encoder
from muybridge.backbones.text.dual_transformers import FAMILIES, is_dual
from muybridge.backbones.text.word_vectors import texts_of
from muybridge.config.names import is_run_of
from muybridge.config.stage_configs import RobustnessConfig, ZeroshotConfig
from muybridge.core import seeding
from muybridge.core.catalogue import names_code
from muybridge.core.errors import UsageError
from muybridge.data.class_file import read_classes
from muybridge.runs.stages import STAGES
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing import models, own_code
from muybridge.stages.testing.models import TestedModel
from muybridge.stages.texts.class_names import cleaned
from muybridge.stages.texts.question import NONE, Question


def regime(values: Mapping[str, object]) -> str:
    """``Z0`` for a model that saw no action labels, ``Z1`` for one that was trained on some; of a config of a zero-shot run.

    What is not said with ``--seen`` is taken to be so: classifiers and own runs saw labels, a dual encoder those that the published weights
    of its kind were trained on.
    """
    seen, model = values.get("seen"), str(values.get("model", ""))
    if seen is not None:
        return "Z0" if seen == NONE else "Z1"
    if values.get("words") or is_run(model):
        return "Z1"
    return "Z1" if known_labels(model) else "Z0"


def is_run(model: str) -> bool:
    """Whether ``--model`` names a folder of a run, and no model of others nor an object."""
    return is_run_of(model, STAGES["zeroshot"].inputs["model"])


def known_labels(model: str) -> str:
    """The label set that the published weights of a kind of dual encoder were trained on; empty for none."""
    folder = models.own_folder(model)
    if folder is None:
        return ""
    family = FAMILIES.get(str(read_facts(folder / CONFIG).get("model_type")))
    return family.seen if family else ""


def words_digest(word: str | None, memory: ResolveCache) -> str | None:
    """Hash of what ``--words`` names; None where nothing is named.

    Raises:
        UsageError: it cannot be read.
    """
    if word is None:
        return None
    folder = models.own_folder(word) or Path(word.removeprefix("hf:")).expanduser()
    files = [folder] if folder.is_file() else sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")])
    if not files:
        texts_of(word)  # says what is wrong
    held = "".join(f"{file.name} {memory.digest(file, '--words')}\n" for file in files)
    return hashlib.sha256(held.encode()).hexdigest()[:16]


def external(config: ZeroshotConfig) -> TestedModel:
    """The model of a config that names no run; nothing is downloaded.

    Raises:
        UsageError: no such model; one without a text tower and no ``--words``.
    """
    name = config.model
    if name.startswith("hf:") and is_dual(name.removeprefix("hf:")):
        if config.words:
            raise UsageError(f"--words {config.words}: {name} has a text tower of its own; leave it out.")
        model: Any = dual_encoder(name.removeprefix("hf:"), config.pooling)
        return TestedModel(name, model, None, models.key_of(model, name), "zeroshot", clip_of(model))
    if name.startswith("hf:") and models.own_folder(name) is None:
        model = dual_encoder(name.removeprefix("hf:"))  # says what is wrong
    if names_code(name) and not config.words:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeding.key(config.seed, "model"))
            return given(called(name), name)
    if not config.words:
        raise UsageError(
            f"--model {name}: has no text tower. Give --words (ConSE: a file of word vectors, a folder with a table, hf:FOLDER); or train"
            f" on its features: `muybridge probe` and `muybridge retrieval`. Dual encoders known: {', '.join(FAMILIES)}."
        )
    known = RobustnessConfig(model=name, weights=config.weights, classes=config.classes, seed=config.seed)
    subject = models.load(known)
    classes = read_classes(Path(config.classes)) if config.classes else subject.classes
    return conse(config, subject, classes)


def conse(config: ZeroshotConfig, subject: TestedModel, classes: tuple[str, ...] | None) -> TestedModel:
    """A classifier and an embedding of texts as one model.

    Raises:
        UsageError: its classes have no names, or there is no embedding.
    """
    if not config.words:
        raise UsageError(
            f"--model {config.model}: a classifier is asked through the meaning of its classes; give --words."
        )
    if not classes:
        raise UsageError(
            f"--model {config.model}: the names of its classes are not known. Give --classes FILE, in the order of its scores."
        )
    if not isinstance(subject.call, nn.Module):
        raise UsageError(f"--model {config.model}: wanted an nn.Module that puts out logits.")
    texts = texts_of(config.words)
    model = Conse(subject.name, subject.call, tuple(map(cleaned, classes)), texts, config.conse_top)
    named = f"{subject.name} with {texts.name}"
    return dataclasses.replace(
        subject, name=named, call=model, classes=classes, key=models.key_of(model, f"{named} {classes}")
    )


def given(model: object, name: str | None = None, kept: bool = False) -> TestedModel:
    """A dual encoder that was handed over as an object.

    Raises:
        UsageError: it lacks a tower; or is to be kept, with neither weights nor a name.
    """
    shown = name or type(model).__name__
    encoder = model if isinstance(model, DualEncoder) else Given(model, shown)
    if kept and name is None and not models.has_weights(model):
        raise UsageError(
            f"model {shown}: has no weights that would name its results. Give it a name=, or leave out= away."
        )
    kind = f"{type(model).__module__}.{type(model).__qualname__} {name or ''}"
    return TestedModel(
        shown, encoder, None, models.key_of(model, kind + own_code.held(model)), "zeroshot", clip_of(encoder)
    )


def clip_of(model: DualEncoder) -> dict[str, int]:
    """Frames and size that a model wants; pictures are scaled as its processor says, else to its size, so that a crop shows all it can."""
    size = model.clip_size
    told = {"frames": model.clip_frames, "crop": size, "short_side": model.clip_short_side or size}
    return {name: value for name, value in told.items() if value}


def blind_words(name: str) -> str:
    """What is said of a model whose scores no order of frames can change."""
    return (
        f"{name} cannot see order: any permutation of the frames of a clip gives the same scores, bit for bit"
    )


def judge(subject: TestedModel, question: Question, scale: float | None) -> ZeroShot:
    """A model and a question as a classifier; the texts are encoded here, once."""
    model: Any = subject.call
    order: Any = question.order
    return ZeroShot(model, question.classes, question.prompts.said(question.said), order, scale)
