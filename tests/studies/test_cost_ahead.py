"""What a study says of its cost before its first run: where asking is cheap beside the study, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest

from muybridge.config.stage_configs import PretrainConfig
from muybridge.core.text.screen import Plain
from muybridge.studies import study
from muybridge.studies.cell_runner import Outcome
from muybridge.studies.cost import Estimate, ahead
from muybridge.studies.files.find import find
from muybridge.studies.measured_pass import Pass
from muybridge.studies.plan import Cell, plan
from muybridge.studies.study_configs import QuickstartConfig, StudyConfig

LONG = 10**9


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Crops of the networks that were measured; a pass takes a millisecond."""
    crops: list[int] = []

    def measure(backbone: str, frames: int, crop: int, device: str, precision: str) -> Pass:
        crops.append(crop)
        return Pass(0.001, 1000, 1000)

    monkeypatch.setattr("muybridge.studies.cost.measure_pass", measure)
    return crops


def cells(videos: Path, out: Path, clips: dict[int, int]) -> list[Cell]:
    """One pretraining for each crop, of so many clips."""
    return plan(
        PretrainConfig(
            data=(str(videos),), out=out, objective="rotnet", budget=budget, batch=6, frames=4, stride=1, size=20, crop=crop
        )
        for crop, budget in clips.items()
    )  # fmt: skip


def test_a_long_study_is_measured_and_told(videos: Path, tmp_path: Path, measured: list[int]) -> None:
    found = ahead(cells(videos, tmp_path, {16: LONG}), set(), measure=True)
    assert measured == [16]
    assert found is not None
    assert found.measured is not None
    assert found.measured >= LONG / 1000
    assert "h of one worker" in found.words(1, 2, "--limit")
    assert found.words(1, 2, "--limit").endswith(". Shorter: --limit")


@pytest.mark.parametrize(
    "clips", [{16: 24}, {16: LONG, 18: 24}], ids=["short", "one network has little to do"]
)
def test_what_takes_long_to_find_out_is_not_asked(
    clips: dict[int, int], videos: Path, tmp_path: Path, measured: list[int]
) -> None:
    assert ahead(cells(videos, tmp_path, clips), set(), measure=True) is None
    assert measured == []


def test_networks_that_run_elsewhere_are_not_measured_here(
    videos: Path, tmp_path: Path, measured: list[int]
) -> None:
    assert ahead(cells(videos, tmp_path, {16: LONG}), set(), measure=False) is None
    assert measured == []


def test_what_is_done_costs_nothing(videos: Path, tmp_path: Path, measured: list[int]) -> None:
    (cell,) = cells(videos, tmp_path, {16: LONG})
    assert ahead([cell], {cell.job.signature}, measure=True) is None
    assert measured == []


def said(config: StudyConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a study of two hours says before its first run."""
    monkeypatch.setattr(study, "ahead", lambda *_: Estimate(7200.0, 3, 0.0, 0))
    monkeypatch.setattr(study, "warm", lambda *_: None)
    monkeypatch.setattr(study, "run_cells", lambda *_: Outcome())
    study.run(find("quickstart"), config, Plain())
    return capsys.readouterr().err


def test_a_study_says_it_before_its_first_run(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = QuickstartConfig(data=(str(videos),), out=tmp_path, minutes=0, budget=24, epochs=1, workers=2)
    (line,) = said(config, monkeypatch, capsys).splitlines()
    assert line.startswith("cost: 2.0 h of one worker")
    assert "(60 min with 2)" in line
    assert line.endswith(f"Shorter: {config.shorter}")


def test_where_a_trial_said_it_nothing_is_said_again(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = QuickstartConfig(data=(str(videos),), out=tmp_path, budget=24, epochs=1)
    assert said(config, monkeypatch, capsys) == ""
    assert said(replace(config, minutes=3.0, out=tmp_path / "other"), monkeypatch, capsys) == ""
