"""The contract of a section: a toy one of another package stands in every format, and an empty one nowhere."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from fake_study import data, write_run

from muybridge.core.errors import MuybridgeError
from muybridge.report import write_report
from muybridge.report.gather.collect import collect
from muybridge.report.sections import SECTIONS
from muybridge.report.sections.content import content
from muybridge.report.sections.section import every_section
from muybridge.runs.stages import STAGES

TOY = """
from muybridge.report.claims.verdicts import Evidence
from muybridge.report.figures.figure_files import Figure
from muybridge.report.sections.page_blocks import Fold, Heading, Note, folded
from muybridge.runs.stages import STAGES
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.table import Cell, Column, Table, count, text
from muybridge.runs.stages import StageFacts


def table(gathered):
    rows = [[text(run.result["summary"]), count(run.result["toys"])] for run in gathered.runs if run.stage == "toy"]
    return Table("toys", "Toys by <run>", [Column("run"), Column("toys", True)], rows, ["As counted."])


def shows(gathered):
    return [Heading("Of & to"), Note("Read `toys.csv`."), table(gathered), Fold("More", [folded(other(gathered))])]


def other(gathered):
    return Table("toy-arms", "Arms", [Column("arm")], [[text(arm)] for arm in gathered.arms])


def findings(gathered):
    return [Finding("Toys", "there are 7 toys, 100 % of them.")]


class Wins:
    words = "Toys win."

    def tests(self, world):
        return [], []

    def weigh(self, world, found):
        return [Evidence("7 toys", "for")]


def rows(gathered):
    for run in gathered.runs:
        if run.stage == "toy":
            yield {"arm": run.result["facets"]["arm"], "share": run.result["toys"] / 10}


SECTION = Section(
    "toys", "Toys <all>", shows, ("toy",), "Toys",
    figures=lambda gathered: [Figure("toys", lambda: {"txt": b"a picture"})],
    findings=findings, claims=lambda gathered: [Wins()], rows={"toys": rows},
)
FACTS = StageFacts("count toys", "toy", "toys:Config", "toys:STAGE", runs="tested")
NO_SECTION = "a word"
EMPTY = Section("empty", "Empty", lambda gathered: [], rows={"empty": lambda gathered: []})
TWIN = Section("twin", "Twin", lambda gathered: [Table("data", "Mine", [], [])])
TAKEN = Section("accuracy", "Mine", lambda gathered: [])
ODD = Section("odd", "Odd", lambda gathered: [Fold("More", ["a word"])])
"""
DATA = "daily"
MODULE = "toy_of_another_package"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a package with sections on the path, as an installed one would be."""
    root = tmp_path / "site"
    folder = root / f"{MODULE}-1.0.dist-info"
    folder.mkdir(parents=True)
    (root / f"{MODULE}.py").write_text(TOY)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(root)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)

    def write(**sections: str) -> None:
        lines = [f"{name} = {MODULE}:{value}" for name, value in sections.items()]
        stage = ["[muybridge.stages]", f"toy = {MODULE}:FACTS"]
        (folder / "entry_points.txt").write_text("\n".join([*stage, "[muybridge.sections]", *lines]) + "\n")

    yield write
    sys.modules.pop(MODULE, None)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """One pretraining run and one of a stage that no section of ours knows."""
    folder = tmp_path / "out"
    write_run(folder, "pretrain", {"arm": "vcop", "data": DATA, "seed": 0}, data=data(DATA))
    toy(folder)
    return folder


def toy(folder: Path) -> str:
    facets = {"arm": "vcop", "data": "toy-box", "seed": 0}
    return write_run(folder, "toy", facets, toys=7, data=data("toy-box"))


def test_a_section_of_another_package_stands_in_every_format(install, out: Path):
    install(toys="SECTION")
    paths = write_report(out)
    page, words = paths.html.read_text(encoding="utf-8"), paths.markdown.read_text(encoding="utf-8")
    for part in (
        '<a href="#toys">Toys</a>', '<details class="chapter" id="toys">', "<h2>Toys &lt;all&gt;</h2>", "<h3>Of &amp; to</h3>",
        "Read <code>toys.csv</code>.", "Toys by &lt;run&gt;", "<summary>More</summary>", '<table id="toy-arms"',
        "<b>Toys.</b> there are 7 toys, 100\N{NO-BREAK SPACE}% of them.", "Toys win.",
    ):  # fmt: skip
        assert part in page, part
    order = [
        page.index(f'class="chapter" id="{name}"')
        for name in ("pretraining", "data-used", "provenance", "toys")
    ]
    assert order == sorted(order)
    section = words.partition("\n## Toys\n")[2]
    assert "**Toys by &lt;run&gt;**" in section
    assert section.index("| toy of vcop on toy-box, seed 0 | 7 |") < section.index("**Arms**")
    assert "| Toys win. | supported |" in words
    assert "tested on toy-box." in words, "its runs are tests, as it says"
    rows = list(csv.DictReader((out / "tables" / "toys.csv").read_text().splitlines()))
    assert rows == [{"arm": "vcop", "share": "0.7"}]
    assert r"Toys by \textless{}run\textgreater{}" in (out / "tables" / "toys.tex").read_text()
    assert (out / "figures" / "toys.txt").read_bytes() == b"a picture"
    assert paths.figures == [out / "figures" / "toys.txt"]
    assert {path.name for path in [*paths.tables, *paths.latex]} >= {"toys.csv", "toys.tex", "toy-arms.tex"}


def test_an_empty_section_leaves_no_trace(install, tmp_path: Path):
    folder = tmp_path / "plain"
    write_run(folder, "pretrain", {"arm": "vcop", "data": DATA, "seed": 0}, data=data(DATA))
    before = write_report(folder)
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    install(toys="SECTION", empty="EMPTY")
    assert {one.name for one in every_section()} >= {"toys", "empty"}
    assert write_report(folder) == before
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == kept
    assert not (folder / "tables" / "robustness.csv").exists()
    assert 'id="robustness"' not in before.html.read_text(encoding="utf-8")


def test_what_an_earlier_report_wrote_of_a_section_that_is_empty_now_is_gone(install, out: Path):
    install(toys="SECTION")
    write_report(out)
    mine = out / "tables" / "mine.csv"
    mine.write_text("of the user\n")
    [path] = (out / "runs" / "toy").iterdir()
    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    write_report(out)
    assert not (out / "tables" / "toys.csv").exists()
    assert not (out / "tables" / "toys.tex").exists()
    assert mine.read_text() == "of the user\n"


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"mine": "NO_SECTION"}, r"'mine' of another package \(toy_of_another_package:NO_SECTION\): wanted .*Section, not str"),
        ({"mine": "NOWHERE"}, r"'mine' .*cannot be read \(AttributeError: .*NOWHERE.*Repair or uninstall"),
        ({"mine": "TAKEN"}, r"'mine' of another package: its name on the page, 'accuracy', is taken"),
        ({"mine": "TWIN"}, r"section 'twin': its table 'data' bears the slug of one of section 'data-used'"),
        ({"mine": "ODD"}, r"section 'odd' shows a str; known are .*Table, .*Fold, Grid"),
    ],
)  # fmt: skip
def test_a_section_that_does_not_keep_the_contract_is_named(install, out: Path, sections: dict, told: str):
    install(**sections)
    with pytest.raises(MuybridgeError, match=told):
        content(collect(out))


def test_sections_bear_the_names_of_the_table_and_stages_say_what_their_runs_are():
    ours = [entry.load() for entry in SECTIONS.values()]
    assert [one.name for one in ours] == list(SECTIONS)
    assert len({one.title for one in ours}) == len(ours)
    assert {stage for one in ours for stage in one.wants} <= STAGES.keys()
    assert {name: facts.runs for name, facts in STAGES.items() if facts.runs} == {
        **dict.fromkeys(("probe", "knn", "finetune", "zeroshot", "robustness"), "answers"),
        **dict.fromkeys(("retrieval", "neighbours"), "tested"),
        "similarity": "apart",
    }


def test_tables_of_a_section_are_those_that_it_shows(out: Path):
    all_of = collect(out)
    for chapter in content(all_of).chapters:
        slugs = [table.slug for table in chapter.section.tables(all_of)]
        assert slugs == [table.slug for table in chapter.tables]


def test_a_report_needs_no_torch(out: Path):
    code = f"import sys; from muybridge.report import write_report; write_report({str(out)!r}); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.split() == ["False"]
