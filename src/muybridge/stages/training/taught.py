"""What must hold between a student and its teachers, known from their configs and data."""

from collections.abc import Sequence

import numpy as np

from muybridge.config.config_fields import split_of
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core import seeding
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data.index import Dataset, divide
from muybridge.stages.job.origins import Planned
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing.labels import APART, matched

KEY = "teacher-"
"""Inputs of a run that begin so are teachers."""


def check(config: FinetuneConfig, dataset: Dataset, origins: Planned, memory: ResolveCache) -> None:
    """Refuse a teacher that was trained on videos that the student is tested on.

    Args:
        config: of the student.
        dataset: of the student.
        origins: configs of the teachers among those of all inputs.
        memory: reads their data.

    Raises:
        UsageError: names the teacher and the way out; or its data cannot be read.
    """
    tested = divide(dataset, *config.split)[1]
    for name, origin in origins.items():
        if not name.startswith(KEY):
            continue
        word = config.teachers[int(name.removeprefix(KEY)) - 1]
        try:
            theirs = memory.load_for(origin)
            seen = divide(theirs, *split_of(origin))[0]
        except MuybridgeError as error:
            raise UsageError(
                f"--teachers {word}: the videos that it was trained on cannot be listed ({error}), so that nobody knows whether the"
                " student's test videos are among them."
            ) from error
        known = (
            "id" if theirs.fingerprint == dataset.fingerprint else "video"
        )  # ids of other data may be alike by chance
        both = len({getattr(one, known) for one in tested} & {getattr(one, known) for one in seen})
        if both:
            raise UsageError(
                f"--teachers {word}: was trained on {both} of the {len(tested)} videos that the student is tested on (its fold"
                f" {origin['fold']}, the student's {config.fold}). Give the teacher of the same fold."
            )


def columns_of(classes: Sequence[str], theirs: Sequence[str], word: str) -> list[int]:
    """Place of each class of the student among those of a teacher, by name; never by number.

    Raises:
        UsageError: a class that the teacher does not have, or two that are one to it.
    """
    unnamed = [name for name in classes if APART in name or (name.isdecimal() and name not in theirs)]
    if unnamed:
        raise UsageError(
            f"--teachers {word}: has no class {unnamed[0]!r}.{suggestion(unnamed[0], theirs)} Teachers and student must name the same"
            " classes."
        )
    found = [matched(classes, theirs, f"--teachers {word}").first(place) for place in range(len(classes))]
    if len(set(found)) < len(found):
        raise UsageError(f"--teachers {word}: two classes of the student are one class of this teacher.")
    return found


def permuted(columns: Sequence[int], seed: int) -> list[int]:
    """Columns changed round in one cycle, drawn from the seed, so that no class keeps its own."""
    order = seeding.rng(seed, "teacher classes").permutation(len(columns))
    found = np.empty(len(columns), int)
    found[order] = np.asarray(columns)[np.roll(order, 1)]
    return [int(place) for place in found]
