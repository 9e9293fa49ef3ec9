"""Pictures of the documentation, from the embedded data: every perturbation and what every pretext task shows.

    python docs/tools/pictures.py [perturbations] [tasks]

Writes docs/pictures and docs/perturbations.md; `tests/test_site.py` holds the page against the profiles. The pictures are rows of
`muybridge perturb --sheet` and film strips of `muybridge pretrain`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from muybridge.core.clip import Clip
from muybridge.perturb import PERTURBATIONS, TYPES, sheet
from muybridge.perturb.profiles import PROFILES, Ladder

DOCS = Path(__file__).parent.parent
PAGE, PICTURES = DOCS / "perturbations.md", DOCS / "pictures"
SIZE, FRAMES, INDEX = 112, 16, 74
QUALITY = 72

HEAD = """# Perturbations

Every type of `muybridge list perturbations`, with its five severities. The pictures show one clip of the embedded data, rendered at
112 x 112 pixels with 16 frames, under the first profile that holds the type; what acts in time shows six frames, numbered as in the clean
clip, and in the bar every place of the clip coloured by the frame shown there. Parameters that
are the same at all severities are left out. The numbers are those of the
[profiles](robustness-profiles.md), which also says how far each severity moves a clip. On a video of your own:

```
muybridge perturb video.mp4 --sheet sheet.png
muybridge perturb video.mp4 --type motion_blur --severity 3 --out blurred.mp4
```

This page and its pictures are written by `python docs/tools/pictures.py`.
"""


def clip() -> Clip:
    """One clip of the embedded data, drawn larger than it is for training."""
    from muybridge.data.sets.builtin_render import render

    pictures, _, motion = render(0, "train", INDEX, frames=FRAMES, size=SIZE)
    frames = torch.from_numpy(pictures).permute(3, 0, 1, 2)[None].contiguous()
    return Clip(frames, torch.zeros(1, dtype=torch.int64), [f"{motion}.mp4"])


def row(shown: Clip, profile: str, type: str) -> Image.Image:
    """The row of one type out of a contact sheet, under the names of its columns."""
    page = sheet.draw(shown, profile, type, only=[type])
    left, top = sheet.MARGIN + sheet.LABELS - 4, sheet.TOP + sheet.HEADING - 42
    right, bottom = left + 6 * SIZE + 5 * sheet.GAP + 8, page.height - sheet.MARGIN - sheet.GAP + 4
    return page.crop((left, top, right, bottom))


def holders(type: str) -> dict[str, Ladder]:
    """Profiles that hold a type, in their order, with its ladder."""
    return {name: one.types[type] for name, one in PROFILES.items() if type in one.types}


def page() -> str:
    """The whole page, from the catalogue and the profiles."""
    parts = [HEAD]
    for category, types in TYPES.items():
        parts.append(f"\n## {category.capitalize()}\n")
        for type, summary in types.items():
            parts.append(f"\n### `{type}`\n\n{summary[0].upper()}{summary[1:]}.\n")
            parts.append(f"\n![{type} at severities 1 to 5](pictures/perturbations/{type}.webp)\n\n")
            parts.append("\n".join(_table(type)) + "\n")
    return "".join(parts)


def _table(type: str) -> Iterator[str]:
    """Numbers of each severity; profiles whose parameters agree share a row."""
    yield "| parameter | severities 1 to 5 | profiles |"
    yield "| --- | --- | --- |"
    rows: dict[tuple[str, ...], list[str]] = {}
    for profile, ladder in holders(type).items():
        for name in ladder.severities[0]:
            values = [_said(severity[name]) for severity in ladder.severities]
            if len(set(values)) > 1:
                rows.setdefault((name, *values), []).append(profile)
    for (name, *values), profiles in rows.items():
        yield f"| {name} | {'; '.join(values)} | {', '.join(f'`{one}`' for one in profiles)} |"


def _said(value: object) -> str:
    """A value as it fits a cell: of a list of enlargements their number and the largest."""
    if isinstance(value, tuple):
        return f"{len(value)}, up to {max(value):.2f}"
    return str(value)


def perturbations() -> None:
    """The page, and a picture for every type under the first profile that holds it."""
    folder = PICTURES / "perturbations"
    folder.mkdir(parents=True, exist_ok=True)
    shown = clip()
    for type in PERTURBATIONS:
        row(shown, next(iter(holders(type))), type).save(
            folder / f"{type}.webp", quality=QUALITY, method=6, exact=True
        )
    PAGE.write_text(page(), "utf-8")


TASKS = (
    *(
        "rotnet",
        "vcop",
        "prp",
        "speed",
        "arrow-of-time",
        "masked",
        "cvrl",
        "tdl",
        "rspnet",
        "tcons",
        "sigreg",
    ),
    *("placebo-projection", "placebo-labels"),
)
"""Those whose views can be shown; video-text shows a clip as it is."""
SHOWN, SIDE, SEAM, CAPTION = 2, 48, 2, 16


def tasks() -> None:
    """A film strip of two videos for every pretext task, as its first batch shows them."""
    import muybridge
    from muybridge.data.decode.video import write
    from muybridge.data.sets.builtin_render import render
    from muybridge.runs.contents.strips import read_strips

    folder = PICTURES / "tasks"
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as place:
        videos = Path(place) / "videos"
        videos.mkdir()
        for index in range(12):
            write(videos / f"{index:02d}.mp4", render(0, "train", 10 * index, frames=64, size=72)[0], 12.0)
        for task in TASKS:
            more = {"backbone": "vit-tiny"} if task == "masked" else {}
            queue = {"objective_options": ["queue=12"]} if task in ("tdl", "rspnet") else {}
            run = muybridge.pretrain(
                data=videos,
                objective=task,
                budget=24,
                batch=24,
                size=72,
                crop=64,
                out=Path(place) / "out",
                **more,
                **queue,
            )
            strips = read_strips(run.path / "strips.npz")
            film(dict(list(strips.items())[:SHOWN])).save(folder / f"{task}.webp", quality=QUALITY, method=6)


def film(strips: dict[str, np.ndarray]) -> Image.Image:
    """Frames of each video in rows of eight at most, below what is asked for."""
    wide = min(8, max(map(len, strips.values())))
    lines = [-(-min(len(frames), 32) // wide) for frames in strips.values()]
    height = sum(CAPTION + line * (SIDE + SEAM) for line in lines)
    picture = Image.new("RGB", (wide * (SIDE + SEAM) - SEAM, height), "white")
    pen, y = ImageDraw.Draw(picture), 0
    for (caption, frames), line in zip(strips.items(), lines, strict=True):
        pen.text((0, y + 2), caption, "#1c1c1e", ImageFont.load_default(11))
        y += CAPTION
        for place, frame in enumerate(frames[: line * wide]):
            at = (place % wide * (SIDE + SEAM), y + place // wide * (SIDE + SEAM))
            picture.paste(Image.fromarray(sheet.shrunk(frame, SIDE, SIDE)), at)
        y += line * (SIDE + SEAM)
    return picture


if __name__ == "__main__":
    made = {"perturbations": perturbations, "tasks": tasks}
    for name in sys.argv[1:] or made:
        made[name]()
