"""Video networks of torchvision, random weights, under their own names and statistics."""

import math
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.outside.preprocessor import Preprocessing
from muybridge.backbones.outside.wrapped import Normalise, Whole, library
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Features, capture

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
MVIT = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))


@dataclass(frozen=True)
class Model:
    """What has to be known about a torchvision network.

    Attributes:
        head: submodules that are taken away to get features.
        layers: submodules where its stages end; the last one puts out the map.
        order: how that map lies: ``map`` (b c t h w), ``last`` (b t h w c), ``tokens`` (b 1+n c).
        statistics: mean and std of its published weights.
        clip: the only frames and pixels it takes.
    """

    head: tuple[str, ...]
    layers: tuple[str, ...]
    order: Literal["map", "last", "tokens"]
    statistics: tuple[tuple[float, ...], tuple[float, ...]]
    clip: tuple[int | None, int | None] = (None, None)


RESNET = Model(("fc",), ("stem", "layer1", "layer2", "layer3", "layer4"), "map", KINETICS)
SWIN = Model(("head",), ("features.0", "features.2", "features.4", "norm"), "last", IMAGENET)
S3D = Model(
    ("avgpool", "classifier"),
    ("features.2", "features.5", "features.8", "features.12", "features.15"),
    "map",
    KINETICS,
)
_BLOCKS = tuple(f"blocks.{i}" for i in (0, 2, 13))
MODELS = {
    "swin3d_t": SWIN,
    "swin3d_s": SWIN,
    "swin3d_b": SWIN,
    "mvit_v1_b": Model(("head",), (*_BLOCKS, "norm"), "tokens", MVIT, (16, 224)),
    "mvit_v2_s": Model(("head",), (*_BLOCKS, "norm"), "tokens", MVIT, (16, 224)),
    "r3d_18": RESNET,
    "mc3_18": RESNET,
    "r2plus1d_18": RESNET,
    "s3d": S3D,
}


class Torchvision(nn.Module):
    """A torchvision network without its head: pooled features as its head would see them, and its last map.

    Attributes:
        name: how it was asked for.
        dim: length of the pooled feature.
        layers: capture points.
        clip_frames: the only number of frames it takes, None for any.
        clip_size: the only height and width it takes, None for any.
        preprocessing: what it does to frames in [0, 1].
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.facts = _facts(name)
        self.name = f"torchvision:{name}"
        self.layers = tuple(f"model.{layer}" for layer in self.facts.layers)
        self.clip_frames, self.clip_size = self.facts.clip
        self.preprocessing = Preprocessing(*self.facts.statistics)
        self.prepare, self.model = Normalise(*self.facts.statistics), _make(name)
        self.dim = _width(self.model.get_submodule(self.facts.head[-1]))
        for head in self.facts.head:
            setattr(self.model, head, nn.Identity())

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Pooled feature and last map of each clip."""
        last = self.layers[-1]
        with capture(self, [last]) as seen:
            pooled = self.model(self.prepare(frames))
        return Features(pooled, {"last": self._map(seen[last])})

    def _map(self, last: Tensor) -> Float[Tensor, "b c t h w"]:
        if self.facts.order == "last":
            return last.permute(0, 4, 1, 2, 3)
        if self.facts.order == "map":
            return last
        grid = last[:, 1:].transpose(
            1, 2
        )  # MViT halves time in front of its blocks; rows and columns are alike
        time = (self.clip_frames or 2) // 2
        side = math.isqrt(grid.shape[2] // time)
        return grid.reshape(*grid.shape[:2], time, side, side)


def whole_model(name: str, outputs: int = 400) -> Whole:
    """A torchvision network with its head; its classes are those of Kinetics-400 if it has as many."""
    facts, model = _facts(name), _make(name, outputs)
    published = library("torchvision.models", f"torchvision:{name}").get_model_weights(name).DEFAULT
    names = tuple(published.meta["categories"])
    classes = names if len(names) == outputs else None
    known = Preprocessing(*facts.statistics)
    return Whole(
        f"torchvision:{name}", model, outputs, Normalise(*facts.statistics), *facts.clip, classes, known
    )


def _facts(name: str) -> Model:
    if name not in MODELS:
        raise UsageError(f"torchvision:{name}: unknown. Known: {', '.join(MODELS)}.")
    return MODELS[name]


def _make(name: str, outputs: int = 400) -> nn.Module:
    made: nn.Module = library("torchvision.models.video", f"torchvision:{name}").__dict__[name](
        num_classes=outputs
    )
    return made


def _width(head: nn.Module) -> int:
    """Channels that a head takes in."""
    first = next(module for module in head.modules() if isinstance(module, nn.Linear | nn.Conv3d))
    return first.in_features if isinstance(first, nn.Linear) else first.in_channels
