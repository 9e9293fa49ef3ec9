"""Catalogues: tables whose every line resolves and that cost no import to read."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from muybridge.backbones import BACKBONES
from muybridge.core import catalogue
from muybridge.core.catalogue import Entry, pick, rows, suggestion
from muybridge.core.errors import UsageError
from muybridge.data import DATASETS
from muybridge.objectives import OBJECTIVES
from muybridge.perturb import PERTURBATIONS
from muybridge.studies import STUDIES
from muybridge.weighting import WEIGHTINGS

TABLES = {
    "backbones": BACKBONES,
    "datasets": DATASETS,
    "objectives": OBJECTIVES,
    "perturbations": PERTURBATIONS,
    "studies": STUDIES,
    "weightings": WEIGHTINGS,
}
LINES = [(kind, name) for kind, table in TABLES.items() for name in table]
LIGHT = (
    *("muybridge", "muybridge.backbones", "muybridge.objectives", "muybridge.perturb", "muybridge.data"),
    *(
        "muybridge.weighting",
        "muybridge.stages",
        "muybridge.config.stage_configs",
        "muybridge.studies",
        "muybridge.cli.main",
    ),
    *(
        "muybridge.runs.records",
        "muybridge.runs.contents.predictions",
        "muybridge.runs.out",
        "muybridge.core.text.screen",
    ),
)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package offers a backbone of its own, and one that is called like a built-in one."""
    group = "muybridge.backbones"
    offered = EntryPoints(
        [EntryPoint("swin", "json:loads", group), EntryPoint("r2plus1d", "json:dumps", group)]
    )
    monkeypatch.setattr(catalogue, "entry_points", offered.select)


@pytest.mark.parametrize(("kind", "name"), LINES)
def test_every_line_resolves_and_says_what_it_is(kind: str, name: str) -> None:
    entry = TABLES[kind][name]
    assert callable(entry.load())
    assert entry.summary
    assert "\n" not in entry.summary
    assert not entry.facts.keys() & {"name", "summary"}


@pytest.mark.parametrize("module", LIGHT)
def test_tables_and_commands_do_not_import_torch(module: str) -> None:
    code = f"import {module}, sys; print(sorted({{'torch', 'av', 'pyarrow', 'matplotlib'}} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"


@pytest.mark.parametrize(
    ("name", "near"),
    [("rotnt", "rotnet"), ("VCOP", "vcop"), ("supervized", "supervised"), ("zzz", None), ("", None)],
)
def test_the_nearest_name_is_suggested(name: str, near: str | None) -> None:
    assert suggestion(name, OBJECTIVES) == (f" Did you mean {near!r}?" if near else "")


def test_the_suggestion_is_spelt_as_it_is_known() -> None:
    assert suggestion("label", ["Path", "Label"]) == " Did you mean 'Label'?"


def test_an_unknown_name_is_answered_with_all_known_ones(outside: None) -> None:
    with pytest.raises(UsageError) as caught:
        pick("backbones", BACKBONES, "r2plus1")
    assert str(caught.value) == (
        "backbones has no 'r2plus1'. Did you mean 'r2plus1d'? Known: "
        + ", ".join(sorted([*BACKBONES, "swin"]))
        + "."
    )


def test_other_packages_add_but_never_replace(outside: None) -> None:
    assert pick("backbones", BACKBONES, "swin") is json.loads
    assert pick("backbones", BACKBONES, "r2plus1d") is BACKBONES["r2plus1d"].load()
    listed = rows("backbones", BACKBONES)
    assert [row["name"] for row in listed] == [*BACKBONES, "swin"]
    assert listed[-1] == {"name": "swin", "summary": "from json:loads"}
    assert [row["name"] for row in rows("objectives", OBJECTIVES)] == list(OBJECTIVES)


def test_a_row_holds_the_facts_of_its_line() -> None:
    table = {"a": Entry("first", "json:loads", {"kind": "x", "classes": 3})}
    assert rows("things", table) == [{"name": "a", "summary": "first", "kind": "x", "classes": 3}]
    assert pick("things", table, "a")("[1]") == [1]


def test_a_name_is_checked_without_importing_what_it_stands_for(outside: None) -> None:
    catalogue.require("backbones", {"ghost": Entry("not installed", "no_such_module:x")}, "ghost")
    catalogue.require("backbones", {}, "swin")
    with pytest.raises(UsageError, match=r"things has no 'gost'\. Did you mean 'ghost'\? Known: ghost\."):
        catalogue.require("things", {"ghost": Entry("not installed", "no_such_module:x")}, "gost")
