import itertools

import pytest
import torch
from clips import noise, places, rng, smooth
from torch import Tensor

from muybridge.augment.geometry import centre_crop, flip, resize, resized_crop, rotate
from muybridge.augment.steps import Crop, Flip, Resize, ResizedCrop, Rotate


def corners(cropped: Tensor) -> list[tuple[int, int]]:
    return [(int(clip[0, 0, 0, 0]), int(clip[1, 0, 0, 0])) for clip in cropped]


def test_a_crop_is_one_window_of_all_frames_of_a_clip():
    frames = places(40, 9, 11)
    cropped = Crop().place(frames, 5, rng())
    for clip, whole, (y, x) in zip(cropped, frames, corners(cropped), strict=True):
        assert torch.equal(clip, whole[..., y : y + 5, x : x + 5])
    assert len(set(corners(cropped))) > 15, "clips must be cropped for themselves"


def test_crops_are_uniform_over_all_windows():
    counts = dict.fromkeys(itertools.product(range(3), range(4)), 0)
    number = 2400
    for corner in corners(Crop().place(places(number, 6, 7, t=1), 4, rng(3))):
        counts[corner] += 1
    expected = number / len(counts)
    chi2 = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi2 < 31.3  # 0.1 % point of chi-square with 11 degrees of freedom


def test_a_crop_of_full_size_changes_nothing():
    frames = noise(h=8, w=8)
    assert torch.equal(Crop().place(frames, 8, rng()), frames)
    assert torch.equal(centre_crop(frames, 8), frames)


@pytest.mark.parametrize("cut", [lambda x: Crop().place(x, 10, rng()), lambda x: centre_crop(x, 10)])
def test_a_window_larger_than_the_frame_is_refused(cut):
    with pytest.raises(ValueError, match="a window of 10 does not fit into frames of 9x11"):
        cut(noise())


def test_the_middle_window_leaves_equal_borders():
    assert corners(centre_crop(places(1, 9, 11), 5)) == [(2, 3)]


def test_flips_mirror_whole_clips_about_half_of_them():
    frames = noise(b=400, t=2, h=2, w=3)
    flipped = Flip().place(frames, 3, rng())
    mirrored = 0
    for before, after in zip(frames, flipped, strict=True):
        same, turned = torch.equal(before, after), torch.equal(before.flip(-1), after)
        assert same or turned
        mirrored += turned and not same
    assert abs(mirrored - 200) < 4 * 10  # four standard deviations
    assert torch.equal(Flip(0).place(frames, 3, rng()), frames)
    assert torch.equal(Flip(1).place(frames, 3, rng()), frames.flip(-1))
    assert torch.equal(flip(frames[:2], torch.tensor([False, True]))[1], frames[1].flip(-1))


@pytest.mark.parametrize("shape", [(45, 61), (112, 112), (7, 5)])
def test_random_windows_have_the_stated_area_and_aspect_and_lie_inside(shape: tuple[int, int]):
    h, w = shape
    windows = ResizedCrop((0.3, 0.8), (0.75, 4 / 3)).windows(2000, h, w, rng())
    y, x, height, width = windows.T.double()
    assert (y >= 0).all()
    assert (x >= 0).all()
    assert (y + height <= h).all()
    assert (x + width <= w).all()
    slack = 0.5 * (1 / height + 1 / width)  # edges are rounded to whole pixels
    area, aspect = height * width / (h * w), width / height
    assert (area > 0.3 * (1 - 1.1 * slack)).all()
    assert (area < 0.8 * (1 + 1.1 * slack)).all()
    assert (aspect > 0.75 * (1 - 1.5 * slack)).all()
    assert (aspect < 4 / 3 * (1 + 1.5 * slack)).all()


def test_random_windows_are_spread_over_area_aspect_and_place():
    y, x, height, width = ResizedCrop((0.3, 0.5), (0.8, 1.25)).windows(4000, 200, 200, rng()).T.double()
    area, aspect = height * width / 200**2, (width / height).log()
    assert area.mean().sub(0.4).abs() < 4 * 0.2 / 12**0.5 / 4000**0.5 + 0.001
    assert aspect.mean().abs() < 4 * 0.45 / 12**0.5 / 4000**0.5 + 0.001
    for place, edge in ((y, height), (x, width)):
        assert (place / (200 - edge)).mean().sub(0.5).abs() < 4 / 12**0.5 / 4000**0.5 + 0.01


@pytest.mark.parametrize(
    ("shape", "window"),
    [((20, 100), [0, 36, 20, 27]), ((100, 20), [36, 0, 27, 20]), ((20, 21), [0, 0, 20, 21])],
)
def test_where_no_random_window_fits_the_largest_middle_one_is_taken(
    shape: tuple[int, int], window: list[int]
):
    """Wanted is one and a half times the area of the frame."""
    found = ResizedCrop((1.5, 1.5), (0.75, 4 / 3)).windows(3, *shape, rng())
    assert found.tolist() == [window] * 3


@pytest.mark.parametrize("size", [1, 5, 9, 16])
def test_a_window_of_the_wanted_size_is_copied(size: int):
    frames = noise(b=2, t=1, h=21, w=18)
    windows = torch.tensor([[2, 1, size, size], [5, 0, size, size]])
    resized = resized_crop(frames, windows, size, size)
    for clip, whole, (y, x, h, w) in zip(resized, frames, windows.tolist(), strict=True):
        assert torch.equal(clip, whole[..., y : y + h, x : x + w])


def test_frames_near_the_crop_are_not_resized_others_get_a_short_side_of_eight_sevenths():
    sizes = {(128, 171): (128, 171), (36, 36): (36, 36)}
    for (h, w), expected in sizes.items():
        frames = noise(1, 1, h, w)
        assert Resize().place(frames, 112 if h == 128 else 32, rng()) is frames
        assert frames.shape[-2:] == expected
    assert Resize().place(noise(1, 1, 240, 320), 112, rng()).shape[-2:] == (128, 171)
    assert Resize().place(noise(1, 1, 20, 10), 14, rng()).shape[-2:] == (32, 16)


def test_shrinking_averages_instead_of_skipping_pixels():
    checks = (torch.arange(64).view(-1, 1) + torch.arange(64)) % 2 * 255
    frames = checks.to(torch.uint8).expand(1, 3, 1, 64, 64)
    inside = resize(frames, 16, 16)[..., 2:-2, 2:-2].float()
    assert (inside - 127.5).abs().max() < 8


@pytest.mark.parametrize(("degrees", "turns"), [(90.0, 1), (180.0, 2), (-90.0, 3)])
def test_right_angles_are_exact_and_counter_clockwise(degrees: float, turns: int):
    frames = noise(h=9, w=9)
    turned = rotate(frames, torch.full((6,), degrees))
    assert torch.equal(turned, frames.rot90(turns, (-2, -1)))


def test_no_angle_changes_nothing_and_corners_turn_black():
    frames = noise(h=45, w=61)
    assert torch.equal(rotate(frames, torch.zeros(6)), frames)
    white = torch.full((1, 3, 1, 45, 61), 255, dtype=torch.uint8)
    turned = rotate(white, torch.tensor([10.0]))
    assert turned[0, 0, 0, 22, 30] == 255
    assert [int(turned[0, 0, 0, y, x]) for y in (0, -1) for x in (0, -1)] == [0] * 4


def test_turning_there_and_back_returns_the_inside():
    frames = smooth()
    back = rotate(rotate(frames, torch.full((2,), 8.0)), torch.full((2,), -8.0))
    inside = (back.float() - frames.float())[..., 12:-12, 12:-12].abs()
    assert inside.mean() < 2


def test_angles_are_drawn_per_clip_within_the_range():
    line = torch.zeros(60, 3, 2, 41, 41, dtype=torch.uint8)
    line[..., 20, :] = 255
    turned = Rotate(10).place(line, 41, rng()).float()
    assert torch.equal(turned[:, :, 0], turned[:, :, 1]), "all frames of a clip turn alike"
    rows = torch.arange(41.0)
    height = [(turned[:, 0, 0, :, x] * rows).sum(1) / turned[:, 0, 0, :, x].sum(1) for x in (5, 35)]
    degrees = torch.rad2deg(torch.atan((height[0] - height[1]) / 30))
    assert degrees.abs().max() < 10.3
    assert degrees.max() > 7
    assert degrees.min() < -7
