"""Plain video transformer: VideoMAE's encoder (Tong et al., NeurIPS 2022), a ViT on tubelets with attention over space and time jointly."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones.networks.network import Triple
from muybridge.core.networks.features import Features, average
from muybridge.core.networks.tokens import attract, positions


class Attention(nn.Module):
    """Multi-head self-attention; keys without bias, which softmax would cancel."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim, bias=False)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """Attend."""
        query, key, value = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return attended


class Block(nn.Module):
    """Attention and a perceptron of four times the width, each behind a layer norm and beside its input."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads)
        self.perceptron = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """Two residual steps."""
        x = x + self.attention(self.norm1(x))
        y: Tensor = self.perceptron(self.norm2(x))
        return x + y


class ViT(nn.Module):
    """ViT-B on tubelets of 2x16x16; every grid of tokens is served, positions are sinusoids.

    The feature is the mean of the normalised tokens; VideoMAE normalises behind the mean. Dropout and stochastic depth are left out.
    Linear layers start from Xavier's uniform law, as VideoMAE's. Two departures make it learn from thousands of clips instead of millions
    (figures in ``Masked``): positions count time, rows and columns each for themselves, and attention starts near home
    (``core.networks.tokens``).

    Attributes:
        dim: width of the tokens and length of the pooled feature.
        tube: frames, rows and columns of one token.
        layers: names of the blocks; capture points (``b n d``).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int = 768, depth: int = 12, heads: int = 12, tube: Triple = (2, 16, 16)) -> None:
        super().__init__()
        self.dim, self.tube = dim, tube
        self.layers = tuple(f"blocks.{i}" for i in range(depth))
        self.embed = nn.Conv3d(3, dim, tube, tube)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        for name, value in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            self.register_buffer(name, torch.tensor(value).view(1, 3, 1, 1, 1))
        self.apply(_start)

    def grid(self, frames: int, size: int) -> Triple:
        """Tokens in time, rows and columns of a clip of so many frames and pixels a side."""
        t, h, w = self.tube
        return frames // t, size // h, size // w

    def tokens(
        self, frames: Float[Tensor, "b 3 t h w"], visible: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b m d"]:
        """Normalised tokens of the visible tubes, the same number in every clip, in the order of the grid; of all tubes without mask."""
        cut = self.embed((frames - self.mean).div_(self.std))
        t, h, w = cut.shape[2:]
        x = cut.flatten(2).transpose(1, 2) + positions((t, h, w), self.dim).to(cut)
        if visible is not None:
            x = x[visible].view(len(x), -1, self.dim)
        for block in self.blocks:
            x = block(x)
        normalised: Tensor = self.norm(x)
        return normalised

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Mean token and grid of tokens of each clip."""
        t, h, w = (n // k for n, k in zip(frames.shape[2:], self.tube, strict=True))
        tokens = self.tokens(frames)
        # not len(): it would make a constant of the number of clips in an exported graph
        grid = tokens.transpose(1, 2).reshape(tokens.shape[0], self.dim, t, h, w)
        return Features(average(tokens, 1), {"last": grid})


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, Attention):
        attract(module.query.weight, module.key.weight, module.heads)


def tiny(dim: int = 96, depth: int = 4, heads: int = 3, tube: Triple = (2, 8, 8)) -> ViT:
    """Four blocks of width 96 on tubelets of 2x8x8: 64 tokens of an 8x32x32 clip."""
    return ViT(dim, depth, heads, tube)
