from itertools import pairwise

import numpy as np
import pytest
import torch
from test_speed import drawn, rng, unchanged
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones import BACKBONES
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core.clip import Clip
from muybridge.core.networks.features import Features
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.prp import PRP, interleaved, reconstruction
from muybridge.objectives.pretext.prp_mask import motion_mask


class Fixed(nn.Module):
    """A backbone with a map of a given shape."""

    def __init__(self, *shape: int):
        super().__init__()
        self.map = nn.Parameter(torch.randn(1, *shape, generator=rng()))

    def forward(self, frames: Tensor) -> Features:
        last = self.map + frames.mean((1, 2, 3, 4)).view(-1, 1, 1, 1, 1)
        return Features(last.mean((2, 3, 4)), {"last": last})


def at_rate(rate: int, frames: int, size: int, video: Tensor) -> Clip:
    """``video`` (uint8 ``3 t h w``) as PRP's law lays it out at one rate."""
    law = PRP(8).law(frames, 1, 0, "shrink")
    places = law.layout(frames, rate, 8)
    place = torch.tensor([(1, 2, 4, 8).index(rate)])
    facts = {"rate": place, "choices": torch.tensor([4])}
    return Clip(video[None, :, places], torch.tensor([-1]), ["v"], facts)


def noise(frames: int, size: int) -> Tensor:
    return torch.randint(0, 256, (3, frames, size, size), generator=rng(5), dtype=torch.uint8)


# frames


@pytest.mark.parametrize("rate", [1, 2, 4, 8])
def test_the_target_has_32_frames_of_112_pixels_at_every_rate(rate: int):
    views = PRP(8).views(at_rate(rate, 16, 112, noise(128, 112)), unchanged, rng())
    assert views["clip"].shape == (1, 3, 16, 112, 112)
    assert views["frames"].shape == views["mask"].shape == (1, 3, 32, 112, 112)
    assert views["flags"].sum() == (16 if rate == 1 else 32)
    assert 0.8 <= views["mask"].min() < 0.9 < 1.9 < views["mask"].max() <= 2.0
    assert 0 <= views["frames"].min() <= views["frames"].max() <= 1


@pytest.mark.parametrize("rate", [2, 4, 8])
def test_the_clip_is_every_ratest_frame_and_the_target_lies_twice_as_dense(rate: int):
    video = noise(64, 7)
    views = PRP(8).views(at_rate(rate, 8, 7, video), unchanged, rng())
    assert torch.equal((views["clip"][0] * 255).round(), video[:, : 8 * rate : rate].float())
    assert torch.equal((views["frames"][0] * 255).round(), video[:, : 8 * rate : rate // 2].float())


def test_at_rate_1_averages_stand_between_the_frames_and_do_not_count():
    video = noise(8, 7)
    views = PRP(8).views(at_rate(1, 8, 7, video), unchanged, rng())
    frames, real = views["frames"][0] * 255, video.float()
    assert views["flags"][0].tolist() == [True, False] * 8
    for i in range(8):
        torch.testing.assert_close(frames[:, 2 * i], real[:, i])
        torch.testing.assert_close(frames[:, 2 * i + 1], (real[:, i] + real[:, min(i + 1, 7)]) / 2)
    assert torch.equal(views["clip"][0], views["frames"][0, :, ::2])


def test_only_videos_at_rate_1_get_averages():
    frames = torch.rand(2, 3, 6, 2, 2, generator=rng())
    made, real = interleaved(frames, torch.tensor([True, False]))
    assert torch.equal(made[1], frames[1])
    assert real[1].all()
    assert not torch.equal(made[0], frames[0])


# mask


def enlarged(small: np.ndarray, size: int) -> np.ndarray:
    """Bilinear, pixel centres of both pictures on one another."""
    out = np.zeros((size, size))
    for y in range(size):
        for x in range(size):
            places = []
            for at, length in ((y, small.shape[0]), (x, small.shape[1])):
                where = min(max((at + 0.5) * length / size - 0.5, 0), length - 1)
                low = min(int(where), length - 2) if length > 1 else 0
                places.append((low, min(low + 1, length - 1), where - low))
            (y0, y1, b), (x0, x1, a) = places
            top, bottom = ((1 - a) * small[row, x0] + a * small[row, x1] for row in (y0, y1))
            out[y, x] = (1 - b) * top + b * bottom
    return out


def mask_of(video: np.ndarray, rate: int, frames: int) -> np.ndarray:
    """The motion mask of ``c t h w`` block by block, channel by channel, window by window."""
    channels, _, size, _ = video.shape
    window, step = size * 28 // 112, size * 7 // 112
    mask = np.zeros((channels, 2 * frames, size, size))
    for c in range(channels):
        for block in range(rate):
            probes = [video[c, block * frames + round(i * (frames - 1) / 3)] for i in range(4)]
            corners = range(0, size - window + 1, step)
            changes = np.mean([(b - a) ** 2 for a, b in pairwise(probes)], axis=0)
            moved = np.array(
                [[changes[y : y + window, x : x + window].mean() for x in corners] for y in corners]
            )
            scaled = 0.8 + 1.2 * (moved - moved.min()) / (moved.max() - moved.min() + 1e-6)
            share = 2 * frames // rate
            mask[c, block * share : (block + 1) * share] = enlarged(scaled, size)
    return mask


@pytest.mark.parametrize("rate", [1, 2, 4, 8])
@pytest.mark.parametrize(("frames", "size"), [(16, 32), (8, 16)])
def test_the_mask_equals_the_block_by_block_reference(rate: int, frames: int, size: int):
    video = noise(8 * frames, size)
    views = PRP(8).views(at_rate(rate, frames, size, video), unchanged, rng())
    expected = mask_of(video.numpy() / 255, rate, frames)
    torch.testing.assert_close(views["mask"][0].double(), torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def test_a_static_clip_counts_the_same_everywhere():
    still = noise(1, 32).expand(-1, 128, -1, -1)
    assert (PRP(8).views(at_rate(4, 16, 32, still), unchanged, rng())["mask"] == 1).all()


def test_what_moves_counts_most():
    probes = torch.zeros(1, 3, 4, 32, 32)
    probes[:, :, 1::2, :16, :16] = 1
    mask = motion_mask(probes, torch.tensor([1]), 8)
    assert (mask[..., :8, :8] > 1.99).all()
    assert mask[..., 24:, 24:] == pytest.approx(0.8)


# loss and network


def test_the_loss_is_the_weighted_error_over_real_frames():
    painted, frames = (torch.rand(3, 2, 4, 3, 3, generator=rng(i)) for i in range(2))
    mask = torch.rand(3, 2, 4, 3, 3, generator=rng(2)) + 0.5
    flags = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]]).bool()
    videos = []
    for b in range(3):
        errors = [
            float(mask[b, c, t, y, x] * (painted[b, c, t, y, x] - frames[b, c, t, y, x]) ** 2)
            for c in range(2) for t in range(4) if flags[b, t] for y in range(3) for x in range(3)
        ]  # fmt: skip
        videos.append(sum(errors) / len(errors))
    assert reconstruction(painted, frames, mask, flags).item() == pytest.approx(sum(videos) / 3, rel=1e-5)


def test_terms_are_the_error_and_the_cross_entropy_and_a_tenth_of_it_counts():
    task = PRP(64, width=16)
    learner = Learner(Fixed(16, 1, 1, 1), task, 4, 16).eval()
    clip = drawn(task, 70, 20)
    clip = Clip(clip.frames[..., :1, :1].expand(-1, -1, -1, 16, 16), clip.label, clip.video, clip.drawn)
    views = task.views(clip, unchanged, rng())
    outcome = learner(views)
    logits, painted = task.branches(learner.backbone(views["clip"]).maps["last"])
    expected = F.cross_entropy(logits, views["target"])
    torch.testing.assert_close(outcome.terms["rate"], expected)
    error = reconstruction(painted, views["frames"], views["mask"], views["flags"])
    torch.testing.assert_close(outcome.terms["reconstruction"], error)
    assert outcome.monitors["chance"].item() == pytest.approx(1 / 4)
    assert outcome.monitors["accuracy"].item() == (logits.argmax(1) == views["target"]).float().mean().item()


def test_the_branches_have_the_published_size_on_the_published_map():
    task = PRP(512)
    task.attach(Fixed(512, 2, 7, 7), 16, 112)
    assert isinstance(task.branches.narrow, nn.Identity)
    assert sum(p.numel() for p in task.parameters()) == 21_598_541
    assert round(21_598_541 / 1e6, 1) == 21.6


@pytest.mark.parametrize(
    ("shape", "frames", "size"), [((32, 2, 7, 7), 16, 112), ((60, 1, 4, 4), 16, 112), ((24, 8, 3, 3), 8, 40), ((16, 4, 2, 2), 4, 24)]
)  # fmt: skip
def test_any_map_is_painted_at_the_size_of_the_frames(shape: tuple, frames: int, size: int):
    task = PRP(shape[0], width=16)
    backbone = Fixed(*shape)
    task.attach(backbone, frames, size)
    logits, painted = task.branches(backbone(torch.rand(2, 3, frames, size, size)).maps["last"])
    assert logits.shape == (2, 4)
    assert painted.shape == (2, 3, 2 * frames, size, size)
    assert painted.min() >= 0


@pytest.mark.parametrize("name", [name for name in BACKBONES if name.endswith("-tiny")])
def test_the_branches_fit_every_small_backbone(name: str):
    backbone = BACKBONES[name].load()()
    learner = Learner(backbone, PRP(backbone.dim, width=16), 8, 32)
    views = learner.objective.views(at_rate(4, 8, 32, noise(32, 32)), unchanged, rng())
    views = {key: torch.cat([value] * 2) for key, value in views.items()}
    assert all(torch.isfinite(term) for term in learner(views).terms.values())


def test_attaching_leaves_the_backbone_as_it_was():
    backbone = tiny()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    PRP(128, width=16).attach(backbone.train(), 8, 32)
    assert backbone.training
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())


def test_both_terms_reach_the_backbone_and_every_weight():
    task = PRP(16, width=16)
    learner = Learner(tiny((4, 8, 8, 16)), task, 4, 16)
    clip = Clip(
        torch.randint(0, 256, (8, 3, 40, 16, 16), generator=rng(1), dtype=torch.uint8),
        torch.full((8,), -1), [str(i) for i in range(8)], {"rate": torch.arange(8) % 4, "choices": torch.full((8,), 4)},
    )  # fmt: skip
    for term in ("reconstruction", "rate"):
        learner.zero_grad()
        learner(task.views(clip, unchanged, rng())).terms[term].backward()
        assert all(p.grad is not None for p in learner.backbone.parameters())
        mine = {name for name, p in task.named_parameters() if p.grad is not None and p.grad.any()}
        assert any("namer" in name for name in mine) == (term == "rate")
        assert any("painter" in name for name in mine) == (term == "reconstruction")


def test_a_projection_behind_the_map_gets_a_gradient_of_zero():
    backbone = Fixed(16, 1, 1, 1)
    backbone.projection = nn.Linear(16, 8)
    encode = backbone.forward
    backbone.forward = lambda frames: Features(
        backbone.projection(encode(frames).pooled), encode(frames).maps
    )
    learner = Learner(backbone, PRP(8, width=16), 4, 16)
    clip = at_rate(2, 4, 16, noise(32, 16))
    views = learner.objective.views(clip, unchanged, rng())
    views = {name: torch.cat([value] * 2) for name, value in views.items()}
    views["clip"][1] = 0
    sum(learner(views).terms.values()).backward()
    assert all(p.grad is not None for p in learner.parameters())
    assert not backbone.projection.weight.grad.any()
    assert backbone.map.grad.any()


def test_the_painter_learns_to_paint():
    torch.manual_seed(0)
    task = PRP(16, width=32)
    learner = Learner(tiny((8, 8, 16, 16)), task, 4, 16)
    shade = torch.linspace(20, 235, 16).to(torch.uint8).view(16, 1, 1, 1, 1).expand(-1, 3, 40, 16, 16)
    facts = {"rate": torch.arange(16) % 4, "choices": torch.full((16,), 4)}
    views = task.views(Clip(shade, torch.full((16,), -1), [""] * 16, facts), unchanged, rng())
    optimiser = torch.optim.Adam(learner.parameters(), 3e-3)
    for _ in range(80):
        error = learner(views).terms["reconstruction"]
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    variance = views["frames"].var().item()
    assert error.item() < 0.1 * variance


@pytest.mark.parametrize("wrong", [{"rates": 1}, {"rates": 5}, {"width": 20}, {"width": 0}])
def test_impossible_options_are_refused(wrong: dict):
    with pytest.raises(ValueError, match=r"prp: (rates|width)=.*wanted"):
        PRP(8, **wrong)


def test_captions_say_the_rate():
    assert [PRP(8).caption(i) for i in range(4)] == [f"played at rate {rate}" for rate in (1, 2, 4, 8)]
