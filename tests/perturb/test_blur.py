import math

import numpy as np
import pytest
import torch
from golden_clip import golden_clip
from scipy import ndimage, signal
from torch import Tensor

from muybridge.perturb import blur
from muybridge.perturb.profiles import DISC, RADIUS, SIGMA, ZOOMS
from muybridge.perturb.streams import Streams, streams

ALIAS = (0.1, 0.5, 0.5, 0.5, 0.5)


def drawn(count: int = 2) -> Streams:
    return streams("p/1", "d", [str(i) for i in range(count)], [0] * count, "t", 1)


def noisy(h: int = 40, w: int = 56, t: int = 2) -> Tensor:
    return torch.randint(
        0, 256, (2, 3, t, h, w), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def planes(frames: Tensor) -> np.ndarray:
    return frames.flatten(0, 2).numpy().astype(np.float64)


def published_disc(radius: int, alias: float) -> np.ndarray:
    """By scipy, slow and obvious."""
    reach, taps = (8, 3) if radius <= 8 else (radius, 5)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (x**2 + y**2 <= radius**2) / (x**2 + y**2 <= radius**2).sum()
    window = signal.windows.gaussian(taps, alias)
    return ndimage.convolve(disc, np.outer(window, window) / window.sum() ** 2, mode="mirror")


@pytest.mark.parametrize(("radius", "alias"), list(zip(DISC, ALIAS, strict=True)))
@pytest.mark.parametrize("size", [(40, 56), (9, 7)])
def test_defocus_is_scipys_convolution_with_the_published_disc(
    radius: int, alias: float, size: tuple[int, int]
):
    frames = noisy(*size)
    kernel = published_disc(radius, alias)
    result = planes(blur.defocus_blur(frames, drawn(), radius=radius, alias=alias))
    pad = len(kernel) // 2
    for before, after in zip(planes(frames), result, strict=True):
        padded = np.pad(before, pad, mode="reflect")
        exact = signal.convolve2d(padded, kernel, mode="valid")
        assert np.abs(after - exact).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("radius", [0.3, 0.5, 1.0, 1.7, 5.2, 10.5])
def test_a_covered_disc_weighs_pixels_by_the_area_inside(radius: float):
    kernel = blur.covered_disc(radius)
    reach = len(kernel) // 2
    assert kernel.sum() == pytest.approx(1)
    assert np.allclose(kernel, kernel.T)
    assert np.allclose(kernel, kernel[::-1])
    assert reach - 0.5 < radius <= reach + 0.5
    if radius >= 1:
        assert kernel[reach, reach] == pytest.approx(1 / (math.pi * radius**2), rel=0.02)
    else:
        assert kernel[reach, reach] > 0.9


def test_discs_scale_with_the_short_side():
    small, large = noisy(56, 80), noisy(112, 160)
    at_half = blur.disc_blur(small, drawn(), radius=8, reference=112)
    assert torch.equal(at_half, blur.disc_blur(small, drawn(), radius=4, reference=56))
    assert not torch.equal(
        blur.disc_blur(large, drawn(), radius=4, reference=112),
        blur.disc_blur(large, drawn(), radius=8, reference=112),
    )


def slow_smear(picture: np.ndarray, count: int, sigma: float, angle: float) -> np.ndarray:
    """One pixel shift at a time, all weights."""
    weights = np.exp(-(np.arange(count) ** 2) / (2 * sigma**2))
    h, w = picture.shape
    total = np.zeros((h, w))
    for i, weight in enumerate(weights / weights.sum()):
        right = -math.ceil(i * math.cos(math.radians(angle)) - 0.5)
        down = -math.ceil(i * math.sin(math.radians(angle)) - 0.5)
        rows, columns = np.arange(h) - down, np.arange(w) - right
        total += weight * picture[np.clip(rows, 0, h - 1)][:, np.clip(columns, 0, w - 1)]
    return total


@pytest.mark.parametrize(("radius", "sigma"), list(zip(RADIUS, SIGMA, strict=True)))
@pytest.mark.parametrize("per", ["clip", "frame"])
@pytest.mark.parametrize("size", [(40, 56), (9, 7)])
def test_motion_is_a_sum_of_shifted_pictures(radius: int, sigma: float, per: str, size: tuple[int, int]):
    frames = noisy(*size)
    result = blur.motion_blur(frames, drawn(), radius=radius, sigma=sigma, per=per)
    for clip in range(2):
        angles = drawn().rng(clip).uniform(-45, 45, 2)
        for frame in range(2):
            angle = angles[frame if per == "frame" else 0]
            for before, after in zip(frames[clip, :, frame], result[clip, :, frame], strict=True):
                exact = slow_smear(before.numpy().astype(float), 2 * radius + 1, sigma, angle)
                assert np.abs(after.numpy() - exact).max() <= 0.5 + 255 * blur.NEGLIGIBLE


def test_one_angle_holds_for_the_clip_and_clips_differ():
    frames = noisy(t=1).expand(-1, -1, 5, -1, -1)
    whole = blur.motion_blur(frames, drawn(), radius=10, sigma=5)
    each = blur.motion_blur(frames, drawn(), radius=10, sigma=5, per="frame")
    assert all(torch.equal(whole[:, :, 0], whole[:, :, f]) for f in range(5))
    assert not torch.equal(each[:, :, 0], each[:, :, 1])
    same = frames[:1].expand(2, -1, -1, -1, -1)
    first, second = blur.motion_blur(same, drawn(), radius=10, sigma=5)
    assert not torch.equal(first, second)


def slow_zoom(picture: np.ndarray, zooms: tuple[float, ...], trim: str) -> np.ndarray:
    """By scipy, in float64."""
    h, w = picture.shape
    total = picture.copy()
    for zoom in zooms:
        tall, wide = math.ceil(h / zoom), math.ceil(w / zoom)
        top, left = (h - tall) // 2, (w - wide) // 2
        large = ndimage.zoom(picture[top : top + tall, left : left + wide], zoom, order=1)
        above = (large.shape[0] - h) // 2 if trim == "centre" else 0
        before = (large.shape[1] - w) // 2 if trim == "centre" else 0
        total += large[above : above + h, before : before + w]
    return total / (len(zooms) + 1)


@pytest.mark.parametrize("zooms", ZOOMS)
@pytest.mark.parametrize("trim", ["centre", "corner"])
@pytest.mark.parametrize("size", [(40, 56), (33, 33)])
def test_zoom_is_the_mean_of_scipys_enlargements(zooms: tuple[float, ...], trim: str, size: tuple[int, int]):
    frames = golden_clip(2, *size).frames
    result = planes(blur.zoom_blur(frames, drawn(), zooms=zooms, trim=trim))
    for before, after in zip(planes(frames), result, strict=True):
        assert np.abs(after - slow_zoom(before, zooms, trim)).max() <= 1


def test_zoom_in_bytes_is_zoom_in_floats_within_a_level(monkeypatch: pytest.MonkeyPatch):
    frames = noisy()
    in_bytes = blur.zoom_blur(frames, drawn(), zooms=ZOOMS[1])
    monkeypatch.setattr(blur, "working", lambda device: (torch.float32, torch.float32))
    in_floats = blur.zoom_blur(frames, drawn(), zooms=ZOOMS[1])
    moved = in_bytes.int() - in_floats.int()
    assert moved.abs().max() <= 1
    assert moved.double().mean().abs() < 0.05


CALLS = {
    "defocus": lambda x, s, r: blur.defocus_blur(x, s, radius=6, alias=0.5, rounding=r),
    "disc": lambda x, s, r: blur.disc_blur(x, s, radius=6, reference=224),
    "motion": lambda x, s, r: blur.motion_blur(x, s, radius=10, sigma=3, rounding=r),
    "zoom": lambda x, s, r: blur.zoom_blur(x, s, zooms=ZOOMS[0], rounding=r),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("rounding", ["half", "floor"])
@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_an_even_picture_stays_as_it_is(call, rounding: str, value: int):
    frames = torch.full((2, 3, 2, 20, 30), value, dtype=torch.uint8)
    assert torch.equal(call(frames, drawn(), rounding), frames)


@pytest.mark.parametrize("name", ["defocus", "motion", "zoom"])
def test_floor_is_never_above_half_and_half_a_level_darker_in_the_mean(name: str):
    frames = noisy()
    darker = CALLS[name](frames, drawn(), "half").int() - CALLS[name](frames, drawn(), "floor").int()
    assert set(darker.unique().tolist()) == {0, 1}
    assert darker.double().mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_clip_does_not_depend_on_its_batch_and_is_left_alone(call):
    frames = noisy()
    both, names = call(frames, drawn(), "half"), drawn()
    for clip in range(2):
        alone = Streams(names.keys[clip : clip + 1])
        assert torch.equal(call(frames[clip : clip + 1], alone, "half")[0], both[clip])
    assert torch.equal(frames, noisy())


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_pictures_of_one_pixel_one_row_and_one_column_are_served(call):
    for size in [(1, 1), (1, 9), (9, 1)]:
        assert call(noisy(*size), drawn(), "half").shape == noisy(*size).shape
