import json
import shutil
from pathlib import Path

import pytest
from fake_study import curve, rows, strip, write_run

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.report import write_report
from muybridge.runs.contents.predictions import concatenate
from muybridge.runs.records import find_runs


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of each kind, and a second probe."""
    folder = tmp_path_factory.mktemp("study")
    videos = [f"v{index}" for index in range(20)]
    clean, noisy = rows(0.8, 3, videos, videos, "clean"), rows(0.4, 3, videos, videos, "noisy", "jpeg", 3)
    for arm in ("vcop", "rotnet"):
        write_run(folder, "probe", {"arm": arm, "data": "d", "seed": 0}, clean)
    facets = {"arm": "vcop", "data": "d", "seed": 0}
    write_run(folder, "robustness", facets, concatenate([clean, noisy]), strips={"clean": strip("clean")})
    write_run(folder, "pretrain", facets, metrics=curve("vcop", 0, 0.2))
    cells = [{"stage": run.stage, "signature": run.signature} for run in find_runs(folder)]
    write_json(folder / "study.json", {"name": "small", "cells": cells})
    return folder


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("stage", "file", "damage"),
    [
        ("robustness", "predictions.parquet", half),
        ("robustness", "predictions.parquet", Path.unlink),
        ("robustness", "strips.npz", half),
        ("probe", "result.json", half),
        ("probe", "result.json", lambda path: path.write_text("[1]")),
        ("probe", "result.json", lambda path: path.write_text('{"facets": 3}')),
        ("probe", "result.json", lambda path: path.write_text('{"facets": {"seed": "x"}}')),
        ("probe", "result.json", lambda path: path.write_bytes(b"\xff\xfe")),
        ("probe", "env.json", lambda path: path.write_text("")),
        ("pretrain", "metrics.jsonl", lambda path: path.write_bytes(b"\xff\n")),
        ("pretrain", "metrics.jsonl", lambda path: path.write_text("3\n")),
    ],
)
def test_one_damaged_run_is_listed_with_its_file_and_the_rest_is_reported(
    study: Path, tmp_path: Path, stage: str, file: str, damage
):
    folder = tmp_path / "copy"
    shutil.copytree(study, folder)
    run = next(run for run in find_runs(folder) if run.stage == stage)
    damage(run.path / file)
    report = write_report(folder)
    text = report.markdown.read_text(encoding="utf-8").replace("\\", "")
    assert "1 finished run is damaged" in text
    assert f"{run.path / file}: " in text
    others = {one.signature for one in find_runs(folder)} - {run.signature}
    table = (folder / "tables" / "runs.csv").read_text(encoding="utf-8")
    assert run.signature not in table
    assert all(signature in table for signature in others)
    assert "planned, not finished" not in text


def test_views_that_contradict_each_other_are_damage(study: Path, tmp_path: Path):
    videos = ["a", "a", "b"]
    made = rows(1.0, 3, videos, ["g", "h", "g"], "x")
    name = write_run(tmp_path, "probe", {"arm": "vcop", "data": "d", "seed": 0}, made)
    write_run(
        tmp_path,
        "probe",
        {"arm": "rotnet", "data": "d", "seed": 0},
        rows(0.5, 3, ["a", "b"], ["a", "b"], "y"),
    )
    text = write_report(tmp_path).markdown.read_text(encoding="utf-8").replace("\\", "")
    assert (
        f"{name}/predictions.parquet: damaged (the rows of one video and condition disagree on its group"
        in text
    )


def test_nothing_left_is_an_error_that_names_the_first(tmp_path: Path):
    made = rows(0.5, 3, ["a", "b"], ["a", "b"], "x")
    name = write_run(tmp_path, "probe", {"arm": "vcop", "data": "d", "seed": 0}, made)
    (tmp_path / "runs" / "probe" / name / "result.json").write_text(json.dumps([]))
    with pytest.raises(MuybridgeError, match=r"every finished run is damaged; the first: .*result\.json"):
        write_report(tmp_path)
