"""Every LaTeX table of every made-up report has a caption that stands alone in a paper: measure, data, units, intervals, seeds."""

import re
from collections.abc import Callable
from pathlib import Path

import fake_grid
import fake_study
import fake_transfer
import fake_zeroshot
import pytest
import test_diversity_report
import test_lessons
from fake_maps import facts, write_map
from test_outside_tables import row as published_row

from muybridge.core.reference.result_tables import Taken
from muybridge.report.formats.latex import escaped, latex
from muybridge.report.gather.collect import collect
from muybridge.report.scores.diversity_evidence import judge
from muybridge.report.sections.content import content
from muybridge.report.tables.diversity_tables import diversity_tables
from muybridge.report.tables.outside_tables import outside_tables
from muybridge.report.tables.table import Cell, Column, Table

made = test_diversity_report.made
prereg = test_diversity_report.prereg
HASH = re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6,}\b")
NO_DATA = {"protocols", "environment", "missing"}
"""Tables about the study as a whole."""
IN_COLUMNS = (
    "data",
    "claims",
    "evidence",
    "published",
    "teacher-sets",
    "broken",
    "budget",
    "diversity-refuters",
)
"""Tables whose rows name their data, or that have no numbers."""


def maps(folder: Path) -> Path:
    """Maps of two networks, and one of clean against perturbed clips."""
    for arm in ("random", "rotnet"):
        write_map(folder, facts(arm))
    write_map(folder, facts("rotnet"), drift=True)
    return folder


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "study": fake_study.build,
    "grid": fake_grid.build_grid,
    "maps": maps,
    "transfer": fake_transfer.build,
    "lessons": test_lessons.build,
    "zero-shot": fake_zeroshot.build,
}


def lacks(table: Table, data: set[str]) -> list[str]:
    """What the caption of a table does not say and its cells need; data sets are those of the report."""
    caption = re.search(r"\\caption\{(.*)\}\n", latex(table)).group(1)
    heads = " ".join(column.name for column in table.columns if not column.drawn)
    small = [cell.small for cells in table.rows for cell in cells]
    about_data = table.slug not in NO_DATA and not table.slug.startswith(IN_COLUMNS)
    has_intervals = "interval" in heads or any(re.search(r"\d–\d|[\d.] to [+−\d]", words) for words in small)
    needs = {
        "a sentence": caption.endswith(".") and bool(table.legend),
        "no hash": not HASH.search(caption),
        "percent": "%" not in heads.replace("95 % interval", "") or "percent" in caption,
        "points": "points" not in heads or "percentage points" in caption or "absolute" in caption,
        "intervals": not has_intervals or r"95 \% intervals" in caption,
        "data": not about_data or any(escaped(name) in caption for name in data),
        "seeds": not (about_data and has_intervals) or "seed" in caption or "networks" in caption,
    }
    return [what for what, said in needs.items() if not said]


@pytest.mark.parametrize("name", BUILDERS)
def test_captions_of_a_report_stand_alone(name: str, tmp_path: Path) -> None:
    gathered = collect(BUILDERS[name](tmp_path))
    data = {str(run.result.get("facets", {}).get("data")) for run in gathered.runs}
    data |= {str((run.result.get("data") or {}).get("name")) for run in gathered.runs}
    tables = [one for chapter in content(gathered).chapters for one in chapter.tables if one.paper]
    assert tables
    assert {table.slug: found for table in tables if (found := lacks(table, data))} == {}


def test_captions_on_diversity_stand_alone(made) -> None:
    tables = diversity_tables(made, *judge(made))
    assert len(tables) == 4
    assert {table.slug: found for table in tables if (found := lacks(table, {"builtin-motions"}))} == {}
    assert not any(made.prereg["sha256"] in latex(table) for table in tables)


def test_captions_of_results_of_others_stand_alone() -> None:
    taken = Taken([published_row("a", 0.5), published_row("b", 0.4)], {}, [])
    (table, *_) = outside_tables({"others": taken})
    assert lacks(table, set()) == []
    assert "measured by others" in latex(table)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ("Accuracy. 95 % intervals of x, one seed.", {"percent", "data"}),
        ("In percent of x, of one seed.", {"intervals"}),
        ("", {"a sentence"}),
    ],
)
def test_what_a_caption_lacks_is_found(change: str, missed: set[str]) -> None:
    column, cell = Column("accuracy, %", True), Cell("50.0", small="40.0–60.0")
    assert missed <= set(lacks(Table("accuracy-x", "a table", [column], [[cell]], legend=change), {"daily"}))
