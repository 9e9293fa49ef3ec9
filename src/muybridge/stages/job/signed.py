"""What is signed of a run: its config, the content of its data and of what it starts from, instead of where they lie."""

import hashlib
from pathlib import Path
from typing import Any

from muybridge.backbones.outside.preprocessor import preprocessor_file
from muybridge.config.names import is_weights
from muybridge.config.stage_configs import PretrainConfig, ZeroshotConfig, as_dict
from muybridge.data.index import Dataset
from muybridge.runs.contents import snapshots
from muybridge.stages.job import declared
from muybridge.stages.job.resolve_cache import Memory
from muybridge.stages.testing import models
from muybridge.stages.texts.question import label_set, question_of
from muybridge.stages.texts.text_scored import words_digest
from muybridge.stages.training.captions import signed_captions


def signed_input(name: str, value: str) -> str:
    """What the signature of a run says of an input called ``name`` that its config gives as ``value``: a snapshot is ``NAME@SHARE``."""
    share = snapshots.split(value)[1]
    return f"{name}@{share}" if share else name


def signed_config(config: Any, dataset: Dataset, memory: Memory) -> dict[str, Any]:
    """What is signed of a config: its values and the content of its data, and of ``hf:FOLDER`` what it holds instead of where it lies.

    Raises:
        UsageError: a file of the folder cannot be read.
    """
    signed = as_dict(config) | {"data_fingerprint": dataset.fingerprint}
    signed |= declared.signed(dataset, getattr(config, "label_changing", ()))
    if isinstance(config, PretrainConfig):
        signed |= signed_captions(config, dataset)
    if isinstance(config, ZeroshotConfig):
        signed |= signed_question(config, dataset, memory)
    folder = models.own_folder(signed.get("backbone", ""))
    if folder is None:
        return signed
    return signed | {"backbone": held(folder, memory, "--backbone")}


def held(folder: Path, memory: Memory, option: str) -> str:
    """Name of a folder of transformers by what it holds."""
    prepared = preprocessor_file(folder)
    files = sorted(
        [*folder.glob("config.json"), *folder.glob("*.safetensors"), *([prepared] if prepared else [])]
    )
    told = "".join(f"{file.name} {memory.digest(file, option)}\n" for file in files)
    return f"hf:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def public(config: Any, memory: Memory) -> dict[str, str]:
    """Hash of a file of public weights that a config starts from.

    Raises:
        UsageError: no such file.
    """
    init = getattr(config, "init", "random")
    return {"init": memory.digest(Path(init), "--init")} if is_weights(init) else {}


def signed_question(config: ZeroshotConfig, dataset: Dataset, memory: Memory) -> dict[str, Any]:
    """What is signed of a zero-shot run instead of the names of files: what stands in them."""
    question = question_of(config, dataset)
    return {
        "templates": list(question.prompts.templates),
        "names": list(question.said),
        "candidates": list(question.classes),
        "seen": None if config.seen is None else list(label_set(config.seen)),
        "words": words_digest(config.words, memory),
    }
