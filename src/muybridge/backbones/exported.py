"""Networks of exported folders: the backbone with its weights, and with its linear layer the whole classifier."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from muybridge.backbones import BACKBONES, build, check_name
from muybridge.backbones.outside.exported_folder import HEAD, WEIGHTS, ExportedFolder, read_exported
from muybridge.backbones.outside.preprocessor import Preprocessing
from muybridge.backbones.weights.pretrained import put_weights
from muybridge.core.catalogue import names_code
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.features import Backbone, Classifier


class ExportedClassifier(Classifier):
    """The classifier of an exported folder, as ``--model`` takes one.

    Attributes:
        classes: their names in order.
        clip_frames: frames of the clips that it was trained on.
        clip_size: their height and width, pixels.
        preprocessing: mean and std lie inside; the short side is that of the training.
    """

    def __init__(self, backbone: Backbone, found: ExportedFolder) -> None:
        assert isinstance(backbone, torch.nn.Module)
        super().__init__(backbone, found.dim, len(found.classes))
        self.classes = found.classes
        self.clip_frames, self.clip_size = found.clip["frames"], found.clip["crop"]
        self.clip_stride, self.clip_sampling = found.clip["stride"], found.sampling
        self.preprocessing = Preprocessing(
            (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), found.clip["short_side"], found.clip["crop"],
            source="the exported folder; mean and std are applied by its network",
        )  # fmt: skip


def exported_name(found: ExportedFolder) -> str:
    """The backbone of a folder, if it is one that may be built because a file says so.

    Raises:
        UsageError: code, or a network that is not in the catalogue.
    """
    name = found.backbone
    if name == f"hf:{found.folder}":
        return name
    if names_code(name) or name.startswith("hf:") or (":" not in name and name not in BACKBONES):
        raise UsageError(
            f"{found.folder}: its backbone is {name!r:.80}, which is no network of `muybridge list backbones`."
        )
    check_name(name)
    return name


def exported_backbone(folder: Path) -> Backbone:
    """The backbone of an exported folder.

    Raises:
        UsageError: a network that is not in the catalogue, or other weights than its.
        MuybridgeError: damaged.
    """
    return _backbone(read_exported(folder))


def exported_classifier(folder: Path) -> ExportedClassifier:
    """The backbone and the linear layer of an exported folder.

    Raises:
        UsageError: it holds a backbone alone; else as ``exported_backbone``.
        MuybridgeError: damaged.
    """
    found = read_exported(folder)
    if not found.classes:
        raise UsageError(
            f"{found.folder}: holds a backbone without a classifier. `muybridge probe --init {found.folder}` trains one."
        )
    network = ExportedClassifier(_backbone(found), found)
    path = found.folder / HEAD
    put_weights(network.head, _tensors(path), path)
    return network


def _backbone(found: ExportedFolder) -> Backbone:
    name = exported_name(found)
    with torch.random.fork_rng(devices=[]):
        backbone = build(name)
    assert isinstance(backbone, Backbone)
    if backbone.dim != found.dim:
        raise UsageError(
            f"{found.folder}: says that its features have length {found.dim}; {name} has {backbone.dim}."
        )
    if not name.startswith("hf:"):
        path = found.folder / WEIGHTS
        put_weights(backbone, _tensors(path), path)
    return backbone


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise MuybridgeError(f"{path}: damaged ({error}). Export or pull the folder again.") from error
    return tensors
