"""What a student takes from the scores of its teachers: their softened answers, and how much each of them counts.

Hinton et al., Distilling the knowledge in a neural network, 2015 (arXiv 1503.02531); Du et al., Agree to disagree: adaptive ensemble
knowledge distillation in gradient space (AE-KD), NeurIPS 2020, whose code takes T = 4, a cap of 0.6 and 0.9 of the teachers beside one
part of the labels.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from muybridge.core.networks.min_norm import capped_min_norm

TEMPERATURE, CAP = 4.0, 0.6


def softened_loss(
    student: Float[Tensor, "b k"], teachers: Float[Tensor, "m b k"], temperature: float = TEMPERATURE
) -> Float[Tensor, "m"]:
    """T^2 KL(teacher || student) of the softened answers of each teacher, mean over the clips; gradients reach the student alone."""
    log_student = F.log_softmax(student.float() / temperature, dim=1)
    log_teacher = F.log_softmax(teachers.detach().float() / temperature, dim=2)
    apart = F.kl_div(log_student.expand_as(log_teacher), log_teacher, reduction="none", log_target=True)
    return temperature**2 * apart.sum(2).mean(1)


@torch.no_grad()
def pulls(
    student: Float[Tensor, "b k"], teachers: Float[Tensor, "m b k"], temperature: float = TEMPERATURE
) -> Float[Tensor, "m k"]:
    """Gradient of the loss of each teacher at the student's scores, mean over the clips: T (p_student - p_teacher)."""
    own = F.softmax(student.float() / temperature, dim=1)
    theirs = F.softmax(teachers.float() / temperature, dim=2)
    return temperature * (own - theirs).mean(1)


def agreed_weights(
    student: Float[Tensor, "b k"],
    teachers: Float[Tensor, "m b k"],
    cap: float = CAP,
    temperature: float = TEMPERATURE,
) -> Float[Tensor, "m"]:
    """Weights of AE-KD: the step that all teachers agree on most, the shortest combination of their pulls (eq. 8).

    Raises:
        UsageError: a cap below one over the number of teachers; scores that are not finite.
    """
    pulled = pulls(student, teachers, temperature).double()
    found = capped_min_norm((pulled @ pulled.T).tolist(), cap)
    return torch.tensor(found, dtype=torch.float32, device=student.device)
