"""Hostile folders of results: whatever reads them touches nothing outside, calls no code, answers in words, and reports the other runs."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import result_folder
from hostile_runs import CASES, SOUND
from result_folder import STUDY, Farm

from muybridge.runs.records import Run
from muybridge.runs.run_index import Index

Call = Callable[..., tuple[int, str, str]]
SAMPLE = [
    "name in files: far up", "predictions.parquet is a link to: a file", "result.json is: a pipe", "run folder is a link",
    "tables is a link",
    "journal is a second name of a file outside", "forged predictions of the old length and time", "checksum left out", "file added",
    "signature of another run", "result.json: deep lists", "config.yaml of an unfinished run: merges",
    "predictions, sealed: scores are lists",
    "strips, sealed: a shape that lies", "metrics.jsonl, sealed: loss is text",
]  # fmt: skip


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sound") / "out"
    result_folder.build(out)
    return out


@pytest.fixture
def farm(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """A copy of the sound folder, deep in a tree whose other files are the user's; the home folder is there too."""
    out, outside = tmp_path / "a" / "b" / "out", tmp_path / "outside"
    shutil.copytree(sound, out)
    (outside / "project").mkdir(parents=True)
    (outside / ".bashrc").write_text("alias ls='ls -F'\n")
    (outside / "project" / "thesis.tex").write_text("% Made by Muybridge\nyears")
    (outside / "project" / "result.json").write_text("{}")
    monkeypatch.setenv("HOME", str(outside))
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "stores"))
    runs = {run.stage: Run(out / run.path.relative_to(sound)) for run in runs_of(sound)}
    other = [run for run in runs_of(out) if run.stage == "robustness" and run.path != runs["robustness"].path]
    return Farm(out, outside, runs | {"other": other[0]})


def runs_of(out: Path) -> list[Run]:
    return [Run(path.parent) for path in sorted(out.glob("runs/*/*/result.json"))]


def looks(folder: Path) -> dict[str, str]:
    """Everything about a tree that a verb could change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = (
            str(path.readlink())
            if path.is_symlink()
            else hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file()
            else ""
        )
        found[str(path)] = f"{about.st_mode} {about.st_size} {about.st_mtime_ns} {content}"
    return found


def check(farm: Farm, run: Call, videos: Path, tmp_path: Path) -> dict[str, tuple[int, str, str]]:
    """Use every verb that reads; returns what each said."""
    rows = Index(farm.out).rows()
    one = next((row for row in rows if row.stage == "probe"), rows[0])
    (tmp_path / "exported").mkdir()
    study = tmp_path / f"{STUDY}.yaml"
    study.write_text(f"cells:\n  pretrain: {{data: [{videos}], objective: vcop}}\n")
    start = farm.runs["pretrain"].path
    verbs = {
        "ls": ("runs", "ls"), "ls as json": ("runs", "ls", "--json"), "show": ("runs", "show", one.name),
        "best": ("runs", "best", "--stage", "probe"),
        "perturbed": ("runs", "best", "perturbed"), "csv": ("runs", "export", tmp_path / "exported" / "rows.csv"),
        "parquet": ("runs", "export", tmp_path / "exported" / "rows.parquet"),
        "zip": ("runs", "export", tmp_path / "exported" / "one.zip", "--run", one.name),
    }  # fmt: skip
    said = {name: run(*words, "--out", farm.out) for name, words in verbs.items()}
    said["compare"] = run(
        "compare", farm.runs["robustness"].path, farm.runs["other"].path, "--out", tmp_path / "exported"
    )
    said["report"] = run("report", farm.out)
    said["status"] = run("study", "status", study, "--out", farm.out)
    said["init"] = run("probe", "--data", videos, "--init", start, "--out", tmp_path / "mine", "--dry-run")
    said["model"] = run(
        "robustness",
        "--model",
        farm.runs["finetune"].path,
        "--data",
        videos,
        "--out",
        tmp_path / "mine",
        "--dry-run",
    )
    said["into"] = run("probe", "--data", videos, "--out", farm.out, "--dry-run")
    said["rm"] = run("runs", "rm", *(row.name for row in rows), "--yes", "--force", "--out", farm.out)
    return said


@pytest.mark.parametrize(
    "name", [*SAMPLE, *(pytest.param(name, marks=pytest.mark.slow) for name in CASES if name not in SAMPLE)]
)
@pytest.mark.timeout(120)
def test_nothing_outside_is_touched_and_every_verb_answers(
    name: str, farm: Farm, run: Call, videos: Path, tmp_path: Path
):
    CASES[name](farm)
    watched = [farm.outside, *(place for place in [tmp_path / "moved"] if place.exists())]
    before = [looks(place) for place in watched]
    states = {row.name: row.status for row in Index(farm.out).rows()}
    said = check(farm, run, videos, tmp_path)
    assert [looks(place) for place in watched] == before
    for verb, (code, _, error) in said.items():
        assert code in (0, 1, 2), verb
        assert "Traceback" not in error, (verb, error)
        assert "This is a bug" not in error, (verb, error)
    damaged = [one for one, status in states.items() if status == "damaged"]
    if name in SOUND:
        assert damaged == []
        return
    if name != "runs is a link":
        # A file that was sealed with what no reader takes is found by who reads it.
        assert len(damaged) == 1 or ("sealed" in name and not damaged), damaged
        code, _, error = said["report"]
        assert code == 0, error
        text = (farm.out / "report.md").read_text(encoding="utf-8")
        assert "1 finished run is damaged" in text
        assert all(one.rpartition("/")[2] in text.replace("\\", "") for one in damaged)


def test_the_sound_folder_is_sound(farm: Farm, run: Call, videos: Path, tmp_path: Path):
    said = check(farm, run, videos, tmp_path)
    refused = {verb: error for verb, (code, _, error) in said.items() if code}
    assert set(refused) <= {"model"}, refused


def test_there_are_a_hundred_of_them():
    assert len(CASES) >= 100
    assert set(SAMPLE) <= CASES.keys()
