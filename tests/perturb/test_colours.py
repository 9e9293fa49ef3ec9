import hashlib

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import hsv2rgb, rgb2hsv
from torch import Tensor

from muybridge.perturb import colour
from muybridge.perturb.ladders_time import LADDERS
from muybridge.perturb.streams import streams

STREAMS = streams("test", "test", ["0"], [0], "type", 1)
SATURATE = [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)]


def clip() -> Tensor:
    """Two frames: a photo, and every corner case of colour: greys, black, white, pure and near-pure colours."""
    photo = data.astronaut()[:64, 180:244]
    levels = np.array([0, 1, 2, 127, 128, 254, 255], np.uint8)
    odd = np.resize(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 3), (64, 64, 3))
    return torch.from_numpy(np.stack([photo, odd])).permute(3, 0, 1, 2)[None].contiguous()


def pictures(frames: Tensor) -> np.ndarray:
    return frames[0].permute(1, 2, 3, 0).numpy()


def through_hsv(channel: int, change) -> np.ndarray:
    """The source's way: to HSV, change one channel, back."""
    found = []
    for picture in pictures(clip()):
        hsv = rgb2hsv(picture / 255.0)
        hsv[..., channel] = np.clip(change(hsv[..., channel]), 0, 1)
        found.append(np.clip(hsv2rgb(hsv), 0, 1) * 255)
    return np.stack(found)


def assert_rounded(shown: np.ndarray, expected: np.ndarray, rounding: str) -> None:
    """Whole levels next to the expected ones; exact ties may fall either way."""
    above = shown - expected
    low, high = (-0.5, 0.5) if rounding == "half" else (-1, 0)
    assert low - 1e-3 <= above.min()
    assert above.max() <= high + 1e-3


@pytest.mark.parametrize("rounding", ["half", "floor"])
@pytest.mark.parametrize("shift", [0.1, 0.3, 0.5])
def test_brightness_is_that_of_hsv_to_the_level(shift: float, rounding: str):
    expected = through_hsv(2, lambda value: value + shift)
    shown = pictures(colour.brightness(clip(), STREAMS, shift=shift, rounding=rounding))
    assert_rounded(shown, expected, rounding)


@pytest.mark.parametrize(("factor", "shift"), SATURATE)
def test_saturation_is_that_of_hsv_to_the_level(factor: float, shift: float):
    expected = through_hsv(1, lambda saturation: saturation * factor + shift)
    assert_rounded(pictures(colour.saturate(clip(), STREAMS, factor=factor, shift=shift)), expected, "half")


@pytest.mark.parametrize("rounding", ["half", "floor"])
@pytest.mark.parametrize("factor", [0.5, 0.05, 1.5])
def test_contrast_scales_about_the_mean_of_frame_and_channel(factor: float, rounding: str):
    x = pictures(clip()) / 255.0
    mean = x.mean((1, 2), keepdims=True)
    expected = np.clip((x - mean) * factor + mean, 0, 1) * 255
    shown = pictures(colour.contrast(clip(), STREAMS, factor=factor, rounding=rounding))
    assert_rounded(shown, expected, rounding)


def test_nothing_is_changed_by_neutral_parameters():
    assert torch.equal(colour.contrast(clip(), STREAMS, factor=1), clip())
    assert torch.equal(colour.brightness(clip(), STREAMS, shift=0), clip())
    assert torch.equal(colour.saturate(clip(), STREAMS, factor=1, shift=0), clip())


def test_black_turns_grey_and_grey_turns_red():
    black = torch.zeros(1, 3, 1, 2, 2, dtype=torch.uint8)
    assert colour.brightness(black, STREAMS, shift=0.2).unique().tolist() == [51]
    assert torch.equal(colour.saturate(black, STREAMS, factor=20, shift=0.2), black)
    grey = torch.full_like(black, 200)
    assert colour.saturate(grey, STREAMS, factor=20, shift=0.2)[0, :, 0, 0, 0].tolist() == [200, 160, 160]


ROWS = [
    (profile, type, {k: v[s] if isinstance(v, tuple) else v for k, v in parameters.items()})
    for profile, rows in LADDERS.items()
    for type, (target, parameters) in rows.items()
    if target.startswith(colour.__name__)
    for s in range(5)
]


@pytest.mark.parametrize(("profile", "type", "parameters"), ROWS, ids=lambda value: str(value)[:16])
def test_frames_do_not_depend_on_each_other_and_the_input_stays(profile: str, type: str, parameters: dict):
    before, function = clip(), getattr(colour, type)
    together = function(before, STREAMS, **parameters)
    assert torch.equal(before, clip())
    assert (together.shape, together.dtype) == (before.shape, torch.uint8)
    assert torch.equal(function(before[:, :, 1:], STREAMS, **parameters), together[:, :, 1:])
    strided = before.transpose(3, 4)
    assert torch.equal(function(strided, STREAMS, **parameters).transpose(3, 4), together)


GOLDEN = {
    ("imagenet-c", "brightness"): [
        "c9bc588d12430e0d",
        "b035efa89f83f1ca",
        "bbf230bcd462d130",
        "3b9264e2e15f4701",
        "453406e51a68f3c6",
    ],
    ("imagenet-c", "contrast"): [
        "c046389ceac46c1d",
        "7d72bd2b5c5a7bf4",
        "758c1583914ca901",
        "942e3b4d1105f2cd",
        "416824dd713d1c24",
    ],
    ("imagenet-c", "saturate"): [
        "1dbc1d05b16fd674",
        "417d30fda7a048fd",
        "90cac25dbdbd0333",
        "5b122a2f20c0e1ad",
        "b675226a00b068d6",
    ],
    ("mini-kinetics-c", "brightness"): [
        "c9bc588d12430e0d",
        "b035efa89f83f1ca",
        "bbf230bcd462d130",
        "3b9264e2e15f4701",
        "453406e51a68f3c6",
    ],
    ("mini-kinetics-c", "contrast"): [
        "d81491cd3166dc27",
        "c046389ceac46c1d",
        "7d72bd2b5c5a7bf4",
        "758c1583914ca901",
        "942e3b4d1105f2cd",
    ],
    ("mini-kinetics-c", "saturate"): [
        "1dbc1d05b16fd674",
        "417d30fda7a048fd",
        "90cac25dbdbd0333",
        "5b122a2f20c0e1ad",
        "b675226a00b068d6",
    ],
}


@pytest.mark.parametrize("key", sorted({(profile, type) for profile, type, _ in ROWS}), ids="-".join)
def test_golden_bytes(key: tuple[str, str]):
    rows = [parameters for *names, parameters in ROWS if tuple(names) == key]
    shown = [getattr(colour, key[1])(clip(), STREAMS, **row).numpy().tobytes() for row in rows]
    assert [hashlib.sha256(data).hexdigest()[:16] for data in shown] == GOLDEN[key]
