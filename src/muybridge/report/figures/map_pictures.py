"""Maps of layer similarity as pictures of a page: coloured cells as a small PNG, labels and values beside it as the page's own text."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from muybridge.core.reference.colour_maps import MAGMA
from muybridge.report.figures.charts import Tick
from muybridge.report.gather.read_maps import LayerMap

INSIDE, BLANK = (96, 150, 158), (226, 226, 226)
"""Colours, off the magma scale, of values inside the null band and of layers that never fire."""
SIDE, TOP = 300, 6
MOST_TICKS = 14
LETTERS = 17
LETTER = 6.1
"""Pixels of a letter of a label."""


@dataclass(frozen=True)
class MapPicture:
    """A map, ready to be drawn.

    Attributes:
        image: PNG of one pixel a cell as a data URI, first layer at the bottom left.
        hover: names, values and intervals for the page's script.
    """

    title: str
    image: str
    width: int
    height: int
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    hover: dict[str, object]
    left: int
    bottom: int
    top: int = TOP


def map_picture(one: LayerMap) -> MapPicture:
    """The picture of a map."""
    rows, columns = one.rows.names, one.columns.names
    height = SIDE if one.columns.facts and one.rows.facts else min(SIDE, max(60, 16 * len(rows)))
    value = one.filled("value")
    kinds = [kind for kind in ("low", "high") if kind in one.arrays]
    hover = {
        "rows": rows, "columns": columns, "value": _rounded(value), "unsaid": one.unsaid.astype(int).tolist(),
        **{kind: _rounded(one.filled(kind)) for kind in kinds},
    }  # fmt: skip
    across, up = ticks(columns), ticks(rows)
    left, bottom = _room([rows[place] for place in up]), _room([columns[place] for place in across])
    x_ticks = [
        Tick(round(left + SIDE * (place + 0.5) / len(columns), 1), short(columns[place])) for place in across
    ]
    y_ticks = [
        Tick(round(TOP + height * (1 - (place + 0.5) / len(rows)), 1), short(rows[place])) for place in up
    ]
    image = data_uri(coloured(value, one.unsaid))
    return MapPicture(one.title, image, SIDE, height, x_ticks, y_ticks, hover, left, bottom)


def _room(names: Sequence[str]) -> int:
    """Pixels that labels take."""
    return round(12 + LETTER * max(len(short(name)) for name in names))


def coloured(value: np.ndarray, unsaid: np.ndarray) -> UInt8[np.ndarray, "rows columns 3"]:
    """Magma from 0 to 1, first row at the bottom; values beyond take the end of the scale, but their numbers stay."""
    shades = MAGMA[np.clip(np.nan_to_num(value) * 255, 0, 255).astype(int)]
    shades[unsaid] = INSIDE
    shades[np.isnan(value)] = BLANK
    flipped: np.ndarray = shades[::-1]
    return flipped


def data_uri(pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """A PNG inside a page."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def scale() -> str:
    """The colour scale as a picture."""
    return data_uri(MAGMA[None])


def ticks(names: Sequence[str], most: int = MOST_TICKS) -> list[int]:
    """Which layers are named: the shortest names, which are those of stages, as long as they do not crowd; else every few."""
    if len(names) <= most:
        return list(range(len(names)))
    apart = len(names) / most
    chosen: list[int] = []
    for place in sorted(range(len(names)), key=lambda place: (names[place].count("."), place)):
        if all(abs(place - other) >= apart for other in chosen):
            chosen.append(place)
    return sorted(chosen)


def short(name: str) -> str:
    """A name that fits beside a map."""
    return name if len(name) <= LETTERS else "\N{HORIZONTAL ELLIPSIS}" + name[1 - LETTERS :]


def _rounded(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(one) else round(float(one), 3) for one in row] for row in values]
