"""How a folder of a dual encoder wants its pictures: mean and std, short side and crop; what is not done here is refused or said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from muybridge.backbones.outside.model_folder import CONFIG, read_facts
from muybridge.core.errors import UsageError

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
FILES = ("preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class Pictures:
    """How pictures are prepared.

    Attributes:
        statistics: mean and std of pictures in [0, 1].
        short_side: pixels that the short side is scaled to; None where nothing says.
        crop: height and width cut from the middle then, pixels; None where nothing says.
        squeezed: height and width that the processor brings pictures of any shape to; None where it keeps their shape.
        source: the file that says so, for messages.
    """

    statistics: Statistics
    short_side: int | None = None
    crop: int | None = None
    squeezed: tuple[int, int] | None = None
    source: str = ""

    def check(self, name: str, size: int | None) -> None:
        """Refuse a crop that the network does not take.

        Raises:
            UsageError: the two differ.
        """
        if None not in (self.crop, size) and self.crop != size:
            raise UsageError(
                f"{name}: {self.source} cuts {self.crop} x {self.crop} pixels, but {CONFIG} says that the network takes {size}."
                " Correct the one that is wrong."
            )

    def notes(self, name: str, size: int | None) -> tuple[str, ...]:
        """What is done otherwise here than the processor does it."""
        if self.squeezed is None:
            return ()
        height, width = self.squeezed
        return (
            f"the processor of {name} squeezes pictures of any shape to {height} x {width}; here they keep their shape: the short side is"
            f" scaled to {size or min(self.squeezed)} and the middle cut out, so scores may differ from published ones",
        )


def read_pictures(folder: Path, usual: Statistics) -> Pictures:
    """What the folder's processor says of pictures; the statistics that are usual for its family where it says nothing.

    Raises:
        UsageError: numbers that are none, or what is not done here; says which, and the way out.
    """
    found = Pictures(usual)
    for file in FILES:
        path = folder / file
        facts = read_facts(path) if path.is_file() else {}
        inner = (
            facts[key] for key in ("image_processor", "video_processor") if isinstance(facts.get(key), dict)
        )
        facts = next(inner, facts)
        _check_prepared(path, facts)
        if found.short_side is None and found.squeezed is None:
            found = _cut(path, facts, found)
        if facts.get("do_normalize") is False:
            return replace(found, statistics=PLAIN)
        if "image_mean" in facts and "image_std" in facts:
            return replace(found, statistics=_statistics(path, facts))
    return found


def _statistics(path: Path, facts: Mapping[str, Any]) -> Statistics:
    mean, std = facts["image_mean"], facts["image_std"]
    if not all(_three(one) for one in (mean, std)) or min(std) <= 0:
        raise UsageError(
            f"{path}: image_mean and image_std are {mean!r:.60} and {std!r:.60}; wanted three numbers each."
        )
    # ALIGN's processor scales to -1..1 in front of its mean and std: told here for pictures in 0..1
    scale = 255 * float(facts.get("rescale_factor") or 1 / 255)
    shift = 1.0 if facts.get("rescale_offset") else 0.0
    return tuple((shift + float(one)) / scale for one in mean), tuple(float(one) / scale for one in std)


def _cut(path: Path, facts: Mapping[str, object], found: Pictures) -> Pictures:
    """Short side and crop of a processor; one number is a short side where the processor also cuts (CLIP of old), else a square."""
    size, cuts = facts.get("size"), facts.get("do_center_crop", "crop_size" in facts) is True
    crop = (
        _side(path, "crop_size", facts.get("crop_size"))
        if cuts and facts.get("crop_size") is not None
        else None
    )
    if size is None:
        return replace(found, crop=crop, source=path.name)
    if isinstance(size, dict) and "shortest_edge" in size:
        side = _side(path, "size", size["shortest_edge"])
    elif isinstance(size, dict):
        height, width = (_side(path, "size", size.get(key)) for key in ("height", "width"))
        return replace(found, crop=crop, squeezed=(height, width), source=path.name)
    else:
        side = _side(path, "size", size)
        if not cuts:
            return replace(found, squeezed=(side, side), source=path.name)
    if crop is None and not cuts:
        raise _not_done(path, f"size {size!r:.60} without a crop leaves pictures of any shape")
    if crop is not None and crop > side:
        raise _not_done(path, f"crop_size {crop} does not fit into a short side of {side}")
    return replace(found, short_side=side, crop=crop, source=path.name)


def _side(path: Path, name: str, said: object) -> int:
    """Pixels: a whole number, or height and width that are the same."""
    if isinstance(said, dict) and said.get("height") == said.get("width"):
        said = said.get("height")
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= 4096:
        raise UsageError(f"{path}: {name} is {said!r:.60}; wanted a whole number of pixels from 1 to 4096.")
    return said


def _check_prepared(path: Path, facts: Mapping[str, object]) -> None:
    factor = facts.get("rescale_factor", 1 / 255)
    said = {
        "do_flip_channel_order is true": facts.get("do_flip_channel_order") is True,
        "do_pad is true": facts.get("do_pad") is True,
        "do_resize is false": facts.get("do_resize") is False,
        "do_rescale is false": facts.get("do_rescale") is False,
        f"rescale_factor is {factor!r:.60}": isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0,
    }  # fmt: skip
    wrong = next((words for words, holds in said.items() if holds), None)
    if wrong:
        raise _not_done(path, wrong)


def _not_done(path: Path, wrong: str) -> UsageError:
    return UsageError(
        f"{path}: {wrong}, which is not done here: frames are RGB in [0, 1], scaled and cut to the size of the network, and mean and std"
        " are taken off. Correct the file if it says what was never done, or hand the model over as an object in Python"
        " (muybridge.zeroshot)."
    )


def _three(numbers: object) -> bool:
    return (
        isinstance(numbers, list)
        and len(numbers) == 3
        and all(isinstance(one, int | float) for one in numbers)
    )
