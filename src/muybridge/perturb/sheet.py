"""Contact sheet: one clip under every type and severity of a profile, as one picture.

Types that act in time get six numbered frames; those that change the order also a bar with one field per frame of the clip, coloured by
the frame shown there: a smooth run from dark to light is the true order. All others get the middle frame, pixel for pixel.
"""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import torch
from jaxtyping import Int64, UInt8
from matplotlib.figure import Figure
from torch.nn import functional as F

from muybridge.core.clip import Clip
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
    clip: Clip, profile: str, title: str, seed: int = 0, tell: Callable[[int, int], None] = lambda *_: None
) -> Figure:
    """The sheet of the first clip of a batch: a row per type, headed by its category; a column per severity, the clean clip first.

    Args:
        clip: after resizing and cropping; at least two frames.
        profile: the table of constants.
        title: names the clip.
        seed: of the random types.
        tell: told rows done and rows in all.

    Returns:
        A figure whose ``savefig`` at its own resolution gives the pictures pixel for pixel.

    Raises:
        UsageError: unknown profile.
        ValueError: one frame only.
    """
    held = profile_of(profile).types
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
    return page.figure


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
            picture[-BAR:, left : right - (right - left > 4)] = np.round(255 * np.array(_colour(frame, t)))
    return picture, corners


def shrunk(picture: Picture, height: int, width: int) -> Picture:
    """A smaller picture, without aliasing."""
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    small = F.interpolate(pixels, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return small[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()


def _small(h: int, w: int) -> tuple[int, int]:
    small = max(1, (w - (COLUMNS - 1) * SEAM) // COLUMNS)
    return max(1, round(h * small / w)), small


def _strip_height(h: int, w: int, bar: bool) -> int:
    return 2 * _small(h, w)[0] + SEAM + (5 + BAR if bar else 0)


def _colour(frame: int, frames: int) -> tuple[float, float, float]:
    red, green, blue, _ = matplotlib.colormaps["viridis"](frame / max(1, frames - 1))
    return red, green, blue


class _Page:
    """A white page that is filled from the top; coordinates are pixels."""

    def __init__(self, h: int, w: int, groups: dict[str, list[str]], title: str) -> None:
        self.h, self.w, self.y = h, w, TOP
        heights = [self._height(type) + GAP for types in groups.values() for type in types]
        self.width = max(NARROWEST, 2 * MARGIN + LABELS + 6 * w + 5 * GAP)
        self.height = TOP + sum(heights) + len(groups) * HEADING + MARGIN
        self.figure = Figure(figsize=(self.width / 100, self.height / 100), dpi=100, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.axis("off")
        room = self.width - 2 * MARGIN
        self._say(MARGIN, 50, title, min(21, room / len(title) / 1.15), weight="bold")
        self._say(MARGIN, 82, LEGEND, min(10.5, room / len(LEGEND) / 0.75), color=QUIET)

    def _x(self, column: int) -> int:
        return MARGIN + LABELS + column * (self.w + GAP)

    def _height(self, type: str) -> int:
        return _strip_height(self.h, self.w, type in ORDERS) if in_time(type) else self.h

    def _say(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        settings: dict[str, Any] = {"fontsize": size, "va": "baseline", "color": INK} | style
        self.axes.text(x, y, text, **settings)

    def heading(self, category: str) -> None:
        """A category and the names of the columns over a line."""
        y = self.y + HEADING - 24
        self._say(MARGIN, y, category.capitalize(), 17, weight="bold")
        for column, name in enumerate(("clean", *(f"severity {s}" for s in SEVERITIES))):
            self._say(self._x(column) + self.w / 2, y, name, 12, ha="center")
        self.axes.plot([MARGIN, self.width - MARGIN], [y + 12, y + 12], color=INK, linewidth=0.8)
        self.y += HEADING

    def row(self, type: str, summary: str, cells: list[Cell]) -> None:
        """A type: its name, what it is, and its cells."""
        height = self._height(type)
        self._say(MARGIN, self.y + 18, type, 13)
        self._say(
            MARGIN, self.y + 30, textwrap.fill(summary, 34), 9.5, color=QUIET, va="top", linespacing=1.4
        )
        for column, one in enumerate(cells):
            left, picture = self._x(column), one.frames[len(one.frames) // 2]
            if in_time(type):
                picture, corners = strip(one, type in ORDERS)
                for x, y, frame in corners:
                    self._number(left + x, self.y + y, frame, len(one.frames))
            extent = (left, left + self.w, self.y + height, self.y)
            self.axes.imshow(picture, extent=extent, interpolation="none")
        self.axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        self.y += height + GAP

    def _number(self, x: float, y: float, frame: int, frames: int) -> None:
        fill = _colour(frame, frames)
        ink = "black" if sum(fill) > 1.4 else "white"
        box = {"boxstyle": "square,pad=0.25", "facecolor": fill, "edgecolor": "none"}
        self.axes.text(x + 4, y + 4, f"{frame}", fontsize=7.5, color=ink, va="top", bbox=box, zorder=3)


def in_time(type: str) -> bool:
    """Whether one frame cannot show the type."""
    return type in ORDERS or type in MOVING
