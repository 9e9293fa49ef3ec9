"""Perception Encoder for audio and video (``pe_video``, ``pe_audio_video`` of transformers): its pair of video and text."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from muybridge.backbones.outside.wrapped import Normalise
from muybridge.backbones.text.dual import DualEncoder, Order, mean_of
from muybridge.backbones.text.dual_transformers import Loaded
from muybridge.core.networks.gather import wide


class PerceptionEncoder(DualEncoder):
    """Any number of frames, seen in their order; scores are dot products, scaled and shifted as its ``forward`` does.

    ``get_text_features`` and ``get_video_features`` of transformers 5.24 cannot be called (they stand inside ``__init__``), and those of
    ``pe_audio_video`` call them; so the towers and heads are called here. Audio is left out: only the video model is used. The text is the
    first token of the last layer.

    Args:
        loaded: from ``dual_transformers.load``; its picture tower is one of the package timm.
    """

    def __init__(self, loaded: Loaded) -> None:
        super().__init__()
        self.loaded, self.name = loaded, loaded.name
        whole: Any = loaded.model
        self.model = getattr(whole, "video_model", whole)
        self.clip_size = _side(self.model.video_encoder.embedder.vision_model.timm_model)
        self.prepare = Normalise(*loaded.statistics, time_first=True)
        self.facts = {"score": "dot product"} | loaded.facts

    @property
    def scale(self) -> float:
        """Its learnt scale, which is no exponent."""
        model = self.model
        return float(model.text_video_logit_scale.detach())

    @property
    def bias(self) -> float:
        """Its learnt bias."""
        model = self.model
        return float(model.text_video_logit_bias.detach())

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """Embeddings of clips, of any length."""
        model = self.model
        return torch.as_tensor(
            model.video_head(
                model.video_encoder(pixel_values_videos=self.prepare(frames).contiguous()).pooler_output
            )
        )

    def text(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings of prompts, of any length."""
        model = self.model
        found = model.text_model(**self.loaded.encoded(prompts), output_hidden_states=True)
        return torch.as_tensor(model.text_video_head(found.hidden_states[-1][:, 0]))

    def tokens(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Tokens of prompts."""
        return self.loaded.tokens(prompts)

    def bank(self, text: Float[Tensor, "t k d"], order: Order) -> tuple[Tensor, ...]:
        """The mean over the templates of a class, and all of them; lengths count in a dot product and are kept.

        ``mean-first`` is the mean of the embeddings, whose score is the mean of their scores; ``normalise-first`` the mean direction, with
        the mean length. One template is itself under both.
        """
        rows = wide(text.transpose(0, 1))
        if order == "mean-first":
            return rows.mean(dim=1), wide(text)
        return mean_of(rows, order) * rows.norm(dim=-1).mean(dim=1, keepdim=True), wide(text)

    def compare(
        self, video: Float[Tensor, "b d"], bank: tuple[Tensor, ...], order: Order
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b t k"]]:
        """Dot products of clips with classes, and with the prompts of every template alone."""
        whole, single = bank
        clips = wide(video)
        return clips @ whole.T, (clips @ single.flatten(0, 1).T).view(len(clips), *single.shape[:2])


def _side(tower: Any) -> int:
    """Pixels a side that a picture tower of timm was built for."""
    size = (
        getattr(getattr(tower, "patch_embed", None), "img_size", None)
        or tower.pretrained_cfg["input_size"][1:]
    )
    return int(size[0])
