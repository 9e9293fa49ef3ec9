"""Cells that failed or are missing are shown as missing in every table, and never as zero."""

import csv
from pathlib import Path

import pytest
from fake_claims import build

from muybridge.report import write_report
from muybridge.report.gather.collect import collect
from muybridge.report.sections.content import content, tables_of
from muybridge.report.tables.table import Table

NETWORK = "r2plus1d-tiny"
LOST = {"pretrain": "prp", "probe": "rotnet", "finetune": "vcop", "robustness": "rspnet"}
"""One arm lacks every seed in each stage."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lost = [(stage, NETWORK, arm, seed) for stage, arm in LOST.items() for seed in (0, 1)]
    lost.append(("pretrain", NETWORK, "vcop", 1))
    tasks = ("rotnet", "vcop", "prp", "rspnet")
    return build(tmp_path_factory.mktemp("lost"), without=lost, seeds=2, tasks=tasks, networks=(NETWORK,))


@pytest.fixture(scope="module")
def tables(out: Path) -> dict[str, list[Table]]:
    return tables_of(content(collect(out)))


def rows_of(tables: list[Table], stage: str, arm: str) -> list[tuple[Table, list]]:
    return [
        (table, row) for table in tables if stage in table.slug for row in table.rows if row[0].text == arm
    ]


@pytest.mark.parametrize(
    ("section", "stage"), [("accuracy", "probe"), ("accuracy", "finetune"), ("robustness", "robustness")]
)
def test_an_arm_without_runs_has_a_row_that_says_so(tables: dict[str, list[Table]], section: str, stage: str):
    main = (
        tables[section][0]
        if section == "robustness"
        else next(t for t in tables[section] if t.slug.startswith(f"accuracy-{stage}"))
    )
    row = next(row for row in main.rows if row[0].text == LOST[stage])
    assert row[1].text == "missing"
    assert all(cell.kind == "missing" and cell.sort is None for cell in row[1:])


def test_no_other_table_gives_it_a_number(tables: dict[str, list[Table]]):
    for section in ("accuracy", "robustness", "transfer"):
        for stage in ("probe", "finetune", "robustness"):
            for table, row in rows_of(tables.get(section, []), stage, LOST[stage]):
                assert not [cell.text for cell in row[1:] if isinstance(cell.sort, int | float)], table.slug


def test_budgets_of_arms_and_seeds_without_runs_are_missing(tables: dict[str, list[Table]]):
    [table] = tables["pretraining"]
    words = {row[0].text: [cell.text for cell in row] for row in table.rows if row[2].kind == "missing"}
    assert {arm: cells[2] for arm, cells in words.items()} == {"prp": "missing", "vcop": "seed 1"}
    assert all(not any(cells[3:]) for cells in words.values())
    assert sum(row[0].text == "vcop" for row in table.rows) == 2


def test_tidy_tables_leave_it_out(out: Path):
    kept = {
        path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in write_report(out).tables
    }
    for name in ("accuracy", "robustness", "per_class", "confusion"):
        for row in kept[name]:
            assert row["arm"] != LOST.get(row["stage"]), name
    assert not [row for row in kept["budget"] if (row["stage"], row["arm"]) == ("pretrain", "prp")]
    ours = {(row["backbone"], row["arm"]): row["ours"] for row in kept["published"]}
    assert ours["r2plus1d", "vcop"] == ""
    assert float(ours["r2plus1d", "prp"]) > 0.2


def test_the_cells_are_listed_with_their_failure(tables: dict[str, list[Table]]):
    [table] = tables["missing-cells"]
    assert len(table.rows) == 2 * len(LOST) + 1
    assert {row[1].text for row in table.rows} == {"out of memory"}
