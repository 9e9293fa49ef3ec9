import itertools

import pytest
import torch
from torch import Tensor

from muybridge.augment.chain import augment
from muybridge.augment.colour import LUMA, colour_jitter, jitter_matrix
from muybridge.augment.geometry import centre_crop, random_crop, random_flip
from muybridge.core.errors import UsageError

CHAINS = [(), ("crop",), ("flip",), ("jitter",), ("crop", "flip", "jitter"), ("jitter", "crop")]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(b: int = 6, t: int = 3, h: int = 9, w: int = 11) -> Tensor:
    return torch.randint(0, 256, (b, 3, t, h, w), generator=rng(7), dtype=torch.uint8)


def places(b: int, h: int, w: int, t: int = 2) -> Tensor:
    """Frames whose first channel is the row and second the column; the third is the frame."""
    frames = torch.zeros(b, 3, t, h, w, dtype=torch.uint8)
    frames[:, 0] = torch.arange(h).view(h, 1)
    frames[:, 1] = torch.arange(w)
    frames[:, 2] = torch.arange(t).view(t, 1, 1)
    return frames


def corners(cropped: Tensor) -> list[tuple[int, int]]:
    return [(int(clip[0, 0, 0, 0]), int(clip[1, 0, 0, 0])) for clip in cropped]


def test_a_crop_is_one_window_of_all_frames_of_a_clip():
    frames = places(40, 9, 11)
    cropped = random_crop(frames, 5, rng())
    for clip, whole, (y, x) in zip(cropped, frames, corners(cropped), strict=True):
        for t in range(frames.shape[2]):
            for c in range(3):
                assert torch.equal(clip[c, t], whole[c, t, y : y + 5, x : x + 5])
    assert len(set(corners(cropped))) > 15, "clips must be cropped for themselves"


def test_crops_are_uniform_over_all_windows():
    counts = dict.fromkeys(itertools.product(range(3), range(4)), 0)
    number = 2400
    for corner in corners(random_crop(places(number, 6, 7, t=1), 4, rng(3))):
        counts[corner] += 1
    expected = number / len(counts)
    chi2 = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi2 < 31.3  # 0.1 % point of chi-square with 11 degrees of freedom


def test_a_crop_of_full_size_changes_nothing():
    frames = noise(h=8, w=8)
    assert torch.equal(random_crop(frames, 8, rng()), frames)
    assert torch.equal(centre_crop(frames, 8), frames)


@pytest.mark.parametrize("crop", [lambda x: random_crop(x, 10, rng()), lambda x: centre_crop(x, 10)])
def test_a_window_larger_than_the_frame_is_refused(crop):
    with pytest.raises(ValueError, match="a window of 10 does not fit into frames of 9x11"):
        crop(noise())


def test_the_middle_window_leaves_equal_borders():
    assert corners(centre_crop(places(1, 9, 11), 5)) == [(2, 3)]
    assert centre_crop(noise(), 5).shape == (6, 3, 3, 5, 5)


def test_flips_mirror_whole_clips_about_half_of_them():
    frames = noise(b=400, t=2, h=2, w=3)
    flipped = random_flip(frames, rng())
    mirrored = 0
    for before, after in zip(frames, flipped, strict=True):
        same, turned = torch.equal(before, after), torch.equal(before.flip(-1), after)
        assert same or turned
        mirrored += turned and not same
    assert abs(mirrored - 200) < 4 * 10  # four standard deviations
    assert torch.equal(random_flip(frames, rng(), p=0.0), frames)
    assert torch.equal(random_flip(frames, rng(), p=1.0), frames.flip(-1))


def slow_jitter(frames: Tensor, factors: Tensor) -> Tensor:
    """Brightness, saturation, contrast pixel by pixel in plain floats; contrast about the mean luma of the clip."""
    out = torch.empty(frames.shape, dtype=torch.float64)
    for b, clip in enumerate(frames.double()):
        brightness, contrast, saturation = factors[:, b].tolist()
        pixels, lumas = {}, []
        for t, y, x in itertools.product(*map(range, clip.shape[1:])):
            r, g, bl = (brightness * value for value in clip[:, t, y, x].tolist())
            grey = LUMA[0] * r + LUMA[1] * g + LUMA[2] * bl
            pixels[t, y, x] = [saturation * value + (1 - saturation) * grey for value in (r, g, bl)]
            lumas.append(sum(share * value for share, value in zip(LUMA, pixels[t, y, x], strict=True)))
        mean = sum(lumas) / len(lumas)
        for (t, y, x), values in pixels.items():
            out[b, :, t, y, x] = torch.tensor([mean + contrast * (value - mean) for value in values])
    return out.clamp(0, 255)


def test_jitter_equals_the_pixel_by_pixel_reference():
    frames = noise(b=3, t=2, h=4, w=5)
    factors = 1 + 0.4 * (2 * torch.rand(3, 3, generator=rng(5)) - 1)
    changed = colour_jitter(frames, rng(5))
    assert (changed - slow_jitter(frames, factors)).abs().max() <= 0.5 + 1e-3  # rounding only


def test_jitter_treats_equal_frames_of_a_clip_equally():
    still = noise(t=1).expand(-1, -1, 4, -1, -1)
    changed = colour_jitter(still, rng())
    assert (changed == changed[:, :, :1]).all()


def test_jitter_differs_between_clips_and_stays_in_its_factors():
    same = noise(b=1).expand(50, -1, -1, -1, -1)
    assert len({clip.numpy().tobytes() for clip in colour_jitter(same, rng())}) == 50
    matrix, contrast = jitter_matrix(1000, 0.4, rng())
    brightness = matrix.sum(2)[:, 0]  # a grey pixel keeps its colour and scales with the brightness
    torch.testing.assert_close(matrix.sum(2), brightness[:, None].expand(-1, 3))
    for factor in (brightness, contrast):
        assert 0.6 <= factor.min() < 0.62
        assert 1.38 < factor.max() <= 1.4001


def test_jitter_of_strength_zero_changes_nothing():
    assert torch.equal(colour_jitter(noise(), rng(), strength=0.0), noise())


@pytest.mark.parametrize("steps", CHAINS, ids=str)
def test_chains_are_deterministic_per_generator_and_leave_the_input_alone(steps):
    frames = noise()
    first = augment(frames, steps, 6, rng(1))
    assert first.shape == (6, 3, 3, 6, 6)
    assert first.dtype == torch.uint8
    assert torch.equal(first, augment(frames, steps, 6, rng(1)))
    assert torch.equal(frames, noise())
    if steps:
        assert not torch.equal(first, augment(frames, steps, 6, rng(2)))


def test_a_chain_without_crop_takes_the_middle_window():
    assert torch.equal(augment(noise(), (), 6, rng()), centre_crop(noise(), 6))
    assert torch.equal(augment(noise(), ("flip",), 6, rng()), random_flip(centre_crop(noise(), 6), rng()))


def test_a_chain_applies_its_steps_in_the_order_given():
    one, other = rng(4), rng(4)
    by_hand = colour_jitter(random_flip(random_crop(noise(), 6, one), one), one)
    assert torch.equal(augment(noise(), ("crop", "flip", "jitter"), 6, other), by_hand)


def test_an_unknown_step_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match=r"--augment filp: unknown\. Did you mean 'flip'\?"):
        augment(noise(), ("crop", "filp"), 6, rng())  # type: ignore[arg-type]
