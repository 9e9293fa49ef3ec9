"""Video-text models that see a clip as a whole: X-CLIP and VideoPrism."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.outside.wrapped import Normalise
from muybridge.backbones.text.dual import DualEncoder, Order, mean_of, unit
from muybridge.backbones.text.dual_transformers import Loaded, pooled

TEXTS = 2048
"""Texts that are conditioned on a clip at once."""


class Clips(DualEncoder):
    """A loaded model whose clips have one length and size."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__()
        self.loaded, self.model = loaded, loaded.model
        self.name, self.seen = loaded.name, loaded.family.seen
        vision = loaded.config.vision_config
        self.clip_frames, self.clip_size = int(vision.num_frames), int(vision.image_size)
        self.prepare: nn.Module = Normalise(*loaded.statistics, time_first=True)
        self.facts = dict(loaded.facts)

    def text(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings of prompts."""
        model = self.model
        return pooled(model.get_text_features(**self.loaded.encoded(prompts)))

    def tokens(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Tokens of prompts."""
        return self.loaded.tokens(prompts)


class XClip(Clips):
    """X-CLIP (Ni et al., ECCV 2022): every text is conditioned on the clip before they are compared (eq. 8).

    ``get_text_features`` of transformers leaves that out, and scores differ by whole logits; the score here is that of its ``forward``,
    with the text tower run once for all clips.
    """

    @property
    def scale(self) -> float:
        """Its learnt scale."""
        model = self.model
        return float(model.logit_scale.detach().exp())

    def video(
        self, frames: Float[Tensor, "b 3 t h w"]
    ) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b n d"]]:
        """Embedding of the clip, and its patches averaged over time, on which texts are conditioned."""
        model = self.model
        pictures = self.prepare(frames)
        b, t = pictures.shape[:2]
        found = model.vision_model(pixel_values=pictures.flatten(0, 1))
        frame = model.visual_projection(found.pooler_output).view(b, t, -1)
        clip = model.mit(frame).pooler_output
        patches = (
            model.prompts_visual_layernorm(found.last_hidden_state[:, 1:]) @ model.prompts_visual_projection
        )
        return clip, patches.view(b, t, -1, clip.shape[-1]).mean(dim=1)

    def bank(self, text: Float[Tensor, "t k d"], order: Order) -> tuple[Tensor, ...]:
        """The texts as they are: what is compared with a clip depends on it."""
        return (text,)

    def compare(
        self, video: tuple[Tensor, Tensor], bank: tuple[Tensor, ...], order: Order
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b t k"]]:
        """Cosines with the conditioned texts; templates are averaged behind the conditioning."""
        model = self.model
        (text,) = bank
        clip, patches = unit(video[0]), video[1].float()
        flat = text.flatten(0, 1)[None].expand(len(clip), -1, -1)
        parts = [one + model.prompts_generator(one, patches) for one in torch.split(flat, TEXTS, dim=1)]
        said = torch.cat(parts, dim=1).view(len(clip), *text.shape)
        whole = torch.einsum("bd,bkd->bk", clip, mean_of(said.transpose(1, 2), order))
        return whole, torch.einsum("bd,btkd->btk", clip, unit(said))


class VideoPrism(Clips):
    """VideoPrism's video-text model (Zhao et al., ICML 2024): cosine of its embeddings, pictures in [0, 1] without mean and std.

    Its ``logits_per_video`` of transformers are normalised over the videos of a batch, so that one video alone gets 1.0 for every text;
    they are never used. The released models have no scale: softmax over cosines is flat, and says nothing of confidence.
    """

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """Embeddings of clips."""
        model = self.model
        return pooled(model.get_video_features(pixel_values_videos=self.prepare(frames))).reshape(
            len(frames), -1
        )
