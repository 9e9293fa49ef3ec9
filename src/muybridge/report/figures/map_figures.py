"""Maps of layer similarity as files for papers: a grid for each group, as PNG, PDF and SVG, equal bytes for equal maps."""

import io
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from muybridge.core.text.screen import Plain
from muybridge.report.figures.figure_files import Figure, write_figures
from muybridge.report.figures.map_pictures import coloured, short, ticks
from muybridge.report.gather.map_groups import MapGroup
from muybridge.report.gather.read_maps import LayerMap, maps_of
from muybridge.runs.records import Run

COLUMNS = 4
INCHES = 3.1
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"dpi": 200, "metadata": {"Software": None}},
    "pdf": {"metadata": {"CreationDate": None, "Producer": None, "Creator": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
}


def figures(groups: Sequence[MapGroup]) -> list[Figure]:
    """``SLUG.png``, ``.pdf`` and ``.svg`` of every group.

    Without matplotlib (extra ``figures``) there are none, and a line on standard error says what to install: the page has its own pictures.
    """
    if groups and not find_spec("matplotlib"):
        Plain().say(
            "figures of maps are not drawn, since matplotlib is missing: pip install 'muybridge[figures]'"
        )
        return []
    return [Figure(group.slug, partial(drawn, group)) for group in groups]


def write_map(folder: Path, run: Run) -> list[Path]:
    """The maps of one run as a figure of its own, named by its signature.

    Raises:
        MuybridgeError: the run is damaged.
    """
    title = str(run.result.get("summary", ""))
    return write_figures(folder, figures([MapGroup(title, f"map-{run.signature[:6]}", maps_of(run))]))


def drawn(group: MapGroup) -> dict[str, bytes]:
    """The figure of a group in every format."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = min(COLUMNS, len(group.maps))
    height = -(-len(group.maps) // width)
    with rc_context({"svg.hashsalt": "muybridge", "font.size": 8, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(INCHES * width + 0.7, (INCHES + 0.4) * height), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(height, width, squeeze=False).ravel()
        for panel, one in zip(panels, group.maps, strict=False):
            _panel(panel, one)
        for panel in panels[len(group.maps) :]:
            panel.axis("off")
        _scale(figure, list(panels[: len(group.maps)]))
        figure.suptitle(fill(group.title, 52 * width), fontsize=9)
        files = {}
        for kind, words in FORMATS.items():
            file = io.BytesIO()
            figure.savefig(file, format=kind, **words)
            files[kind] = file.getvalue()
    return files


def _panel(panel: Any, one: LayerMap) -> None:
    pixels = coloured(one.filled("value"), one.unsaid)[::-1]
    square = one.rows.facts and one.columns.facts
    panel.imshow(
        pixels, origin="lower", interpolation="nearest", aspect="equal" if square and one.itself else "auto"
    )
    panel.set_title(one.title, fontsize=8)
    across, up = ticks(one.columns.names, 10), ticks(one.rows.names, 10)
    panel.set_xticks(across, [short(one.columns.names[place]) for place in across], rotation=90, fontsize=5)
    panel.set_yticks(up, [short(one.rows.names[place]) for place in up], fontsize=5)
    panel.tick_params(length=2)


def _scale(figure: Any, panels: list[object]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Patch

    from muybridge.report.figures.map_pictures import BLANK, INSIDE

    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), "magma"), ax=panels, shrink=0.7, fraction=0.04)
    bar.set_label("CKA", fontsize=7)
    keys = [
        Patch(color=tuple(np.array(colour) / 255), label=words)
        for colour, words in ((INSIDE, "inside the null band"), (BLANK, "never fired"))
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=2, fontsize=6, frameon=False)
