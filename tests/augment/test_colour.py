import itertools
import math

import pytest
import torch
from clips import noise, rng, smooth
from torch import Tensor

from muybridge.augment import colouring
from muybridge.augment.blurring import blur, kernel_size
from muybridge.augment.chain import augment
from muybridge.augment.colouring import LUMA
from muybridge.augment.steps import Gamma, Gray, Jitter


def jitter(frames: Tensor, *factors: float | Tensor) -> Tensor:
    """Float result of one jitter; factors are brightness, contrast, saturation and hue."""
    flat = frames.flatten(2).float()
    drawn = (torch.as_tensor(factor, dtype=torch.float32).expand(len(frames)) for factor in factors)
    return colouring.recolour(flat, colouring.jittered(colouring.identity(flat), *drawn)).view(frames.shape)


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
    torch.testing.assert_close(
        jitter(frames, *factors, 0.0).double(), slow_jitter(frames, factors), atol=1e-3, rtol=0
    )


def test_brightness_contrast_saturation_and_hue_commute():
    flat = (smooth().flatten(2).float() - 128) / 8 + 128
    start = colouring.identity(flat)
    one, half = torch.ones(2), torch.tensor([0.8, 1.2])
    parts = {
        "brightness": lambda a: a.then(half.view(-1, 1, 1) * torch.eye(3)),
        "contrast": lambda a: a.contrasted(half + 0.1),
        "saturation": lambda a: a.then(colouring.saturation_matrix(half - 0.2)),
        "hue": lambda a: a.then(colouring.hue_matrix(half / 10)),
    }
    expected = colouring.recolour(flat, colouring.jittered(start, half, half + 0.1, half - 0.2, half / 10))
    for order in itertools.permutations(parts):
        affine = start
        for name in order:
            affine = parts[name](affine)
        torch.testing.assert_close(colouring.recolour(flat, affine), expected, atol=1e-3, rtol=0)
    assert one.equal(torch.ones(2))


def test_the_mean_of_an_affine_map_is_the_mean_of_its_result():
    flat = smooth().flatten(2).float() / 2 + 60
    affine = colouring.jittered(
        colouring.identity(flat), *(torch.full((2,), v) for v in (0.9, 0.7, 1.2, 0.05))
    )
    mean = (affine.matrix @ flat + affine.offset).mean(2, keepdim=True)
    torch.testing.assert_close(affine.mean, mean, atol=1e-3, rtol=0)


def test_hue_keeps_luma_and_grey_turns_by_the_angle_and_comes_round():
    luma = torch.tensor(LUMA)
    turns = torch.linspace(-0.5, 0.5, 11)
    matrices = colouring.hue_matrix(turns)
    torch.testing.assert_close(luma @ matrices, luma.expand(11, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(matrices.sum(2), torch.ones(11, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        colouring.hue_matrix(torch.tensor([0.0, 1.0])), torch.eye(3).expand(2, 3, 3), atol=1e-6, rtol=0
    )
    third = torch.tensor([1 / 3])
    torch.testing.assert_close(
        torch.linalg.matrix_power(colouring.hue_matrix(third), 3),
        torch.eye(3).expand(1, 3, 3),
        atol=1e-5,
        rtol=0,
    )
    chroma = torch.tensor(colouring.YIQ[1:])
    before, after = (
        chroma @ torch.tensor([200.0, 60, 30]),
        chroma @ (matrices @ torch.tensor([200.0, 60, 30])).T,
    )
    angle = torch.atan2(before[1], before[0]) - torch.atan2(after[1], after[0])
    off = (angle / (2 * math.pi) - turns + 0.5) % 1 - 0.5
    assert off.abs().max() < 1e-5


@pytest.mark.parametrize(("source", "target"), [(0, 1), (1, 2), (2, 0)])
def test_a_third_of_a_turn_leads_from_red_over_green_to_blue(source: int, target: int):
    pure = torch.full((1, 3, 1), 100.0)
    pure[0, source] = 130
    turned = colouring.hue_matrix(torch.tensor([1 / 3])) @ pure
    assert int(turned.argmax()) == target


def test_jitter_treats_equal_frames_of_a_clip_equally_and_clips_differently():
    still = noise(t=1).expand(-1, -1, 4, -1, -1)
    changed = augment(still, ("jitter",), 9, rng())
    assert (changed == changed[:, :, :1]).all()
    same = noise(b=1).expand(50, -1, -1, -1, -1)
    assert len({clip.numpy().tobytes() for clip in augment(same, ("jitter",), 9, rng())}) == 50


def test_jitter_draws_its_factors_evenly_within_its_strengths():
    drawn = Jitter(0.4, 0.3, 0.2, 0.1).draw(2000, rng())
    for values, middle, strength in zip(drawn, (1, 1, 1, 0), (0.4, 0.3, 0.2, 0.1), strict=True):
        away = (values - middle) / strength
        assert -1 <= away.min() < -0.98
        assert 0.98 < away.max() <= 1
        assert away.mean().abs() < 4 / 3**0.5 / 2000**0.5
    alone = torch.stack(Jitter(p=0.8).draw(2000, rng()))
    untouched = (alone == torch.tensor([1.0, 1, 1, 0]).view(4, 1)).all(0)
    assert abs(untouched.float().mean() - 0.2) < 4 * 0.4 / 2000**0.5
    assert min(values.min() for values in Jitter(3, 3, 3, 0.5).draw(200, rng())[:3]) == 0


def test_identity_parameters_change_nothing():
    frames = noise().float()
    assert torch.equal(jitter(noise(), 1, 1, 1, 0).round(), frames)
    torch.testing.assert_close(colouring.gamma(frames, torch.ones(6)), frames, atol=1e-4, rtol=0)
    assert torch.equal(colouring.solarise(frames, 1.01), frames)
    torch.testing.assert_close(blur(frames, torch.full((6,), 0.1), 5), frames, atol=1e-4, rtol=0)
    assert torch.equal(blur(frames, torch.ones(6), 1), frames)


def test_gray_takes_all_colour_and_keeps_luma():
    drawn = Gray(0.5).draw(400, rng())[0]
    assert set(drawn.tolist()) == {0.0, 1.0}
    assert abs(drawn.mean() - 0.5) < 4 * 0.5 / 20
    flat = noise(b=2).flatten(2).float()
    changed = colouring.recolour(flat, Gray().fold(colouring.identity(flat), (torch.tensor([0.0, 1.0]),)))
    expected = (torch.tensor(LUMA).view(3, 1) * flat[0]).sum(0)
    torch.testing.assert_close(changed[0], expected.expand(3, -1), atol=1e-3, rtol=0)
    assert torch.equal(changed[1], flat[1])


def test_gamma_is_a_power_of_the_unit_range():
    frames, power = noise(b=2).float(), torch.tensor([0.7, 1.5])
    for clip, changed, exponent in zip(frames, colouring.gamma(frames, power), power, strict=True):
        torch.testing.assert_close(changed, 255 * (clip / 255) ** exponent)
    _, powers = Gamma().draw(1000, rng())
    assert 0.7 <= powers.min() < 0.71
    assert 1.49 < powers.max() <= 1.5


def test_solarise_inverts_the_upper_half():
    values = torch.tensor([0.0, 100, 127, 128, 200, 255])
    assert colouring.solarise(values, 0.5).tolist() == [0, 100, 127, 127, 55, 0]


def slow_blur(frames: Tensor, sigma: float, kernel: int) -> Tensor:
    """Sum over the taps of a two-dimensional kernel with mirrored borders, pixel by pixel."""
    reach = kernel // 2
    taps = [math.exp(-(i**2) / (2 * sigma**2)) for i in range(-reach, reach + 1)]
    h, w = frames.shape[-2:]

    def inside(i: int, edge: int) -> int:
        i = abs(i)
        return 2 * (edge - 1) - i if i >= edge else i

    out = torch.zeros(frames.shape, dtype=torch.float64)
    for y, x, i, j in itertools.product(range(h), range(w), range(kernel), range(kernel)):
        source = frames[..., inside(y + i - reach, h), inside(x + j - reach, w)].double()
        out[..., y, x] += taps[i] * taps[j] / sum(taps) ** 2 * source
    return out


@pytest.mark.parametrize("kernel", [3, 5])
def test_blur_equals_the_sum_over_a_two_dimensional_kernel(kernel: int):
    frames, sigma = noise(b=2, t=1, h=7, w=6).float(), torch.tensor([0.8, 2.0])
    for clip, changed, width in zip(frames, blur(frames, sigma, kernel), sigma.tolist(), strict=True):
        torch.testing.assert_close(changed.double(), slow_blur(clip, width, kernel), atol=1e-3, rtol=0)


def test_blur_mixes_neither_frames_nor_channels_nor_clips():
    frames = torch.zeros(2, 3, 3, 9, 9)
    frames[1, 2, 1, 4, 4] = 255
    changed = blur(frames, torch.ones(2), 3)
    assert changed[1, 2, 1].sum() == pytest.approx(255, rel=1e-5)
    changed[1, 2, 1] = 0
    assert not changed.any()


def test_kernels_are_odd_and_a_tenth_of_the_crop():
    assert [kernel_size(size) for size in (8, 32, 64, 112, 224)] == [1, 3, 7, 11, 23]
