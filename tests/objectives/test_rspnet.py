"""RSPNet: speeds, both losses against slow loops, what enters the queue, who takes a gradient."""

import pytest
import torch
from contrasts import DIM, dot, info_nce, learner, noise, rng, unchanged

from muybridge.objectives.contrastive.momentum import embed
from muybridge.objectives.contrastive.rspnet import RSPNet


@pytest.mark.parametrize("speed", [2, 4])
def test_half_of_the_videos_are_fast_and_the_negative_has_the_other_speed(speed: int) -> None:
    n = 3 * speed
    clip = noise(10, 2 * n)
    views = RSPNet(DIM, queue=8, speed=speed).views(clip, unchanged, rng())
    first, second = clip.frames.float().div(255).chunk(2, dim=2)
    fast = 0
    for i in range(10):
        shown = {name: views[name][i] for name in ("query", "positive", "negative")}
        quick = torch.equal(shown["query"], first[i, :, ::speed])
        fast += quick
        slow, rapid = second[i, :, :3], second[i, :, ::speed]
        assert torch.equal(shown["query"], first[i, :, ::speed] if quick else first[i, :, :3])
        assert torch.equal(shown["positive"], rapid if quick else slow)
        assert torch.equal(shown["negative"], slow if quick else rapid)
    assert fast == 5


def test_both_losses_equal_loops() -> None:
    module = learner(RSPNet, queue=7, temperature=0.5).eval()
    task = module.objective
    views = task.views(noise(6, 8), unchanged, rng())
    outcome = module(views)
    look, move = embed(module.backbone, task.heads, views["query"]).detach().chunk(2, dim=1)
    same_look, same_move = task.keys(views["positive"], views["order"]).chunk(2, dim=1)
    other_look, other_move = task.keys(views["negative"], views["order"]).chunk(2, dim=1)
    appearance, hits = 0.0, 0
    for keys in (same_look, other_look):
        rows = [[dot(look[i], key) / 0.5 for key in (keys[i], *task.queue.keys)] for i in range(6)]
        assert task.logits(look, keys).shape == (6, 7 + 1)
        appearance += info_nce(rows)
        hits += sum(row[0] == max(row) for row in rows)
    ahead = [(dot(move[i], same_move[i]) - dot(move[i], other_move[i])) / 0.5 for i in range(6)]
    assert outcome.terms["appearance"].item() == pytest.approx(appearance, rel=1e-4)
    assert outcome.terms["motion"].item() == pytest.approx(
        sum(max(0.0, 2.0 - x) for x in ahead) / 6, rel=1e-4
    )
    assert outcome.monitors["accuracy"].item() == pytest.approx(hits / 12)
    assert outcome.monitors["speed_accuracy"].item() == pytest.approx(sum(x > 0 for x in ahead) / 6)


def test_the_motion_loss_starts_at_the_margin() -> None:
    module = learner(RSPNet, queue=64)
    outcome = module(module.objective.views(noise(64, 8), unchanged, rng()))
    assert outcome.terms["motion"].item() == pytest.approx(2.0, abs=0.3)


def test_the_key_at_the_other_speed_enters_the_queue() -> None:
    module = learner(RSPNet, queue=9)
    task = module.objective
    views = task.views(noise(6, 8), unchanged, rng())
    expected = task.keys(views["negative"], views["order"]).chunk(2, dim=1)[0]
    module(views)
    task.after_step(module.backbone)
    assert torch.equal(task.queue.keys[:6], expected)
    assert int(task.queue.place) == 6


def test_only_the_query_takes_a_gradient() -> None:
    module = learner(RSPNet, queue=7)
    views = {
        name: value.requires_grad_() if value.is_floating_point() else value
        for name, value in module.objective.views(noise(6, 8), unchanged, rng()).items()
    }
    sum(module(views).terms.values()).backward()
    assert views["query"].grad.any()
    assert views["positive"].grad is None
    assert views["negative"].grad is None
    for name, p in module.named_parameters():
        assert (p.grad is None) == ("slow" in name) == (not p.requires_grad), name


@pytest.mark.parametrize("norm", [False, True])
def test_batch_norm_in_the_heads_is_an_option(norm: bool) -> None:
    kinds = {type(layer).__name__ for layer in RSPNet(DIM, queue=8, head_norm=norm).heads.modules()}
    assert ("BatchNorm1d" in kinds) == norm
    sizes = [tuple(p.shape) for p in RSPNet(512, queue=8).heads.parameters()]
    assert sizes == [(128, 512), (128,)] * 2
