"""Losses and weights of teachers against torch's own KL divergence, autograd, and what must hold of them."""

import pytest
import torch
from torch.nn import functional as F

from muybridge.objectives.labels.teacher_answers import agreed_weights, pulls, softened_loss


@pytest.fixture
def scores() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(6, 5, requires_grad=True), torch.randn(3, 6, 5, requires_grad=True)


def test_the_loss_is_that_of_hinton(scores):
    student, teachers = scores
    for teacher, loss in zip(teachers, softened_loss(student, teachers), strict=True):
        own, theirs = F.log_softmax(student / 4, 1), F.softmax(teacher / 4, 1)
        torch.testing.assert_close(loss, 16 * F.kl_div(own, theirs, reduction="batchmean"))


def test_a_student_that_says_the_same_has_no_loss(scores):
    _, teachers = scores
    torch.testing.assert_close(
        softened_loss(teachers[0] + 3, teachers)[0], torch.tensor(0.0), atol=1e-6, rtol=0
    )


def test_nothing_flows_into_teachers_and_pulls_are_gradients_of_the_student(scores):
    student, teachers = scores
    for teacher, loss in enumerate(softened_loss(student, teachers)):
        (gradient,) = torch.autograd.grad(loss, student, retain_graph=True)
        torch.testing.assert_close(
            gradient.sum(0), pulls(student, teachers)[teacher]
        )  # of a mean over clips the sum
    softened_loss(student, teachers).sum().backward()
    assert teachers.grad is None


def test_two_teachers_that_agree_count_alike_and_none_above_the_cap(scores):
    student, teachers = scores
    twice = teachers[:1].repeat(2, 1, 1)
    torch.testing.assert_close(agreed_weights(student, twice), torch.tensor([0.5, 0.5]))
    found = agreed_weights(student, torch.stack([teachers[0], 100 * teachers[1]]), cap=0.6)
    torch.testing.assert_close(found, torch.tensor([0.6, 0.4]))


def test_the_weighted_step_hurts_no_teacher_that_has_a_say(scores):
    """What AE-KD is for: with no cap, a step along the combination lowers the loss of every teacher, or there is no such step."""
    student, teachers = scores
    weights = agreed_weights(student, teachers, cap=1.0).double()
    pulled = pulls(student, teachers).double()
    step = weights @ pulled
    assert (pulled @ step >= step @ step - 1e-9).all()
