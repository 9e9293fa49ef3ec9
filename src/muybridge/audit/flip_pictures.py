"""Which answers flip, and how it looks: a few clips, clean beside perturbed, as the model was shown them."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from muybridge.audit.readings import Readings
from muybridge.config.stage_configs import RobustnessConfig
from muybridge.core.clip import Clip
from muybridge.measure.intervals import CLEAN, Condition
from muybridge.measure.zeroshot_scores import probabilities
from muybridge.runs.records import Run
from muybridge.stages.job.job import Job
from muybridge.stages.robustness import grid_of, setup
from muybridge.stages.testing.grid import Grid
from muybridge.stages.testing.tested import Tested
from muybridge.train.precision import choose

SHOWN = 6
"""Flips at most."""
SMALLEST = 64
"""Height at which smaller ones are shown, pixels."""
FRAMES, SIDE, QUALITY = 3, 96, 60
"""Frames of a strip, their height in pixels, and how well JPEG keeps them."""


@dataclass(frozen=True)
class Flip:
    """One answer that changes.

    Attributes:
        video: id.
        condition: under which.
        label: of the video.
        clean: answer without perturbation.
        answer: under the condition; ``no answer`` where the scores are no numbers.
        sure: confidence of the clean answer, a fraction.
    """

    video: str
    condition: Condition
    label: str
    clean: str
    answer: str
    sure: float


@dataclass(frozen=True)
class FlipPicture:
    """A flip with its two strips, as data URIs of JPEG."""

    flip: Flip
    clean: str
    perturbed: str
    width: int
    height: int


def flips_of(found: Readings) -> list[Flip]:
    """Right answers that turn wrong, one of each condition in turn, the mildest severities and the surest clean answers first.

    Where the clip shows another class than before, another answer is no mistake, and none is shown.
    """
    clean = found.clean_rows
    sure = probabilities(clean.scores).max(axis=1)
    place = {name: i for i, name in enumerate(clean.video.tolist())}
    cells = [*found.categories.values(), *found.time.values(), *found.place.values()]
    queues = [list(_of_cells(found, cell.conditions, place, sure)) for cell in cells if not cell.relabelled]
    shown: list[Flip] = []
    while len(shown) < SHOWN and any(queues):
        for queue in queues:
            taken = {(one.video, one.condition) for one in shown}
            videos = {one.video for one in shown}
            queue[:] = [one for one in queue if (one.video, one.condition) not in taken]
            if queue and len(shown) < SHOWN:
                new = next((one for one in queue if one.video not in videos), queue[0])
                queue.remove(new)
                shown.append(new)
    return shown


def _of_cells(
    found: Readings, conditions: tuple[Condition, ...], place: dict[str, int], sure: np.ndarray
) -> Iterator[Flip]:
    clean = found.clean_rows
    for name, severity in sorted(conditions, key=lambda one: one[1]):
        rows = found.rows.condition(name, severity)
        at = np.array([place[video] for video in rows.video.tolist()], np.int64)
        lost = np.flatnonzero(clean.correct[at] & ~rows.correct)
        for i in sorted(lost.tolist(), key=lambda i: -sure[at[i]]):
            answers = (int(one) for one in (rows.label[i], clean.predicted[at[i]], rows.predicted[i]))
            label, was, now = (_class(found, one) for one in answers)
            yield Flip(str(rows.video[i]), (name, severity), label, was, now, float(sure[at[i]]))


def _class(found: Readings, index: int) -> str:
    if index < 0:
        return "no answer"
    return found.classes[index] if index < len(found.classes) else f"class {index}"


def pictures_of(job: Job[RobustnessConfig], run: Run, found: Readings) -> list[FlipPicture]:
    """Strips of some flips; the clips are read again and perturbed with the bits of the run.

    Args:
        job: of the run.
        run: finished.
        found: its numbers.
    """
    flips = flips_of(found)
    if not flips:
        return []
    trial = setup(job, choose(job.config.device, job.config.precision))
    grid = grid_of(job, trial)
    clips = clips_of(trial.tested, {one.video for one in flips})
    return [_picture(one, *clips[one.video], grid) for one in flips if one.video in clips]


def clips_of(tested: Tested, wanted: set[str]) -> dict[str, tuple[Clip, tuple[int, ...]]]:
    """The first view of some test videos, and its number; no other video is kept, and nothing is read behind the last of them."""
    found: dict[str, tuple[Clip, tuple[int, ...]]] = {}
    for chunk in tested.read():
        for place, video in enumerate(chunk.clip.video):
            if video in wanted and video not in found:
                found[video] = chunk.clip.rows(slice(place, place + 1)), chunk.views[place : place + 1]
        if wanted <= found.keys():
            break
    return found


def _picture(flip: Flip, clip: Clip, views: tuple[int, ...], grid: Grid) -> FlipPicture:
    clean = _strip(grid.perturbed(clip, views, CLEAN))
    changed = _strip(grid.perturbed(clip, views, flip.condition))
    height = min(SIDE, max(SMALLEST, clean.shape[0]))
    return FlipPicture(
        flip, jpeg(clean), jpeg(changed), round(clean.shape[1] * height / clean.shape[0]), height
    )


def _strip(clip: Clip) -> UInt8[np.ndarray, "h w 3"]:
    """First, middle and last frame side by side."""
    frames = clip.frames[0].permute(1, 2, 3, 0).cpu().numpy()
    chosen = frames[np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int)]
    strip: np.ndarray = np.concatenate(list(chosen), axis=1)
    return strip


def jpeg(pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """A data URI of a JPEG of ``SIDE`` lines at most."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.height > SIDE:
        image = image.resize((round(image.width * SIDE / image.height), SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
