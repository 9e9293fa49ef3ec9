"""Weightings of teachers: the labels count once, the teachers ``share`` in all, divided among them by a rule.

The share of 0.9 and the cap of 0.6 are those of AE-KD's code (Du et al., NeurIPS 2020).
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from muybridge.core.errors import UsageError
from muybridge.core.networks.min_norm import capped_min_norm
from muybridge.core.networks.step import Step, Weighed, Weighting, mean_over_processes

KIND = ".kd"
"""How the term of a teacher ends."""
FEATURE = ".feature"
"""How the term of its features ends."""


class Taught(Weighting):
    """What all of them do: one gradient of the weighted sum.

    Features of a teacher, where they are targets, count their usual weight times what the rule gives to the teacher.

    Args:
        share: weight of all teachers together, beside 1 of the labels.

    Attributes:
        usual: usual weight of the terms of features (``Objective.term_weights``).

    Raises:
        UsageError: a share below 0.
    """

    def __init__(self, share: float = 0.9) -> None:
        super().__init__()
        if not 0 <= share < float("inf"):
            raise UsageError(f"--weighting-options share={share:g}: wanted a number of 0 or more.")
        self.share = share
        self.usual: Mapping[str, float] = {}

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Refuse terms of other tasks.

        Raises:
            UsageError: says the way out.
        """
        beside = [name for name in terms if name not in primary]
        self.teachers = tuple(name for name in beside if name.endswith(KIND))
        if not self.teachers or not all(name.endswith((KIND, FEATURE)) for name in beside):
            raise UsageError(
                f"--weighting {self.name}: weighs teachers, and there are none. Name them with --teachers (`muybridge distill`)."
            )

    def divide(self, step: Step) -> Float[Tensor, "m"]:
        """Weights of the teachers at a step, without a graph; they sum to 1."""
        raise NotImplementedError

    def backward(self, step: Step) -> Weighed:
        """The labels' term plus ``share`` times the weighted terms of the teachers."""
        own = dict.fromkeys(step.primary, 1.0)
        divided = self.divide(step)
        weights = own | dict(zip(self.teachers, (self.share * divided).tolist(), strict=True))
        for name, part in zip(self.teachers, divided.tolist(), strict=True):
            feature = name.removesuffix(KIND) + FEATURE
            if feature in step.terms:
                weights[feature] = self.usual.get(feature, 1.0) * part
        loss = torch.stack([weights[name] * value for name, value in step.terms.items()]).sum()
        step.descend(loss)
        return Weighed(loss, weights)

    def watched(self, step: Step, what: str) -> Float[Tensor, "m"]:
        """A monitor of every teacher."""
        return torch.stack([step.monitors[name.removesuffix(KIND) + what] for name in self.teachers]).float()


class Average(Taught):
    """All teachers count alike."""

    name = "average"

    def divide(self, step: Step) -> Float[Tensor, "m"]:
        """One over their number."""
        return torch.full((len(self.teachers),), 1 / len(self.teachers))


class AeKd(Taught):
    """AE-KD: the shortest combination of the teachers' gradients at the student's scores, no weight above a cap (eq. 8).

    Args:
        share: weight of all teachers together, beside 1 of the labels.
        cap: the largest weight; where it is below one over the number of teachers, that is taken, as in their code.

    Raises:
        UsageError: a share below 0, a cap not above it.
    """

    name = "ae-kd"

    def __init__(self, share: float = 0.9, cap: float = 0.6) -> None:
        super().__init__(share)
        if not 0 < cap < float("inf"):
            raise UsageError(f"--weighting-options cap={cap:g}: wanted a number above 0.")
        self.cap = cap

    def divide(self, step: Step) -> Float[Tensor, "m"]:
        """By the gradients on the bias behind the scores, which are the mean gradients at the scores.

        Raises:
            UsageError: gradients that are not finite; a student without a linear head.
        """
        if step.answer is None:
            raise UsageError(
                "--weighting ae-kd: wanted a linear layer with a bias behind the student's scores."
            )
        rows = [
            torch.autograd.grad(step.terms[name], step.answer, retain_graph=True)[0] for name in self.teachers
        ]
        pulled = torch.stack([row for row in mean_over_processes([*rows]) if row is not None]).double()
        cap = max(self.cap, 1 / len(rows))
        return torch.tensor(capped_min_norm((pulled @ pulled.T).tolist(), cap))


class Confidence(Taught):
    """More to teachers that know the labels: (1 - exp(l_m) / sum_j exp(l_j)) / (M - 1) of their cross-entropies l (CA-MKD, ICASSP 2022).

    The paper weighs every clip on its own; here l is the mean over the batch, so that a step has one weight per teacher.
    """

    name = "confidence"

    def divide(self, step: Step) -> Float[Tensor, "m"]:
        """By this batch."""
        if len(self.teachers) == 1:
            return torch.ones(1)
        return (1 - self.watched(step, ".label").softmax(0)) / (len(self.teachers) - 1)


class Discrepancy(Taught):
    """More to teachers that the student differs from: a teacher's loss over the sum of all; our own reading of the idea."""

    name = "discrepancy"

    def divide(self, step: Step) -> Float[Tensor, "m"]:
        """By this batch; alike where the student agrees with all."""
        losses = torch.stack([step.terms[name].detach().float() for name in self.teachers]).clamp(min=0)
        total = losses.sum()
        return losses / total if total > 0 else torch.full_like(losses, 1 / len(losses))


class BestOnly(Taught):
    """The teacher with the lowest cross-entropy on the labels of all clips so far, and no other.

    These are training clips, on which a teacher that has seen them looks better than it is: the choice says nothing about test videos.
    """

    name = "best-only"
    known: Tensor

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """A sum per teacher."""
        super().prepare(terms, primary)
        self.register_buffer("known", torch.zeros(len(self.teachers)))

    def divide(self, step: Step) -> Float[Tensor, "m"]:
        """All to the best so far, the first of equals."""
        self.known += self.watched(step, ".label")
        return torch.nn.functional.one_hot(self.known.argmin(), len(self.teachers)).float()
