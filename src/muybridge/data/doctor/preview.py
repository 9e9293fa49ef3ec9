"""A contact sheet of a data set: a few frames of some of its videos, with class and name."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from muybridge.core.errors import VideoError
from muybridge.core.files import atomic
from muybridge.data.decode import video
from muybridge.data.index import VideoRecord

FRAMES = 4
SIDE = 96
LABEL = 30
GAP = 12
COLUMNS = 3
INK, FAINT, PAPER, ALARM = (30, 30, 34), (110, 110, 118), (255, 255, 255), (176, 32, 32)


def sheet(records: Sequence[VideoRecord], classes: Sequence[str], out: Path) -> int:
    """Write the picture; returns how many of the videos are broken (they are shown as such).

    Args:
        records: videos, shown in this order, three to a row.
        classes: names by label.
        out: PNG file, written atomically.
    """
    wide, high = FRAMES * SIDE + GAP, SIDE + LABEL + GAP
    rows = -(-len(records) // COLUMNS)
    picture = Image.new("RGB", (COLUMNS * wide + GAP, rows * high + GAP), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    broken = 0
    for place, record in enumerate(records):
        x, y = GAP + place % COLUMNS * wide, GAP + place // COLUMNS * high
        name = classes[record.label] if record.label >= 0 else "no label"
        draw.text((x, y - 4), _short(name, 60), INK, font)
        draw.text((x, y + 10), _short(record.id, 62), FAINT, font)
        try:
            picture.paste(Image.fromarray(_strip(record.video)), (x, y + LABEL))
        except VideoError as error:
            broken += 1
            draw.text((x, y + LABEL + 10), _short(f"broken: {error.reason}", 60), ALARM, font)
    with atomic(out, "wb") as file:
        picture.save(file, "PNG")
    return broken


def _strip(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    total = video.probe(path).frames
    at = np.linspace(0, total - 1, FRAMES).round().astype(int)
    frames = video.read(path, at, height=SIDE, width=SIDE)
    return np.concatenate(list(frames), axis=1)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else "…" + text[1 - length :]
