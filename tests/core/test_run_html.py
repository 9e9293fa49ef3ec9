"""Runs in notebooks: a table that shows what the run says and nothing that it could do."""

from pathlib import Path

import muybridge
from muybridge.core.plain_data import write_json
from muybridge.runs.records import Run


def test_a_finished_run_shows_its_numbers(videos: Path, tmp_path: Path):
    run = muybridge.probe(data=videos, frames=4, stride=1, size=20, crop=16, fold=0, out=tmp_path)
    page = run._repr_html_()
    assert page.startswith("<table>")
    assert run.signature in page
    assert run.result["summary"] in page
    assert "r2plus1d-tiny" in page


def test_whatever_stands_in_a_folder_is_text(tmp_path: Path):
    path = tmp_path / "runs" / "probe" / ("a" * 16)
    write_json(
        path / "result.json",
        {"version": 1, "config": {}, "summary": "<script>alert(1)</script>", "notes": ["<b>"]},
    )
    page = Run(path)._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page


def test_unfinished_and_damaged_runs_show_that(tmp_path: Path):
    path = tmp_path / "runs" / "probe" / ("a" * 16)
    path.mkdir(parents=True)
    assert "not finished" in Run(path)._repr_html_()
    (path / "result.json").write_text("{")
    assert "damaged" in Run(path)._repr_html_()
    (path / "result.json").write_text(
        '{"version": 1, "config": {}, "facets": 3, "notes": null, "numbers": ["x"]}'
    )
    assert "<table>" in Run(path)._repr_html_()
