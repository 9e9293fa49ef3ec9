"""What is said of a task's time once its first steps are measured: on a clock that the tests move."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import muybridge
from muybridge.config.embed_config import EmbedConfig
from muybridge.config.stage_configs import kind_of
from muybridge.core.text import forecast
from muybridge.core.text.forecast import Forecast, duration
from muybridge.runs.stages import STAGES
from muybridge.stages.job.job import stage_of
from muybridge.studies.study_configs import CONFIGS, StudyConfig


def lines(
    clock: list[float], steps: list[tuple[float, int]], total: int, shorter: str = "--limit"
) -> list[str]:
    """What is said of a task whose counts come that many seconds after another."""
    said: list[str] = []
    told = Forecast("train", shorter, said.append, lambda: "1.2 GB of memory so far")
    for seconds, done in steps:
        clock[0] += seconds
        told(done, total)
    return said


def test_it_says_once_what_the_rest_takes_and_what_makes_it_less(clock: list[float]) -> None:
    steps = [(90.0, 1), *((1.0, done) for done in range(2, 40))]
    assert lines(clock, steps, 1806, "--epochs or --budget") == [
        "train: about 30 min left, 1.2 GB of memory so far, by the first 6 of 1,806; --epochs or --budget shorten it"
    ]


def test_the_first_step_is_not_measured(clock: list[float]) -> None:
    assert lines(clock, [(1000.0, 1), (6.0, 7)], 37) == [
        "train: about 0.5 min left, 1.2 GB of memory so far, by the first 7 of 37; --limit shortens it"
    ]


def test_a_resumed_task_is_measured_from_where_it_went_on(clock: list[float]) -> None:
    assert "about 5.0 min left" in lines(clock, [(0.0, 900), (10.0, 910)], 1210)[0]


@pytest.mark.parametrize(
    "steps",
    [
        [(0.0, 1), (4.9, 2)],
        [(0.0, 1), (60.0, 1), (60.0, 1)],
        [(0.0, 1), (6.0, 71)],
    ],
    ids=["not measured yet", "standing still", "soon over"],
)
def test_it_is_silent_where_nothing_is_known_or_worth_saying(
    clock: list[float], steps: list[tuple[float, int]]
) -> None:
    assert lines(clock, steps, 100) == []


def test_what_grows_slow_is_said_later(clock: list[float]) -> None:
    steps = [(0.0, 1), (6.0, 71), (60.0, 72)]
    assert len(lines(clock, steps, 110)) == 1


def test_nothing_is_added_where_nothing_is_known(clock: list[float]) -> None:
    said: list[str] = []
    told = Forecast("embed", "", said.append)
    for done in (1, 2):
        told(done, 10_000)
        clock[0] += 10
    assert said == ["embed: about 27.8 h left, by the first 2 of 10,000"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0.0 min"), (90.0, "1.5 min"), (1000.0, "17 min"), (5399.0, "90 min"), (5400.0, "1.5 h"), (90_000.0, "25.0 h")],
)  # fmt: skip
def test_times_are_minutes_or_hours(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def flags(words: str) -> set[str]:
    """The flags that words name, as fields."""
    return {flag.replace("-", "_") for flag in re.findall(r"--([a-z-]+)", words)}


@pytest.mark.parametrize("name", list(STAGES))
def test_what_shortens_a_stage_is_a_flag_of_it(name: str) -> None:
    named = flags(stage_of(name).shorter)
    assert named
    assert named <= {field.name for field in fields(kind_of(name))}


@pytest.mark.parametrize(
    "kind", [StudyConfig, *dict.fromkeys(CONFIGS.values())], ids=lambda kind: kind.__name__
)
def test_what_shortens_a_study_is_a_flag_of_it(kind: type[StudyConfig]) -> None:
    named = flags(kind.shorter)
    assert named
    assert named <= {field.name for field in fields(kind)}


SMALL = {"size": 20, "crop": 16, "frames": 4, "stride": 1}


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second count is measured enough, and every task long."""
    monkeypatch.setattr(forecast, "MEASURED", 0.0)
    monkeypatch.setattr(forecast, "WORTH", 0.0)


@pytest.mark.usefixtures("eager")
def test_a_training_says_it_on_standard_error(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    muybridge.pretrain(data=videos, out=tmp_path / "out", objective="rotnet", budget=24, batch=6, **SMALL)
    out, err = capsys.readouterr()
    found = [line for line in err.splitlines() if line.startswith("pretrain: about")]
    assert len(found) == 1
    assert re.fullmatch(
        r"pretrain: about [\d.]+ min left(, [\d.]+ GB of memory so far)?, by the first 2 of \d+; --budget shortens it",
        found[0],
    )
    assert out == ""


@pytest.mark.usefixtures("eager")
def test_an_embedding_says_it_too(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    muybridge.embed(
        "r2plus1d-tiny", videos, out=tmp_path / "rows", batch=2, short_side=20, crop=16, frames=4, stride=1
    )
    found = [line for line in capsys.readouterr().err.splitlines() if line.startswith("embed: about")]
    assert len(found) == 1
    assert found[0].endswith("; --views or --limit shorten it")
    assert flags("--views or --limit") <= {field.name for field in fields(EmbedConfig)}
