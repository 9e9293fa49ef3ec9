"""Queue, keys and heads of the contrastive tasks."""

import pytest
import torch
from contrasts import DIM, noise, rng
from torch import nn

from muybridge.core.errors import UsageError
from muybridge.objectives.contrastive.contrast import (
    Head,
    Queue,
    deal,
    first_is_right,
    in_groups,
    scores,
    unit,
)
from muybridge.objectives.contrastive.cvrl import CVRL
from muybridge.objectives.contrastive.rspnet import RSPNet
from muybridge.objectives.contrastive.tdl import TDL


def test_a_queue_holds_the_last_keys_and_overwrites_the_oldest() -> None:
    queue, pushed = Queue(5, 3), torch.randn(14, 3, generator=rng())
    torch.testing.assert_close(queue.keys.norm(dim=1), torch.ones(5))
    for part in pushed.split(2):
        queue.push(part)
    assert sorted(queue.keys.tolist()) == sorted(pushed[-5:].tolist())
    assert int(queue.place) == 14 % 5


def test_keys_are_encoded_in_random_sub_batches_and_come_back_in_order() -> None:
    sizes, frames = [], noise(10, 2).frames.float()

    def encode(part):
        sizes.append(len(part))
        return part.flatten(1)

    order = deal(10, rng())
    assert sorted(order.tolist()) == list(range(10)) != order.tolist()
    assert torch.equal(in_groups(encode, frames, order, 4), frames.flatten(1))
    assert sizes == [3, 3, 2, 2]


def test_batch_norm_of_keys_sees_its_sub_batch_only() -> None:
    norm, frames = nn.BatchNorm1d(48, affine=False), torch.randn(8, 3, 1, 4, 4, generator=rng())
    order = deal(8, rng(1))
    keys = in_groups(lambda part: norm(part.flatten(1)), frames, order, 2)
    for half in (order[:4], order[4:]):
        torch.testing.assert_close(keys[half].mean(0), torch.zeros(48), atol=1e-5, rtol=0)
    assert not keys.requires_grad


def test_scores_stay_float32_under_autocast() -> None:
    a, b = (unit(torch.randn(6, DIM, generator=rng(i))) for i in (0, 1))
    with torch.autocast("cpu", torch.bfloat16):
        assert scores(a, b).dtype == torch.float32
        inside = scores(a, b)
    assert torch.equal(inside, a @ b.T)


@pytest.mark.parametrize("norm", [False, True])
def test_embeddings_have_length_one(norm: bool) -> None:
    made = Head(DIM, 7, norm)(torch.randn(5, DIM, generator=rng()))
    torch.testing.assert_close(made.norm(dim=1), torch.ones(5))


def test_the_first_column_is_the_right_one() -> None:
    logits = torch.tensor([[50.0, 0.0, 0.0], [50.0, 0.0, 0.0]])
    assert float(first_is_right(logits)) < 1e-6
    assert float(first_is_right(logits.flip(1))) > 40


@pytest.mark.parametrize(
    ("task", "videos", "dataset", "words"),
    [
        (CVRL(DIM), 1, 100, "nothing to compare with.*--batch 4 or more"),
        (TDL(DIM), 3, 1000, "3 videos a step are too few.*--batch 12 or more"),
        (RSPNet(DIM, queue=64), 2, 100, "2 videos a step are too few"),
        (TDL(DIM), 16, 499, "a queue of 500 keys does not fit 499 training videos.*queue=499"),
        (RSPNet(DIM), 16, 2000, "a queue of 16384 keys.*at least 16 and at most 2000.*queue=2000"),
        (RSPNet(DIM, queue=8), 16, 2000, "a queue of 8 keys.*queue=16"),
        (RSPNet(DIM, queue=8), 16, 10, "more videos, or a smaller --batch"),
    ],
)
def test_batches_and_queues_that_do_not_fit_are_refused(task, videos: int, dataset: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        task.needs(videos, dataset)


def test_batches_and_queues_that_fit_are_taken() -> None:
    for task in (CVRL(DIM), TDL(DIM, queue=16), RSPNet(DIM, queue=20)):
        task.needs(16, 20)
    assert TDL(DIM, queue=16).chance == 1 / 18
    assert RSPNet(DIM, queue=16).chance == 1 / 17


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [(TDL, {"queue": 0}), (TDL, {"momentum": 1.0}), (RSPNet, {"temperature": 0.0}), (RSPNet, {"speed": 1}), (CVRL, {"temperature": 0.0})],
)  # fmt: skip
def test_values_without_meaning_are_refused(kind, wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kind(DIM, **wrong)
