import math
from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from muybridge.augment.chain import augment
from muybridge.core.clip import Clip
from muybridge.core.networks.features import Features
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.rotnet import RotNet, rotate
from muybridge.objectives.pretext.vcop import VCOP, arrange


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unchanged(frames: Tensor, rng: torch.Generator) -> Tensor:
    return frames


def crop(frames: Tensor, rng: torch.Generator) -> Tensor:
    return augment(frames, ("crop",), 6, rng)


def noise(b: int, t: int, s: int = 6) -> Clip:
    frames = torch.randint(0, 256, (b, 3, t, s, s), generator=rng(9), dtype=torch.uint8)
    return Clip(frames, torch.arange(b) % 3, tuple(map(str, range(b))))


def flat(frames: Tensor) -> Features:
    """A backbone without weights: the first eight pixels of each clip."""
    return Features(frames.flatten(1)[:, :8])


def cross_entropy(logits: Tensor, target: Tensor) -> float:
    """Mean of -log softmax at the target, in plain floats."""
    rows = logits.double().tolist()
    losses = [
        math.log(sum(math.exp(x) for x in row)) - row[t] for row, t in zip(rows, target.tolist(), strict=True)
    ]
    return sum(losses) / len(losses)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# RotNet


def test_rotnet_turns_every_frame_counter_clockwise_by_its_target():
    clip = noise(40, 3)
    views = RotNet(8).views(clip, unchanged, rng())
    assert set(views["target"].tolist()) == {0, 1, 2, 3}
    for shown, original, k in zip(views["clip"], clip.frames, views["target"].tolist(), strict=True):
        for t in range(3):
            for c in range(3):
                np.testing.assert_array_equal((shown[c, t] * 255).round(), np.rot90(original[c, t], k))


def test_one_quarter_turn_takes_the_top_row_to_the_left_column():
    frames = torch.zeros(1, 1, 1, 4, 4)
    frames[..., 0, :] = 1
    turned = rotate(frames, torch.tensor([1]))
    assert turned[..., :, 0].all()
    assert turned.sum() == 4


def test_turning_back_gives_the_original():
    frames, turns = noise(8, 2).frames, torch.arange(8) % 4
    assert torch.equal(rotate(rotate(frames, turns), (4 - turns) % 4), frames)


@pytest.mark.parametrize("rotations", [2, 3, 4])
def test_rotnet_uses_its_first_angles_equally(rotations: int):
    task = RotNet(8, rotations)
    counts = torch.bincount(task.views(noise(600, 1, 2), unchanged, rng())["target"], minlength=4)
    assert counts[rotations:].sum() == 0
    assert (counts[:rotations] - 600 / rotations).abs().max() < 4 * math.sqrt(600 / rotations)
    assert task.chance == 1 / rotations
    assert parameters(task) == 9 * rotations


@pytest.mark.parametrize("rotations", [1, 5])
def test_rotnet_refuses_other_numbers_of_rotations(rotations: int):
    with pytest.raises(ValueError, match="wanted 2, 3 or 4"):
        RotNet(8, rotations)


# VCOP


@pytest.mark.parametrize("clips", [2, 3, 4])
def test_vcop_shows_the_clips_in_the_order_that_its_target_names(clips: int):
    clip = noise(60, 2 * clips)
    views = VCOP(8, clips).views(clip, unchanged, rng())
    orders = list(permutations(range(clips)))
    assert views["tuple"].shape == (60, clips, 3, 2, 6, 6)
    for b, target in enumerate(views["target"].tolist()):
        for slot, original in enumerate(orders[target]):
            part = clip.frames[b, :, 2 * original : 2 * original + 2]
            assert torch.equal((views["tuple"][b, slot] * 255).round(), part.float())
    if clips < 4:
        assert set(views["target"].tolist()) == set(range(len(orders)))


def test_arranging_by_an_order_and_by_its_inverse_gives_the_original():
    tuples = torch.rand(5, 4, 3, 2, 3, 3, generator=rng())
    order = torch.stack([torch.randperm(4, generator=rng(i)) for i in range(5)])
    assert torch.equal(arrange(arrange(tuples, order), order.argsort(1)), tuples)


def test_vcop_crops_each_clip_of_a_tuple_for_itself_and_all_its_frames_alike():
    t, y, x = torch.meshgrid(torch.arange(12), torch.arange(30), torch.arange(30), indexing="ij")
    frames = torch.stack([t, y, x]).to(torch.uint8).expand(20, -1, -1, -1, -1)
    views = VCOP(8, 3).views(Clip(frames, torch.zeros(20, dtype=torch.int64), ("v",) * 20), crop, rng())
    shown = (views["tuple"] * 255).round()
    corner = shown[:, :, 1:, :, 0, 0]  # row and column of the window: video, slot, axis, frame
    assert (corner == corner[..., :1]).all(), "frames of a clip share one window"
    differing = [len({tuple(slot.tolist()) for slot in video[..., 0]}) for video in corner]
    assert sum(differing) > 2.8 * 20, "clips of a tuple have windows of their own"


@pytest.mark.parametrize(("clips", "millions"), [(3, 0.534), (4, 0.599), (5, 1.139)])
def test_vcop_heads_have_the_published_size(clips: int, millions: float):
    head = VCOP(512, clips)
    pairs, orders = clips * (clips - 1) // 2, math.factorial(clips)
    assert parameters(head) == (1024 * 512 + 512) + (512 * pairs + 1) * orders
    assert round(parameters(head) / 1e6, 3) == millions
    assert head.chance == 1 / orders


def test_vcop_logits_equal_the_pair_by_pair_reference():
    task = VCOP(4, 3, hidden=5).eval()
    features = torch.randn(2, 3, 4, generator=rng())
    task.requires_grad_(False)
    weight, bias = task.pairwise.weight, task.pairwise.bias
    for b in range(2):
        joined = []
        for i, j in [(0, 1), (0, 2), (1, 2)]:
            pair = torch.cat([features[b, i], features[b, j]])
            joined += [max(0.0, float(weight[k] @ pair + bias[k])) for k in range(5)]
        expected = task.head[1].weight @ torch.tensor(joined) + task.head[1].bias
        torch.testing.assert_close(task.logits(features)[b], expected)


@pytest.mark.parametrize("clips", [1, 6])
def test_vcop_refuses_other_numbers_of_clips(clips: int):
    with pytest.raises(ValueError, match="wanted 2 to 5"):
        VCOP(8, clips)


def test_the_table_of_orders_is_not_saved():
    assert set(VCOP(8).state_dict()) == {"pairwise.weight", "pairwise.bias", "head.1.weight", "head.1.bias"}


# supervised


def test_supervised_answers_the_labels_of_the_augmented_clip():
    clip = noise(5, 2, 9)
    views = Supervised(8, 3).views(clip, crop, rng(4))
    assert torch.equal(views["target"], clip.label)
    assert torch.equal((views["clip"] * 255).round(), crop(clip.frames, rng(4)).float())


# all


def task(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return OBJECTIVES[name].load()(8, **({} if OBJECTIVES[name].facts["pretext"] else {"classes": 3}))


@pytest.fixture(params=["rotnet", "vcop", "supervised"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_loss_is_cross_entropy_and_accuracy_counts_right_answers(name: str):
    objective = task(name).eval()
    views = objective.views(noise(7, 2 * objective.clips), unchanged, rng())
    logits = []
    (
        objective.head[-1] if isinstance(objective.head, nn.Sequential) else objective.head
    ).register_forward_hook(lambda module, given, out: logits.append(out.detach()))
    outcome = objective.outcome(flat, views)
    assert outcome.terms.keys() == {name}
    assert outcome.terms[name].item() == pytest.approx(cross_entropy(logits[0], views["target"]), rel=1e-5)
    right = [
        int(np.argmax(row)) == t for row, t in zip(logits[0].numpy(), views["target"].tolist(), strict=True)
    ]
    assert outcome.monitors["accuracy"].item() == pytest.approx(np.mean(right))


def test_views_are_floats_of_the_unit_range_and_leave_the_clip_alone(name: str):
    objective = task(name)
    clip = noise(4, 2 * objective.clips, 9)
    views = objective.views(clip, crop, rng(1))
    assert torch.equal(clip.frames, noise(4, 2 * objective.clips, 9).frames)
    shown = next(value for key, value in views.items() if key != "target")
    assert shown.dtype == torch.float32
    assert 0 <= shown.min() < 0.05 < 0.95 < shown.max() <= 1
    assert not any(value.requires_grad for value in views.values())
    again = objective.views(clip, crop, rng(1))
    assert all(torch.equal(views[key], again[key]) for key in views)


def test_terms_reach_backbone_and_heads(name: str):
    objective = task(name)

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.LazyLinear(8)

        def forward(self, frames):
            return Features(self.layer(frames.flatten(1)))

    learner = Learner(Linear(), objective)
    outcome = learner(objective.views(noise(6, 2 * objective.clips), unchanged, rng()))
    sum(outcome.terms.values()).backward()
    assert all(p.grad is not None and p.grad.any() for p in learner.parameters())
    assert not any(value.requires_grad for value in outcome.monitors.values())


def test_captions_say_the_answer():
    assert [RotNet(8).caption(k) for k in range(4)] == [
        f"turned by {angle} degrees" for angle in (0, 90, 180, 270)
    ]
    assert VCOP(8, 3).caption(0) == "clips in the order 1 2 3"
    assert VCOP(8, 3).caption(3) == "clips in the order 2 3 1"


def test_facts_of_a_pretext_task_name_its_complexity():
    for name, entry in OBJECTIVES.items():
        made = task(name)
        assert 0 <= made.chance < 1
        assert made.clips >= 1
        if "complexity" in entry.facts:
            assert entry.load()(8, **{entry.facts["complexity"]: 3}).chance > 0
