"""Dual encoders of transformers from a local folder or the local cache: weights as safetensors, tokenizer and statistics beside them.

Nothing is downloaded, no code of the folder is run, and weights that do not fit to the last tensor are refused: a tower that stayed random
still gives scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from muybridge.backbones.outside.model_folder import CONFIG, folder_of, read_config, read_facts
from muybridge.backbones.outside.wrapped import library
from muybridge.backbones.text.dual_pictures import (
    HALF,
    IMAGENET,
    OPENAI,
    PLAIN,
    Pictures,
    Statistics,
    read_pictures,
)
from muybridge.core.errors import UsageError


@dataclass(frozen=True)
class Family:
    """What has to be known about a model type.

    Attributes:
        model: class of transformers.
        adapter: ``module:class`` of ours.
        statistics: mean and std of its published weights, where its folder does not say.
        padded: whether prompts are filled up to the longest that the tower takes, as it was trained.
        masked: whether the text tower is told which tokens are filling.
        seen: label set that the published weights were trained on.
    """

    model: str
    adapter: str = "frames"
    statistics: Statistics = OPENAI
    padded: bool = False
    masked: bool = True
    seen: str = ""


FAMILIES: Mapping[str, Family] = {
    "clip": Family("CLIPModel"),
    "metaclip_2": Family("MetaClip2Model"),
    "altclip": Family("AltCLIPModel"),
    "chinese_clip": Family("ChineseCLIPModel"),
    "align": Family("AlignModel", statistics=HALF, padded=True),
    "siglip": Family("SiglipModel", statistics=HALF, padded=True, masked=False),
    "siglip2": Family("Siglip2Model", statistics=HALF, padded=True, masked=False),
    "vision-text-dual-encoder": Family("VisionTextDualEncoderModel", statistics=IMAGENET),
    "xclip": Family("XCLIPModel", "xclip", IMAGENET, padded=True, seen="kinetics400"),
    "videoprism": Family("VideoPrismClipModel", "videoprism", PLAIN, padded=True),
    "pe_video": Family("PeVideoModel", "pe", HALF),
    "pe_audio_video": Family("PeAudioVideoModel", "pe", HALF),
}


def is_dual(name: str) -> bool:
    """Whether ``hf:NAME`` stands for a folder of a dual encoder."""
    folder = folder_of(name)
    return folder is not None and read_facts(folder / CONFIG).get("model_type") in FAMILIES


@dataclass(frozen=True)
class Loaded:
    """What lies in a folder.

    Attributes:
        name: how it was asked for.
        model: of transformers, in float32.
        tokenizer: of transformers.
        pictures: how they are prepared.
        longest: tokens that the text tower takes.
    """

    name: str
    family: Family
    model: Any
    tokenizer: Any
    pictures: Pictures
    longest: int

    @property
    def config(self) -> Any:
        """Of the model."""
        return self.model.config

    @property
    def statistics(self) -> Statistics:
        """Mean and std of its pictures in [0, 1]."""
        return self.pictures.statistics

    @property
    def facts(self) -> dict[str, object]:
        """What every result says of how clips and texts were prepared."""
        return {"mean": self.statistics[0], "std": self.statistics[1], "text_tokens": self.longest}

    def encoded(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Tokens of prompts as the text tower was trained with them, on the model's device.

        Raises:
            UsageError: a prompt is longer than the text tower.
        """
        rows = self.tokens(prompts)
        most = max(map(len, rows))
        if most > self.longest:
            long = prompts[[len(row) for row in rows].index(most)]
            raise UsageError(
                f"{self.name}: {long!r:.120} is {most} tokens long; its text tower takes {self.longest}. Use shorter templates or names."
            )
        kind = (
            {"padding": "max_length", "max_length": self.longest} if self.family.padded else {"padding": True}
        )
        found = self.tokenizer(list(prompts), return_tensors="pt", truncation=False, **kind)
        device = next(self.model.parameters()).device
        wanted = ("input_ids", "attention_mask", "token_type_ids") if self.family.masked else ("input_ids",)
        known = set(getattr(self.tokenizer, "model_input_names", wanted))
        return {
            key: found[key].to(device)
            for key in wanted
            if key in found and (key != "token_type_ids" or key in known)
        }

    def tokens(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Tokens without filling."""
        return [
            tuple(row) for row in self.tokenizer(list(prompts), padding=False, truncation=False)["input_ids"]
        ]


def load(name: str) -> Loaded:
    """Model, tokenizer and statistics of a folder; errors as of ``dual_encoders.dual_encoder``."""
    transformers = library("transformers", f"hf:{name}")
    folder = folder_of(name)
    if folder is None:
        raise UsageError(
            f"hf:{name}: neither a folder with {CONFIG} nor in the local Hugging Face cache. `hf download {name} --local-dir FOLDER"
            " --revision COMMIT` gets it; then hf:FOLDER."
        )
    content = read_config(folder, FAMILIES)
    family = FAMILIES[content["model_type"]]
    model = _weights(transformers, name, folder, family)
    return Loaded(
        f"hf:{name}",
        family,
        model,
        _tokenizer(transformers, name, folder),
        read_pictures(folder, family.statistics),
        _longest(model.config),
    )


def _weights(transformers: Any, name: str, folder: Path, family: Family, unused: tuple[str, ...] = ()) -> Any:
    """The model with every tensor of its file, and no other; parts that are ``unused`` may be missing.

    Raises:
        UsageError: no safetensors; tensors that are missing, left over or of another shape.
    """
    if not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"hf:{name}: no weights as safetensors in {folder}. A pickle (.bin) is not read: save the model as safetensors."
        )
    kind = getattr(transformers, family.model, None)
    if kind is None:
        raise UsageError(
            f"hf:{name}: transformers {transformers.__version__} has no {family.model}. pip install -U transformers."
        )
    try:
        model, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # whatever transformers makes of a folder
        raise UsageError(
            f"hf:{name}: transformers cannot build it ({type(error).__name__}: {str(error)[:400]})."
        ) from error
    left = {
        what: sorted(map(str, info.get(what) or ()))
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys")
    }
    left["unexpected_keys"] = [key for key in left["unexpected_keys"] if not key.endswith("position_ids")]
    left["missing_keys"] = [key for key in left["missing_keys"] if not key.startswith(unused or ("\0",))]
    for what, keys in left.items():
        if keys:
            raise UsageError(
                f"hf:{name}: {len(keys)} {what.replace('_', ' ')} between its weights and {family.model}, the first: {keys[0]}. A part of"
                " the model would stay random. Get the folder again in one revision, or update transformers."
            )
    return model.float().eval()


def _tokenizer(transformers: Any, name: str, folder: Path) -> object:
    """The tokenizer of a folder; its own code is never run.

    Raises:
        UsageError: there is none.
    """
    facts = (
        read_facts(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    )
    if facts.get("auto_map"):
        raise UsageError(
            f"{folder}: its tokenizer wants Python of its own to be run (auto_map). Code in a folder of weights is never run here."
        )
    files = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")
    if not any((folder / file).is_file() for file in files):
        raise UsageError(
            f"hf:{name}: no tokenizer in {folder} ({', '.join(files)}). Get it from the same place as the weights."
        )
    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise UsageError(
            f"hf:{name}: its tokenizer cannot be built ({type(error).__name__}: {str(error)[:300]})."
        ) from error


def _longest(config: object) -> int:
    """Tokens that the text tower takes; those of RoBERTa keep two positions for themselves."""
    text = getattr(config, "text_config", config)
    most = int(getattr(text, "max_position_embeddings", 77))
    return (
        most - 2
        if str(getattr(text, "model_type", "")) in ("roberta", "xlm-roberta", "altclip_text_model")
        else most
    )


def pooled(found: Any) -> Tensor:
    """The embedding in what ``get_*_features`` returns: a tensor before transformers 5, an object since."""
    value = found if isinstance(found, Tensor) else found.pooler_output
    return torch.as_tensor(value)


TEXTS = (
    "bert",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "mpnet",
    "deberta-v2",
    "albert",
    "electra",
    "modernbert",
)
"""Text models whose states are averaged over the tokens."""


def text_model(name: str) -> Loaded:
    """A text model and its tokenizer; errors as of ``dual_encoders.dual_encoder``."""
    transformers = library("transformers", f"hf:{name}")
    folder = folder_of(name)
    if folder is None:
        raise UsageError(f"hf:{name}: neither a folder with {CONFIG} nor in the local Hugging Face cache.")
    read_config(folder, TEXTS)
    model = _weights(transformers, name, folder, Family("AutoModel"), ("pooler.",))
    return Loaded(
        f"hf:{name}",
        Family("AutoModel"),
        model,
        _tokenizer(transformers, name, folder),
        Pictures(PLAIN),
        _longest(model.config),
    )
