"""RSPNet: clips of one video look alike at every speed, and move alike only at the same speed.

Chen et al., RSPNet: Relative speed perception for unsupervised video representation learning, AAAI 2021, sec. 3.
"""

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.objectives.contrastive.contrast import Head, deal, first_is_right, pairwise, scores
from muybridge.objectives.contrastive.momentum import Momentum, embed
from muybridge.objectives.objective import Augment, Encode, Outcome, Views, accuracy
from muybridge.sampling.frame_numbers import Short
from muybridge.sampling.windows import TwoWindows


class RSPNet(Momentum):
    """Appearance: InfoNCE with both speeds of the other clip as positives. Motion: a margin between same and other speed.

    Only the query takes a gradient. The key at the other speed fills the queue. The margin is on similarities divided by the temperature,
    as in the authors' code: 2.0 there is 0.14 in cosine units, the paper's 0.15.

    Args:
        dim: length of the backbone's feature.
        queue: keys of other videos.
        momentum: of the copies; 0.999.
        temperature: 0.07.
        width: length of the embeddings.
        margin: of the motion loss.
        speed: the higher playback speed: 2, 4 or more; a window is that many times as long as a clip.
        groups: sub-batches in which keys are encoded; see ``contrast.in_groups``.
        head_norm: batch norm in the heads; not in the paper.
    """

    terms, shown, clips = ("appearance", "motion"), ("query", "positive", "negative"), 3
    without_gradient = 2

    def __init__(
        self, dim: int, queue: int = 16384, momentum: float = 0.999, temperature: float = 0.07, width: int = 128,
        margin: float = 2.0, speed: int = 2, groups: int = 2, head_norm: bool = False,
    ) -> None:  # fmt: skip
        heads = [Head(dim, width, head_norm), Head(dim, width, head_norm)]
        super().__init__("rspnet", heads, width, queue, momentum, temperature, groups)
        if speed < 2:
            raise ValueError(f"rspnet: speed={speed}; wanted 2 or more")
        self.margin, self.speed, self.chance = margin, speed, 1 / (queue + 1)

    def law(self, frames: int, stride: int, gap: int, short: Short) -> TwoWindows:
        """Two independent windows, long enough for the higher speed."""
        return TwoWindows(frames, self.speed, stride, short)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The first window at the speed of its video, the second at that speed and at the other; half of the videos are fast.

        Windows are augmented whole, so that both speeds of the second share their augmentation, as in the authors' code.
        """
        first, second = (to_unit(augment(window, rng)) for window in clip.frames.chunk(2, dim=2))
        fast = (deal(len(clip), rng) < len(clip) // 2).to(first.device)
        return {
            "query": at_speed(first, self.speed, fast),
            "positive": at_speed(second, self.speed, fast),
            "negative": at_speed(second, self.speed, ~fast),
            "order": deal(len(clip), rng),
        }

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Both losses, as terms; ``speed_accuracy`` counts queries nearer to the key of their own speed (chance one half)."""
        look, move = embed(encode, self.heads, views["query"]).chunk(2, dim=1)
        look_same, move_same = self.keys(views["positive"], views["order"]).chunk(2, dim=1)
        look_other, move_other = self.keys(views["negative"], views["order"]).chunk(2, dim=1)
        if self.training:
            self.fresh = look_other
        each = [self.logits(look, key) for key in (look_same, look_other)]
        ahead = (pairwise(move, move_same) - pairwise(move, move_other)) / self.temperature
        right = torch.zeros(len(look), dtype=torch.int64, device=look.device)
        return Outcome(
            {
                "appearance": first_is_right(each[0]) + first_is_right(each[1]),
                "motion": F.relu(self.margin - ahead).mean(),
            },
            {
                "accuracy": (accuracy(each[0], right) + accuracy(each[1], right)) / 2,
                "speed_accuracy": (ahead > 0).float().mean().detach(),
            },
        )

    def logits(self, query: Float[Tensor, "b e"], key: Float[Tensor, "b e"]) -> Float[Tensor, "b k+1"]:
        """Similarities of the query to its key and to the k keys of the queue (sec. 3.3, A-VID)."""
        return torch.cat([pairwise(query, key), scores(query, self.queue.keys)], dim=1) / self.temperature

    def caption(self, target: int) -> str:
        """What the strip shows."""
        return "a clip, another of the same speed, the same at the other speed"


def at_speed(
    windows: Float[Tensor, "b c n h w"], speed: int, fast: Bool[Tensor, "b"]
) -> Float[Tensor, "b c t h w"]:
    """Clips of ``n / speed`` frames: every ``speed``-th frame of the fast ones, the first frames of the others."""
    slow, quick = windows[:, :, : windows.shape[2] // speed], windows[:, :, ::speed]
    return torch.where(fast.view(-1, 1, 1, 1, 1), quick, slow)
