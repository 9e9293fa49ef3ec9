"""VCOP: name the order in which the clips of a video were shuffled.

Xu et al., Self-supervised spatiotemporal learning via video clip order prediction, CVPR 2019, sec. 3.
"""

from itertools import combinations, permutations

import torch
from jaxtyping import Float, Int64, Num
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Head
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy


class VCOP(Objective):
    """Pairwise features of the shuffled clips, one linear layer over all pairs, cross-entropy over the permutations.

    Args:
        dim: length of the backbone's feature.
        clips: clips per video, 3 to 5 (6, 24 or 120 orders).
        hidden: width of the pairwise layer.
        dropout: before the last layer.
    """

    terms, shown = ("vcop",), ("tuple",)
    orders: Tensor

    def __init__(self, dim: int, clips: int = 3, hidden: int = 512, dropout: float = 0.5) -> None:
        super().__init__()
        if not 2 <= clips <= 5:
            raise ValueError(f"vcop: clips={clips}; wanted 2 to 5 (5 clips already have 120 orders)")
        orders = torch.tensor(list(permutations(range(clips))))
        pairs = list(combinations(range(clips), 2))
        self.clips, self.chance, self.pairs = clips, 1 / len(orders), pairs
        self.register_buffer("orders", orders, persistent=False)
        self.pairwise = Head(2 * dim, hidden)
        self.head = nn.Sequential(nn.Dropout(dropout), Head(hidden * len(pairs), len(orders)))

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Clips of each video in the order named by ``target``; each clip is augmented for itself.

        VCOP's code draws a crop for every clip; that the benchmark's rotation and flip are drawn for every clip too, so that the clips of
        one tuple may be turned and mirrored differently, is a choice: it does not say.
        """
        target = torch.randint(len(self.orders), (len(clip),), generator=rng).to(clip.frames.device)
        tuples = torch.stack([augment(part, rng) for part in clip.frames.chunk(self.clips, dim=2)], dim=1)
        order = self.orders.to(target.device)[target]
        return {"tuple": to_unit(arrange(tuples, order)), "target": target}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the permutations, in lexicographic order."""
        pooled = encode(views["tuple"].flatten(0, 1)).pooled
        logits = self.logits(pooled.reshape(*views["tuple"].shape[:2], -1))
        return Outcome(
            {"vcop": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"])},
        )

    def logits(self, features: Float[Tensor, "b n d"]) -> Float[Tensor, "b orders"]:
        """Scores of the orders from the features of the shown clips (sec. 3.3)."""
        joined = [torch.cat([features[:, i], features[:, j]], dim=1) for i, j in self.pairs]
        scores: Tensor = self.head(torch.cat([F.relu(self.pairwise(pair)) for pair in joined], dim=1))
        return scores

    def caption(self, target: int) -> str:
        """The answer in words."""
        return "clips in the order " + " ".join(str(int(i) + 1) for i in self.orders[target])


def arrange(tuples: Num[Tensor, "b n c t h w"], order: Int64[Tensor, "b n"]) -> Num[Tensor, "b n c t h w"]:
    """Put clip ``order[b, i]`` into slot ``i``."""
    return tuples[torch.arange(len(tuples), device=tuples.device).unsqueeze(1), order]
