"""Film strips and thumbnails as PNG data URIs: small, exact and inside the page."""

import base64
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from muybridge.report.gather.collect import Experiment, Gathered
from muybridge.runs.contents.result_fields import QueryFields, ShownFields
from muybridge.runs.contents.strips import clip_of
from muybridge.runs.records import Run

Strips = dict[str, UInt8[np.ndarray, "t h w 3"]]

FRAMES = 6
HIGHEST = 64
GAP = 2
SEVERITIES = 3
QUERIES = 6
NEAREST = 5


@dataclass(frozen=True)
class Picture:
    """An image with its caption; ``source`` is a data URI."""

    caption: str
    source: str
    width: int
    height: int
    small: str = ""


@dataclass(frozen=True)
class Gallery:
    """Captioned rows of pictures."""

    title: str
    rows: list[list[Picture]]
    note: str = ""


@dataclass(frozen=True)
class Neighbour:
    """One picture of a row of neighbours; ``unknown`` where query or neighbour has no label."""

    picture: Picture | None
    label: str
    similarity: float | None
    kind: Literal["query", "same", "other", "unknown"]


@dataclass(frozen=True)
class NeighbourRows:
    """Queries of one run, each followed by its nearest videos."""

    title: str
    arm: str
    rows: list[list[Neighbour]]
    right: int
    shown: int


def film(frames: UInt8[np.ndarray, "t h w 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """At most six frames, evenly spread, side by side with grey gaps; tall frames are thinned to 64 lines."""
    chosen = frames[np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int)]
    every = -(-chosen.shape[1] // HIGHEST)
    chosen = chosen[:, ::every, ::every]
    gap = np.full((chosen.shape[1], GAP, 3), 128, dtype=np.uint8)
    parts = [part for frame in chosen for part in (gap, frame)][1:]
    return np.concatenate(parts, axis=1)


def png(pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """A data URI of a PNG with at most 256 colours: noise would not compress otherwise."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.getcolors(256) is None:
        image = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def picture(caption: str, frames: UInt8[np.ndarray, "t h w 3"], small: str = "") -> Picture:
    """A film strip with its caption."""
    pixels = film(frames)
    return Picture(caption, png(pixels), pixels.shape[1], pixels.shape[0], small)


def galleries(
    tested: Sequence[Experiment], trained: Sequence[Experiment], perturbed: Sequence[Experiment]
) -> list[Gallery]:
    """Test clips of every data set, the views of every pretext task, every perturbation once per data set."""
    found = [*_test_clips(tested), *(_pretext(experiment) for experiment in trained)]
    seen: set[str] = set()
    for experiment in perturbed:
        what = ", ".join(part for part in (experiment.data, experiment.details) if part)
        strips = {} if what in seen else first_strips(experiment.runs)
        if strips:
            seen.add(what)
            found.append(_perturbations(what, strips))
    return [gallery for gallery in found if gallery.rows]


def _test_clips(tested: Sequence[Experiment]) -> list[Gallery]:
    """What classifiers were tested on, once per data set."""
    found: dict[str, Gallery] = {}
    for experiment in tested:
        strips = {} if experiment.data in found else first_strips(experiment.runs)
        if strips:
            row = [picture(name, frames) for name, frames in strips.items()]
            found[experiment.data] = Gallery(f"Test clips of {experiment.data}", [row])
    return list(found.values())


def _pretext(experiment: Experiment) -> Gallery:
    rows = []
    for arm, seeds in experiment.arms.items():
        strips = first_strips(run for runs in seeds.values() for run in runs)
        names = {name: name if name.startswith(arm) else f"{arm} {name}" for name in strips}
        rows.append([picture(names[name], frames) for name, frames in strips.items()])
    return Gallery(f"What the pretext tasks see, {experiment.data}", [row for row in rows if row])


def first_strips(runs: Iterable[Run]) -> Strips:
    """The strips of the first run that has any; none where no run has."""
    return next((strips for run in runs if (strips := run.strips)), {})


def _perturbations(data: str, strips: Strips) -> Gallery:
    """Clean first, then one row per perturbation with at most three severities."""
    told = [name for name in strips if re.fullmatch(r".+ [0-9]{1,3}", name) and not clip_of(name)]
    names = sorted({name.rpartition(" ")[0] for name in told})
    rows = [[picture("clean", strips["clean"])]] if "clean" in strips else []
    fewer = False
    for name in names:
        severities = sorted(
            (one for one in told if one.rpartition(" ")[0] == name), key=lambda one: int(one.split()[-1])
        )
        places = sorted(set(np.linspace(0, len(severities) - 1, SEVERITIES).round().astype(int).tolist()))
        fewer |= len(places) < len(severities)
        rows.append([picture(severities[place], strips[severities[place]]) for place in places])
    note = "The mildest, a middle and the hardest severity of each perturbation." if fewer else ""
    return Gallery(f"Perturbations of {data}", rows, note)


def neighbours(all_of: Gathered) -> list[NeighbourRows]:
    """Picture rows of the first seed of every arm."""
    found = []
    for experiment in all_of.of("neighbours"):
        for arm, seeds in experiment.arms.items():
            run = next((run for runs in seeds.values() for run in runs), None)
            if run is not None:
                found.append(_neighbour_rows(experiment, arm, run))
    return found


def _neighbour_rows(experiment: Experiment, arm: str, run: Run) -> NeighbourRows:
    strips = run.strips
    rows = []
    for query in run.result.get("neighbours", {}).get("queries", [])[:QUERIES]:
        nearest = [_neighbour(one, query, strips) for one in query["nearest"][:NEAREST]]
        rows.append([_neighbour(query, None, strips), *nearest])
    kinds = [one.kind for row in rows for one in row[1:] if one.kind != "unknown"]
    return NeighbourRows(f"{arm}, {experiment.data}", arm, rows, kinds.count("same"), len(kinds))


def _neighbour(video: ShownFields, query: QueryFields | None, strips: dict[str, np.ndarray]) -> Neighbour:
    """A neighbour of a query, or (None) the query itself."""
    label = video.get("label")
    kind: Literal["query", "same", "other", "unknown"] = "query"
    if query is not None:
        known = label is not None and query.get("label") is not None
        kind = "unknown" if not known else "same" if label == query["label"] else "other"
    words = "no label" if label is None else str(label)
    return Neighbour(_thumbnail(video, strips), words, video.get("similarity"), kind)


def _thumbnail(video: ShownFields, strips: dict[str, np.ndarray]) -> Picture | None:
    frames = strips.get(str(video["video"]))
    return None if frames is None else picture(str(video["video"]), frames[:1])
