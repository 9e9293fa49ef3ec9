"""Masked reconstruction: see a tenth of a clip's tubes and predict the pixels of the rest.

Tong et al., VideoMAE: masked autoencoders are data-efficient learners for self-supervised video pre-training, NeurIPS 2022, sec. 3.
"""

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.tokens import attract, positions
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views

Triple = tuple[int, int, int]
GREY = 0.5
HEADS = 64
"""Channels of each attention head of the decoder."""


class Masked(Objective):
    """The encoder sees the visible tokens only; a light transformer predicts the masked ones; mean square error.

    The same places of the frame are masked at all times (tubes). A token's target is its pixels with zero mean and unit deviation per
    colour, as in the authors' code. There is no answer to be right about: the monitor ``explained`` is the share of the variance of the
    masked pixels that is predicted, 0 for predicting the mean.

    Wants more than thousands of clips. On the embedded data vit-tiny explains 13 % after 30,000 clips (ratio 0.75, batches of 12); its
    linear probe then beats random weights on objects (27 % against 21 %) and not on motions (24 % against 43 %). With one running number
    for the place of a token, and attention that starts anywhere, it explained 2 % after 16,000. The pixels are not to blame: ridge
    regression on all that surrounds a tube explains 64 % of it; attention has to find out first which tokens are neighbours. Targets that
    are not normalised are soon explained to 78 %, most of it by the mean colour, and teach no more.

    Args:
        dim: length of a token of the backbone.
        ratio: share of the places that are masked.
        depth: blocks of the decoder.
        width: channels of the decoder, even and at least 6; half of those of the encoder in the paper (384 for ViT-B).
    """

    terms, chance = ("masked",), 0.0

    def __init__(self, dim: int, ratio: float = 0.9, depth: int = 4, width: int = 384) -> None:
        super().__init__()
        if not 0 < ratio < 1:
            raise ValueError(f"masked: ratio={ratio}; wanted more than 0 and less than 1")
        if width < 6 or width % 2 or depth < 1:
            raise ValueError(
                f"masked: width={width}, depth={depth}; wanted an even width of at least 6 and at least one block"
            )
        self.ratio, self.depth, self.dim, self.width = ratio, depth, dim, width

    def attach(self, backbone: Any, frames: int, size: int) -> None:
        """Build the decoder for the backbone's tubes.

        Raises:
            UsageError: the backbone cannot encode some of its tokens alone, or its tubes do not fill the clip.
        """
        if not getattr(backbone, "masks", hasattr(backbone, "tokens") and hasattr(backbone, "tube")):
            name = getattr(backbone, "name", type(backbone).__name__)
            raise UsageError(
                f"masked: the backbone ({name}) has no tokens that could be masked."
                " Those that fit (--backbone): vit, vit-tiny, hf:videomae."
            )
        self.tube: Triple = tuple(backbone.tube)
        t, h, w = self.tube
        if frames % t or size % h or size % w:
            raise UsageError(
                f"masked: clips of {frames} frames of {size} pixels do not divide into tubes of {t}x{h}x{w};"
                f" wanted a multiple of {t} (--frames) and of {math.lcm(h, w)} (--crop)."
            )
        self.grid: Triple = tuple(backbone.grid(frames, size))
        self.decoder = Decoder(self.dim, self.width, self.depth, self.grid, 3 * t * h * w)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The clip, grey where it is masked, the tokens that are visible, and the pixels of the others."""
        frames = to_unit(augment(clip.frames, rng))
        visible = tubes(len(clip), self.grid, self.ratio, rng).to(frames.device)
        patches = patchify(frames, self.tube)
        hidden = normalised(patches[~visible].reshape(len(clip), -1, *patches.shape[2:]))
        shown = torch.where(visible[..., None, None], patches, GREY)
        return {"clip": unpatchify(shown, self.grid, self.tube), "visible": visible, "pixels": hidden}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Mean square error on the masked tokens."""
        tokens = encode.tokens(views["clip"], views["visible"])  # type: ignore[attr-defined]
        predicted = self.decoder(tokens, views["visible"]).float()
        error = F.mse_loss(predicted, views["pixels"].flatten(2))
        explained = 1 - error.detach() / views["pixels"].square().mean().clamp(min=1e-6)
        return Outcome({"masked": error}, {"explained": explained})

    def caption(self, target: int) -> str:
        """What is asked for."""
        return f"{self.ratio:.0%} of the tubes masked"


class Decoder(nn.Module):
    """Tokens and mask tokens at their places, transformer blocks, one linear layer to pixels.

    Args:
        dim: length of the encoder's tokens.
        width: channels.
        depth: blocks.
        grid: tokens of a whole clip in time, rows and columns.
        pixels: numbers per token.
    """

    positions: Tensor

    def __init__(self, dim: int, width: int, depth: int, grid: Triple, pixels: int) -> None:
        super().__init__()
        heads = width // HEADS if width % HEADS == 0 else 1
        self.embed = nn.Linear(dim, width, bias=False)
        self.mask = nn.Parameter(torch.zeros(width))
        nn.init.trunc_normal_(self.mask, std=0.02)
        self.register_buffer("positions", positions(grid, width), persistent=False)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        for module in self.modules():
            if isinstance(module, nn.MultiheadAttention):
                query, key, _ = module.in_proj_weight.detach().chunk(3)
                attract(query, key, heads)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, pixels)

    def forward(
        self, tokens: Float[Tensor, "b m d"], visible: Bool[Tensor, "b n"]
    ) -> Float[Tensor, "b hidden pixels"]:
        """Pixels of the masked tokens, in their order."""
        seen = self.embed(tokens)
        x = self.mask.to(seen.dtype).expand(*visible.shape, -1)
        x = x.masked_scatter(visible.unsqueeze(2), seen) + self.positions.to(seen.dtype)
        for block in self.blocks:
            x = block(x)
        predicted: Tensor = self.head(self.norm(x[~visible].reshape(len(x), -1, x.shape[2])))
        return predicted


def tubes(number: int, grid: Triple, ratio: float, rng: Generator) -> Bool[Tensor, "number n"]:
    """Which tokens (time, then rows, then columns) are visible: the same random places at all times, at least one."""
    places = grid[1] * grid[2]
    seen = max(1, places - int(ratio * places))
    rank = torch.rand(number, places, generator=rng).argsort(1).argsort(1)
    return (rank < seen).repeat(1, grid[0])


def patchify(frames: Float[Tensor, "b c t h w"], tube: Triple) -> Float[Tensor, "b n p c"]:
    """Cut clips into tubes; n runs over time, rows and columns of tubes, p over those of pixels."""
    b, c, *shape = frames.shape
    t, h, w = (edge // step for edge, step in zip(shape, tube, strict=True))
    cut = frames.reshape(b, c, t, tube[0], h, tube[1], w, tube[2])
    return cut.permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(b, t * h * w, math.prod(tube), c)


def unpatchify(patches: Float[Tensor, "b n p c"], grid: Triple, tube: Triple) -> Float[Tensor, "b c t h w"]:
    """Put tubes together again."""
    b, _, _, c = patches.shape
    laid = patches.reshape(b, *grid, *tube, c).permute(0, 7, 1, 4, 2, 5, 3, 6)
    return laid.reshape(b, c, *(n * step for n, step in zip(grid, tube, strict=True)))


def normalised(patches: Float[Tensor, "b n p c"]) -> Float[Tensor, "b n p c"]:
    """Zero mean and unit deviation over the pixels of each tube and colour; flat tubes stay at zero."""
    deviation, mean = torch.std_mean(patches, dim=2, keepdim=True)
    return (patches - mean) / (deviation + 1e-6)
