"""Students and their teachers in a report: roles read from the runs, the ensemble, verdicts, published rows."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_study import MOTIONS, rows, write_run

from muybridge.core.plain_data import write_json
from muybridge.measure.ensemble import mean_answer
from muybridge.report import write_report
from muybridge.report.claims import lesson_claims
from muybridge.report.claims import lessons as found
from muybridge.report.claims.lesson_claims import CLAIMS, Complementary, Taught, teacher_sets
from muybridge.report.claims.lessons import Lesson, lessons
from muybridge.report.claims.verdicts import World, judge
from muybridge.report.gather.collect import collect
from muybridge.report.gather.published_beside import beside
from muybridge.report.sections.study.claims_section import world as world_of
from muybridge.report.tables.lesson_tables import lesson_sets, lesson_table, rows_of
from muybridge.runs.contents.predictions import read_predictions

VIDEOS = [f"v{place:03d}" for place in range(240)]
SEEDS = (0, 1, 2)


def tuned(
    out: Path,
    arm: str,
    seed: int,
    level: float,
    teachers: tuple[str, ...] = (),
    pair: int = 0,
    hard: str = "",
    **config,
) -> str:
    """A fine-tuned network; what it was taught by stands in its inputs."""
    told = {
        "weighting": "fixed",
        "teacher_classes": "own",
        "budget": None,
        "budget_unit": None,
        "lr": 0.005,
        "pair": pair,
    }
    facets = {
        "arm": arm, "data": "builtin-motions", "seed": seed, "protocol": "fine-tune", "backbone": "shufflenet-tiny",
        "source": "builtin-motions" if arm in ("rotnet", "vcop") else "", "level": hard,
    }  # fmt: skip
    answers = rows(level, 12, VIDEOS, VIDEOS, f"{arm} {seed} {pair}")
    return write_run(
        out, "finetune", facets, answers, config=told | {"seed": seed} | config, chance=1 / 12,
        data={"name": "builtin-motions", "fingerprint": "5f", "classes": MOTIONS, "videos": {"train": 120, "test": 240}},
        inputs={f"teacher-{place}": {"stage": "finetune", "signature": name} for place, name in enumerate(teachers, 1)},
    )  # fmt: skip


def build(out: Path, student: float = 0.9, pair: int = 0, controls: bool = True) -> Path:
    """Two teachers, their student and every control, three seeds."""
    tasks = ("rotnet", "vcop")
    tail = f" {pair}" if pair else ""
    for seed in SEEDS:
        two = tuple(
            tuned(out, f"{task}{tail}", seed, level, pair=-1)
            for task, level in zip(tasks, (0.6, 0.7), strict=True)
        )
        by = f"random{tail} taught by "
        tuned(out, f"{by}{' and '.join(tasks)}, ae-kd", seed, student, two, pair, weighting="ae-kd")
        if not controls:
            continue
        alone = tuned(out, f"random{tail}", seed, 0.5, pair=pair)
        tuned(out, f"random{tail}, 40 epochs", seed, 0.55, pair=pair, budget=40, budget_unit="epochs")
        words = {"weighting": "ae-kd", "teacher_classes": "permuted"}
        tuned(out, f"{by}{' and '.join(tasks)} with permuted classes, ae-kd", seed, 0.3, two, pair, **words)
        for task, one in zip(tasks, two, strict=True):
            tuned(out, f"{by}{task}, average", seed, 0.65, (one,), pair, weighting="average")
        tuned(out, f"{by}random, average", seed, 0.52, (alone,), pair, weighting="average")
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("lessons"))


def seen(out: Path) -> World:
    return world_of(collect(out))


def student(world: World) -> Lesson:
    (found,) = [one for one in lessons(world) if one.rule == "ae-kd"]
    return found


def test_a_student_knows_its_teachers_and_every_control(out):
    one = student(seen(out))
    assert [place.facets["arm"] for place in one.teachers] == ["rotnet", "vcop"]
    assert one.best is one.teachers[1]
    arms = {name: place.facets["arm"] for name, place in one.beside.items()}
    assert arms == {
        "labels": "random", "labels-matched": "random, 40 epochs",
        "permuted": "random taught by rotnet and vcop with permuted classes, ae-kd",
        "self": "random taught by random, average",
        "single 1": "random taught by rotnet, average", "single 2": "random taught by vcop, average",
    }  # fmt: skip
    assert (one.start, one.tasks) == ("random", "rotnet and vcop")


def test_the_ensemble_is_the_mean_of_the_probabilities(out):
    one = student(seen(out))
    right = []
    for seed in SEEDS:
        scores, labels = [], None
        for place in one.teachers:
            (run,) = [run for run in place.arm.runs if run.result["facets"]["seed"] == seed]
            answers = read_predictions(run.path / "predictions.parquet")
            order = np.argsort(answers.video)
            raised = np.exp(answers.scores[order].astype(float))
            scores.append(raised / raised.sum(1, keepdims=True))
            labels = answers.label[order]
        right.append((np.mean(scores, axis=0).argmax(1) == labels).mean())
    assert one.ensemble.arm.accuracy().value == pytest.approx(np.mean(right))
    assert one.ensemble.arm.accuracy().value > 0.6


def test_members_of_an_ensemble_answer_for_the_same_clips():
    one, other = rows(0.5, 4, VIDEOS[:9], VIDEOS[:9], "a"), rows(0.5, 4, VIDEOS[1:10], VIDEOS[1:10], "b")
    with pytest.raises(ValueError, match="different clips"):
        mean_answer([one, other])
    gone = rows(0.5, 4, VIDEOS[:9], VIDEOS[:9], "b", undecoded=2)
    assert np.isnan(mean_answer([one, gone]).scores).any(axis=1).sum() == 2
    np.testing.assert_allclose(np.exp(mean_answer([one, one]).scores).sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize(("level", "verdict"), [(0.9, "supported"), (0.45, "refuted"), (0.7, "undetermined")])
def test_whether_a_student_beats_its_best_teacher(tmp_path, level, verdict):
    found = judge([Taught("It does.", "best teacher")], seen(build(tmp_path, level, controls=False)))
    assert found[0].verdict == verdict


def test_every_claim_is_judged_and_what_cannot_be_said_says_why(out):
    found = {one.words: one for one in judge(CLAIMS, seen(out))}
    assert [one.verdict for one in found.values()][:4] == ["supported"] * 4
    *_, robust, unlike = found.values()
    assert robust.verdict == unlike.verdict == "undetermined"
    assert "0 sets of compared teachers with a student; wanted 6" in unlike.missing[0]


@pytest.mark.parametrize(("sign", "verdict"), [(-1, "supported"), (1, "refuted")])
def test_unlike_teachers_are_worth_more_where_gain_falls_with_their_similarity(
    tmp_path, monkeypatch, sign, verdict
):
    levels = np.linspace(0.35, 0.98, 8)
    for pair, level in enumerate(levels, start=1):
        build(tmp_path, float(level), pair, controls=False)
    world = seen(tmp_path)
    alike = {
        frozenset(names): 0.5 + sign * levels[one.models[0].result["config"]["pair"] - 1] / 2
        for one in lessons(world) if one.rule == "ae-kd" for names in one.names
    }  # fmt: skip
    monkeypatch.setattr(lesson_claims, "_alike", lambda world: alike)
    assert len(teacher_sets(world)) == 8
    assert judge([Complementary("They are.")], world)[0].verdict == verdict


def test_controls_of_another_recipe_are_none(tmp_path):
    build(tmp_path)
    for seed in SEEDS:
        tuned(tmp_path, "random, other", seed, 0.99, lr=0.1)
    assert student(seen(tmp_path)).beside["labels"].facets["arm"] == "random"


def test_the_page_has_one_table_for_the_set_and_the_published_student_beside_ours(tmp_path):
    build(tmp_path)
    write_json(
        tmp_path / "study.json",
        {"name": "distill-task", "title": "Tasks", "tables": ["kd-tasks"], "cells": []},
    )
    world = seen(tmp_path)
    (some,) = lesson_sets(lessons(world))
    assert list(rows_of(some))[:6] == [
        "teacher 1", "teacher 2", "ensemble of the teachers, not trained", "labels alone, the same steps",
        "labels alone, the same operations", "student, ae-kd",
    ]  # fmt: skip
    (table,) = beside(world)
    (ours,) = table.ours.values()
    assert {key[0]: round(one.value, 1) for key, one in ours.items()} == {"rotnet and vcop": 0.9}
    write_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert page.count('id="distillation-1"') == 1
    assert "without code or recipe that is not a target" in page
    assert "A student beats the best of its teachers. Yes." in page
    first = (tmp_path / "report.md").read_text().split("## Findings")[0]
    assert "That a student beats the best of its teachers is supported, that it beats labels alone" in first
    assert "ensemble" in (tmp_path / "tables" / "distillation.csv").read_text()
    larger = replace(some[0], teachers=[replace(some[0].teachers[0], facets={**some[0].teachers[0].facets, "network": "larger"}),
                                        *some[0].teachers[1:]])  # fmt: skip
    told = lesson_table(1, [larger], [], world.all_of).rows
    assert [row[1].small for row in told[:2]] == ["network: larger", ""], (
        "teachers of one task are told apart by their networks"
    )


def test_levels_of_published_teachers_are_their_places(tmp_path):
    for seed in SEEDS:
        two = tuple(tuned(tmp_path, "rotnet", seed, 0.6, hard=hard) for hard in ("2", "3"))
        tuned(tmp_path, "random taught by 2 of rotnet, ae-kd", seed, 0.9, two, hard="2+3", weighting="ae-kd")
        tuned(tmp_path, "random taught by rotnet, average", seed, 0.3, two[:1], hard="2", weighting="average")
    write_json(
        tmp_path / "study.json", {"name": "distill-complexity", "tables": ["kd-complexity"], "cells": []}
    )
    (table,) = beside(seen(tmp_path))
    told = {key: round(one.value, 1) for ours in table.ours.values() for key, one in ours.items()}
    assert told == {
        ("shufflenet", "rotnet", "teacher 1"): 0.6, ("shufflenet", "rotnet", "teacher 2"): 0.6, ("shufflenet", "rotnet", "student"): 0.9,
    }  # fmt: skip


def test_they_are_found_once_for_all_that_ask(monkeypatch: pytest.MonkeyPatch):
    made = []
    monkeypatch.setattr(found, "_Seen", lambda world, runs: made.append(world) or SimpleNamespace(places=[]))
    world = World([], SimpleNamespace(by_name={}))
    assert found.lessons(world) is found.lessons(world)
    assert found.roles_of(world) == {}
    assert made == [world]


def test_runs_of_before_a_field_came_are_controls_of_runs_after(tmp_path):
    """A field that a run of an older version does not have counts as the value that all runs before are taken to have."""
    build(tmp_path)
    for path in (tmp_path / "runs" / "finetune").glob("*/result.json"):
        result = json.loads(path.read_text())
        if result["inputs"].get("teacher-1"):
            result["config"]["sampling"] = "dense"
            write_json(path, result)
    assert student(seen(tmp_path)).beside["labels"].facets["arm"] == "random"
