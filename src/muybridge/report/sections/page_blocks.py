"""What a section is laid out of: tables and pictures in their order on the page, each with a look of its own in every format.

Markdown and LaTeX take the tables of them, in the same order.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

from muybridge.report.figures.charts import Drawn
from muybridge.report.figures.clip_strips import Flips
from muybridge.report.figures.film_strips import NeighbourRows, Picture
from muybridge.report.figures.map_pictures import MapPicture
from muybridge.report.gather.collect import Gathered
from muybridge.report.tables.accuracy_tables import arm_cell
from muybridge.report.tables.class_tables import ClassChart
from muybridge.report.tables.table import Cell, Table


@dataclass(frozen=True)
class Heading:
    """A heading inside a section, of level 3 or 4."""

    words: str
    level: int = 3


@dataclass(frozen=True)
class Note:
    """How to read what follows; what stands between backticks is code."""

    words: str


@dataclass(frozen=True)
class Sentences:
    """A list of sentences."""

    words: Sequence[str]


@dataclass(frozen=True)
class Bare:
    """A table whose caption is told by the heading above it."""

    table: Table


@dataclass(frozen=True)
class Fold:
    """Blocks below a line that opens them."""

    summary: str
    blocks: Sequence["Block"]
    opened: bool = False


@dataclass(frozen=True)
class Grid:
    """Blocks side by side where there is room."""

    blocks: Sequence["Block"]


@dataclass(frozen=True)
class Panels:
    """Curves side by side."""

    panels: Sequence[Drawn]


@dataclass(frozen=True)
class Legend:
    """Names and colours of arms."""

    arms: Sequence[Cell]


@dataclass(frozen=True)
class Strips:
    """A row of captioned pictures."""

    pictures: Sequence[Picture]


@dataclass(frozen=True)
class MapKey:
    """What the colours of layer maps mean; ``scale`` is a data URI."""

    scale: str


@dataclass(frozen=True)
class Maps:
    """Layer maps side by side."""

    maps: Sequence[MapPicture]


Block: TypeAlias = Union[
    Table, Bare, Heading, Note, Sentences, "Fold", "Grid", Panels, Legend, ClassChart, Strips, NeighbourRows, MapKey, Maps, Flips
]  # fmt: skip
LEAVES = (
    Table, Bare, Heading, Note, Sentences, Panels, Legend, ClassChart, Strips, NeighbourRows, MapKey, Maps, Flips,
)  # fmt: skip


def folded(table: Table, opened: bool = False) -> Fold:
    """A table below its own caption."""
    return Fold(table.caption, [Bare(table)], opened)


MOST_ARMS = 24
"""Arms that a legend can name: colours come again after seven, and more names than these fill the screen."""


def legend(gathered: Gathered, arms: Collection[str] | None = None) -> Legend:
    """Some arms of a report, all when not given; none where they are too many to be told by their colours."""
    named = gathered.arms if arms is None else arms
    return Legend([arm_cell(arm, gathered) for arm in named] if len(named) <= MOST_ARMS else [])


def leaves(blocks: Sequence[Block]) -> Iterator[Block]:
    """Every block that holds no others, in the order of the page."""
    for block in blocks:
        if isinstance(block, Fold | Grid):
            yield from leaves(block.blocks)
        else:
            yield block


def tables_in(blocks: Sequence[Block]) -> list[Table]:
    """Every table, in the order of the page."""
    shown = (block.table if isinstance(block, Bare) else block for block in leaves(blocks))
    return [one for one in shown if isinstance(one, Table)]
