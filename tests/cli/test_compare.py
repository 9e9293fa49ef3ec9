"""``muybridge compare``: what a person sees, at two widths, and what a machine reads."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.plain_data import write_json
from muybridge.runs.contents.predictions import Predictions, concatenate, write_predictions

CATEGORIES = {"gaussian_noise": "noise", "jpeg": "digital"}


def cell(right: int, perturbation: str, severity: int, videos: int = 100) -> Predictions:
    """Rows of two classes, the first ``right`` videos answered correctly."""
    names = np.array([f"v{index:03d}" for index in range(videos)])
    scores = np.zeros((videos, 2), np.float32)
    scores[np.arange(videos), (np.arange(videos) >= right).astype(int)] = 1
    return Predictions(
        names, names, np.zeros(videos, np.int64), np.zeros(videos, np.int64),
        np.full(videos, perturbation), np.full(videos, severity), scores,
    )  # fmt: skip


def write(folder: Path, arm: str, rights: dict[tuple[str, int], int], **more) -> Path:
    path = folder / "runs" / "robustness" / f"{arm:0<16}"
    write_predictions(path / "predictions.parquet", concatenate([cell(n, *one) for one, n in rights.items()]))
    told = {
        "facets": {"arm": arm, "data": "d", "seed": 0}, "profile": "muybridge-1", "categories": CATEGORIES,
        "data": {"name": "d", "fingerprint": "f"}, "chance": 0.1,
    }  # fmt: skip
    write_json(path / "result.json", {**told, **more})
    return folder


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, str]:
    good = {("clean", 0): 90, ("gaussian_noise", 3): 80, ("jpeg", 3): 70}
    bad = {("clean", 0): 89, ("gaussian_noise", 3): 40, ("jpeg", 3): 69}
    return str(write(tmp_path / "a", "good", good)), str(write(tmp_path / "b", "bad", bad))


def test_table_and_words(run, models):
    code, out, _ = run("compare", *models)
    assert code == 0
    rows = {line.split("  ")[0]: line.rstrip() for line in out.splitlines() if line}
    assert rows["gaussian_noise"].split()[1:4] == ["80.0", "40.0", "+40.0"]
    assert rows["gaussian_noise"].endswith("A above B")
    assert rows["jpeg"].endswith("cannot be separated")
    assert "good is above bad" in " ".join(out.split())
    assert "Verdicts are corrected for" in " ".join(out.split())


@pytest.mark.parametrize(("clean", "near"), [(12, True), (60, False)])
def test_a_model_near_chance_is_said_to_be(run, models, clean: int, near: bool, tmp_path: Path):
    """Of 100 videos 12 right are no more than chance, which is 10; of the other model nothing is said."""
    low = {("clean", 0): clean, ("gaussian_noise", 3): 11, ("jpeg", 3): 10}
    code, out, error = run("compare", models[0], write(tmp_path / "c", "low", low))
    assert code == 0, error
    words = " ".join(out.split())
    assert (
        "Not told from chance even without perturbation, so that relative scores say nothing: low." in words
    ) is near
    assert ("Not told from chance" in words) is near


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_the_terminal(models, width: int):
    environment = {
        "COLUMNS": str(width),
        "PATH": "",
        "PYTHONPATH": ":".join(sys.path),
        "PYTHONIOENCODING": "utf-8",
    }
    words = [sys.executable, "-m", "muybridge", "compare", *models]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120, check=True)
    shown = [line.rstrip() for line in done.stdout.splitlines() if not line.startswith(("A  ", "B  "))]
    assert max(map(len, shown)) <= width
    assert sum(line.endswith(("A above B", "cannot be separated")) for line in shown) == 9


def test_json_is_whole(run, models):
    code, out, _ = run("compare", *models, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["a"]["name"], told["b"]["name"], told["profile"]) == ("good", "bad", "muybridge-1")
    noise = next(line for line in told["lines"] if line["name"] == "gaussian_noise")
    assert noise["difference"]["value"] == pytest.approx(0.4)
    assert (noise["verdict"], noise["separable"]) == ("A above B", True)


def test_out_writes_the_page_and_tables(run, models, tmp_path: Path):
    code, out, _ = run("compare", *models, "--out", str(tmp_path / "out"))
    assert code == 0
    for name in ("compare.html", "compare.md", "tables/compare.csv", "tables/compare.tex"):
        assert (tmp_path / "out" / name).is_file()
    assert out.rstrip().endswith("compare.html")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "takes two folders, got 0"),
        (["a", "b", "c"], "takes two folders, got 3"),
        (["a", "b", "--jsn"], "--json"),
        (["a", "b", "--out"], "--out wants a value"),
        (["nowhere", "nothing"], "nowhere: does not exist"),
    ],
)
def test_wrong_words_are_usage_errors(run, words: list[str], expected: str):
    code, _, err = run("compare", *words)
    assert code == 2
    assert expected in err


def test_runs_of_other_data_are_refused(run, models, tmp_path: Path):
    other = write(tmp_path / "c", "other", {("clean", 0): 9}, data={"name": "d", "fingerprint": "g"})
    code, _, err = run("compare", models[0], str(other))
    assert code == 2
    assert "data f against g" in err


def test_help_needs_no_torch():
    code = "import sys; from muybridge.cli.main import main; main(['compare', '--help']); assert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "usage: muybridge compare [-h] A B" in done.stdout
