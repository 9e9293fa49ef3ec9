"""What the first clips cost: decoding, the forward pass, every perturbation; so that the rest can be planned."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from muybridge.audit.rungs import Condition, Costs
from muybridge.core.clip import Clip
from muybridge.perturb.apply import CLEAN
from muybridge.stages.robustness import RobustnessSetup
from muybridge.stages.testing.grid import Grid
from muybridge.stages.testing.models import evaluating
from muybridge.train.precision import Compute

FIRST = 4
"""Videos that are looked at."""
FORWARD, PERTURB = 0.05, 0.05
"""Shares of the time that measuring forward passes and perturbations may take; each is done once at least."""
AGAIN = 5
"""Forward passes at most; the median counts, without the first."""
CARD = 4.0
"""Seconds for redrawing groups and writing pages, on top of what is measured."""


def measure(
    trial: RobustnessSetup,
    grid: Grid,
    cells: Sequence[Condition],
    compute: Compute,
    seconds: float,
    building: float,
    clock: Callable[[], float] = time.monotonic,
) -> Costs:
    """Ask a model about the first clips.

    Args:
        trial: of at most ``FIRST`` videos.
        grid: of the run, which perturbs.
        cells: conditions that may be asked; each type is measured at the first severity it stands with.
        compute: where.
        seconds: that the audit may take.
        building: seconds that loading model and data took, which the run does again.
        clock: seconds.

    Raises:
        UsageError: no video can be decoded, or the model does not answer as it must.
    """
    began = clock()
    chunks = [chunk for chunk in trial.tested.read() if len(chunk.clip)]
    videos = sum(len(set(chunk.clip.video)) for chunk in chunks)
    decode = (clock() - began) / max(1, videos)
    if not chunks:
        return Costs(building + CARD, decode, 0.0, {}, clock() - began)
    chunk, per_video = chunks[0], trial.protocol.views
    clip = chunk.clip.rows(slice(0, grid.batch)).to(compute.device)
    share = per_video / len(clip)
    with evaluating(trial.subject.call, compute):
        passes = _timed(
            lambda: trial.subject.logits(clip.frames, len(trial.labels.classes), compute),
            clock,
            FORWARD * seconds,
        )
    perturbed = _perturbations(grid, clip, chunk.views[: len(clip)], cells, clock, PERTURB * seconds)
    return Costs(
        building + CARD,
        decode,
        passes * share,
        {name: taken * share for name, taken in perturbed.items()},
        clock() - began,
    )


def _timed(work: Callable[[], object], clock: Callable[[], float], most: float) -> float:
    """Median seconds of a forward pass; of the second and later ones where there is time for them."""
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < AGAIN and sum(taken) < most):
        start = clock()
        work()
        taken.append(clock() - start)
        if len(taken) == 1 and taken[0] > most:
            break
    later = sorted(taken[1:] or taken)
    return later[len(later) // 2]


def _perturbations(
    grid: Grid,
    clip: Clip,
    views: Sequence[int],
    cells: Sequence[Condition],
    clock: Callable[[], float],
    most: float,
) -> dict[str, float]:
    """Seconds of each type on these clips, as far as there is time; the others are taken to cost their mean."""
    found: dict[str, float] = {}
    began = clock()
    for name, severity in cells:
        if name in found or name == CLEAN:
            continue
        if found and clock() - began > most:
            break
        start = clock()
        grid.perturbed(replace(clip), views, (name, severity))
        found[name] = clock() - start
    return found
