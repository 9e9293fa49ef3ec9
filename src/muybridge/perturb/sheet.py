"""Contact sheet: one clip under every type and severity of a profile, as one picture.

Types that act in time get six numbered frames; those that change the order also a bar with one field per frame of the clip, coloured by
the frame shown there: a smooth run from dark to light is the true order. All others get the middle frame, pixel for pixel.
"""

import textwrap
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch.nn import functional as F

from muybridge.core.clip import Clip
from muybridge.core.reference.colour_maps import VIRIDIS
from muybridge.perturb import TYPES
from muybridge.perturb.apply import CLEAN, ladder_of, perturb
from muybridge.perturb.profiles import SEVERITIES, profile_of
from muybridge.perturb.streams import streams
from muybridge.perturb.temporal import ORDERS, order_of

SHEET = "file"
"""Data set that names the random streams of single files."""

MOVING = ("random_rotation", "translation")
"""Types outside ``ORDERS`` that one frame cannot show."""

LEGEND = (
    "One frame per cell, pixel for pixel. Types that act in time: six frames, numbered as in the clean clip; "
    "in the bar, every place of the clip is coloured by the frame it shows."
)
INK, QUIET = "#1c1c1e", "#77777c"
MARGIN, LABELS, TOP, HEADING, GAP = 36, 250, 100, 66, 8
COLUMNS, MINIS, SEAM, BAR, NARROWEST = 3, 6, 2, 12, 900
Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class Cell:
    """One clip under one condition.

    Attributes:
        frames: pictures.
        order: which frame of the clean clip each is.
    """

    frames: UInt8[np.ndarray, "t h w 3"]
    order: Int64[np.ndarray, "t"]


def draw(
    clip: Clip,
    profile: str,
    title: str,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda *_: None,
    only: Collection[str] = (),
) -> Image.Image:
    """The sheet of the first clip of a batch: a row per type, headed by its category; a column per severity, the clean clip first.

    Args:
        clip: after resizing and cropping; at least two frames.
        profile: the table of constants.
        title: names the clip.
        seed: of the random types.
        tell: told rows done and rows in all.
        only: types of the profile to draw; all if empty.

    Returns:
        A page that holds the pictures pixel for pixel.

    Raises:
        UsageError: unknown profile.
        ValueError: one frame only.
    """
    held = set(only) & set(profile_of(profile).types) if only else profile_of(profile).types
    groups = {category: [type for type in types if type in held] for category, types in TYPES.items()}
    groups = {category: types for category, types in groups.items() if types}
    page = _Page(clip.frames.shape[-2], clip.frames.shape[-1], groups, f"{profile}  ·  {title}")
    done, total = 0, sum(map(len, groups.values()))
    clean = cell(clip, CLEAN, 0, profile, seed)
    for category, types in groups.items():
        page.heading(category)
        for type in types:
            cells = [clean, *(cell(clip, type, severity, profile, seed) for severity in SEVERITIES)]
            page.row(type, TYPES[category][type], cells)
            done += 1
            tell(done, total)
    return page.image


def cell(clip: Clip, type: str, severity: int, profile: str, seed: int = 0) -> Cell:
    """The first clip under one condition, with the order of its frames."""
    one = Clip(clip.frames[:1], clip.label[:1], clip.video[:1])
    shown = perturb(one, type, severity, profile=profile, dataset=SHEET, views=[0], seed=seed)
    order = np.arange(one.frames.shape[2])
    if type in ORDERS:
        table = profile_of(profile)
        drawn = streams(table.label, SHEET, one.video, [0], type, severity, seed)
        order = order_of(type, one.frames, drawn, **ladder_of(table, type).severities[severity - 1])[
            0
        ].numpy()
    return Cell(shown.frames[0].permute(1, 2, 3, 0).cpu().numpy(), order)


def strip(cell: Cell, bar: bool) -> tuple[Picture, list[tuple[int, int, int]]]:
    """Six frames in two lines, over a bar of the whole order if wanted, and (x, y, frame) of the top left corner of each."""
    t, h, w = cell.frames.shape[:3]
    small_h, small_w = _small(h, w)
    picture = np.full((_strip_height(h, w, bar), w, 3), 255, np.uint8)
    corners = []
    for place, index in enumerate(np.linspace(0, t - 1, min(MINIS, t)).round().astype(int)):
        x, y = place % COLUMNS * (small_w + SEAM), place // COLUMNS * (small_h + SEAM)
        picture[y : y + small_h, x : x + small_w] = shrunk(cell.frames[index], small_h, small_w)
        corners.append((x, y, int(cell.order[index])))
    if bar:
        edges = np.linspace(0, w, t + 1).round().astype(int)
        for frame, left, right in zip(cell.order, edges[:-1], edges[1:], strict=True):
            picture[-BAR:, left : right - (right - left > 4)] = _colour(frame, t)
    return picture, corners


def shrunk(picture: Picture, height: int, width: int) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """A smaller picture, without aliasing."""
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    small = F.interpolate(pixels, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return small[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()


def _small(h: int, w: int) -> tuple[int, int]:
    small = max(1, (w - (COLUMNS - 1) * SEAM) // COLUMNS)
    return max(1, round(h * small / w)), small


def _strip_height(h: int, w: int, bar: bool) -> int:
    return 2 * _small(h, w)[0] + SEAM + (5 + BAR if bar else 0)


def _colour(frame: int | np.int64, frames: int) -> tuple[int, int, int]:
    red, green, blue = VIRIDIS[min(255, 256 * frame // max(1, frames - 1))].tolist()
    return red, green, blue


def _font(size: float) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow, so that a sheet looks alike on every machine."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


class _Page:
    """A white page that is filled from the top; coordinates and sizes of letters are pixels."""

    def __init__(self, h: int, w: int, groups: dict[str, list[str]], title: str) -> None:
        self.h, self.w, self.y = h, w, TOP
        heights = [self._height(type) + GAP for types in groups.values() for type in types]
        self.width = max(NARROWEST, 2 * MARGIN + LABELS + 6 * w + 5 * GAP)
        self.height = TOP + sum(heights) + len(groups) * HEADING + MARGIN
        self.image = Image.new("RGB", (self.width, self.height), "white")
        self.pen = ImageDraw.Draw(self.image)
        self._fit(50, title, 29, bold=True)
        self._fit(82, LEGEND, 15, colour=QUIET)

    def _x(self, column: int) -> int:
        return MARGIN + LABELS + column * (self.w + GAP)

    def _height(self, type: str) -> int:
        return _strip_height(self.h, self.w, type in ORDERS) if in_time(type) else self.h

    def _say(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str = INK,
        anchor: str = "ls",
        bold: bool = False,
    ) -> None:
        for shift in (0, 1) if bold else (0,):  # the font has no bold face
            self.pen.text((x + shift, y), text, colour, _font(size), anchor)

    def _fit(self, y: float, text: str, size: float, colour: str = INK, bold: bool = False) -> None:
        """A line over the page's whole width, smaller if it is longer than that."""
        room = self.width - 2 * MARGIN
        while (
            _font(size).getlength(text) > room
        ):  # letters are set to whole pixels: length is not in proportion to size
            size *= 0.97
        self._say(MARGIN, y, text, size, colour, bold=bold)

    def heading(self, category: str) -> None:
        """A category and the names of the columns over a line."""
        y = self.y + HEADING - 24
        self._say(MARGIN, y, category.capitalize(), 24, bold=True)
        for column, name in enumerate(("clean", *(f"severity {s}" for s in SEVERITIES))):
            self._say(self._x(column) + self.w / 2, y, name, 17, anchor="ms")
        self.pen.line((MARGIN, y + 12, self.width - MARGIN, y + 12), INK)
        self.y += HEADING

    def row(self, type: str, summary: str, cells: list[Cell]) -> None:
        """A type: its name, what it is, and its cells."""
        self._say(MARGIN, self.y + 18, type, 18)
        self._say(MARGIN, self.y + 30, textwrap.fill(summary, 34), 13.5, QUIET, "la")
        for column, one in enumerate(cells):
            left, middle = self._x(column), one.frames[len(one.frames) // 2]
            picture, corners = strip(one, type in ORDERS) if in_time(type) else (middle, [])
            self.image.paste(Image.fromarray(picture), (left, self.y))
            for x, y, frame in corners:
                self._number(left + x, self.y + y, frame, len(one.frames))
        self.y += self._height(type) + GAP

    def _number(self, x: float, y: float, frame: int, frames: int) -> None:
        fill = _colour(frame, frames)
        left, top, right, bottom = self.pen.textbbox((x + 4, y + 4), f"{frame}", _font(11), "lt")
        self.pen.rectangle((left - 3, top - 3, right + 2, bottom + 2), fill)
        self._say(x + 4, y + 4, f"{frame}", 11, "black" if sum(fill) > 357 else "white", "lt")


def in_time(type: str) -> bool:
    """Whether one frame cannot show the type."""
    return type in ORDERS or type in MOVING
