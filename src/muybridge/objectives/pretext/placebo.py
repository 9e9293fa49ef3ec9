"""Placebo tasks: they cost what a task costs and have nothing to teach. Controls for what any auxiliary loss does by being there."""

import hashlib

import torch
from jaxtyping import Float, Int64
from torch import Generator, Tensor
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Head
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy


class PlaceboProjection(Objective):
    """Regress a fixed random projection of the clip, each number over its deviation in the batch.

    Pixels are pooled to a coarse grid before they are projected: something that a network can learn, and that says nothing of what is
    wanted. The monitor ``explained`` is the share of the variance that is predicted, 0 for predicting the mean.

    Args:
        dim: length of the backbone's feature.
        width: numbers to regress.
        grid: cells of the pooled clip along time, rows and columns.
    """

    terms, chance = ("placebo-projection",), 0.0
    projection: Tensor

    def __init__(self, dim: int, width: int = 16, grid: int = 4) -> None:
        super().__init__()
        if width < 1 or grid < 1:
            raise ValueError(f"placebo-projection: width={width}, grid={grid}; wanted 1 or more of each")
        self.grid, self.head = grid, Head(dim, width)
        self.register_buffer("projection", torch.randn(3 * grid**3, width) / (3 * grid**3) ** 0.5)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The clip, and the numbers."""
        frames = to_unit(augment(clip.frames, rng))
        cells = F.adaptive_avg_pool3d(frames, self.grid).flatten(1)
        numbers = cells @ self.projection.to(cells.device)
        deviation, mean = torch.std_mean(numbers, 0, keepdim=True, correction=0)
        return {"clip": frames, "numbers": (numbers - mean) / deviation.clamp(min=1e-6)}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Mean square error."""
        error = F.mse_loss(self.head(encode(views["clip"]).pooled), views["numbers"])
        explained = 1 - error.detach() / views["numbers"].square().mean().clamp(min=1e-6)
        return Outcome({"placebo-projection": error}, {"explained": explained})

    def caption(self, target: int) -> str:
        """What is asked for."""
        return "a random projection of the pixels"


class PlaceboColour(PlaceboProjection):
    """The same on 1 x 1 x 1 cells, the mean colour: another loss for sets of placebos."""

    def __init__(self, dim: int, width: int = 16, grid: int = 1) -> None:
        super().__init__(dim, width, grid)


class PlaceboCoarse(PlaceboProjection):
    """The same on 2 x 2 x 2 cells: another loss for sets of placebos."""

    def __init__(self, dim: int, width: int = 16, grid: int = 2) -> None:
        super().__init__(dim, width, grid)


class PlaceboBlocks(PlaceboProjection):
    """The same on 3 x 3 x 3 cells: another loss for sets of placebos."""

    def __init__(self, dim: int, width: int = 16, grid: int = 3) -> None:
        super().__init__(dim, width, grid)


class PlaceboFine(PlaceboProjection):
    """The same on 6 x 6 x 6 cells: another loss for sets of placebos."""

    def __init__(self, dim: int, width: int = 16, grid: int = 6) -> None:
        super().__init__(dim, width, grid)


class PlaceboFinest(PlaceboProjection):
    """The same on 8 x 8 x 8 cells: another loss for sets of placebos."""

    def __init__(self, dim: int, width: int = 16, grid: int = 8) -> None:
        super().__init__(dim, width, grid)


class PlaceboLabels(Objective):
    """Cross-entropy on labels that a hash gives to videos: they can be learnt by heart, and by nothing else.

    Args:
        dim: length of the backbone's feature.
        classes: number of labels.
    """

    terms = ("placebo-labels",)

    def __init__(self, dim: int, classes: int = 4) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"placebo-labels: classes={classes}; wanted 2 or more")
        self.classes, self.chance = classes, 1 / classes
        self.head = Head(dim, classes)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The clip and the label of its video."""
        frames = to_unit(augment(clip.frames, rng))
        target = torch.tensor([noise_label(video, self.classes) for video in clip.video])
        return {"clip": frames, "target": target.to(frames.device)}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the labels."""
        logits: Float[Tensor, "b k"] = self.head(encode(views["clip"]).pooled)
        target: Int64[Tensor, "b"] = views["target"]
        return Outcome(
            {"placebo-labels": F.cross_entropy(logits, target)}, {"accuracy": accuracy(logits, target)}
        )

    def caption(self, target: int) -> str:
        """The answer in words."""
        return f"noise label {target}"


def noise_label(video: str, classes: int) -> int:
    """A label for a video: the same in every run, and unrelated to anything."""
    return int.from_bytes(hashlib.blake2b(video.encode(), digest_size=8).digest(), "little") % classes
