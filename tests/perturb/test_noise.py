import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from muybridge.perturb import noise, philox
from muybridge.perturb.streams import Streams, streams

GREYS = (0, 1, 40, 128, 200, 255)


def drawn(count: int = 1) -> Streams:
    return streams("p/1", "d", [str(i) for i in range(count)], [0] * count, "t", 1)


def grey(value: int) -> Tensor:
    return torch.full((1, 3, 8, 96, 96), value, dtype=torch.uint8)


def moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    mean = float(values @ weights)
    return mean, float((values - mean) ** 2 @ weights)


def rounded(values: np.ndarray, rounding: str) -> np.ndarray:
    return np.clip(np.floor(values + (0.5 if rounding == "half" else 0)), 0, 255)


def check(result: Tensor, mean: float, variance: float) -> None:
    """Mean and variance within five standard errors, a 300th of a level for the finite table, and half a per cent."""
    values = result.double()
    error = (variance / values.numel()) ** 0.5
    assert abs(values.mean().item() - mean) < 5 * error + 1 / 300 + 2e-4 * variance**0.5
    assert values.var().item() == pytest.approx(variance, rel=0.02, abs=1e-3)


@pytest.mark.parametrize("rounding", ["half", "floor"])
@pytest.mark.parametrize("sigma", [0.08, 0.18, 0.38])
@pytest.mark.parametrize("value", GREYS)
def test_gaussian_noise_has_the_exact_mean_and_variance(value: int, sigma: float, rounding: str):
    share = np.linspace(0, 1, 400_001)[1:-1]
    levels = rounded(value + 255 * sigma * stats.norm.ppf(share), rounding)
    result = noise.gaussian_noise(grey(value), drawn(), sigma=sigma, rounding=rounding)
    check(result, *moments(levels, np.full(len(share), 1 / len(share))))


@pytest.mark.parametrize("rounding", ["half", "floor"])
@pytest.mark.parametrize("photons", [3, 12, 60, 250])
@pytest.mark.parametrize("value", GREYS)
def test_shot_noise_has_the_exact_mean_and_variance(value: int, photons: int, rounding: str):
    counts = np.arange(1000)
    weights = stats.poisson.pmf(counts, photons * value / 255)
    result = noise.shot_noise(grey(value), drawn(), photons=photons, rounding=rounding)
    check(result, *moments(rounded(255 * counts / photons, rounding), weights))


@pytest.mark.parametrize("rounding", ["half", "floor"])
@pytest.mark.parametrize("sigma", [0.15, 0.35, 0.6])
@pytest.mark.parametrize("value", GREYS)
def test_speckle_noise_has_the_exact_mean_and_variance(value: int, sigma: float, rounding: str):
    share = np.linspace(0, 1, 400_001)[1:-1]
    levels = rounded(value * (1 + sigma * stats.norm.ppf(share)), rounding)
    result = noise.speckle_noise(grey(value), drawn(), sigma=sigma, rounding=rounding)
    check(result, *moments(levels, np.full(len(share), 1 / len(share))))


@pytest.mark.parametrize("amount", [0.03, 0.27])
def test_impulse_noise_sets_the_stated_share_to_black_and_white_alike(amount: float):
    result = noise.impulse_noise(grey(77), drawn(), amount=amount)
    for level in (0, 255):
        share = (result == level).double().mean().item()
        assert share == pytest.approx(amount / 2, abs=5 * (amount / 2 / result.numel()) ** 0.5)
    assert set(result.unique().tolist()) == {0, 77, 255}


def test_no_impulses_leave_the_clip_and_all_impulses_nothing_of_it():
    assert torch.equal(noise.impulse_noise(grey(77), drawn(), amount=0), grey(77))
    assert set(noise.impulse_noise(grey(77), drawn(), amount=1).unique().tolist()) == {0, 255}


@pytest.mark.parametrize("photons", [3, 60, 250])
def test_shot_quantiles_are_those_of_scipys_poisson_law(photons: int):
    table, share = noise.shot_table(photons, "half"), (np.arange(4096) + 0.5) / 4096
    for value in (1, 17, 128, 255):
        counts = stats.poisson.ppf(share, photons * value / 255)
        assert np.array_equal(table[value].numpy(), rounded(255 * counts / photons, "half"))


def test_tails_end_where_the_documentation_says():
    table = noise.gaussian_table(0.1, "half")
    assert table.max().item() == -table.min().item() - (table.max().item() + table.min().item())
    assert table.max().item() / 25.5 == pytest.approx(stats.norm.ppf(1 - 0.5 / 65536), abs=0.02)
    assert stats.norm.ppf(1 - 0.5 / 65536) == pytest.approx(4.33, abs=0.01)
    assert stats.norm.ppf(1 - 0.5 / 4096) == pytest.approx(3.67, abs=0.01)


CALLS = {
    "gaussian": lambda x, s: noise.gaussian_noise(x, s, sigma=0.18),
    "shot": lambda x, s: noise.shot_noise(x, s, photons=12),
    "speckle": lambda x, s: noise.speckle_noise(x, s, sigma=0.35),
    "impulse": lambda x, s: noise.impulse_noise(x, s, amount=0.3),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest):
    return CALLS[request.param]


def test_pixels_channels_and_frames_are_independent(call):
    moved = call(grey(128), drawn())[0].double() - 128
    for first, second in [
        (moved[0], moved[1]), (moved[:, :-1], moved[:, 1:]), (moved[..., :-1], moved[..., 1:]),
        (moved[..., :-1, :], moved[..., 1:, :]),
    ]:  # fmt: skip
        pair = torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))
        assert pair[0, 1].abs().item() < 5 / first.numel() ** 0.5


def test_a_frame_does_not_depend_on_the_frames_after_it(call):
    clip = torch.randint(
        0, 256, (1, 3, 6, 9, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    assert torch.equal(call(clip, drawn())[:, :, :4], call(clip[:, :, :4], drawn()))


def test_the_path_of_other_devices_gives_the_same_bits(call, monkeypatch: pytest.MonkeyPatch):
    clip = torch.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6).mul(7).to(torch.uint8)
    words = philox.words(drawn(2).keys, clip[0].numel(), torch.device("cpu")).view(2, 4, 3, 5, 6)
    whole = lambda frames, streams, change: change(frames, words.transpose(1, 2)).to(torch.uint8)  # noqa: E731
    expected = call(clip, drawn(2))
    monkeypatch.setattr(noise, "by_frame", whole)
    assert torch.equal(call(clip, drawn(2)), expected)


def test_views_of_larger_tensors_are_served(call):
    large = torch.arange(2 * 3 * 4 * 9 * 9).reshape(2, 3, 4, 9, 9).to(torch.uint8)
    view = large[..., 2:7, 1:8]
    assert torch.equal(call(view, drawn(2)), call(view.contiguous(), drawn(2)))
