"""What teachers cost: processor time of a step with live teachers beside a supervised step and the teachers' forward passes alone.

    python benchmarks/distill.py [--steps 40] [--problems 1000]

The student is the tiny (2+1)D network, its teachers that network and the tiny ShuffleNet, on noise (16 videos a step), one thread, float32.
Steps of all kinds take turns; a ratio is taken within a turn, and its median and quartiles over the turns are printed. ``parts`` is a
supervised step plus the forward passes of the teachers on the same clips: what a step with live teachers cannot do without. ``cached`` is a
step whose clips were seen before (``--teacher-views cached``), over ``centre``, a supervised step on the same centre crops. Below that,
the weights of AE-KD for two, three and six teachers of 10 classes: ours against scikit-learn's one-class SVM, which the released code uses.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from sklearn.svm import OneClassSVM

from muybridge.augment.chain import augment
from muybridge.backbones import build
from muybridge.core import seeding
from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Classifier
from muybridge.core.networks.min_norm import capped_min_norm
from muybridge.objectives.labels.distilled import Distilled
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.labels.teacher_memory import TeacherMemory
from muybridge.objectives.objective import Augment, Learner
from muybridge.stages.training.teachers import Teacher
from muybridge.train.beside import Beside
from muybridge.train.checkpoint import State
from muybridge.train.loop import Recipe, _step
from muybridge.train.optim import optimiser
from muybridge.train.precision import choose
from muybridge.weighting import WEIGHTINGS

VIDEOS, FRAMES, CROP, CLASSES, CAP = 16, 8, 32, 10, 0.6
NAMES = ("r2plus1d-tiny", "shufflenet-tiny")
RULES = ("fixed", "average", "ae-kd", "confidence", "discrepancy", "best-only")


def crop(frames: torch.Tensor, rng: torch.Generator, view: int = 0) -> torch.Tensor:
    """The augmentation."""
    return augment(frames, ("crop",), CROP, rng)


def centre(frames: torch.Tensor, rng: torch.Generator, view: int = 0) -> torch.Tensor:
    """One that shows the same clip of a video every time."""
    return augment(frames, ("centre-crop",), CROP, rng)


def batch(step: int) -> Clip:
    """Noise."""
    rng = seeding.generator(0, step)
    pixels = torch.randint(0, 256, (VIDEOS, 3, FRAMES, 36, 36), dtype=torch.uint8, generator=rng)
    return Clip(pixels, torch.arange(VIDEOS) % CLASSES, tuple(map(str, range(VIDEOS))))


def teachers() -> list[Teacher]:
    """Untrained ones: what they say costs the same."""
    torch.manual_seed(1)
    bodies = [build(name) for name in NAMES]
    return [Teacher(Classifier(body, body.dim, CLASSES), range(CLASSES)) for body in bodies]


def stepper(
    rule: str, taught: bool, clips: list[Clip], steps: int, remember: bool = False, shown: Augment = crop
) -> Callable[[int], object]:
    """Makes steps of one kind on a student of its own; where answers are remembered, those to all clips are known already."""
    torch.manual_seed(0)
    backbone = build(NAMES[0])
    supervised = Supervised(backbone.dim, CLASSES)
    memory = TeacherMemory() if remember else None
    learner = Learner(
        backbone, Distilled(supervised, teachers(), memory=memory) if taught else supervised, FRAMES, CROP
    )
    weighting = WEIGHTINGS[rule].load()()
    weighting.prepare(learner.objective.terms, learner.objective.primary_terms)
    beside = Beside(learner.train(), weighting, shown, choose("cpu", "fp32"), 0, None, 1.0)
    optim, state, recipe = optimiser(learner, "adamw", 1e-3, 0.01), State(flops=1), Recipe(steps, 1e-3, 0.01)
    if remember:
        for clip in clips:
            learner(learner.objective.views(clip, shown, seeding.generator(0)))
    return lambda number: _step(learner, beside, clips[number % len(clips)], recipe, optim, number, state)


@torch.no_grad()
def forward(models: list[Teacher], shown: list[torch.Tensor], number: int) -> None:
    """The teachers alone, on clips that are cut already."""
    for model in models:
        model(shown[number % len(shown)])


def seconds(work: Callable[[], object]) -> float:
    """Processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def steps_in_turn(steps: int) -> None:
    """Print the ratio of every rule to its parts."""
    clips = [batch(step) for step in range(8)]
    shown = [to_unit(crop(clip.frames, seeding.generator(0, place))) for place, clip in enumerate(clips)]
    kinds = {
        "supervised": stepper("fixed", False, clips, steps),
        "teachers": partial(forward, teachers(), shown),
    }
    kinds |= {rule: stepper(rule, True, clips, steps) for rule in RULES}
    kinds["centre"] = stepper("fixed", False, clips, steps, shown=centre)
    kinds["cached"] = stepper("average", True, clips, steps, remember=True, shown=centre)
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(steps):
        shift = number % len(kinds)
        for name in [*list(kinds)[shift:], *list(kinds)[:shift]]:
            found[name].append(seconds(partial(kinds[name], number)))
    parts = [a + b for a, b in zip(found["supervised"], found["teachers"], strict=True)]
    for name, times in found.items():
        of, floor = ("centre", found["centre"]) if name in ("centre", "cached") else ("the parts", parts)
        ratios = [one / other for one, other in zip(times[3:], floor[3:], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{name:12s} {1000 * statistics.median(times[3:]):8.1f} ms   {middle:.3f} of {of} ({low:.3f} to {high:.3f})"
        )


def solvers(number: int) -> None:
    """Print how much faster the weights are found, and the largest difference."""
    rng = np.random.default_rng(0)
    for teachers_ in (2, 3, 6):
        pulls = rng.normal(size=(number, teachers_, CLASSES))
        grams = pulls @ pulls.transpose(0, 2, 1)
        lists = grams.tolist()
        ours = seconds(lambda lists=lists: [capped_min_norm(one, CAP) for one in lists])  # type: ignore[misc]
        theirs = seconds(lambda grams=grams: [svm(one) for one in grams])  # type: ignore[misc]
        apart = max(np.abs(np.array(capped_min_norm(one, CAP)) - svm(np.array(one))).max() for one in lists)
        print(
            f"{teachers_} teachers: {1e6 * ours / number:6.1f} us, scikit-learn {1e6 * theirs / number:6.1f} us,"
            f" {theirs / ours:.0f} times; largest difference {apart:.1e}"
        )


def svm(gram: np.ndarray) -> np.ndarray:
    """Weights by the dual of a one-class SVM with nu = 1 / (C M)."""
    count = len(gram)
    nu = 1 / (CAP * count)
    fitted = OneClassSVM(kernel="precomputed", nu=nu, tol=1e-9).fit(gram)
    weights = np.zeros(count)
    weights[fitted.support_] = fitted.dual_coef_[0]
    found: np.ndarray = weights / (count * nu)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--problems", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    steps_in_turn(given.steps)
    solvers(given.problems)


if __name__ == "__main__":
    main()
