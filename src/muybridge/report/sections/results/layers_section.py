"""Similarity of layers: maps, their numbers, and figures for papers."""

from collections.abc import Iterator, Sequence

from muybridge.report.figures.figure_files import Figure
from muybridge.report.figures.map_figures import figures as map_figures
from muybridge.report.formats.tidy import Row
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.map_groups import similarity, tidy_rows
from muybridge.report.gather.read_maps import STAGE
from muybridge.report.sections.page_blocks import Block, Fold, Heading, MapKey, Maps, Note
from muybridge.report.sections.section import Section

NOTE = (
    "Each cell compares a layer of the one network (row) with a layer of the other (column) on the same clips: 1 where they tell clips "
    "apart alike up to rotation and scale. Layers stand in the order in which they fire, the first at the bottom left; point at a cell "
    "for its layers and value. The first seed is shown; the same pictures as PNG, PDF and SVG lie in `figures/` beside this file."
)


def shows(gathered: Gathered) -> Sequence[Block]:
    """One heading per group of maps."""
    found = gathered.once(similarity)
    if found is None:
        return []
    blocks: list[Block] = [Note(NOTE), MapKey(found.scale)]
    for group in found.shown:
        blocks += [Heading(group.title), Maps(group.first)]
        blocks += [Fold("Other seeds", [Maps(group.others)])] if group.others else []
        blocks.append(group.table)
    return blocks


def figures(gathered: Gathered) -> list[Figure]:
    """Every group as a picture for papers."""
    found = gathered.once(similarity)
    return map_figures(found.groups) if found else []


def _rows(gathered: Gathered) -> Iterator[Row]:
    found = gathered.once(similarity)
    yield from tidy_rows(found.maps) if found else ()


LAYERS = Section(
    "layers", "Similarity of layers", shows, (STAGE,), "Layers", figures, rows={"similarity": _rows}
)
