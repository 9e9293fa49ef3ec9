import hashlib

import pytest
import torch
from torch import Tensor

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.apply import CLEAN, perturb
from muybridge.perturb.noise import GAUSSIAN_SIGMA, gaussian_noise
from muybridge.perturb.temporal import frozen, jumbled, reversed_

NAMES = sorted(PERTURBATIONS)
TEMPORAL = [name for name in NAMES if PERTURBATIONS[name].facts["category"] == "temporal"]
NOISE = [name for name in NAMES if PERTURBATIONS[name].facts["category"] == "noise"]
SEVERITIES = (1, 2, 3, 4, 5)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frames(t: int = 10, h: int = 6, w: int = 8) -> Tensor:
    """A clip made from integers; every frame differs."""
    count = torch.arange(3 * t * h * w)
    return ((count * 37 + count // 48 * 11) % 256).view(3, t, h, w).to(torch.uint8)


def apply(name: str, clip: Tensor, severity: int, seed: int = 0) -> Tensor:
    return PERTURBATIONS[name].load()(clip, severity, rng(seed))


def checksum(clip: Tensor) -> str:
    return hashlib.sha256(clip.contiguous().numpy().tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", NAMES)
def test_shape_type_determinism_and_input(name: str, severity: int):
    clip = frames()
    first = apply(name, clip, severity)
    assert (first.shape, first.dtype) == (clip.shape, torch.uint8)
    assert torch.equal(first, apply(name, clip, severity))
    assert torch.equal(clip, frames()), "the input is left alone"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("t", [1, 2, 3, 7, 16])
def test_any_number_of_frames_is_served(name: str, t: int):
    for severity in SEVERITIES:
        assert apply(name, frames(t), severity).shape == frames(t).shape


@pytest.mark.parametrize("name", [name for name in NAMES if name != "reversal"])
def test_generators_differ(name: str):
    assert len({checksum(apply(name, frames(16), 5, seed)) for seed in range(6)}) == 6


@pytest.mark.parametrize("name", NOISE)
def test_harder_noise_moves_further_from_the_clean_clip(name: str):
    moved = [(apply(name, frames(), s).float() - frames()).abs().mean().item() for s in (1, 3, 5)]
    assert moved == sorted(moved)
    assert moved[2] > 1.5 * moved[0]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise_has_the_stated_deviation(severity: int):
    grey = torch.full((3, 16, 64, 64), 128, dtype=torch.uint8)
    noise = gaussian_noise(grey, severity, rng()).double() - 128
    sigma = 255 * GAUSSIAN_SIGMA[severity - 1]
    if severity <= 3:  # beyond, clipping at 0 and 255 bites
        assert noise.std().item() == pytest.approx(sigma, rel=0.02)
        assert abs(noise.mean().item()) < 0.02 * sigma
    inside = (noise.abs() < 100).double().mean().item()
    assert inside == pytest.approx(torch.erf(torch.tensor(99.5 / sigma / 2**0.5)).item(), abs=0.005)


def test_gaussian_noise_is_independent_between_pixels_channels_and_frames():
    grey = torch.full((3, 4, 64, 64), 128, dtype=torch.uint8)
    noise = gaussian_noise(grey, 1, rng()).double() - 128
    for first, second in [
        (noise[0], noise[1]), (noise[:, 0], noise[:, 1]), (noise[..., 0::2], noise[..., 1::2])
    ]:  # fmt: skip
        assert abs(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1].item()) < 0.06


def test_gaussian_noise_rounds_and_clips():
    clip = frames()
    noise = torch.randn(clip.shape, generator=rng(3))
    result = gaussian_noise(clip, 4, rng(3))
    for got, before, z in zip(
        result.flatten()[:200].tolist(), clip.flatten().tolist(), noise.flatten().tolist(), strict=False
    ):
        assert got == min(255, max(0, round(before + z * 255 * 0.26)))


def kendall(order: Tensor) -> float:
    """Share of pairs in their order minus share of pairs against it."""
    pairs = [(i, j) for i in range(len(order)) for j in range(i + 1, len(order))]
    return sum((order[i] < order[j]).item() - (order[i] > order[j]).item() for i, j in pairs) / len(pairs)


@pytest.mark.parametrize("t", [8, 16])
def test_harder_jumbling_leaves_less_of_the_order(t: int):
    tau = [sum(kendall(jumbled(t, s, rng(i))) for i in range(40)) / 40 for s in (1, 3, 5)]
    assert tau == sorted(tau, reverse=True)
    assert tau[0] > 0.8
    assert abs(tau[2]) < 0.2


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("t", [4, 8, 15, 16])
def test_jumbling_moves_frames_inside_aligned_segments_only(t: int, severity: int):
    length = max(2, round(severity * t / 5))
    order = jumbled(t, severity, rng()).tolist()
    for start in range(0, t, length):
        assert sorted(order[start : start + length]) == list(range(start, min(start + length, t)))


def test_harder_freezing_holds_more_frames():
    held = [
        sum((frozen(16, s, rng(i)).diff() == 0).sum().item() for i in range(200)) / (200 * 15)
        for s in SEVERITIES
    ]
    for s, share in zip(SEVERITIES, held, strict=True):
        assert share == pytest.approx(0.12 * s, abs=0.04)


def test_freezing_repeats_the_predecessor_and_keeps_the_first_frame():
    clip = frames(16)
    result = apply("freezing", clip, 4)
    assert torch.equal(result[:, 0], clip[:, 0])
    for t in range(1, 16):
        assert torch.equal(result[:, t], clip[:, t]) or torch.equal(result[:, t], result[:, t - 1])


def test_reversal_of_severity_1_is_exact_and_undone_by_itself():
    clip = frames()
    for t in range(10):
        assert torch.equal(apply("reversal", clip, 1)[:, t], clip[:, 9 - t])
    assert torch.equal(apply("reversal", apply("reversal", clip, 1), 1), clip)


@pytest.mark.parametrize(
    ("severity", "order"),
    [
        (2, [8, 8, 6, 6, 4, 4, 2, 2, 0, 0]),
        (3, [9, 6, 6, 6, 3, 3, 3, 0, 0, 0]),
        (5, [5, 5, 5, 5, 5, 0, 0, 0, 0, 0]),
    ],
)
def test_harder_reversal_holds_every_nth_frame_backwards(severity: int, order: list[int]):
    assert reversed_(10, severity).tolist() == order


@pytest.mark.parametrize("name", TEMPORAL)
def test_temporal_types_show_only_frames_of_the_clip(name: str):
    clip = frames()
    known = {checksum(clip[:, t]) for t in range(10)}
    for severity in SEVERITIES:
        assert {checksum(apply(name, clip, severity)[:, t]) for t in range(10)} <= known


GOLDEN = {
    "freezing": [
        "3332d3ecef244e1b",
        "c9b1391eb08c0d21",
        "ffe24916ff097c45",
        "d2675891d34a14bb",
        "2d092a1c43c0989f",
    ],
    "gaussian_noise": [
        "5fa1543ff7884ffd",
        "3a35ae879b0090b3",
        "17e1c439aa840a42",
        "49c9f45572669202",
        "63359f12c49c7591",
    ],
    "jumbling": [
        "ee87d618b7529d05",
        "67aee3ad6a522caf",
        "da40d3e88a782c61",
        "86eb2c4845247166",
        "1b49a3abe6baaaf8",
    ],
    "reversal": [
        "124d0e8d512c9d7e",
        "4215bc49857c0b25",
        "55b00ebdcc9838c9",
        "f992aa86c6d47b1f",
        "b71d31dd02dd070b",
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_golden_bytes_of_every_type_and_severity(name: str):
    assert [checksum(apply(name, frames(), severity)) for severity in SEVERITIES] == GOLDEN[name]


# perturb


def batch() -> tuple[Clip, list[int]]:
    clips = torch.stack([frames(), frames().flip(1), frames().flip(2), frames().flip(3)])
    return Clip(clips, torch.tensor([0, 0, 1, 1]), ("a", "a", "b", "c")), [0, 1, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_equals_one_clip_at_a_time_in_any_order(name: str):
    clip, views = batch()
    together = perturb(clip, name, 3, 7, views)
    assert torch.equal(clip.frames, batch()[0].frames)
    assert (together.video, together.label.tolist()) == (clip.video, clip.label.tolist())
    for i in (2, 0, 3, 1):
        one = Clip(clip.frames[i : i + 1], clip.label[i : i + 1], clip.video[i : i + 1])
        assert torch.equal(perturb(one, name, 3, 7, views[i : i + 1]).frames[0], together.frames[i])


def test_seed_video_view_type_and_severity_name_the_stream():
    grey = torch.full((1, 3, 2, 4, 4), 128, dtype=torch.uint8)

    def result(video: str = "a", view: int = 0, seed: int = 0, severity: int = 3) -> str:
        clip = Clip(grey, torch.tensor([0]), (video,))
        noise = perturb(clip, "gaussian_noise", severity, seed, [view]).frames.float() - 128
        return str(noise.sign().flatten().tolist())

    streams = [result(), result(video="b"), result(view=1), result(seed=1), result(severity=2)]
    assert len(set(streams)) == 5
    assert result() == streams[0]


def test_numpy_integers_name_the_same_stream_as_python_integers():
    clip, views = batch()
    arrays = perturb(clip, "gaussian_noise", torch.tensor(3).numpy()[()], 7, torch.tensor(views).numpy())
    assert torch.equal(arrays.frames, perturb(clip, "gaussian_noise", 3, 7, views).frames)


def test_clean_is_the_identity():
    clip, views = batch()
    assert torch.equal(perturb(clip, CLEAN, 0, 0, views).frames, clip.frames)


def test_unknown_types_and_severities_are_refused():
    clip, views = batch()
    with pytest.raises(UsageError, match="Did you mean 'jumbling'"):
        perturb(clip, "jumblin", 3, 0, views)
    for severity in (0, 6):
        with pytest.raises(UsageError, match="wanted 1 to 5"):
            perturb(clip, "jumbling", severity, 0, views)
    with pytest.raises(ValueError):
        perturb(clip, "jumbling", 3, 0, views[:2])
