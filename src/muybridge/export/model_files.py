"""A folder in the layout of Hugging Face: config, weights, preprocessor and model card; never code."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from muybridge.backbones.exported import exported_backbone, exported_classifier, exported_name
from muybridge.backbones.outside.exported_folder import (
    CARD,
    CONFIG,
    HEAD,
    OURS,
    PREPROCESSOR,
    WEIGHTS,
    read_exported,
)
from muybridge.core.catalogue import names_code
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import atomic
from muybridge.export.difference import compare
from muybridge.export.export_source import Exportable, Source
from muybridge.export.model_card import model_card
from muybridge.export.new_folder import new_folder

LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")
UNWANTED = (
    "auto_map",
    "_attn_implementation",
    "attn_implementation",
    "quantization_config",
    "_name_or_path",
    "torch_dtype",
    "dtype",
)
"""Of a config of transformers: what names code, kernels, places of this machine or formats that the weights have not."""


def write_model_folder(
    source: Source, frames: Tensor, out: Path, licence: str, tolerance: float, overwrite: bool
) -> tuple[float, tuple[str, ...]]:
    """Write the folder, read it back by the way that ``--init`` and ``--model`` take, and compare.

    Args:
        source: the network.
        frames: clips for the comparison.
        out: a new folder, or one of ours that may go.
        licence: for the card.
        tolerance: largest difference that is let through.
        overwrite: whether ``out`` may be replaced.

    Returns:
        The largest difference, and notes.

    Raises:
        UsageError: a network that only code outside can build; a licence that is no identifier.
        MuybridgeError: what was written differs.
    """
    if not LICENCE.fullmatch(licence):
        raise UsageError(
            f"--licence {licence!r:.80}: wanted an identifier such as apache-2.0, cc-by-nc-4.0 or other."
        )
    name = str(source.facts["backbone"])
    if names_code(name):
        raise UsageError(
            f"--format hf: {name} is built by a function of yours, and such a folder holds no code. --format torch-export, onnx and "
            "safetensors take it."
        )
    body: Any = source.network.backbone
    own = not name.startswith("hf:")
    config, preprocessor, tensors = _own(source, body) if own else _transformers(source, body)
    with new_folder(out) as draft:
        _write(draft / CONFIG, _json(config))
        _write(draft / PREPROCESSOR, _json(preprocessor))
        _write(draft / WEIGHTS, save(tensors, {"format": "pt"}))
        if source.network.head is not None:
            _write(draft / HEAD, save(_plain(source.network.head), {"format": "pt"}))
        exported_name(read_exported(draft))
        again = _again(draft, source.network.head is not None)
        difference = compare(source.network, again.eval(), frames, tolerance, source.output)
        _write(draft / CARD, model_card(source, licence, difference).encode())
    notes = () if licence != "unknown" else ("license: unknown; say the one that you give it with --licence",)
    return difference, notes


def _again(folder: Path, head: bool) -> nn.Module:
    if head:
        return exported_classifier(folder)
    backbone = exported_backbone(folder)
    assert isinstance(backbone, nn.Module)
    return Exportable(backbone, None)


def _own(source: Source, body: nn.Module) -> tuple[dict[str, Any], dict[str, Any], dict[str, Tensor]]:
    """A network of the catalogue, which applies mean and std itself."""
    config = {"model_type": OURS, OURS: dict(source.facts)}
    statistics = {"do_normalize": False}
    return config, _preprocessor(source, "VideoMAEImageProcessor", statistics), _plain(body)


def _transformers(
    source: Source, body: Any
) -> tuple[dict[str, object], dict[str, object], dict[str, Tensor]]:
    """A network of transformers under its own names; mean and std stand in the preprocessor, as everywhere there."""
    told: dict[str, object] = json.loads(body.model.config.to_json_string(use_diff=False))
    config = {name: value for name, value in told.items() if name not in UNWANTED and value is not None}
    config["architectures"] = [type(body.model).__name__]
    told_input = {
        **source.facts["input"],
        "normalisation": "inside; in the files it stands in preprocessor_config.json",
    }
    facts = {**source.facts, "input": told_input}
    front = ""
    if config["model_type"] == "vjepa2":
        front, config["architectures"] = "encoder.", ["VJEPA2Model"]
    prepare = body.prepare
    if prepare.bgr:
        raise UsageError(
            "--format hf: this network takes blue first, which such a folder does not say. Use --format torch-export."
        )
    statistics = {
        "do_normalize": True,
        **{
            f"image_{name}": [float(one) for one in getattr(prepare, name).flatten()]
            for name in ("mean", "std")
        },
    }
    kind = PROCESSORS.get(str(config["model_type"]))
    if kind is None:
        raise MuybridgeError(f"--format hf: no preprocessor is known for {config['model_type']}.")
    tensors = {f"{front}{name}": value for name, value in _plain(body.model).items()}
    return {**config, OURS: facts}, _preprocessor(source, kind, statistics), tensors


PROCESSORS = {
    "videomae": "VideoMAEImageProcessor", "timesformer": "VideoMAEImageProcessor", "vivit": "VivitImageProcessor",
    "vjepa2": "VJEPA2VideoProcessor",
}  # fmt: skip
"""Class of the preprocessor by model type."""


def _preprocessor(source: Source, kind: str, statistics: Mapping[str, object]) -> dict[str, object]:
    """Scaled to a short side, cut from the middle, divided by 255."""
    clip = source.facts["clip"]
    crop = {"height": clip["crop"], "width": clip["crop"]}
    return {
        "image_processor_type": kind,
        "do_resize": True, "size": {"shortest_edge": clip["short_side"]}, "resample": 2,
        "do_center_crop": True, "crop_size": crop,
        "do_rescale": True, "rescale_factor": 1 / 255, "offset": False,
        **statistics,
    }  # fmt: skip


def _plain(module: nn.Module) -> dict[str, Tensor]:
    """State of a module, each tensor with memory of its own."""
    return {
        name: value.detach().clone(memory_format=torch.contiguous_format)
        for name, value in module.state_dict().items()
    }


def _json(content: Mapping[str, object]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with atomic(path, "wb") as file:
        file.write(content)
