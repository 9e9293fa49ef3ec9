"""Weights of teachers on the contract: against the solver on whole scores, the papers' formulas, and what must hold of all."""

from functools import partial

import pytest
import torch
from torch import nn

from muybridge.core.errors import UsageError
from muybridge.core.networks.step import Step
from muybridge.objectives.labels.teacher_answers import agreed_weights, softened_loss
from muybridge.weighting.fixed import Fixed
from muybridge.weighting.teacher_weights import AeKd, Average, BestOnly, Confidence, Discrepancy

NAMES = ("supervised.supervised", "teacher-1.kd", "teacher-2.kd", "teacher-3.kd")
KINDS = (AeKd, Average, BestOnly, Confidence, Discrepancy)


def unused():
    raise AssertionError("these rules look at one batch only, once")


class Toy:
    """A linear student of six clips and three teachers."""

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.head, self.clips = nn.Linear(4, 5), torch.randn(6, 4)
        self.scores, self.target = 3 * torch.randn(3, 6, 5), torch.randint(5, (6,))

    @property
    def student(self) -> torch.Tensor:
        return self.head(self.clips)

    def step(self, number: int = 0) -> Step:
        cross = partial(nn.functional.cross_entropy, target=self.target)
        values = [cross(self.student), *softened_loss(self.student, self.scores)]
        told = {f"teacher-{i + 1}.label": cross(one) for i, one in enumerate(self.scores)}
        terms = dict(zip(NAMES, values, strict=True))
        return Step(
            number, 0.1, terms, NAMES[:1], [], list(self.head.parameters()), unused, unused,
            monitors=told, answer=self.head.bias,
        )  # fmt: skip


def prepared(kind, **options):
    made = kind(**options)
    made.prepare(NAMES, NAMES[:1])
    return made


@pytest.mark.parametrize("seed", range(20))
def test_ae_kd_gives_the_weights_of_the_solver_on_whole_scores(seed):
    toy = Toy(seed)
    expected = agreed_weights(toy.student, toy.scores)
    torch.testing.assert_close(prepared(AeKd).divide(toy.step()), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_count_once_teachers_their_share_and_the_gradient_is_that_of_the_weighted_sum(kind):
    toy = Toy()
    made, step = prepared(kind, share=0.5), toy.step()
    weighed = made.backward(step)
    weights = [weighed.weights[name] for name in NAMES]
    assert weights[0] == 1
    assert sum(weights[1:]) == pytest.approx(0.5)
    assert min(weights) >= 0
    found = [one.grad.clone() for one in step.parameters]
    toy.head.zero_grad()
    Fixed(dict(zip(NAMES, weights, strict=True))).backward(toy.step())
    for one, grad in zip(step.parameters, found, strict=True):
        torch.testing.assert_close(one.grad, grad)


def test_no_two_rules_give_the_same_weights():
    toy = Toy()
    found = [tuple(round(v, 5) for v in prepared(kind).divide(toy.step()).tolist()) for kind in KINDS]
    assert len(set(found)) == len(KINDS)


def test_confidence_is_that_of_the_paper():
    toy = Toy()
    losses = torch.stack([toy.step().monitors[f"teacher-{i}.label"] for i in (1, 2, 3)])
    expected = (1 - losses.exp() / losses.exp().sum()) / 2
    torch.testing.assert_close(prepared(Confidence).divide(toy.step()), expected)


def test_best_only_remembers_all_clips_and_goes_on_from_a_saved_state():
    toy, made = Toy(), prepared(BestOnly)
    losses = [float(toy.step().monitors[f"teacher-{i}.label"]) for i in (1, 2, 3)]
    best = min(range(3), key=losses.__getitem__)
    assert made.divide(toy.step()).argmax() == best
    made.known[best] = 100.0
    twin = prepared(BestOnly)
    twin.restore(made.snapshot())
    assert twin.divide(toy.step()).argmax() == made.divide(toy.step()).argmax() != best


@pytest.mark.parametrize("kind", KINDS)
def test_one_teacher_has_the_whole_share(kind):
    toy = Toy()
    made, step = kind(), toy.step()
    made.prepare(NAMES[:2], NAMES[:1])
    assert made.divide(step).tolist() == [1.0]


@pytest.mark.parametrize("terms", [NAMES[:1], (NAMES[0], "vcop.vcop")])
def test_without_teachers_there_is_nothing_to_weigh(terms):
    with pytest.raises(UsageError, match="--teachers"):
        AeKd().prepare(terms, NAMES[:1])


def test_scores_that_are_no_numbers_are_refused():
    toy = Toy()
    toy.scores[1, 0, 0] = float("nan")
    with pytest.raises(UsageError, match="not finite"):
        prepared(AeKd).backward(toy.step())


@pytest.mark.parametrize("values", [{"share": -1.0}, {"cap": 0.0}])
def test_options_out_of_range_are_refused(values):
    with pytest.raises(UsageError, match="wanted a number"):
        AeKd(**values)
