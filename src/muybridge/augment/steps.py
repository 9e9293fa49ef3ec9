"""Augmentation steps: frozen parameters, a draw of one value per clip, and what is done with it.

A step either moves pixels (``place``, on bytes) or changes their values. Of the latter some fold into one affine colour map (``fold``), the
others work on float pixels (``change``). Draws happen on the generator's device, so that the same generator gives the same values wherever
the clips lie.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Generator, Tensor

from muybridge.augment import colouring, geometry
from muybridge.augment.blurring import blur, kernel_size

Drawn: TypeAlias = tuple[Tensor, ...]
Range: TypeAlias = tuple[float, float]
ATTEMPTS = 10
"""Tries to fit a random window into the frame before the largest middle one is taken (torchvision)."""


@dataclass(frozen=True)
class CentreCrop:
    """The middle window."""

    def place(
        self, frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
    ) -> UInt8[Tensor, "b c t size size"]:
        """Take it; draws nothing."""
        return geometry.centre_crop(frames, size)


@dataclass(frozen=True)
class Crop:
    """A uniformly drawn window."""

    def place(
        self, frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
    ) -> UInt8[Tensor, "b c t size size"]:
        """Draw corners and cut.

        Raises:
            ValueError: the window is larger than the frame.
        """
        geometry.check_fit("random_crop", frames, size)
        b, _, _, h, w = frames.shape
        top = torch.randint(h - size + 1, (b,), generator=rng, device=rng.device)
        left = torch.randint(w - size + 1, (b,), generator=rng, device=rng.device)
        return geometry.crop(frames, top, left, size)


@dataclass(frozen=True)
class ResizedCrop:
    """A window of random area and shape, brought to the size of the network (Szegedy et al., 2015).

    Attributes:
        area: share of the frame, lowest and highest; uniform.
        aspect: width over height; log-uniform.
    """

    area: Range = (0.3, 1.0)
    aspect: Range = (0.5, 2.0)

    def place(
        self, frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
    ) -> UInt8[Tensor, "b c t size size"]:
        """Draw windows, cut and resize."""
        b, _, _, h, w = frames.shape
        return geometry.resized_crop(frames, self.windows(b, h, w, rng), size, size)

    def windows(self, clips: int, h: int, w: int, rng: Generator) -> geometry.Windows:
        """The first of ten tries that fits into the frame; else the largest middle window of an allowed shape."""
        area = h * w * _uniform(self.area, (ATTEMPTS, clips), rng)
        aspect = _uniform((math.log(self.aspect[0]), math.log(self.aspect[1])), (ATTEMPTS, clips), rng).exp()
        tries = torch.stack([(area / aspect).sqrt().round(), (area * aspect).sqrt().round()], 2).long()
        frame = torch.tensor([h, w], device=tries.device)
        fits = ((tries > 0) & (tries <= frame)).all(2)
        first = fits.int().argmax(0)
        chosen = tries[first, torch.arange(clips, device=first.device)]
        place = torch.rand(clips, 2, generator=rng, device=rng.device)
        corner = (place * (frame - chosen + 1)).long().minimum(frame - chosen)
        whole = torch.tensor(self.largest(h, w), device=tries.device)
        none = ~fits.any(0).unsqueeze(1)
        chosen, corner = torch.where(none, whole, chosen), torch.where(none, (frame - whole) // 2, corner)
        return torch.cat([corner, chosen], 1)

    def largest(self, h: int, w: int) -> tuple[int, int]:
        """Height and width of the largest window of an allowed shape."""
        low, high = self.aspect
        return min(h, round(w / low)), min(w, round(h * high))


@dataclass(frozen=True)
class Resize:
    """Bring the frame near the size of the crop: short side 8/7 of it (128 for 112), shape kept.

    Frames whose short side lies between the crop and that stay as they are: the cache holds them so already.
    """

    margin: float = 8 / 7

    def place(
        self, frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
    ) -> UInt8[Tensor, "b c t h2 w2"]:
        """Resize; draws nothing."""
        h, w = frames.shape[-2:]
        short, wanted = min(h, w), round(self.margin * size)
        if size <= short <= wanted:
            return frames
        return geometry.resize(frames, round(h * wanted / short), round(w * wanted / short))


@dataclass(frozen=True)
class Rotate:
    """Turn by a small angle, uniform in [-degrees, degrees]; the corners turn black."""

    degrees: float = 10.0

    def place(
        self, frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
    ) -> UInt8[Tensor, "b c t h w"]:
        """Draw angles and turn."""
        return geometry.rotate(frames, _uniform((-self.degrees, self.degrees), (len(frames),), rng))


@dataclass(frozen=True)
class Flip:
    """Mirror left to right with probability ``p``."""

    p: float = 0.5

    def place(
        self, frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
    ) -> UInt8[Tensor, "b c t h w"]:
        """Draw clips and mirror them."""
        return geometry.flip(frames, _chosen(self.p, len(frames), rng))


@dataclass(frozen=True)
class Jitter:
    """Brightness, contrast, saturation (factors uniform in [1 - x, 1 + x], not below 0) and hue (uniform in [-x, x] turns)."""

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    p: float = 1.0

    def draw(self, clips: int, rng: Generator) -> Drawn:
        """Three factors and the turn; 1, 1, 1 and 0 for clips that are left alone."""
        strength = torch.tensor(
            [self.brightness, self.contrast, self.saturation, self.hue], device=rng.device
        )
        spread = strength.view(4, 1) * (2 * torch.rand(4, clips, generator=rng, device=rng.device) - 1)
        spread = spread * _chosen(self.p, clips, rng)
        return (*(1 + spread[:3]).clamp(min=0), spread[3])

    def moves(self, drawn: Drawn) -> Bool[Tensor, "b"]:
        """Clips that are not left alone."""
        return torch.stack([*(factor != 1 for factor in drawn[:3]), drawn[3] != 0]).any(0)

    def fold(self, affine: colouring.Affine, drawn: Drawn) -> colouring.Affine:
        """The colour map with the jitter behind it."""
        return colouring.jittered(affine, *drawn)


@dataclass(frozen=True)
class Gray:
    """Take away all colour with probability ``p``."""

    p: float = 0.2

    def draw(self, clips: int, rng: Generator) -> Drawn:
        """Saturation of each clip: 0 or 1."""
        return ((~_chosen(self.p, clips, rng)).float(),)

    def moves(self, drawn: Drawn) -> Bool[Tensor, "b"]:
        """Clips that lose their colour."""
        return drawn[0] == 0

    def fold(self, affine: colouring.Affine, drawn: Drawn) -> colouring.Affine:
        """The colour map with the luma behind it."""
        return affine.then(colouring.saturation_matrix(*drawn))


@dataclass(frozen=True)
class Gamma:
    """Raise the pixels, 0 to 1, to a power uniform in ``power`` with probability ``p``."""

    power: Range = (0.7, 1.5)
    p: float = 0.5

    def draw(self, clips: int, rng: Generator) -> Drawn:
        """Chosen clips and powers."""
        return _chosen(self.p, clips, rng), _uniform(self.power, (clips,), rng)

    def moves(self, drawn: Drawn) -> Bool[Tensor, "b"]:
        """Chosen clips."""
        return drawn[0]

    def change(self, pixels: Float[Tensor, "n c t h w"], drawn: Drawn) -> Float[Tensor, "n c t h w"]:
        """Raise the pixels."""
        return colouring.gamma(pixels, drawn[1])


@dataclass(frozen=True)
class Blur:
    """Gaussian blur with probability ``p``; a tenth of the frame wide, deviation uniform in ``sigma`` pixels."""

    sigma: Range = (0.1, 2.0)
    p: float = 0.5

    def draw(self, clips: int, rng: Generator) -> Drawn:
        """Chosen clips and deviations."""
        return _chosen(self.p, clips, rng), _uniform(self.sigma, (clips,), rng)

    def moves(self, drawn: Drawn) -> Bool[Tensor, "b"]:
        """Chosen clips."""
        return drawn[0]

    def change(self, pixels: Float[Tensor, "n c t h w"], drawn: Drawn) -> Float[Tensor, "n c t h w"]:
        """Blur every frame."""
        return blur(pixels, drawn[1], kernel_size(min(pixels.shape[-2:])))


@dataclass(frozen=True)
class Solarise:
    """Invert what is bright, from ``threshold`` (0 to 1) on, with probability ``p``."""

    threshold: float = 0.5
    p: float = 0.2

    def draw(self, clips: int, rng: Generator) -> Drawn:
        """Chosen clips."""
        return (_chosen(self.p, clips, rng),)

    def moves(self, drawn: Drawn) -> Bool[Tensor, "b"]:
        """Chosen clips."""
        return drawn[0]

    def change(self, pixels: Float[Tensor, "n c t h w"], drawn: Drawn) -> Float[Tensor, "n c t h w"]:
        """Invert the bright pixels."""
        return colouring.solarise(pixels, self.threshold)


Geometric: TypeAlias = CentreCrop | Crop | ResizedCrop | Resize | Rotate | Flip
Folding: TypeAlias = Jitter | Gray
Tone: TypeAlias = Gamma | Solarise
Pointed: TypeAlias = Tone | Blur
Photometric: TypeAlias = Folding | Pointed
Step: TypeAlias = Geometric | Photometric


def _chosen(p: float, clips: int, rng: Generator) -> Bool[Tensor, "b"]:
    return torch.rand(clips, generator=rng, device=rng.device) < p


def _uniform(between: Range, shape: tuple[int, ...], rng: Generator) -> Tensor:
    low, high = between
    return low + (high - low) * torch.rand(shape, generator=rng, device=rng.device)
