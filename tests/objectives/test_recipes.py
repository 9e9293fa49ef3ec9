"""Recipes: the values of the sources, that a config has what its recipe says, and that nothing is left out of the table."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import muybridge
from muybridge.cli import main
from muybridge.cli.stage_verbs import parse_config
from muybridge.config import recipes
from muybridge.config.stage_configs import PretrainConfig, as_dict
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, VideoRecord
from muybridge.objectives import OBJECTIVES
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.settled import command
from muybridge.stages.pretrain import PRETRAIN
from muybridge.stages.training.options import complete, followed, options
from muybridge.stages.training.training import schedule_of
from muybridge.studies.shipped.scales import SCALES, TASKS, Lab
from muybridge.studies.study_configs import ShippedConfig

PRESETS = ("benchmark", "paper")
CASES = [(task, name) for task in TASKS for name in PRESETS]
TABLE = {
    ("rotnet", "paper"): (0.01, 32, 1, 1e-4, "steps", 0.0, 40.0, 90),
    ("vcop", "paper"): (1e-3, 24, 1, 5e-4, "steps", 0.0, 1e9, 300),
    ("prp", "paper"): (0.01, 8, 1, 5e-4, "steps", 0.0, 1e9, 300),
    ("cvrl", "paper"): (0.32, 2048, 2, 1e-6, "cosine", 0.025, 1e9, 200),
    ("tdl", "paper"): (0.003, 48, 4, 1e-4, "steps", 0.0, 1e9, 240),
    ("rspnet", "paper"): (0.1, 384, 1, 1e-4, "cosine", 0.0, 1e9, 200),
    ("rotnet", "benchmark"): (0.01, 32, 1, 1e-4, "steps", 0.0, 40.0, 200),
    ("vcop", "benchmark"): (1e-3, 24, 1, 5e-4, "steps", 0.0, 1e9, 200),
    ("prp", "benchmark"): (0.01, 8, 1, 5e-4, "steps", 0.0, 1e9, 200),
    ("cvrl", "benchmark"): (0.04, 256, 2, 1e-6, "cosine", 0.025, 1e9, 200),
    ("tdl", "benchmark"): (0.003, 48, 4, 1e-4, "steps", 0.0, 1e9, 200),
    ("rspnet", "benchmark"): (0.025, 96, 1, 1e-4, "cosine", 0.0, 1e9, 200),
}
"""Learning rate, clips a step, stride, decay, schedule, warm-up, gradient norm and epochs, from the authors' code."""

DATA = Dataset("d", tuple(VideoRecord(f"{i}", f"/none/{i}", 0, "train", f"{i}") for i in range(4)), ("a",))


def flags(*words: str) -> PretrainConfig:
    return parse_config(PretrainConfig, "muybridge pretrain", words)


@pytest.mark.parametrize(("task", "name"), CASES)
def test_values_are_those_of_the_sources(task: str, name: str):
    one = flags("--preset", "benchmark", "--objective", task, "--objective-preset", name)
    told = (
        one.lr,
        one.batch,
        one.stride,
        one.weight_decay,
        one.schedule,
        one.warmup,
        one.clip_norm,
        one.budget,
    )
    assert told == TABLE[task, name]
    assert (one.budget_unit, one.frames, one.optimiser) == ("epochs", 16, "sgd")


@pytest.mark.parametrize(("task", "name"), CASES)
def test_a_config_does_what_its_recipe_says_and_the_recipe_says_all(task: str, name: str):
    """Options and augmentations come from elsewhere; the table says the same and leaves no option out."""
    one = complete(flags("--preset", "benchmark", "--objective", task, "--objective-preset", name))
    found = recipes.recipe(task, name)
    assert followed(one) == {"task": task, "preset": name, "hash": recipes.digest(found), "differ": []}
    assert recipes.options(task, name) == options(one)
    assert {*recipes.SETTING, *recipes.TRAINING, *recipes.LISTS} <= found.keys()
    changed = complete(flags("--objective", task, "--objective-preset", name, "--lr", "7"))
    told = followed(changed)
    assert told is not None
    assert {"lr", "budget", "frames"} <= set(told["differ"])
    assert not {"batch", "stride", "schedule"} & set(told["differ"]) or name == "benchmark"


def test_every_value_has_a_source_and_what_the_benchmark_does_not_state_is_a_choice():
    rows = list(recipes.rows())
    assert {(row["task"], row["preset"]) for row in rows} == set(CASES)
    assert all(row["source"] for row in rows)
    stated = {"frames", "crop", "budget", "budget_unit", "augment", "queue", "rotations", "rates"}
    for task in TASKS:
        told = {name for name, one in recipes.recipe(task, "benchmark").items() if not one.chosen}
        assert told <= stated, "the benchmark states nothing else"
        assert {"frames", "crop", "budget", "budget_unit"} <= told
        assert recipes.recipe(task, "benchmark")["lr"].chosen


def test_the_hash_is_of_the_values():
    one = recipes.recipe("vcop", "paper")
    renamed = {name: recipes.Value(found.value, "elsewhere") for name, found in one.items()}
    assert recipes.digest(renamed) == recipes.digest(one)
    assert recipes.digest({**one, "lr": recipes.Value(2e-3, "")}) != recipes.digest(one)
    assert len({recipes.digest(recipes.recipe(*case)) for case in CASES}) == len(CASES)


def test_linear_rules_of_the_authors_give_the_smaller_batches_their_rates():
    paper, here = (recipes.values("cvrl", name) for name in reversed(PRESETS))
    assert here["lr"] / here["batch"] == pytest.approx(paper["lr"] / paper["batch"])
    paper, here = (recipes.values("rspnet", name) for name in reversed(PRESETS))
    assert here["lr"] / here["batch"] == pytest.approx(paper["lr"] / paper["batch"])


def test_the_paper_sets_training_and_leaves_clips_and_length_to_the_preset():
    one, usual = flags("--objective", "tdl", "--objective-preset", "paper"), PretrainConfig()
    assert (one.lr, one.batch, one.stride, one.decay_at) == (0.003, 48, 4, (0.5, 2 / 3, 5 / 6))
    for name in (*recipes.SETTING, "backbone"):
        assert getattr(one, name) == getattr(usual, name)
    assert flags("--objective", "tdl") == PretrainConfig(objective="tdl")
    given = flags("--objective", "tdl", "--objective-preset", "paper", "--lr", "0.5", "--stride", "1")
    assert (given.lr, given.stride, given.batch) == (0.5, 1, 48)


def test_flags_files_and_keywords_name_the_recipe_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wanted = flags("--objective", "cvrl", "--objective-preset", "paper")
    file = tmp_path / "own.yaml"
    file.write_text("objective: cvrl\nobjective_preset: paper\n")
    seen: list[Any] = []
    monkeypatch.setattr("muybridge.stages.job.check.check_numbers", seen.append)
    with pytest.raises(UsageError):
        muybridge.pretrain(objective="cvrl", objective_preset="paper", dry_run=True, out=tmp_path / "out")
    told = [flags("--config", str(file)), flags("--objective=cvrl", "--objective_preset=paper")]
    for one in (*told, seen[0]):
        assert [getattr(one, name) for name in recipes.TRAINING] == [
            getattr(wanted, name) for name in recipes.TRAINING
        ]
    file.write_text("objective: tdl\nobjective_preset: paper\nlr: 0.25\n")
    assert flags("--config", str(file), "--objective", "vcop").batch == 24, "flags go over the file"
    assert flags("--config", str(file)).lr == 0.25


@pytest.mark.parametrize(("task", "name"), CASES)
def test_the_command_of_a_run_makes_the_same_config(task: str, name: str):
    for words in ((), ("--preset", "benchmark"), ("--lr", "0.002", "--gap", "0", "--clip-norm", "5")):
        one = complete(flags("--objective", task, "--objective-preset", name, *words))
        again = command(one).split()[2:]
        assert as_dict(complete(flags(*again))) == as_dict(one)


def test_a_task_without_a_paper_is_refused_and_has_choices_under_the_benchmark():
    with pytest.raises(
        UsageError, match=r"speed has no recipe of a paper\. .*or --objective-preset benchmark"
    ):
        flags("--objective", "speed", "--objective-preset", "paper")
    with pytest.raises(UsageError, match=r"rspnt has no recipe of a paper\. Did you mean 'rspnet'"):
        flags("--objective", "rspnt", "--objective-preset", "paper")
    with pytest.raises(UsageError, match="objective_preset: 'papr'; wanted one of 'benchmark', 'paper'"):
        muybridge.pretrain(preset="benchmark", objective_preset="papr")
    one = flags("--preset", "benchmark", "--objective", "speed")
    assert (one.lr, one.budget, one.budget_unit, one.clip_norm) == (1e-3, 200, "epochs", 1e9)
    assert all(value.chosen for name, value in recipes.OTHERS.items() if name not in recipes.STATED)
    assert OBJECTIVES.keys() >= recipes.RECIPES.keys()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--decay-at", "0.5"), "--decay-at goes with --schedule steps; this is --schedule cosine"),
        (("--schedule", "steps", "--decay-at", "0.5", "0.4"), "--decay-at 0.5 0.4: wanted rising shares"),
        (("--schedule", "steps", "--decay-at", "0.5", "1"), "--decay-at 0.5 1.0: wanted rising shares"),
        (("--schedule", "steps", "--decay-at", "0.5", "--decay", "0"), "--decay 0: wanted a number above 0"),
    ],
)
def test_impossible_schedules_are_refused(words: tuple[str, ...], said: str):
    with pytest.raises(UsageError, match=said):
        PRETRAIN.check(flags(*words), DATA, {}, ResolveCache())


def test_the_rate_of_every_step_is_that_of_the_recipe():
    tdl = flags("--objective", "tdl", "--objective-preset", "paper")
    steps, rate = 24, schedule_of(tdl)
    told = [rate(step, steps, tdl.warmup) for step in range(steps)]
    assert told == pytest.approx(
        [0.1 ** sum(10 * step >= last for last in (120, 160, 200)) for step in range(steps)]
    )
    vcop = flags("--objective", "vcop", "--objective-preset", "paper")
    assert {schedule_of(vcop)(step, steps, vcop.warmup) for step in range(steps)} == {1.0}
    cvrl = flags("--objective", "cvrl", "--objective-preset", "paper")
    warm = [schedule_of(cvrl)(step, 400, cvrl.warmup) for step in range(400)]
    assert warm.index(max(warm)) == 9
    assert warm[-1] < 1e-4


def test_the_paper_scale_pretrains_every_task_by_its_recipe_and_length():
    lab = Lab(ShippedConfig(scale="paper"), {})
    for task in (*TASKS, "speed"):
        one = lab.pretrain(task, "r2plus1d", 0)
        for name, value in recipes.values(task, "benchmark").items():
            assert getattr(one, name) == value, (task, name)
    assert SCALES["paper"].recipes
    assert not SCALES["tiny"].recipes


def test_info_prints_every_value_and_its_source(capsys: pytest.CaptureFixture[str]):
    assert main.main(["info", "recipes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in told] == [
        list(row["value"]) if isinstance(row["value"], tuple) else row["value"] for row in recipes.rows()
    ]
    assert main.main(["info", "recipes", "rspnet"]) == 0
    said = capsys.readouterr().out
    assert f"rspnet, benchmark ({recipes.digest(recipes.recipe('rspnet', 'benchmark'))})" in said
    assert "lr              0.025" in said
    assert "clip_norm       none" in said
    assert main.main(["info", "recipes", "rspnt"]) == 2
    assert "Did you mean 'rspnet'" in capsys.readouterr().err
    assert main.main(["info", "recipes", "rspnet", "--yaml"]) == 2


def test_a_run_says_which_recipe_it_followed_and_its_epochs(videos: Path, tmp_path: Path):
    small: dict[str, Any] = {"data": videos, "size": 20, "crop": 18, "frames": 4, "backbone": "r2plus1d-tiny"}
    run = muybridge.pretrain(
        preset="benchmark", objective="vcop", budget=2, batch=9, stride=1, gap=0, out=tmp_path, **small
    )
    told, spent = run.result["recipe"], run.result["budget"]
    assert (told["task"], told["preset"], len(told["hash"])) == ("vcop", "benchmark", 12)
    assert {"budget", "batch", "crop", "frames", "gap", "size"} <= set(told["differ"])
    assert "lr" not in told["differ"]
    number = run.result["data"]["videos"]["train"]
    assert spent["epochs"] == spent["steps"] * 3 / number >= 2
    assert spent["clips"] == spent["with_gradient"] == 9 * spent["steps"]
    assert spent["decoded"] == 4 * spent["clips"] == spent["frames"]
    lrs = {row["lr"] for row in run.metrics if "lr" in row}
    assert lrs == {1e-3}, "a constant rate, no warm-up"
    assert torch.isfinite(torch.tensor([row["loss"] for row in run.metrics if "loss" in row])).all()
