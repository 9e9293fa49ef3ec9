"""``muybridge runs``: what is listed, shown, chosen, deleted and exported, over run folders made up here."""

import csv
import json
import os
import pty
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import muybridge
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import write_json, write_yaml
from muybridge.core.seeding import rng
from muybridge.runs.contents.predictions import Predictions, write_predictions
from muybridge.runs.contents.result import RECORD_VERSION
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.runs.signing import signature

Call = Callable[..., tuple[int, str, str]]
VIDEOS = np.array([f"v{place:03d}" for place in range(150)])


def answers(accuracy: float, name: str, videos: np.ndarray = VIDEOS) -> Predictions:
    stream = rng(0, "runs", name)
    label = np.arange(len(videos)) % 5
    guess = np.where(stream.random(len(videos)) < accuracy, label, (label + 1) % 5)
    return Predictions(
        video=videos, group=videos, label=label, view=np.zeros(len(videos), np.int64), perturbation=np.full(len(videos), "clean"),
        severity=np.zeros(len(videos), np.int64), scores=np.eye(5, dtype=np.float32)[guess],
    )  # fmt: skip


def make(
    out: Path,
    stage: str,
    arm: str,
    seed: int = 0,
    init: Run | None = None,
    data: str = "motions",
    **more: Any,
) -> Run:
    """A finished run; with ``accuracy``, one that answers."""
    config = {"seed": seed, "objective": arm, "out": str(out)}
    name = signature(stage, config | {"data_name": data}, {"init": init.signature} if init else {})
    path = out / "runs" / stage / name
    facets = {
        "arm": arm,
        "data": data,
        "protocol": f"protocol of {stage}",
        "seed": seed,
        "fold": None,
        "backbone": "r2plus1d-tiny",
    }
    write_yaml(path / "config.yaml", config)
    if "accuracy" in more:
        write_predictions(
            path / "predictions.parquet", answers(more.pop("accuracy"), name, more.pop("videos", VIDEOS))
        )
    result = {
        "version": RECORD_VERSION, "stage": stage, "signature": name, "config": config, "facets": facets, "notes": [],
        "inputs": {"init": {"stage": init.stage, "signature": init.signature}} if init else {},
        "summary": f"{stage} of {arm}", "command": f"muybridge {stage} --seed {seed}", "budget": {"seconds": 12.5, "clips": 1000},
        "data": {"name": data, "fingerprint": "12ab"}, **more,
    }  # fmt: skip
    write_json(path / "result.json", seal(path, result))
    return Run(path)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two pretraining runs, a probe of each and of random weights, and a failure."""
    out = tmp_path / "out"
    for arm, accuracy in (("vcop", 0.9), ("rotnet", 0.88)):
        make(out, "probe", arm, init=make(out, "pretrain", arm), accuracy=accuracy)
    make(out, "probe", "random", accuracy=0.3)
    failed = out / "runs" / "finetune" / ("f" * 16)
    write_yaml(failed / "config.yaml", {"seed": 1, "objective": "prp", "data": ["motions"]})
    (failed / "error.log").write_text("out of memory\n\ntrace")
    return out


def listed(run: Call, out: Path, *words: str) -> list[dict[str, Any]]:
    code, text, _ = run("runs", "ls", "--out", out, "--json", *words)
    assert code == 0
    return json.loads(text)


def test_ls_shows_every_run_and_its_accuracy(run: Call, out: Path):
    code, text, _ = run("runs", "ls", "--out", out)
    head, *lines, tail = text.splitlines()
    assert (code, len(lines), tail) == (0, 6, f"6 runs in {out}")
    assert head.split()[:4] == ["run", "stage", "arm", "data"]
    assert [line.split()[1] for line in lines] == ["pretrain"] * 2 + ["probe"] * 3 + ["finetune"]
    vcop = next(line for line in lines if "probe" in line and "vcop" in line)
    assert (
        f"{100 * answers(0.9, listed(run, out, '--where', 'arm=vcop', '--stage', 'probe')[0]['signature']).correct.mean():.1f} %"
        in vcop
    )
    assert "failed" in lines[-1]


def test_ls_filters_and_sorts(run: Call, out: Path):
    assert [
        row["arm"]
        for row in listed(run, out, "--stage", "probe", "--where", "accuracy>0.5", "--sort", "accuracy")
    ] == ["vcop", "rotnet"]
    assert [row["arm"] for row in listed(run, out, "--sort", "accuracy", "--limit", "1")] == ["vcop"]
    assert [row["reason"] for row in listed(run, out, "--where", "status=failed")] == ["out of memory"]


@pytest.mark.parametrize("width", [80, 120])
def test_ls_fits_the_terminal(out: Path, width: int):
    """In a real terminal, a pseudo one."""
    parent, child = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width)}
    subprocess.run(
        [sys.executable, "-m", "muybridge", "runs", "ls", "--out", out],
        stdout=child,
        env=environment,
        check=True,
        timeout=120,
    )
    os.close(child)
    text = os.read(parent, 100_000).decode().replace("\r", "")
    os.close(parent)
    lines = text.splitlines()[:-1]
    assert max(map(len, lines)) <= width
    assert {"run", "stage", "arm", "data", "accuracy", "status"} <= set(lines[0].split())
    assert ("backbone" in lines[0]) is (width == 120)


def test_show_tells_inputs_dependents_and_the_command(run: Call, out: Path):
    base = next(row for row in listed(run, out, "--stage", "pretrain", "--where", "arm=vcop"))
    top = next(row for row in listed(run, out, "--stage", "probe", "--where", "arm=vcop"))
    code, text, _ = run("runs", "show", base["signature"][:8], "--out", out)
    assert code == 0
    assert f"dependent  probe/{top['signature']} (done)" in text
    assert "command    muybridge pretrain --seed 0" in text
    assert (
        f"init       pretrain/{base['signature']} (done)"
        in run("runs", "show", top["signature"], "--out", out)[1]
    )
    told = json.loads(run("runs", "show", f"probe/{top['signature'][:6]}", "--out", out, "--json")[1])
    assert told["inputs"] == {"init": f"pretrain/{base['signature']}"}
    assert told["numbers"]["accuracy"] == top["accuracy"]
    assert "reason     out of memory" in run("runs", "show", "ffff", "--out", out)[1]


def test_best_says_what_cannot_be_separated_from_it(run: Call, out: Path):
    code, text, _ = run("runs", "best", "--out", out)
    assert code == 0
    best, *rest = text.splitlines()
    assert best.startswith("best accuracy: ")
    assert "95 % interval" in best
    assert "probe of vcop" in rest[0]
    assert rest[1].startswith("cannot be separated from it")
    assert "rotnet" in rest[2]
    assert rest[3] == "below it: 1"
    assert "random" in rest[4]
    told = json.loads(run("runs", "best", "--out", out, "--json")[1])
    assert [rival["verdict"] for rival in told["rivals"]] == ["cannot be separated", "below"]


def test_best_sets_other_videos_apart_and_refuses_other_data(run: Call, out: Path):
    make(out, "probe", "cvrl", accuracy=0.5, videos=np.array([f"w{place}" for place in range(100)]))
    assert "tested on other videos, not compared: 1" in run("runs", "best", "--out", out)[1]
    make(out, "probe", "tdl", accuracy=0.5, data="objects")
    code, _, error = run("runs", "best", "--out", out)
    assert code == 2
    assert "2 data sets: motions, objects" in error
    assert run("runs", "best", "--out", out, "--where", "data=objects")[0] == 0
    assert "no finished run has it" in run("runs", "best", "perturbed", "--out", out)[2]


def test_rm_asks_refuses_and_deletes(run: Call, out: Path, monkeypatch: pytest.MonkeyPatch):
    base = listed(run, out, "--stage", "pretrain", "--where", "arm=vcop")[0]["signature"]
    top = listed(run, out, "--stage", "probe", "--where", "arm=vcop")[0]["signature"]
    code, _, error = run("runs", "rm", top, "--out", out)
    assert (code, "--yes" in error) == (2, True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda words: "n")
    assert run("runs", "rm", top, "--out", out)[1].endswith("nothing deleted\n")
    code, _, error = run("runs", "rm", base, "--yes", "--out", out)
    assert (code, f"1 runs rest on it: probe/{top}" in error) == (2, True)
    monkeypatch.setattr("builtins.input", lambda words: "y")
    assert "deleted 2 runs" in run("runs", "rm", base, top, "--out", out)[1]
    assert len(listed(run, out)) == 4


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_export_of_rows(run: Call, out: Path, tmp_path: Path, kind: str):
    path = tmp_path / f"rows.{kind}"
    code, text, _ = run("runs", "export", path, "--stage", "probe", "--out", out)
    assert (code, text.startswith("3 rows; ")) == (0, True)
    assert path.stat().st_size > 100
    if kind == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert {row["arm"]: float(row["accuracy"]) for row in rows} == {
            row["arm"]: pytest.approx(row["accuracy"]) for row in listed(run, out, "--stage", "probe")
        }


def test_export_of_one_run(run: Call, out: Path, tmp_path: Path):
    top = listed(run, out, "--stage", "probe", "--where", "arm=vcop")[0]["signature"]
    assert run("runs", "export", tmp_path / "one.zip", "--run", top[:7], "--out", out)[0] == 0
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert {name.split("/")[1] for name in packed.namelist() if name.startswith("runs/")} == {
            "probe",
            "pretrain",
        }
    assert run("runs", "export", tmp_path / "two.zip", "--out", out)[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lss"], "Did you mean 'ls'"),
        (["ls", "--wehre", "a=b"], "Did you mean '--where'"),
        (["ls", "--stage", "prob"], "Did you mean 'probe'"),
        (["ls", "--where", "arm=vcpo"], "Did you mean 'vcop'"),
        (["ls", "--sort", "acuracy"], "Did you mean 'accuracy'"),
        (["best", "acuracy"], "Did you mean 'accuracy'"),
        (["show", "0000"], "no run whose signature begins like that"),
        (["show"], "required"),
        (["export", "rows.xlsx"], "cannot write .xlsx"),
    ],
)
def test_wrong_words_say_the_nearest(run: Call, out: Path, words: list[str], said: str):
    code, _, error = run("runs", *words, "--out", out)
    assert code == 2
    assert said in error


def test_a_folder_without_runs(run: Call, tmp_path: Path):
    code, _, error = run("runs", "ls", "--out", tmp_path / "nothing")
    assert code == 2
    assert "holds no runs" in error


@pytest.mark.parametrize("words", [[], ["--help"], ["ls", "--help"], ["rm", "--help"]])
def test_help(run: Call, words: list[str]):
    code, text, _ = run("runs", *words)
    assert code == 0
    assert "usage: muybridge runs" in text


def test_the_python_function(out: Path):
    rows = muybridge.runs(out, stage="probe", where="arm!=random", sort="accuracy")
    assert [row["arm"] for row in rows] == ["vcop", "rotnet"]
    assert (rows[0]["path"] / "result.json").is_file()
    with pytest.raises(UsageError, match="Did you mean 'backbone'"):
        muybridge.runs(out, where=["bakbone=x"])


def test_listing_imports_nothing_heavy(out: Path):
    code = f"""
import sys
from muybridge.cli.main import main
assert main(["runs", "ls", "--out", {str(out)!r}]) == 0
assert not {{"torch", "sklearn", "scipy", "matplotlib", "av"}} & set(sys.modules), set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
