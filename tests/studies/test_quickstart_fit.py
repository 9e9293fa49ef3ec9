"""What of a quickstart fits into some minutes: grows with them, is chosen once, and says when nothing fits."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from muybridge.core.errors import UsageError
from muybridge.core.plain_data import read_json, write_json
from muybridge.stages.job.settled import absolute
from muybridge.studies.cell_runner import Outcome
from muybridge.studies.cost import Estimate
from muybridge.studies.files.find import find, make_plan
from muybridge.studies.measured_pass import Pass
from muybridge.studies.shipped import quickstart_fit
from muybridge.studies.shipped.quickstart_fit import fitted
from muybridge.studies.study_configs import QuickstartConfig
from muybridge.studies.study_record import write_plan


@pytest.fixture
def config(videos: Path, tmp_path: Path) -> QuickstartConfig:
    small = QuickstartConfig(
        data=(str(videos),), tasks=("rotnet",), size=20, crop=16, workers=2, device="cpu"
    )
    return absolute(replace(small, out=tmp_path / "out"))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass of a clip takes four milliseconds, training twice what its network does, and a plan and a trial no time at all."""
    monkeypatch.setattr("muybridge.studies.cost.measure_pass", lambda *words: Pass(4e-3, 1000, 1000))
    monkeypatch.setattr(quickstart_fit, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(quickstart_fit, "_rate", lambda whole: 2.0)


def said(config: QuickstartConfig) -> tuple[QuickstartConfig, str]:
    words: list[str] = []
    chosen = fitted(config, words.append)
    return chosen, " ".join(words)


@pytest.mark.parametrize("change", [{"data": ()}, {"budget": 300}, {"minutes": 0.0}])
def test_where_nothing_is_to_be_chosen_nothing_is_tried(change: dict, config: QuickstartConfig, monkeypatch):
    monkeypatch.setattr(quickstart_fit, "plan", lambda *words: pytest.fail("planned"))
    asked = replace(config, **change)
    assert fitted(asked) == asked


def test_more_minutes_give_more_and_what_is_left_out_is_said(config: QuickstartConfig, measured):
    found = [fitted(replace(config, minutes=minutes)) for minutes in (2.5, 4, 8, 16, 200)]
    for field in ("budget", "epochs"):
        values = [getattr(one, field) for one in found]
        assert values == sorted(values)
        assert values[0] < values[-1]
    assert (found[-1].budget, found[-1].epochs, found[-1].severities) == (6000, 20, (1, 3, 5))
    chosen, words = said(replace(config, minutes=4))
    assert f"{chosen.budget:,} clips a task" in words
    assert f"{chosen.epochs} of 20 passes" in words


def test_what_was_chosen_is_expected_to_take_no_longer(config: QuickstartConfig, measured):
    _, words = said(replace(config, minutes=3))
    assert float(re.search(r"about ([\d.]+) by a trial", words)[1]) <= 3


def test_severities_are_left_out_last(config: QuickstartConfig, measured, monkeypatch):
    monkeypatch.setattr("muybridge.studies.cost.measure_pass", lambda *words: Pass(0.2, 1000, 1000))
    with pytest.raises(UsageError) as refused:
        fitted(config)
    least = float(re.search(r"about ([\d.]+) on this machine", str(refused.value))[1])
    chosen, words = said(replace(config, minutes=least + 0.2))
    assert chosen.severities == (3,)
    assert "severities 1 5 are left out" in words


@pytest.mark.parametrize("minutes", [-1.0, 0.01])
def test_minutes_for_nothing_are_refused(minutes: float, config: QuickstartConfig, measured):
    with pytest.raises(UsageError, match="--minutes"):
        fitted(replace(config, minutes=minutes))


def test_the_same_command_gets_what_was_chosen_before(config: QuickstartConfig, measured, monkeypatch):
    asked = replace(config, minutes=4.0)
    chosen = fitted(asked)
    recipe = find("quickstart")
    write_plan(recipe, chosen, make_plan(recipe, chosen), Outcome())
    monkeypatch.setattr(quickstart_fit, "_rate", lambda whole: 40.0)  # a machine that is busy now
    assert fitted(asked) == chosen
    assert fitted(replace(asked, workers=1)) == replace(chosen, workers=1)
    assert fitted(replace(asked, minutes=30.0)) != replace(chosen, minutes=30.0)


@pytest.mark.parametrize(
    "damage", [{"budget": -5}, {"budget": "many"}, {"epochs": None}, {"severities": ["x"]}, {"severities": []}, {"severities": [9]}]
)  # fmt: skip
def test_a_choice_that_is_damaged_is_made_anew(damage: dict, config: QuickstartConfig, measured):
    asked = replace(config, minutes=4.0)
    chosen = fitted(asked)
    recipe = find("quickstart")
    write_plan(recipe, chosen, make_plan(recipe, chosen), Outcome())
    study = read_json(config.out / "study.json")
    study["config"] |= damage
    write_json(config.out / "study.json", study)
    assert fitted(asked) == chosen


def test_past_runs_of_like_kind_count_with_what_they_took(config: QuickstartConfig, measured, monkeypatch):
    past = Estimate(seconds=1e5, told=3, flops=0.0, unknown=0, measured=0.0)
    monkeypatch.setattr(quickstart_fit, "estimate", lambda *words, **more: past)
    with pytest.raises(UsageError, match="the least of a quickstart"):
        fitted(config)


def test_a_trial_decides_on_this_machine(config: QuickstartConfig, run):
    words = (
        "--data",
        config.data[0],
        "--tasks",
        "rotnet",
        "--size",
        "20",
        "--crop",
        "16",
        "--dry-run",
        "--out",
        config.out,
    )
    code, out, err = run("quickstart", *map(str, words))
    assert code == 0
    assert re.search(r"within --minutes 5 \(about [\d.]+ by a trial of 12 steps\): [\d,]+ clips a task", err)
    assert "to do" in out
    assert not config.out.exists()


def test_declared_labels_go_with_own_data_to_its_perturbed_runs(videos: Path, tmp_path: Path):
    values = {
        "tasks": ("rotnet",),
        "size": 20,
        "crop": 16,
        "budget": 24,
        "minutes": 0.0,
        "label_changing": ("reversal",),
    }
    found = list(make_plan(find("quickstart"), QuickstartConfig(data=(str(videos),), out=tmp_path, **values)))
    tested = [cell.job for cell in found if cell.job.stage == "robustness"]
    assert tested
    assert {change.type for job in tested for change in job.dataset.changes} == {"reversal"}
    with pytest.raises(UsageError, match="--label-changing: goes with --data"):
        make_plan(find("quickstart"), QuickstartConfig(out=tmp_path, **values))
