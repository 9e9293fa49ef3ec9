"""I3D: Inception-v1 with its convolutions and pools inflated to 3-D.

Carreira and Zisserman, Quo vadis, action recognition?, CVPR 2017. Submodules are named as in the public Kinetics-400 weights, which
`muybridge weights convert i3d FILE` turns into safetensors. Those come from TensorFlow: SAME padding, batch norm without scale and with
an epsilon of 1e-3, input in [-1, 1].
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones.networks.network import Network, Triple
from muybridge.core.networks.features import Features, average

MIXED = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
"""Channels in, and out of the convolutions b0, b1a, b1b, b2a, b2b and b3b of every Inception module."""


def pad_same(x: Float[Tensor, "b c t h w"], kernel: Triple, stride: Triple) -> Float[Tensor, "b c t2 h2 w2"]:
    """Zeros around a map as TensorFlow's SAME padding lays them: ceil(n / stride) outputs, the odd one behind."""
    sides: list[int] = []
    for n, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        total = max(k - (n % s or s), 0)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides) if any(sides) else x


class Unit(nn.Module):
    """Convolution with SAME padding, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: Triple = (1, 1, 1)) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=1e-3, momentum=0.001)
        self.kernel, self.stride = (kernel, kernel, kernel), stride

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t2 h2 w2"]:
        """Convolve, normalise, rectify."""
        return F.relu(self.bn(self.conv3d(pad_same(x, self.kernel, self.stride))))


class Pool(nn.Module):
    """Max pool with SAME padding; zeros lose against every input because all inputs are rectified."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c t2 h2 w2"]:
        """Pool."""
        return F.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Inception module: 1x1x1; 1x1x1 then 3x3x3; the same again; max pool then 1x1x1."""

    def __init__(self, inputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = widths
        self.b0 = Unit(inputs, b0)
        self.b1a, self.b1b = Unit(inputs, b1a), Unit(b1a, b1b, 3)
        self.b2a, self.b2b = Unit(inputs, b2a), Unit(b2a, b2b, 3)
        self.b3a, self.b3b = Pool((3, 3, 3), (1, 1, 1)), Unit(inputs, b3b)

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t h w"]:
        """Four branches side by side."""
        branches = [self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))]
        return torch.cat(branches, dim=1)


class _Trunk(nn.Module):
    """Everything up to the last map, under the names of the public weights."""

    mean = std = (0.5, 0.5, 0.5)
    """Of the pixels in [0, 1]: it takes -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, (2, 2, 2))
        self.MaxPool3d_2a_3x3 = Pool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        self.MaxPool3d_3a_3x3 = Pool((1, 3, 3), (1, 2, 2))
        for name, (inputs, widths) in MIXED.items():
            if name == "Mixed_4b":
                self.MaxPool3d_4a_3x3 = Pool((3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                self.MaxPool3d_5a_2x2 = Pool((2, 2, 2), (2, 2, 2))
            self.add_module(name, Mixed(inputs, widths))
        self.trunk = tuple(self._modules)

    def last(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b 1024 t2 h2 w2"]:
        """Map behind the last Inception module of frames in [0, 1]; 8 times shorter and 32 times smaller, rounded up."""
        x = frames * 2 - 1
        for name in self.trunk:
            x = self.get_submodule(name)(x)
        return x


class I3D(_Trunk):
    """I3D without its classifier; 12,287,264 parameters, 1024-d."""

    dim = 1024
    layers = ("Conv3d_1a_7x7", "Conv3d_2c_3x3", "Mixed_3c", "Mixed_4f", "Mixed_5c")

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Pooled feature and last map of each clip."""
        last = self.last(frames)
        return Features(average(last, (2, 3, 4)), {"last": last})


class I3DClassifier(_Trunk):
    """I3D as published: average pool (2, 7, 7) of stride 1, 1x1x1 convolution, logits averaged over time.

    The dropout in front of the logits is left out: the class is for published weights. A map smaller than the pool is pooled whole.

    Attributes:
        outputs: number of logits.
        layers: capture points, as those of the backbone.
    """

    layers = I3D.layers

    def __init__(self, outputs: int = 400) -> None:
        super().__init__()
        self.outputs = outputs
        self.logits = nn.ModuleDict({"conv3d": nn.Conv3d(1024, outputs, 1)})

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Logits of each clip."""
        last = self.last(frames)
        kernel = [min(k, n) for k, n in zip((2, 7, 7), last.shape[2:], strict=True)]
        logits: Tensor = self.logits["conv3d"](F.avg_pool3d(last, kernel, stride=1))
        return average(logits, (2, 3, 4))


def tiny() -> Network:
    """Stem and three Inception modules for 8x32x32 clips, 128-d; the last map is 2x2x2."""
    stem = nn.Sequential(Unit(3, 16, 3, (1, 2, 2)), Pool((1, 3, 3), (1, 2, 2)))
    first = Mixed(16, (16, 16, 24, 4, 12, 12))
    second = Mixed(64, (24, 24, 48, 8, 12, 12))
    third = Mixed(96, (32, 32, 64, 8, 16, 16))
    halve = (2, 2, 2)
    stages = nn.Sequential(
        stem, first, nn.Sequential(Pool((3, 3, 3), halve), second), nn.Sequential(Pool(halve, halve), third)
    )
    return Network(stages, 128, mean=0.5, std=0.5)
