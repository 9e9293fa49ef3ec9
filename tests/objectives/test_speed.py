import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from muybridge.core.clip import Clip
from muybridge.core.networks.features import Features
from muybridge.objectives.pretext.speed import Speed


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unchanged(frames: Tensor, rng: torch.Generator, view: int = 0) -> Tensor:
    return frames


def drawn(task, total: int = 40, videos: int = 60, frames: int = 4) -> Clip:
    """Videos whose pixels are the number of their frame, as the task's law draws them."""
    law = task.law(frames, 1, 0, "shrink")
    draws = [law.draw(total, np.random.default_rng(i)) for i in range(videos)]
    numbers = torch.tensor(np.stack([draw.frames for draw in draws]), dtype=torch.uint8)
    pixels = numbers.view(videos, 1, -1, 1, 1).expand(-1, 3, -1, 5, 5)
    facts = {name: torch.tensor([draw.facts[name] for draw in draws]) for name in draws[0].facts}
    return Clip(pixels, torch.zeros(videos, dtype=torch.int64), [str(i) for i in range(videos)], facts)


def first_pixels(frames: Tensor) -> Features:
    return Features(frames[:, 0, :, 0, 0])


@pytest.mark.parametrize("rates", [2, 3, 4])
def test_the_target_names_the_step_between_the_frames(rates: int):
    task = Speed(4, rates)
    views = task.views(drawn(task), unchanged, rng())
    steps = (views["clip"][:, 0, :, 0, 0] * 255).round().diff(dim=1)
    listed = torch.tensor((1, 2, 4, 8)[:rates])
    assert torch.equal(steps, listed[views["target"]].float().unsqueeze(1).expand(-1, 3))
    assert set(views["target"].tolist()) == set(range(rates))
    assert task.chance == 1 / rates
    assert sum(p.numel() for p in task.parameters()) == 5 * rates


def test_the_loss_is_cross_entropy_over_the_rates():
    task = Speed(4).eval()
    views = task.views(drawn(task), unchanged, rng())
    outcome = task.outcome(first_pixels, views)
    logits = task.head(views["clip"][:, 0, :, 0, 0])
    torch.testing.assert_close(outcome.terms["speed"], F.cross_entropy(logits, views["target"]))
    right = logits.argmax(1) == views["target"]
    torch.testing.assert_close(outcome.monitors["accuracy"], right.float().mean())


@pytest.mark.parametrize(("total", "chance"), [(40, 1 / 3), (15, 1 / 2), (6, 1.0)])
def test_chance_counts_the_rates_that_fit_the_videos(total: int, chance: float):
    task = Speed(4)
    views = task.views(drawn(task, total), unchanged, rng())
    monitors = task.outcome(first_pixels, views).monitors
    assert monitors["chance"].item() == pytest.approx(chance)
    lowest = (views["target"] == 0).float().mean().item()
    assert lowest == pytest.approx(chance, abs=0.2), "who always names the lowest rate is right as often"


def test_a_still_looks_the_same_at_every_rate():
    draws = [Speed(4).law(8, 0, 0, "shrink").draw(30, np.random.default_rng(i)) for i in range(30)]
    assert {draw.facts["rate"] for draw in draws} == {0, 1, 2}
    assert all(len(set(draw.frames)) == 1 for draw in draws)


@pytest.mark.parametrize("rates", [1, 5])
def test_other_numbers_of_rates_are_refused(rates: int):
    with pytest.raises(ValueError, match="wanted 2, 3 or 4"):
        Speed(4, rates)


def test_captions_say_the_rate():
    assert [Speed(4).caption(i) for i in range(3)] == [f"played at rate {rate}" for rate in (1, 2, 4)]
