"""Validation: training videos held out to choose the best weights of a training run; test videos choose nothing."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.core import seeding
from muybridge.core.clip import to_unit
from muybridge.core.errors import UsageError
from muybridge.data.index import VideoRecord
from muybridge.stages.testing.predict import View
from muybridge.stages.training.health import undisturbed
from muybridge.stages.training.material import Material
from muybridge.train.precision import Compute

ROLE = "validation"
"""Name of the held-out videos among those of a stage, and of their rows in the training curve."""


def hold_out(
    records: Sequence[VideoRecord],
    share: float,
    seed: int,
    classes: Sequence[str],
    flag: str = "--validation",
) -> tuple[list[VideoRecord], list[VideoRecord]]:
    """Divide training videos into those that are trained on and those that are held out.

    Whole groups (subjects, scenes; single videos where none are known) are held out until ``share`` of the videos is: the first group of
    every class by a hash of (seed, group), then the second, and so on. A group with the last training videos of a class stays.

    Args:
        records: labelled training videos.
        share: of the videos to be held out, above 0 and below 1.
        seed: of the choice.
        classes: their names.
        flag: that asked for it, for errors.

    Returns:
        Videos to train on and videos held out, each in the order given.

    Raises:
        UsageError: so many videos cannot be held out without leaving a class without training videos.
    """
    groups: dict[str, list[VideoRecord]] = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    left = Counter(record.label for record in records)
    wanted, held, stopped = max(1, round(share * len(records))), set[str](), -1
    for name in _turns(groups, seed):
        if sum(len(groups[one]) for one in held) >= wanted:
            break
        own = Counter(record.label for record in groups[name])
        last = [label for label, number in own.items() if left[label] == number]
        if last:
            stopped = last[0]
            continue
        held.add(name)
        left -= own
    found = [record for record in records if record.group in held]
    if len(found) < wanted:
        raise UsageError(
            f"{flag} {share:g}: holding out {wanted} of {len(records)} training videos leaves class {classes[stopped]!r} without"
            f" training videos; {len(found)} can be held out (groups stay whole). Give a smaller share, or 0 for none."
        )
    return [record for record in records if record.group not in held], found


def _turns(groups: Mapping[str, Sequence[VideoRecord]], seed: int) -> list[str]:
    """Groups by hash, the first of every class (that of most of its videos) before the second."""
    rank: Counter[int] = Counter()
    turns = []
    for name in sorted(groups, key=lambda name: (seeding.key(seed, ROLE, name), name)):
        label = Counter(record.label for record in groups[name]).most_common(1)[0][0]
        rank[label] += 1
        turns.append((rank[label], label, name))
    return [name for _, _, name in sorted(turns)]


class Best(nn.Module):
    """The weights with the lowest validation loss so far; part of what a saved state holds, so that a killed run goes on exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = math.inf
        self.weights: dict[str, Tensor] = {}

    def offer(self, loss: float, module: nn.Module) -> None:
        """Keep a copy of the weights of a module if its loss is below the lowest so far; of equal losses the first stays."""
        if loss < self.loss or not self.weights:
            self.loss = loss
            self.weights = {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}

    def get_extra_state(self) -> dict[str, object]:
        """What a saved state keeps."""
        return {"loss": self.loss, "weights": self.weights}

    def set_extra_state(self, state: Any) -> None:
        """Take it from a saved state."""
        self.loss, self.weights = state["loss"], state["weights"]


@dataclass(frozen=True)
class Validation:
    """Looks at a classifier on held-out videos, one clip from the middle of each, and keeps its best weights.

    Attributes:
        classifier: what is trained; shares its parameters with the learner.
        best: keeps the weights.
        material: decoded videos; those under ``validation`` are looked at.
        view: how their clips are cut.
        compute: where and in which format.
    """

    classifier: nn.Module
    best: Best
    material: Material
    view: View
    compute: Compute

    def __call__(self) -> dict[str, float]:
        """Mean cross-entropy and top-1 accuracy, a fraction."""
        logits, labels = [], []
        with undisturbed(self.classifier):
            for clip in self.view.clips(self.material, ROLE):
                with self.compute.autocast():
                    found = self.classifier(to_unit(clip.frames.to(self.compute.device)))
                logits.append(found.float().cpu())
                labels.append(clip.label)
        scores, target = torch.cat(logits), torch.cat(labels)
        loss = float(f"{float(F.cross_entropy(scores, target)):.6g}")
        self.best.offer(loss, self.classifier)
        return {"loss": loss, "accuracy": float(f"{float((scores.argmax(1) == target).float().mean()):.6g}")}


def account(metrics: Sequence[Mapping[str, Any]], per_epoch: float) -> dict[str, object]:
    """What ``result.json`` says of the two sets of weights: epoch (passes over the training videos), validation loss and accuracy.

    Args:
        metrics: rows of the training curve, looks among them.
        per_epoch: optimiser steps per pass.
    """
    looks = [row for row in metrics if ROLE in row]
    best = min(looks, key=lambda row: row[ROLE]["loss"])
    return {
        name: {"epoch": round(row["step"] / per_epoch, 2), "step": row["step"], **row[ROLE]}
        for name, row in (("last", looks[-1]), ("best-validation", best))
    }
