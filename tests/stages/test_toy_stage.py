"""A stage of another package: it joins by an entry point, and every part of the house that knows stages knows it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import muybridge
from muybridge.core.errors import UsageError
from muybridge.report import write_report
from muybridge.runs import stages
from muybridge.runs.records import Run
from muybridge.stages.job import resolve as resolving

FACTS = """
from muybridge.runs.stages import StageFacts

FACTS = StageFacts(
    "count the bright frames of every training video", "brightness", "toy_stage.code:BrightConfig", "toy_stage.code:BRIGHT",
    {"init": ("pretrain",)},
)
"""
CODE = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from muybridge.config.stage_configs import Data
from muybridge.stages.job.job import Stage, Work
from muybridge.stages.training.material import data_facts, law_of, prepare


@dataclass(frozen=True, kw_only=True)
class BrightConfig(Data):
    '''Count the bright frames of every training video.'''

    stage: ClassVar[str] = "bright"
    init: str = "random"
    '''Folder of a pretrain run, or random.'''
    limen: int = 100
    '''What is bright, from 0 to 255.'''


class Bright(Stage[BrightConfig]):
    name = "bright"

    def work(self, config, backbone, train, test):
        return Work(0.0, float(train + test))

    def run(self, job, progress):
        config = job.config
        material = prepare(job, {"train": list(job.dataset.records)}, config, law_of(config))
        bright = 0
        for record in material.parts["train"]:
            place = material.places[record.id]
            frames = material.store.read(place, np.arange(int(material.store.frames[place])))
            bright += int((np.asarray(frames).mean((1, 2, 3)) > config.limen).sum())
        return {
            "summary": f"{bright} bright frames on {job.dataset.name}", "data": data_facts(job, material, material.parts),
            "budget": {"clips": len(material.parts["train"])}, "chance": None, "notes": material.notes, "bright": bright,
        }


BRIGHT = Bright()
"""
Verbs = Callable[..., tuple[int, str, str]]
TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16}


def offer(folder: Path, facts: str, name: str = "bright", target: str = "toy_stage:FACTS") -> Path:
    """A folder for ``sys.path`` with an installed package that offers a stage."""
    told = folder / f"toy_{name}-1.dist-info"
    told.mkdir(parents=True)
    (folder / "toy_stage").mkdir()
    (folder / "toy_stage" / "__init__.py").write_text(facts)
    (folder / "toy_stage" / "code.py").write_text(CODE)
    (told / "entry_points.txt").write_text(f"[muybridge.stages]\n{name} = {target}\n")
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy-{name}\nVersion: 1\n")
    return folder


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    for name in ("toy_stage", "toy_stage.code"):
        sys.modules.pop(name, None)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = offer(tmp_path / "packages", FACTS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")  # of the workers of a study
    return folder


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    line = [sys.executable, "-m", "muybridge", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def test_it_is_listed_without_being_imported(toy: Path):
    (toy / "toy_stage" / "__init__.py").write_text("raise RuntimeError('must not be read')")
    done = command("--help")
    assert done.returncode == 0, done.stderr
    assert "bright       from toy_stage:FACTS" in done.stdout
    rows = json.loads(command("list", "stages", "--json").stdout)
    assert [row["name"] for row in rows] == [*stages.STAGES, "bright"]


def test_it_runs_by_command_and_by_python_once(toy: Path, videos: Path, tmp_path: Path, run: Verbs):
    flags = [word for name, value in TINY.items() for word in (f"--{name}", value)]
    done = command("bright", "--data", videos, "--limen", 10, "--out", tmp_path / "a", *flags)
    assert done.returncode == 0, done.stderr
    by_command = Run(Path(done.stdout.splitlines()[-1]))
    by_python = muybridge.bright(data=videos, limen=10, out=tmp_path / "b", **TINY)
    assert by_python.signature == by_command.signature
    counts = [run.result["bright"] for run in (by_command, by_python)]
    assert (
        counts[0]
        == counts[1]
        > muybridge.bright(data=videos, limen=255, out=tmp_path / "c", **TINY).result["bright"]
        == 0
    )
    assert by_python.result["facets"]["protocol"] == "brightness"
    assert "--limen" in run("bright", "--help")[1]


def test_it_starts_from_runs_as_its_line_says(toy: Path, videos: Path, tmp_path: Path):
    out = tmp_path / "out"
    begun = muybridge.pretrain(data=videos, objective="rotnet", budget=12, batch=6, out=out, **TINY)
    run = muybridge.bright(data=videos, init=begun, out=out, **TINY)
    assert run.result["inputs"]["init"]["signature"] == begun.signature
    assert run.result["facets"]["arm"] == "rotnet"
    with pytest.raises(UsageError, match=r"--init .*wanted a folder OUT/runs/pretrain/SIGNATURE"):
        muybridge.bright(data=videos, init=run, out=out, **TINY)


def test_studies_lists_and_reports_know_it(toy: Path, videos: Path, tmp_path: Path, run: Verbs):
    (tmp_path / "own.yaml").write_text(
        f"factors: {{limen: [10, 90]}}\ncommon: {{data: {videos}, frames: 4, stride: 1, size: 20, crop: 16, batch: 6}}\n"
        "cells:\n  - pretrain: {objective: rotnet, budget: 12}\n  - bright: {init: pretrain}\n"
    )
    out = tmp_path / "out"
    code, planned, said = run("study", "plan", tmp_path / "own.yaml", "--out", out)
    assert code == 0, said
    assert planned.count("bright ") >= 2, planned
    code, _, said = run("study", "run", tmp_path / "own.yaml", "--out", out, "--workers", 1)
    assert code == 0, said
    _, listed, _ = run("runs", "ls", "--out", out)
    assert listed.count("bright") >= 2
    page = (out / "report.md").read_text()
    signatures = [path.name for path in (out / "runs" / "bright").iterdir()]
    assert len(signatures) == 2
    assert all(signature[:6] in page for signature in signatures), page


def test_a_report_outlives_the_package_of_a_stage(toy: Path, videos: Path, tmp_path: Path, monkeypatch):
    muybridge.bright(data=videos, out=tmp_path / "out", **TINY)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(toy)])
    assert stages.of_runs("bright") == stages.StageFacts("", "bright", "", "")
    write_report(tmp_path / "out")
    with pytest.raises(UsageError, match="stages has no 'bright'"):
        stages.facts_of("bright")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            "import nothing_of_the_kind",
            "stage bright: toy_stage:FACTS cannot be imported .*ModuleNotFoundError",
        ),
        (
            "FACTS = print",
            "stage bright: toy_stage:FACTS is a builtin_function_or_method; wanted a StageFacts",
        ),
        (
            FACTS.replace("toy_stage.code:BRIGHT", "json:dumps"),
            "stage bright: json:dumps is a function; wanted a Stage",
        ),
    ],
)
def test_a_broken_package_is_named_and_stops_nothing_else(
    facts: str, said: str, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(offer(tmp_path / "packages", facts))
    with pytest.raises(UsageError, match=said):
        muybridge.bright(data=videos, out=tmp_path / "out", **TINY)
    assert stages.names()[-1] == "bright"
    assert muybridge.probe(data=videos, out=tmp_path / "out", fold=0, **TINY).done


def test_a_package_never_replaces_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(offer(tmp_path / "packages", FACTS, "probe"))
    assert stages.names() == list(stages.STAGES)
    assert stages.facts_of("probe") is stages.STAGES["probe"]


@pytest.mark.parametrize("fold", [0, "all"])
def test_a_verb_resolves_each_config_once(
    fold: int | str, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A factory of the user's is called by it, and data sets are read."""
    seen: list[object] = []
    monkeypatch.setattr(
        resolving, "absolute", lambda config, real=resolving.absolute: seen.append(config) or real(config)
    )
    run = muybridge.knn(data=videos, out=tmp_path, fold=fold, folds=2, **TINY)
    assert run.done
    assert len(seen) == (1 if fold == 0 else 3), (
        "one of a fold, and of all folds one each and one for their sum"
    )
