import hashlib

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from skimage import data
from torch import Tensor

from muybridge.perturb import weather
from muybridge.perturb.ladders_time import LADDERS
from muybridge.perturb.streams import Streams, streams

DENSITY = [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)]


def clip(h: int = 40, w: int = 56, t: int = 3, clips: int = 1) -> Tensor:
    frames = [data.astronaut()[20 * i : 20 * i + h, 180 : 180 + w] for i in range(t)]
    return torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)[None].repeat(clips, 1, 1, 1, 1)


def named(b: int) -> Streams:
    return streams("test", "test", [f"{i}" for i in range(b)], [0] * b, "type", 1)


def slow_plasma(size: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """Diamond-square, point by point."""
    cloud, step, noise = np.zeros((size, size)), size, 100.0
    while step >= 2:
        half, points = step // 2, range(0, size, step)

        def wobble(noise: float = noise, count: int = len(points)) -> np.ndarray:
            return noise * rng.uniform(-noise, noise, (1, count, count))[0]

        def around(y: int, x: int, reach: tuple, cloud: np.ndarray = cloud) -> float:
            return sum(cloud[(y + dy) % size, (x + dx) % size] for dy, dx in reach) / 4

        corners = [(dy, dx) for dy in (-half, half) for dx in (-half, half)]
        sides = [(-half, 0), (half, 0), (0, -half), (0, half)]
        for down, across, reach in ((half, half, corners), (0, half, sides), (half, 0, sides)):
            extra = wobble()
            for i, y in enumerate(points):
                for j, x in enumerate(points):
                    cloud[y + down, x + across] = around(y + down, x + across, reach) + extra[i, j]
        step, noise = half, noise / decay
    cloud -= cloud.min()
    return cloud / cloud.max()


@pytest.mark.parametrize("decay", [2, 1.4])
def test_plasma_is_diamond_square(decay: float):
    found = weather.plasma(1, 32, decay, np.random.default_rng(1))[0]
    np.testing.assert_allclose(found, slow_plasma(32, decay, np.random.default_rng(1)), atol=1e-12)
    assert (found.min(), found.max()) == (0, 1)


def test_a_slower_decay_is_finer_grained():
    def roughness(decay: float) -> float:
        cloud = weather.plasma(8, 64, decay, np.random.default_rng(0))
        return float(np.square(np.diff(cloud, axis=1)).mean() / cloud.var())

    assert roughness(1.4) > roughness(1.7) > roughness(2) > roughness(3)


@pytest.mark.parametrize(("density", "decay"), DENSITY)
@pytest.mark.parametrize("flicker", [False, True])
def test_fog_is_the_published_formula(density: float, decay: float, flicker: bool):
    frames = clip()
    shown = weather.fog(frames, named(1), density=density, decay=decay, flicker=flicker)
    clouds = weather.plasma(3 if flicker else 1, 64, decay, named(1).rng(0))
    for t in range(3):
        x = frames[0, :, t].numpy() / 255.0
        cloud = clouds[t if flicker else 0, :40, :56]
        expected = np.clip((x + density * cloud) * x.max() / (x.max() + density), 0, 1) * 255
        assert np.abs(shown[0, :, t].numpy() - expected).max() < 0.51


def test_one_cloud_serves_a_clip_unless_it_flickers():
    grey = torch.full((1, 3, 4, 32, 32), 120, dtype=torch.uint8)
    still = weather.fog(grey, named(1), density=2, decay=2)
    assert (still == still[:, :, :1]).all()
    flickering = weather.fog(grey, named(1), density=2, decay=2, flicker=True)
    assert not (flickering[:, :, 1] == flickering[:, :, 0]).all()


@pytest.mark.parametrize(("area", "length", "factor"), [(770, 10, 0.8), (500, 60, 0.6), (400, 80, 0.5)])
def test_rain_is_the_published_formula(area: int, length: int, factor: float):
    frames = clip(100, 120)
    shown = weather.rain(frames, named(1), area=area, length=length, contrast=factor, rounding="floor")
    wet = weather._drops(frames, named(1).rng(0), area, length)
    for t in range(3):
        x = frames[0, :, t].permute(1, 2, 0).numpy().astype(float)
        mask = 220.0 * wet[t][..., None]
        bright = x + np.floor(mask * (1 - x / 255) * (1 - x.mean() / 255))
        blurred = np.rint(np.stack([uniform_filter(bright[..., c], 3, mode="mirror") for c in range(3)], -1))
        rainy = (blurred * mask / 255 + x * (1 - mask / 255)) / 255
        means = rainy.mean((0, 1), keepdims=True)
        expected = np.floor(np.clip((rainy - means) * factor + means, 0, 1) * 255)
        difference = np.abs(shown[0, :, t].permute(1, 2, 0).numpy() - expected)
        assert difference.max() <= 1
        assert (difference == 0).mean() > 0.99


@pytest.mark.parametrize(("area", "length"), [(770, 30), (400, 60)])
def test_drops_are_streaks_that_lean_left_by_one_column(area: int, length: int):
    frames = torch.zeros(1, 3, 40, 224, 224, dtype=torch.uint8)
    wet = weather._drops(frames, named(1).rng(0), area, length)
    expected = 224 * 224 // area * (length + 1) / (224 * 224)
    assert 0.8 * expected < wet.mean() <= expected
    alone = weather._drops(frames[:, :, :, :64, :64], named(1).rng(0), 64 * 64, 20)
    for picture in alone:
        rows, columns = np.nonzero(picture)
        assert len(rows) in (0, 10, 11, 21), "whole, or cut by the edge"
        assert len(set(columns)) <= 2
        assert (np.diff(columns) <= 0).all()


def test_drops_fall_anew_in_every_frame_and_earlier_frames_do_not_depend_on_later_ones():
    long = weather._drops(clip(t=6), named(1).rng(0), 100, 10)
    assert np.array_equal(weather._drops(clip(t=2), named(1).rng(0), 100, 10), long[:2])
    assert len({picture.tobytes() for picture in long}) == 6


@pytest.mark.parametrize("size", [(9, 7), (16, 16), (33, 20)])
def test_small_pictures_get_shorter_drops(size: tuple[int, int]):
    frames = clip(*size)
    assert weather.rain(frames, named(1), area=20, length=80, contrast=0.5).shape == frames.shape


ROWS = [
    (profile, type, {k: v[s] if isinstance(v, tuple) else v for k, v in parameters.items()})
    for profile, rows in LADDERS.items()
    for type, (target, parameters) in rows.items()
    if target.startswith(weather.__name__)
    for s in range(5)
]


@pytest.mark.parametrize(("profile", "type", "parameters"), ROWS, ids=lambda value: str(value)[:16])
def test_a_clip_does_not_depend_on_its_batch_and_the_input_stays(profile: str, type: str, parameters: dict):
    frames, function = clip(clips=2), getattr(weather, type)
    together = function(frames, named(2), **parameters)
    assert torch.equal(frames, clip(clips=2))
    assert (together.shape, together.dtype) == (frames.shape, torch.uint8)
    assert torch.equal(function(frames[1:], Streams(named(2).keys[1:]), **parameters), together[1:])
    assert not torch.equal(together[0], together[1])


GOLDEN = {
    ("imagenet-c", "fog"): [
        "34a46b213a24a076",
        "cde92a42edcffa68",
        "e338a1062443a09b",
        "7bd988f142bbee9a",
        "6e927c9f3b64d62c",
    ],
    ("mini-kinetics-c", "rain"): [
        "196a1f194f80142f",
        "6f73ea63451e6c46",
        "2d53475fbac475d5",
        "98653ea525162f63",
        "d146675f354c3af3",
    ],
    ("mini-kinetics-c", "fog"): [
        "b931eab420db06df",
        "9aa0fd58636bfb80",
        "7ef17eb6dce4d4ee",
        "2a09844e6bc37989",
        "05366673234b0d5d",
    ],
}


@pytest.mark.parametrize("key", sorted({(profile, type) for profile, type, _ in ROWS}), ids="-".join)
def test_golden_bytes(key: tuple[str, str]):
    rows = [parameters for *names, parameters in ROWS if tuple(names) == key]
    shown = [getattr(weather, key[1])(clip(), named(1), **row).numpy().tobytes() for row in rows]
    assert [hashlib.sha256(data).hexdigest()[:16] for data in shown] == GOLDEN[key]
