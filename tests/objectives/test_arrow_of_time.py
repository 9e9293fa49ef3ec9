import math

import pytest
import torch
from falling import falling_bars
from test_speed import rng, unchanged
from torch import Tensor

from muybridge.augment.chain import augment
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core.clip import Clip
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.arrow_of_time import ArrowOfTime
from muybridge.sampling.frame_numbers import Sampling

HELD_OUT = 240


def numbered(videos: int, frames: int) -> Clip:
    """Frames whose pixels are their number."""
    number = torch.arange(frames, dtype=torch.uint8).view(1, 1, -1, 1, 1)
    return Clip(
        number.expand(videos, 3, -1, 6, 6), torch.full((videos,), -1), [str(i) for i in range(videos)]
    )


def decaying(videos: int, frames: int, rng: torch.Generator) -> Clip:
    """A patch that flashes up in one frame and dies away, over a ground that does nothing."""
    flash = torch.randint(0, frames - 2, (videos, 1), generator=rng)
    age = torch.arange(frames) - flash
    light = torch.where(age < 0, 0.0, torch.exp(-0.5 * age))
    ground = torch.rand(videos, 1, 1, 20, 20, generator=rng).mul(0.4).expand(-1, 3, frames, -1, -1).clone()
    ground[..., 6:14, 6:14] += 0.6 * light.view(videos, 1, frames, 1, 1)
    return Clip((ground * 255).to(torch.uint8), torch.full((videos,), -1), [""] * videos)


def bars(videos: int, frames: int, rng: torch.Generator) -> Clip:
    return falling_bars(videos, frames, 20, rng)


def symmetric(videos: int, frames: int, rng: torch.Generator) -> Clip:
    """Falling bars, half of them filmed backwards: every motion is as frequent as its reverse."""
    clip = bars(videos, frames, rng)
    backwards = torch.rand(videos, generator=rng) < 0.5
    shown = torch.where(backwards.view(-1, 1, 1, 1, 1), clip.frames.flip(2), clip.frames)
    return Clip(shown, clip.label, clip.video)


def crop(frames: Tensor, rng: torch.Generator, view: int = 0) -> Tensor:
    return augment(frames, ("crop",), 16, rng)


def held_out_accuracy(source, steps: int = 60) -> float:
    torch.manual_seed(0)
    task = ArrowOfTime(32, dropout=0.0)
    learner = Learner(tiny((8, 8, 16, 32)), task, 6, 16)
    optimiser = torch.optim.AdamW(learner.parameters(), 4e-3)
    for step in range(steps):
        loss = learner(task.views(source(32, 6, rng(step)), crop, rng(step))).terms["arrow-of-time"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    learner.eval()
    with torch.no_grad():
        outcome = learner(task.views(source(HELD_OUT, 6, rng(10_000)), crop, rng(10_000)))
    return outcome.monitors["accuracy"].item()


def test_target_1_shows_the_frames_backwards():
    views = ArrowOfTime(4).views(numbered(40, 5), unchanged, rng())
    for shown, target in zip(views["clip"][:, 0, :, 0, 0], views["target"].tolist(), strict=True):
        assert (shown * 255).round().tolist() == ([4, 3, 2, 1, 0] if target else [0, 1, 2, 3, 4])


def test_both_directions_are_shown_equally_often():
    target = ArrowOfTime(4).views(numbered(2000, 2), unchanged, rng())["target"]
    assert abs(target.float().mean().item() - 0.5) < 4 * math.sqrt(0.25 / 2000)


def test_one_clip_is_drawn_by_the_plain_law():
    task = ArrowOfTime(4)
    assert task.law(8, 3, 5, "loop") == Sampling(8, 3, 1, 0, "loop")
    assert (task.clips, task.chance) == (1, 0.5)


@pytest.mark.parametrize("source", [bars, decaying])
def test_the_arrow_is_found_where_time_has_a_direction(source):
    assert held_out_accuracy(source) > 0.9


def test_the_arrow_stays_at_chance_where_every_motion_has_its_reverse():
    assert abs(held_out_accuracy(symmetric) - 0.5) < 4 * math.sqrt(0.25 / HELD_OUT)


def test_captions_say_the_direction():
    assert [ArrowOfTime(4).caption(i) for i in range(2)] == ["forwards", "backwards"]
