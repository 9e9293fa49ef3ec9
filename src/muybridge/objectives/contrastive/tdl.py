"""TDL: a clip attracts another look at the same frames and repels another segment of the same video.

Wang et al., Self-supervised temporal discriminative learning for video representation learning, arXiv 2008.02129 (2020), sec. 3.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from muybridge.core.clip import Clip, to_unit
from muybridge.objectives.contrastive.contrast import Head, deal, first_is_right, pairwise, scores
from muybridge.objectives.contrastive.momentum import Momentum, embed
from muybridge.objectives.objective import Augment, Encode, Outcome, Views, accuracy
from muybridge.sampling.frame_numbers import Short
from muybridge.sampling.windows import TwoSegments


class TDL(Momentum):
    """InfoNCE over one positive, the queue of other videos and the intra-video negative.

    Anchor and negative go through the trained network, in one batch, and both take a gradient; the positive goes through the momentum
    copies and fills the queue. The triplet loss of the authors' code is computed there but never added, and is left out here.

    Args:
        dim: length of the backbone's feature.
        queue: keys of other videos; 500 in the benchmark, 16384 by default in the authors' code.
        momentum: of the copies; 0.999.
        temperature: 0.07.
        width: length of the embedding.
        mixing: largest share of another frame of the same clip in the anchor's frames (temporal consistent augmentation); 0.1.
        apart: least distance of anchor and negative, frames; 4 in the authors' code for video files.
        groups: sub-batches in which keys are encoded; see ``contrast.in_groups``.
        head_norm: batch norm in the head; not in the paper.
    """

    terms, shown, clips = ("tdl",), ("anchor", "positive", "negative"), 3
    without_gradient = 1

    def __init__(
        self, dim: int, queue: int = 500, momentum: float = 0.999, temperature: float = 0.07, width: int = 128,
        mixing: float = 0.1, apart: int = 4, groups: int = 2, head_norm: bool = False,
    ) -> None:  # fmt: skip
        super().__init__("tdl", [Head(dim, width, head_norm)], width, queue, momentum, temperature, groups)
        self.mixing, self.apart, self.chance = mixing, apart, 1 / (queue + 2)

    def law(self, frames: int, stride: int, gap: int, short: Short) -> TwoSegments:
        """Anchor and negative: segments that start at least ``apart`` frames from each other."""
        return TwoSegments(frames, stride, short, self.apart)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Anchor and positive: two augmentations of the same frames, the anchor's mixed with one of its own; and the negative."""
        anchor, other = clip.frames.chunk(2, dim=2)
        mixed = mix(to_unit(augment(anchor, rng)), self.mixing, rng)
        positive, negative = (to_unit(augment(part, rng)) for part in (anchor, other))
        return {"anchor": mixed, "positive": positive, "negative": negative, "order": deal(len(clip), rng)}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """InfoNCE; ``segment_accuracy`` counts anchors nearer to their positive than to the other segment (chance one half)."""
        both = embed(encode, self.heads, torch.cat([views["anchor"], views["negative"]]))
        anchor, negative = both.chunk(2)
        positive = self.keys(views["positive"], views["order"])
        logits = self.logits(anchor, positive, negative)
        if self.training:
            self.fresh = positive
        right = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
        nearer = (logits[:, 0] > logits[:, -1]).float().mean().detach()
        return Outcome(
            {"tdl": first_is_right(logits)}, {"accuracy": accuracy(logits, right), "segment_accuracy": nearer}
        )

    def logits(
        self, anchor: Float[Tensor, "b e"], positive: Float[Tensor, "b e"], negative: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b k+2"]:
        """Similarities of the anchor to the positive, to the k keys of the queue and to the negative (sec. 3.3)."""
        columns = [pairwise(anchor, positive), scores(anchor, self.queue.keys), pairwise(anchor, negative)]
        return torch.cat(columns, dim=1) / self.temperature

    def caption(self, target: int) -> str:
        """What the strip shows."""
        return "anchor, the same frames again, another segment"


def mix(frames: Float[Tensor, "b c t h w"], most: float, rng: Generator) -> Float[Tensor, "b c t h w"]:
    """Blend into every frame of a clip one random frame of it, by one share per batch that is uniform in [0, most)."""
    b, _, t = frames.shape[:3]
    share = most * float(torch.rand((), generator=rng))
    chosen = torch.randint(t, (b,), generator=rng).to(frames.device)
    frame = frames[torch.arange(b, device=frames.device), :, chosen].unsqueeze(2)
    return frames.lerp(frame.expand_as(frames), share)
