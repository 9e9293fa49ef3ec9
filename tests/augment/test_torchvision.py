"""The same parameters given to torchvision: an independent maker of the same pictures, where it is installed."""

import pytest
import torch
from clips import rng, smooth
from test_colour import jitter
from torch import Tensor

from muybridge.augment import colouring, geometry
from muybridge.augment.blurring import blur
from muybridge.augment.steps import ResizedCrop

v2 = pytest.importorskip("torchvision.transforms.v2")
T = v2.functional


def each(frames: Tensor, change) -> Tensor:
    """A torchvision function on the images of every clip, floats from 0 to 255."""
    return torch.stack([change(clip.transpose(0, 1).float() / 255).transpose(0, 1) * 255 for clip in frames])


def tall(frames: Tensor, change) -> Tensor:
    """A torchvision function on each clip as one tall image, so that contrast sees the mean of the clip."""
    width = frames.shape[-1]
    return torch.stack([change(clip.reshape(3, -1, width) / 255).view(clip.shape) * 255 for clip in frames])


def soft() -> Tensor:
    """Colours that no change below drives out of range, where torchvision clips after every single change."""
    return smooth() * 0.5 + 64


@pytest.mark.parametrize("degrees", [0.0, 7.3, -10.0, 25.0])
def test_rotate(degrees: float):
    ours = geometry.rotate(smooth(), torch.full((2,), degrees))
    bilinear = v2.InterpolationMode.BILINEAR
    theirs = each(smooth(), lambda images: T.rotate(images, degrees, interpolation=bilinear))
    assert (ours - theirs).abs().max() <= 0.5 + 1e-3  # rounding only


@pytest.mark.parametrize("size", [32, 70])
def test_resized_crop(size: int):
    windows = torch.tensor([[3, 5, 20, 40], [0, 0, 45, 61]])
    ours = geometry.resized_crop(smooth(), windows, size, size)
    for clip, frames, window in zip(ours, smooth(), windows.tolist(), strict=True):
        theirs = T.resized_crop(frames.transpose(0, 1).float(), *window, [size, size], antialias=True)
        assert (clip - theirs.transpose(0, 1)).abs().max() < 1.01  # each of the two passes rounds to bytes


def test_random_windows_follow_the_same_law():
    ours = ResizedCrop((0.3, 1), (0.5, 2)).windows(2000, 90, 120, rng()).float()
    law = v2.RandomResizedCrop(8, (0.3, 1), (0.5, 2))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = [law.make_params([torch.empty(3, 90, 120)]) for _ in range(2000)]
    theirs = torch.tensor([[d[name] for name in ("top", "left", "height", "width")] for d in drawn]).float()
    spread = (ours.var(0) / 2000 + theirs.var(0) / 2000).sqrt()
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 4 * spread).all()
    torch.testing.assert_close(ours.std(0), theirs.std(0), rtol=0.1, atol=0)


@pytest.mark.parametrize(
    "factors",
    [(1.2, 1, 1), (0.7, 1, 1), (1, 0.6, 1), (1, 1.3, 1), (1, 1, 0.5), (1, 1, 1.4), (1.1, 0.8, 1.2)],
    ids=str,
)
def test_brightness_contrast_and_saturation(factors):
    brightness, contrast, saturation = factors

    def theirs(image: Tensor) -> Tensor:
        image = T.adjust_contrast(T.adjust_brightness(image, brightness), contrast)
        return T.adjust_saturation(image, saturation)

    # torchvision weighs red with 0.2989, not 0.299
    assert (jitter(soft(), *factors, 0.0) - tall(soft(), theirs)).abs().max() < 0.02


@pytest.mark.parametrize("turns", [0.05, -0.1, 0.2])
def test_hue_turns_colours_the_same_way_and_about_as_far(turns: float):
    """YIQ against HSV: not the same map; the dominant hue of colours must move by about the same share of the circle."""
    pale = (torch.rand(1, 3, 1, 1, 500, generator=rng(1)) * 255).float()
    ours, theirs = jitter(pale, 1, 1, 1, turns), tall(pale, lambda image: T.adjust_hue(image, turns))
    assert ((ours - pale).flatten() @ (theirs - pale).flatten()) > 0.5 * (ours - pale).norm() * (
        theirs - pale
    ).norm()


def test_gray():
    flat = smooth().flatten(2).float()
    affine = colouring.identity(flat).then(colouring.saturation_matrix(torch.zeros(2)))
    ours = colouring.recolour(flat, affine).expand(-1, 3, -1).reshape(2, 3, 3, 45, 61)
    theirs = each(smooth(), lambda images: T.rgb_to_grayscale(images, num_output_channels=3))
    assert (ours - theirs).abs().max() < 0.03


@pytest.mark.parametrize("power", [0.7, 1.0, 1.5])
def test_gamma(power: float):
    ours = colouring.gamma(smooth().float(), torch.full((2,), power))
    assert (ours - each(smooth(), lambda images: T.adjust_gamma(images, power))).abs().max() < 1e-3


def test_solarise():
    ours = colouring.solarise(smooth().float(), 0.5)
    assert torch.equal(
        ours, torch.stack([T.solarize(clip.transpose(0, 1), 128).transpose(0, 1) for clip in smooth()])
    )


@pytest.mark.parametrize(("sigma", "kernel"), [(0.1, 5), (1.0, 11), (2.0, 11)])
def test_blur(sigma: float, kernel: int):
    ours = blur(smooth().float(), torch.full((2,), sigma), kernel)
    theirs = each(smooth(), lambda images: T.gaussian_blur(images, [kernel, kernel], [sigma, sigma]))
    assert (ours - theirs).abs().max() < 1e-3
