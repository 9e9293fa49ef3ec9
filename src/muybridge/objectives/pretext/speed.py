"""Speed: name the rate at which the clip is played.

Benaim et al., SpeedNet: learning the speediness in videos, CVPR 2020 (rates 1 and 2); Wang et al., Self-supervised video representation
learning by pace prediction, ECCV 2020, sec. 3 (four paces).
"""

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Head
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy
from muybridge.sampling.frame_numbers import Short
from muybridge.sampling.rates import RATES, Rates


class Speed(Objective):
    """Global average pool, dropout, one linear layer, cross-entropy over the rates.

    Departs from the papers: the rates are those of PRP (pace prediction has 1, 2, 3, 4), and neither SpeedNet's spatial jitter against
    artificial cues nor pace prediction's contrastive term is used.

    Args:
        dim: length of the backbone's feature.
        rates: 2, 3 or 4: the rates {1, 2}, {1, 2, 4}, {1, 2, 4, 8}. A video shorter than ``frames * rate`` is not played at that rate;
            the monitor ``chance`` counts the rates that each video was drawn from.
        dropout: before the linear layer.
    """

    terms = ("speed",)

    def __init__(self, dim: int, rates: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.rates, self.chance = first_rates("speed", rates), 1 / rates
        self.head = nn.Sequential(nn.Dropout(dropout), Head(dim, rates))

    def law(self, frames: int, stride: int, gap: int, short: Short) -> Rates:
        """One clip at a drawn rate."""
        return Rates(frames, self.rates, stride, short)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The clip, the place of its rate in the list and the number of rates it was drawn from."""
        shown = to_unit(augment(clip.frames, rng))
        return {"clip": shown, "target": clip.drawn["rate"], "choices": clip.drawn["choices"]}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the rates."""
        logits = self.head(encode(views["clip"]).pooled)
        return Outcome(
            {"speed": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"]), "chance": chance(views["choices"])},
        )

    def caption(self, target: int) -> str:
        """The answer in words."""
        return f"played at rate {self.rates[target]}"


def first_rates(task: str, count: int) -> tuple[int, ...]:
    """The lowest ``count`` of the rates 1, 2, 4, 8.

    Raises:
        ValueError: not 2 to 4.
    """
    if count not in (2, 3, 4):
        raise ValueError(f"{task}: rates={count}; wanted 2, 3 or 4")
    return RATES[:count]


def chance(choices: Tensor) -> Tensor:
    """Accuracy of guessing among the rates that each video was drawn from; always naming the lowest rate reaches the same."""
    return choices.float().reciprocal().mean()
