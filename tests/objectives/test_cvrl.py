"""CVRL: views, loss against a slow loop, value at random initialisation, gradients."""

import math

import pytest
import torch
from contrasts import DIM, dot, info_nce, learner, noise, rng, unchanged
from torch.nn import functional as F

from muybridge.core.clip import to_unit
from muybridge.objectives.contrastive.contrast import unit
from muybridge.objectives.contrastive.cvrl import CVRL


def test_the_two_clips_take_the_augmentations_of_their_own_view() -> None:
    clip, seen = noise(3, 4), []

    def change(frames, rng, view=0):
        seen.append(view)
        return frames // (view + 1)

    views = CVRL(DIM).views(clip, change, rng())
    assert seen == [0, 1]
    assert torch.equal(views["first"], to_unit(clip.frames[:, :, :2]))
    assert torch.equal(views["second"], to_unit(clip.frames[:, :, 2:] // 2))


def test_the_loss_equals_a_loop_over_both_directions() -> None:
    module = learner(CVRL, hidden=8).eval()
    views = module.objective.views(noise(5, 4), unchanged, rng())
    outcome = module(views)
    z, w = (
        unit(module.objective.head(module.backbone(views[name]).pooled)).detach()
        for name in ("first", "second")
    )
    total, right = 0.0, 0
    for mine, partner in ((z, w), (w, z)):
        rows = []
        for i in range(5):
            others = [j for j in range(5) if j != i]
            row = [
                mine[i] @ partner[i],
                *(mine[i] @ partner[j] for j in others),
                *(mine[i] @ mine[j] for j in others),
            ]
            rows.append([float(x) / 0.1 for x in row])
        total += info_nce(rows)
    right = sum(max(range(5), key=lambda j: dot(z[i], w[j])) == i for i in range(5))
    assert outcome.terms["cvrl"].item() == pytest.approx(total, rel=1e-5)
    assert outcome.monitors["accuracy"].item() == pytest.approx(right / 5)
    assert outcome.monitors["chance"].item() == pytest.approx(1 / 5)


def test_independent_embeddings_cost_two_log_of_the_candidates() -> None:
    videos, task = 256, CVRL(DIM)
    z, w = (unit(torch.randn(videos, 128, generator=rng(i))) for i in (0, 1))
    target = torch.arange(videos)
    loss = F.cross_entropy(task.logits(z, w), target) + F.cross_entropy(task.logits(w, z), target)
    # E exp(s / 0.1) of similarities with variance 1/128 adds 100 / 256 to each logarithm
    assert loss.item() == pytest.approx(2 * (math.log(2 * videos - 1) + 100 / 256), rel=0.02)
    flat = CVRL(DIM, temperature=1e6)
    assert F.cross_entropy(flat.logits(z, w), target).item() == pytest.approx(
        math.log(2 * videos - 1), rel=1e-5
    )


def test_the_head_is_the_published_one() -> None:
    head = CVRL(512).head
    assert [block[0].weight.shape for block in head[:3]] == [(2048, 512), (2048, 2048), (2048, 2048)]
    assert head[3].weight.shape == (128, 2048)
    assert {(block[1].eps, block[1].momentum) for block in head[:3]} == {(1e-5, 0.003)}


def test_gradient_reaches_everything() -> None:
    module = learner(CVRL, hidden=8)
    module(module.objective.views(noise(6, 4), unchanged, rng())).terms["cvrl"].backward()
    assert all(p.grad is not None and p.grad.any() for p in module.parameters())
