"""Tables of others: rows without source, n or protocol are refused; the doctor finds what was planted, and nothing in a clean table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from muybridge.core.errors import UsageError
from muybridge.core.reference.result_tables import Outside, store, stored, take
from muybridge.measure.results_doctor import examine, half_width

FACTS: dict[str, Any] = {
    "source": "https://example.org/results",
    "commit": "0123abc",
    "licence": "CC0-1.0",
    "columns": {"model": "model", "task": "task", "value": "acc", "path": "f"},
    "tasks": {"A": {"data": "ucf101", "classes": 101, "n": 200, "metric": "accuracy", "protocol": "zero-shot, one prompt"}},
    "trained_on": {"xclip": ["ucf101"]},
}  # fmt: skip


def files(folder: Path, table: str, facts: Any = FACTS) -> tuple[Path, Path]:
    (folder / "t.csv").write_text(table)
    (folder / "t.yaml").write_text(yaml.safe_dump(facts))
    return folder / "t.csv", folder / "t.yaml"


def test_rows_are_kept_with_all_that_is_known_of_them(tmp_path: Path):
    taken = take(*files(tmp_path, "model,task,acc,f\nxclip-b,A,0.5,x.json\nother,B,0.5,y\nbad,A,high,z\n"))
    (row,) = taken.rows
    assert (row.model, row.n, row.classes, row.trained_on, row.path, row.unit) == (
        "xclip-b",
        200,
        101,
        "ucf101",
        "x.json",
        "videos",
    )
    assert sum(taken.refused.values()) == 2
    assert any("neither n nor protocol" in why for why in taken.refused)
    store(tmp_path / "out", "My table", taken.rows)
    assert stored(tmp_path / "out")["my-table"].rows == taken.rows


def test_per_cent_and_other_metrics_are_told_in_the_facts(tmp_path: Path):
    facts = FACTS | {"where": {"f": "top 1"}, "scale": 0.01}
    taken = take(*files(tmp_path, "model,task,acc,f\na,A,68.1,top 1\na,A,91.0,top 5\n", facts))
    assert [row.value for row in taken.rows] == [0.681]
    assert taken.refused == {"f is not top 1": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"commit": "main"}, "rows without are refused"),
        ({"source": ""}, "wanted source"),
        ({"columns": {"model": "model"}}, "wanted columns with model, task and value"),
        ({"columns": {"model": "name", "task": "task", "value": "acc"}}, "has no column 'name'"),
    ],
)
def test_a_table_without_origin_is_refused(change: dict[str, Any], said: str, tmp_path: Path):
    with pytest.raises(UsageError, match=said):
        take(*files(tmp_path, "model,task,acc,f\nm,A,0.5,x\n", FACTS | change))


@pytest.mark.parametrize("name", ["n", "protocol", "classes", "metric"])
def test_a_task_without_n_or_protocol_is_refused(name: str, tmp_path: Path):
    task = {key: value for key, value in FACTS["tasks"]["A"].items() if key != name}
    taken = take(*files(tmp_path, "model,task,acc,f\nm,A,0.5,x\n", FACTS | {"tasks": {"A": task}}))
    assert not taken.rows
    assert list(taken.refused) == [f"task A: the facts lack {name}"]


def row(model: str, value: float, task: str = "A", **more: Any) -> Outside:
    known = {
        "data": "ucf101",
        "classes": 101,
        "n": 1000,
        "unit": "videos",
        "metric": "accuracy",
        "protocol": "zero-shot",
        "trained_on": "",
    }
    origin = {"source": "s", "commit": "0123abc", "path": "", "licence": ""}
    return Outside(model, task, **{**known, "value": value, **origin, **more})


CLEAN = [row("a", 0.9), row("b", 0.5), row("a", 0.8, "B"), row("b", 0.4, "B")]


def test_a_clean_table_has_no_finding():
    assert examine(CLEAN) == []


@pytest.mark.parametrize(
    ("planted", "kind", "words"),
    [
        ([row("c", 0.9), row("c", 0.8, "B")], "copies", "a, c: equal to the last digit on 2 tasks"),
        ([row("c", 0.3, "UCF", classes=51)], "renamed task", "counts 51 of its 101 classes"),
        ([row("c", 0.3, "F", unit="frames")], "unit", "1,000 frames as independent samples"),
        ([row("c", 1.2)], "impossible value", "1.2; wanted a fraction"),
        ([row("c", 0.30051)], "impossible value", "300.51 right answers"),
        ([row("c", 0.011)], "chance", "within three standard errors of guessing: c"),
        ([row("c", 0.7, trained_on="ucf101")], "labels seen", "70.0 % is not zero-shot"),
        ([row("c", 0.501)], "not separable", "A: 1 of 2 neighbours"),
    ],
)
def test_what_is_planted_is_found(planted: list[Outside], kind: str, words: str):
    found = [one for one in examine([*CLEAN, *planted]) if one.kind == kind]
    assert any(words in one.words for one in found), examine([*CLEAN, *planted])


def test_another_value_elsewhere_is_told():
    other = {"model": "a", "task": "A", "value": 0.5, "source": "a pull request"}
    assert [one.kind for one in examine(CLEAN, [other])] == ["contradiction"]
    assert examine(CLEAN, [other | {"value": 0.85}]) == []
    assert examine(CLEAN, [other | {"task": "B", "model": "nobody"}]) == []


def test_the_interval_is_binomial():
    assert half_width(0.8, 1944) == pytest.approx(0.0178, abs=1e-4)
    assert replace(CLEAN[0], n=4).n == 4
