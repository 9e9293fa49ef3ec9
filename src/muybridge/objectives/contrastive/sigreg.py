"""SIGReg: two looks at a clip predict each other, and all embeddings together look like an isotropic Gaussian.

Balestriero and LeCun, LeJEPA: provable and scalable self-supervised learning without the heuristics, arXiv 2511.08544 (2025); for video,
with most tokens dropped, LeVJEPA, arXiv 2608.27395 (2026). Written from the idea: the authors' module is not free to copy, and numbers of
directions, knots and places are choices of ours.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import gather
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views

KNOTS, REACH = 17, 5.0
"""Points at which characteristic functions are compared, from minus to plus REACH."""


class SIGReg(Objective):
    """Invariance between two looks at the same frames, and a test of normality along random directions; no momentum copy, no negatives.

    In every look all but a part of the clip is dropped: the same places of the frame at all times, grey, on a coarse grid. Backbones
    without tokens see grey where tokens would be left out, which costs as much as the whole clip. The monitor ``explained`` is the share
    of the variance of the embeddings that both looks share, 0 when they have nothing in common.

    Args:
        dim: length of the backbone's feature.
        weight: of the test of normality against the invariance, 0 to 1; the one hyper-parameter.
        drop: share of the places that are dropped.
        grid: places along rows and columns.
        width: length of the embeddings.
        directions: random directions along which is tested, drawn anew at every step.
    """

    terms, shown, clips, chance = ("sigreg",), ("first", "second"), 2, 0.0

    def __init__(
        self, dim: int, weight: float = 0.05, drop: float = 0.5, grid: int = 4, width: int = 64, directions: int = 256
    ) -> None:  # fmt: skip
        super().__init__()
        if not 0 < weight < 1 or not 0 <= drop < 1 or min(grid, width, directions) < 1:
            raise ValueError(
                f"sigreg: weight={weight}, drop={drop}, grid={grid}, width={width}, directions={directions};"
                " wanted 0 < weight < 1, 0 <= drop < 1 and numbers of 1 or more"
            )
        self.weight, self.drop, self.grid, self.directions, self.width = weight, drop, grid, directions, width
        self.head = nn.Sequential(
            nn.Linear(dim, 4 * width, bias=False),
            nn.BatchNorm1d(4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, width),
        )

    def needs(self, videos: int, dataset: int) -> None:
        """Enough embeddings to have a distribution."""
        if videos < 4:
            raise UsageError(
                f"--objective sigreg: {videos} videos a step have no distribution; wanted --batch 8 or more."
            )

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Two looks, each augmented and dropped from for itself, and the directions of this step, a row for each video."""
        made = {}
        for name in ("first", "second"):
            frames = to_unit(augment(clip.frames, rng))
            made[name] = dropped(frames, self.drop, self.grid, rng)
        seed = torch.randint(2**31, (1,), generator=rng)
        return {**made, "seed": seed.repeat(len(clip))}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Both parts, weighted."""
        both = self.head(encode(torch.cat([views["first"], views["second"]])).pooled).float()
        first, second = (gather(part) for part in both.chunk(2))
        centre = (first + second) / 2
        apart = ((first - centre).square() + (second - centre).square()).mean() / 2
        rng = torch.Generator().manual_seed(int(views["seed"][0]))
        ways = F.normalize(torch.randn(self.width, self.directions, generator=rng), dim=0).to(first)
        normal = (normality(first @ ways) + normality(second @ ways)) / 2
        spread = torch.cat([first, second]).detach().var(0, correction=0).mean()
        explained = 1 - 2 * apart.detach() / spread.clamp(min=1e-6)
        return Outcome({"sigreg": (1 - self.weight) * apart + self.weight * normal}, {"explained": explained})

    def caption(self, target: int) -> str:
        """What the strip shows."""
        return f"two looks at one clip, {self.drop:.0%} dropped"


def dropped(
    frames: Float[Tensor, "b c t h w"], share: float, grid: int, rng: Generator
) -> Float[Tensor, "b c t h w"]:
    """Clips that are grey in a share of the cells of a grid, the same cells at all times, at least one cell left."""
    b, _, _, h, w = frames.shape
    gone = min(round(share * grid * grid), grid * grid - 1)
    rank = torch.rand(b, grid * grid, generator=rng).argsort(1).argsort(1)
    mask = (rank >= gone).float().view(b, 1, 1, grid, grid).to(frames)
    mask = F.interpolate(mask, size=(1, h, w), mode="nearest")
    return torch.where(mask > 0, frames, torch.full_like(frames, 0.5))


def normality(rows: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Epps and Pulley's statistic (Biometrika 1983) of each column against the standard normal, over the rows, on average.

    The integral of |empirical - normal characteristic function|^2 under a standard normal window, by the trapezoidal rule on ``KNOTS``
    points; times n, as in the test, it would have a distribution that does not depend on n.
    """
    t = torch.linspace(-REACH, REACH, KNOTS, device=rows.device, dtype=rows.dtype)
    wave = rows.unsqueeze(2) * t
    normal = torch.exp(-t.square() / 2)
    gap = (wave.cos().mean(0) - normal).square() + wave.sin().mean(0).square()
    return torch.trapezoid(gap * normal, t, dim=1).mean() * len(rows)
