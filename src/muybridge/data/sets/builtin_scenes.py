"""``builtin-scenes``: the clips of the embedded pair under both labels at once, with a sentence about each.

A class is a pair of a digit and a motion. A quarter of the 120 pairs is in no training video, though every digit and every motion is; so a
model that answers for these pairs has put together what it learnt apart (compositional zero-shot, with known truth).
"""

from collections.abc import Mapping
from pathlib import Path

from muybridge.core import seeding
from muybridge.core.files import atomic
from muybridge.core.text.csv_text import list_text
from muybridge.data.sets.builtin_assets import PHOTOS
from muybridge.data.sets.builtin_render import MOTIONS, OBJECTS, recipe

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VERBS = (
    "moves right", "moves left", "moves down", "moves up", "comes near", "goes away", "turns clockwise",
    "turns counterclockwise", "appears", "disappears", "speeds up", "slows down",
)  # fmt: skip
PHRASES: Mapping[str, str] = dict(zip((*OBJECTS, *MOTIONS), (*DIGITS, *VERBS), strict=True))
"""What is said of an object or a motion."""
BACKDROPS = {
    "astronaut": "an astronaut", "brick": "bricks", "camera": "a cameraman", "cell": "a cell", "chelsea": "a cat",
    "grass": "grass", "hubble_deep_field": "stars", "coffee": "coffee", "gravel": "gravel", "retina": "a retina",
    "rocket": "a rocket",
}  # fmt: skip
"""What is said of a photo."""
COLUMNS = ("path", "label", "split", "group", "caption", "object", "motion")


def pair(object_: str, motion: str) -> str:
    """The name of a class: ``"three moves right"``."""
    return f"{PHRASES[object_]} {PHRASES[motion]}"


PAIRS: Mapping[str, tuple[str, str]] = {pair(o, m): (o, m) for o in OBJECTS for m in MOTIONS}
"""Object and motion of each class."""


def is_held_out(object_: str, motion: str) -> bool:
    """Whether a pair is in no training video: 3 motions of every digit, 2 or 3 digits of every motion, 30 pairs in all."""
    return (3 * OBJECTS.index(object_) + MOTIONS.index(motion)) % 4 == 1


def backdrop(seed: int, split: str, index: int) -> str:
    """What lies behind the digit of a clip, in words: the first thing that ``builtin_render.render`` draws."""
    names = PHOTOS[split]
    chosen = names[seeding.rng(seed, "builtin", split, "clip", index).integers(len(names))]
    return BACKDROPS[chosen.partition(".")[0]]


def caption(seed: int, split: str, index: int) -> str:
    """A sentence about a clip: ``"the digit three moves left over bricks"``."""
    made = recipe(seed, split, index)
    return f"the digit {pair(made.object, made.motion)} over {backdrop(seed, split, index)}"


def write_table(path: Path, seed: int, train: int, test: int) -> None:
    """Write the list of the clips, unless it is there: training clips of held-out pairs are left out, test clips show every pair."""
    rows = []
    for split, index in [*(("train", i) for i in range(train)), *(("test", i) for i in range(test))]:
        made = recipe(seed, split, index)
        if split == "test" or not is_held_out(made.object, made.motion):
            said = (
                pair(made.object, made.motion),
                split,
                f"digit-{made.digit:04d}",
                caption(seed, split, index),
            )
            rows.append((f"clips/{split}/{index:05d}.mp4", *said, made.object, made.motion))
    text = list_text(COLUMNS, rows)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        with atomic(path) as file:
            file.write(text)
