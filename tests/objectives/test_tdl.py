"""TDL: views, loss against a slow loop, who takes a gradient, queue and copies."""

import pytest
import torch
from contrasts import DIM, dot, info_nce, learner, noise, rng, unchanged

from muybridge.core.clip import to_unit
from muybridge.objectives.contrastive.momentum import embed
from muybridge.objectives.contrastive.tdl import TDL, mix


def test_anchor_and_positive_show_the_same_frames_and_the_negative_the_other_segment() -> None:
    clip, changed = noise(4, 6), []

    def change(frames, rng, view=0):
        changed.append(frames)
        return frames

    views = TDL(DIM, mixing=0.0).views(clip, change, rng())
    assert torch.equal(views["anchor"], to_unit(clip.frames[:, :, :3]))
    assert torch.equal(views["positive"], views["anchor"])
    assert torch.equal(views["negative"], to_unit(clip.frames[:, :, 3:]))
    assert len(changed) == 3, "three augmentations of their own"


def test_the_anchor_is_mixed_with_one_frame_of_its_own_by_one_share_per_batch() -> None:
    frames = torch.rand(6, 3, 5, 2, 2, generator=rng())
    mixed = mix(frames, 0.1, rng(3))
    shares = []
    for clip, made in zip(frames, mixed, strict=True):
        fits = []
        for j in range(5):
            step = (clip[:, j : j + 1] - clip).flatten()
            share = float((made - clip).flatten() @ step / (step @ step))
            if torch.allclose(made, clip + share * (clip[:, j : j + 1] - clip), atol=1e-6):
                fits.append(share)
        assert len(fits) == 1
        shares += fits
    assert max(shares) - min(shares) < 1e-5
    assert 0 < shares[0] < 0.1


def test_the_loss_equals_a_loop_over_positive_queue_and_negative() -> None:
    module = learner(TDL, queue=7).eval()
    views = module.objective.views(noise(5, 4), unchanged, rng())
    outcome = module(views)
    task = module.objective
    anchor, negative = (
        embed(module.backbone, task.heads, views[name]).detach() for name in ("anchor", "negative")
    )
    positive = task.keys(views["positive"], views["order"])
    rows = [
        [dot(anchor[i], key) / 0.07 for key in (positive[i], *task.queue.keys, negative[i])] for i in range(5)
    ]
    assert task.logits(anchor, positive, negative).shape == (5, 7 + 2)
    assert outcome.terms["tdl"].item() == pytest.approx(info_nce(rows), rel=1e-4)
    assert outcome.monitors["accuracy"].item() == pytest.approx(sum(row[0] == max(row) for row in rows) / 5)
    assert outcome.monitors["segment_accuracy"].item() == pytest.approx(
        sum(row[0] > row[-1] for row in rows) / 5
    )


def test_gradient_flows_through_the_negative_and_not_through_the_positive() -> None:
    module = learner(TDL, queue=7)
    views = {
        name: value.requires_grad_() if value.is_floating_point() else value
        for name, value in module.objective.views(noise(5, 4), unchanged, rng()).items()
    }
    module(views).terms["tdl"].backward()
    assert views["anchor"].grad.any()
    assert views["negative"].grad.any()
    assert views["positive"].grad is None
    for name, p in module.named_parameters():
        assert (p.grad is None) == ("slow" in name) == (not p.requires_grad), name


def test_after_a_step_the_positive_keys_are_in_the_queue_and_the_copies_have_followed() -> None:
    module = learner(TDL, queue=7, momentum=0.9)
    task = module.objective
    views = task.views(noise(5, 4), unchanged, rng())
    before, oldest = task.keys(views["positive"], views["order"]), task.queue.keys.clone()
    module(views)
    assert torch.equal(task.queue.keys, oldest), "not before the step is taken"
    start = module.backbone.layer.weight.detach().clone()
    module.backbone.layer.weight.data.add_(1)
    task.after_step(module.backbone)
    assert torch.equal(task.queue.keys[:5], before)
    assert torch.equal(task.queue.keys[5:], oldest[5:])
    torch.testing.assert_close(task.slow_backbone.layer.weight, start + 0.1)


def test_measuring_leaves_the_queue_alone() -> None:
    module = learner(TDL, queue=7).eval()
    before = module.objective.queue.keys.clone()
    module(module.objective.views(noise(5, 4), unchanged, rng()))
    module.objective.after_step(module.backbone)
    assert torch.equal(module.objective.queue.keys, before)
