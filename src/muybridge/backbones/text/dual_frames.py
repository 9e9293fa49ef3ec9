"""Image-text models on video: each frame is encoded alone and the embeddings are averaged, so that no order of frames reaches the score."""

import math
from collections.abc import Sequence
from typing import Any, cast

from jaxtyping import Float
from torch import Tensor

from muybridge.backbones.networks.frame_average import arranged, by_content
from muybridge.backbones.outside.wrapped import Normalise
from muybridge.backbones.text.dual import DualEncoder, Order, mean_of
from muybridge.backbones.text.dual_transformers import Loaded, pooled


class PerFrame(DualEncoder):
    """CLIP and its like: mean of the frames' embeddings, then cosine.

    Frames are put in an order of their own first (``frame_average.by_content``): any permutation of them gives the same bits.

    Args:
        loaded: from ``dual_transformers.load``.
        pooling: of the frames: ``normalise-first`` averages embeddings of length one, ``mean-first`` those that the network put out
            (as Perception Encoder does).
    """

    order_free = True

    def __init__(self, loaded: Loaded, pooling: str) -> None:
        super().__init__()
        self.loaded, self.pooling = loaded, cast(Order, pooling)
        self.name, self.seen = loaded.name, loaded.family.seen
        self.model = loaded.model
        vision = getattr(loaded.config, "vision_config", loaded.config)
        self.clip_size = int(getattr(vision, "image_size", 0)) or _side(vision)
        self.patch = int(vision.patch_size) if loaded.family.model == "Siglip2Model" else 0
        self.prepare = Normalise(*loaded.statistics, time_first=True)
        self.facts = {"pooling": pooling} | loaded.facts

    @property
    def scale(self) -> float:
        """Its learnt scale; ALIGN divides by a temperature."""
        model = self.model
        if hasattr(model, "logit_scale"):
            return float(model.logit_scale.detach().exp())
        return 1 / float(model.temperature) if hasattr(model, "temperature") else 1.0

    @property
    def bias(self) -> float:
        """SigLIP's learnt bias."""
        bias = getattr(self.model, "logit_bias", None)
        return 0.0 if bias is None else float(bias.detach())

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """Mean embedding of the frames."""
        model = self.model
        pictures = self.prepare(arranged(frames, by_content(frames))).flatten(0, 1)
        inputs = _patches(pictures, self.patch) if self.patch else {"pixel_values": pictures}
        found = pooled(model.get_image_features(**inputs))
        return mean_of(found.view(len(frames), frames.shape[2], -1), self.pooling)

    def text(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Projected embeddings of prompts."""
        model = self.model
        return pooled(model.get_text_features(**self.loaded.encoded(prompts)))

    def tokens(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Tokens of prompts."""
        return self.loaded.tokens(prompts)


def _side(vision: Any) -> int:
    """Pixels a side of a model that says how many patches it takes (SigLIP 2 of any shape)."""
    return int(vision.patch_size) * math.isqrt(int(vision.num_patches))


def _patches(pictures: Float[Tensor, "n 3 h w"], side: int) -> dict[str, Tensor]:
    """Pictures cut into rows of patches, colour fastest, as SigLIP 2 of any shape takes them."""
    n, colours, height, width = pictures.shape
    down, right = height // side, width // side
    cut = pictures.view(n, colours, down, side, right, side).permute(0, 2, 4, 3, 5, 1)
    rows = cut.reshape(n, down * right, -1)
    ones = rows.new_ones((n, down * right), dtype=rows.dtype).int()
    shapes = ones.new_tensor([[down, right]]).long().expand(n, 2)
    return {"pixel_values": rows, "pixel_attention_mask": ones, "spatial_shapes": shapes}
