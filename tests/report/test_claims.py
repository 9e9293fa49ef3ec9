"""Claims: verdicts against differences computed apart, and silence where something is missing."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from fake_claims import NETWORKS, TASKS, build
from fake_study import rows, write_run

from muybridge.core.plain_data import write_json
from muybridge.core.reference.published_values import SOURCES, published
from muybridge.measure.intervals import difference, holm
from muybridge.report import write_report
from muybridge.report.claims.predicates import Above, BesideChance, EqualBudgets, SameOrder
from muybridge.report.claims.study_claims import CLAIMS
from muybridge.report.claims.verdicts import Claim, Evidence, Judged, Says, World, judge, world_of
from muybridge.report.gather import published_beside as published_rows
from muybridge.report.gather.collect import collect, named_arms
from muybridge.report.gather.published_beside import beside
from muybridge.report.scores.robust import perturbed
from muybridge.report.scores.score import score
from muybridge.runs.contents.predictions import concatenate, read_predictions
from muybridge.runs.records import find_runs

PROBE = {"stage": "probe"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whole"), seeds=3)


@pytest.fixture(scope="module")
def world(whole: Path) -> World:
    return seen(whole)


def seen(out: Path) -> World:
    """The world of a folder, without the tables of a report."""
    all_of = collect(out)
    scored = [score(one, all_of.rows) for one in all_of.of("probe", "finetune")]
    return world_of(
        scored, [perturbed(score(one, all_of.rows), all_of) for one in all_of.of("robustness")], all_of
    )


def of(world: World, claim: Claim) -> Judged:
    return judge([claim], world)[0]


def clean(out: Path, stage: str, network: str, arm: str) -> list:
    runs = [
        run for run in find_runs(out)
        if run.stage == stage and (run.result["facets"]["backbone"], run.result["facets"]["arm"]) == (network, arm)
    ]  # fmt: skip
    return [
        read_predictions(run.path / "predictions.parquet")
        for run in sorted(runs, key=lambda run: run.result["facets"]["seed"])
    ]


def test_support_is_an_intersection_and_the_claims_are_a_family(whole: Path, world: World):
    claims = [
        Above("vcop wins", {"arm": "vcop"}, {"arm": ("rotnet", "random")}, PROBE),
        Above("cvrl and rotnet", {"arm": "cvrl"}, {"arm": "rotnet"}, PROBE | {"network": "shufflenet"}),
    ]
    found = judge(claims, world)
    pairs = [(network, "vcop", arm) for network in sorted(NETWORKS) for arm in ("rotnet", "random")]
    pairs.append(("shufflenet-tiny", "cvrl", "rotnet"))
    expected = [
        difference(clean(whole, "probe", n, a), clean(whole, "probe", n, b), (a, b)) for n, a, b in pairs
    ]
    lines = [line for one in found for line in one.evidence]
    by_words = {line.words: line for line in lines}
    within = [*holm([one.p for one in expected[:-1]]), expected[-1].p]
    favours = [one.interval.value > 0 for one in expected]
    corrected = [
        min(1, 2 * (one.p if for_it else p)) for one, p, for_it in zip(expected, within, favours, strict=True)
    ]
    assert len(by_words) == len(lines) == len(expected)
    for (network, a, b), one, p in zip(pairs, expected, corrected, strict=True):
        line = by_words[f"probe, builtin-motions, {network.removesuffix('-tiny')}: {a} against {b}"]
        assert line.interval is not None
        assert (line.interval.value, line.interval.low, line.interval.high) == pytest.approx(
            (one.interval.value, one.interval.low, one.interval.high)
        )
        assert line.p == pytest.approx(p)
    assert [one.verdict for one in found] == ["supported", "undetermined"]


def test_what_stands_against_refutes(world: World):
    one = of(world, Above("rotnet wins", {"arm": "rotnet"}, {"arm": ("vcop", "random")}, PROBE))
    assert one.verdict == "refuted"
    assert sorted({line.says for line in one.evidence}) == ["against", "for"]


def test_a_mean_over_arms_is_one_comparison_per_place(whole: Path, world: World):
    one = of(
        world, Above("temporal", {"arm": ("vcop", "tdl")}, {"arm": ("rotnet", "cvrl")}, PROBE, over="mean")
    )
    assert (one.verdict, len(one.evidence)) == ("supported", len(NETWORKS))
    values = {
        arm: sum(rows.correct.mean() for rows in clean(whole, "probe", "r2plus1d-tiny", arm)) / 3
        for arm in ("vcop", "tdl", "rotnet", "cvrl")
    }
    line = next(line for line in one.evidence if "r2plus1d" in line.words)
    assert line.interval is not None
    assert line.interval.value == pytest.approx(
        (values["vcop"] + values["tdl"] - values["rotnet"] - values["cvrl"]) / 2
    )


def test_one_seed_decides_no_claim_about_a_task_however_large_the_difference(tmp_path: Path):
    """With three seeds the same differences decide."""
    claims = [
        Above("vcop beats rotnet", {"arm": "vcop"}, {"arm": "rotnet"}, PROBE),
        Above("rotnet beats vcop", {"arm": "rotnet"}, {"arm": "vcop"}, PROBE),
        BesideChance("above chance", PROBE | {"arm": "vcop"}),
        SameOrder("the order is kept", {"arm": ("rotnet", "vcop")}),
    ]
    made = {"networks": NETWORKS[1:], "tasks": ("rotnet", "vcop"), "stages": ("probe", "robustness")}
    for seeds, verdicts in (
        (1, ["undetermined: one seed"] * 4),
        (3, ["supported", "refuted", "supported", "supported"]),
    ):
        found = judge(claims, seen(build(tmp_path / str(seeds), seeds=seeds, **made)))
        assert [one.verdict for one in found] == verdicts


def test_findings_of_one_seed_speak_of_networks_and_those_of_three_of_tasks(tmp_path: Path):
    made = {"networks": NETWORKS[1:], "tasks": ("rotnet", "vcop"), "stages": ("probe", "robustness")}
    for seeds in (1, 3):
        report = write_report(build(tmp_path / str(seeds), seeds=seeds, **made))
        text = report.markdown.read_text(encoding="utf-8").partition("## Findings")[2].partition("\n## ")[0]
        one = seeds == 1
        assert ("This vcop network" in text) is one
        assert ("this rotnet network goes from" in text) is one
        assert ("One training seed in" in text) is one
        assert ("vcop lifts accuracy" in text) is not one
        with next(path for path in report.tables if path.stem == "comparisons").open() as file:
            rows = list(csv.DictReader(file))
        assert {row["seeds"] for row in rows} == {str(seeds)}
        assert all(("one training seed" in row["caution"]) is one for row in rows)


def test_networks_that_came_as_they_are_need_no_seeds(tmp_path: Path):
    """A claim about public networks is about these networks."""
    videos = [f"v{index}" for index in range(200)]
    for arm, share in (("strong", 0.9), ("weak", 0.3)):
        for inputs, out in (({}, "given"), ({"model": {"stage": "finetune", "signature": "0"}}, "trained")):
            parts = [rows(share, 4, videos, videos, arm), rows(share, 4, videos, videos, arm, "fog", 1)]
            facets = {"arm": arm, "data": "d", "seed": 0}
            write_run(
                tmp_path / out, "robustness", facets, concatenate(parts), chance=0.25, inputs=inputs, lr=arm
            )
    claim = Above("strong wins", {"arm": "strong"}, {"arm": "weak"}, {"stage": "robustness"}, "types")
    assert of(seen(tmp_path / "given"), claim).verdict == "supported"
    assert of(seen(tmp_path / "trained"), claim).verdict == "undetermined: one seed"


def test_one_source_group_decides_nothing(tmp_path: Path):
    videos = [f"v{index}" for index in range(200)]
    for arm, share in (("vcop", 0.9), ("random", 0.3)):
        for seed in range(3):
            facets = {"arm": arm, "data": "d", "seed": seed}
            made = rows(share, 4, videos, ["one"] * 200, f"{arm} {seed}")
            write_run(tmp_path, "probe", facets, made, chance=0.25)
    report = write_report(tmp_path)
    one = of(seen(tmp_path), Above("vcop wins", {"arm": "vcop"}, {"arm": "random"}, PROBE))
    assert one.verdict == "undetermined: one source group"
    text = report.markdown.read_text(encoding="utf-8")
    assert "cannot be separated" in text
    assert "lifts" not in text
    assert "one source group: no interval" in text


def test_stages_and_networks_can_be_compared_too(whole: Path, world: World):
    one = of(world, Above("fine-tuning", {"stage": "finetune"}, PROBE, {"arm": "vcop"}))
    assert (one.verdict, len(one.evidence)) == ("supported", 2)
    expected = difference(
        clean(whole, "finetune", "r2plus1d-tiny", "vcop"), clean(whole, "probe", "r2plus1d-tiny", "vcop")
    )
    assert [
        line.interval.value for line in one.evidence if line.interval and "r2plus1d" in line.words
    ] == pytest.approx([expected.interval.value])
    networks = of(
        world, Above("networks", {"network": "r2plus1d"}, {"network": "shufflenet"}, PROBE | {"arm": "vcop"})
    )
    assert networks.verdict == "undetermined"
    assert "r2plus1d against shufflenet" in networks.evidence[0].words


def test_noise_that_turns_the_order_round_is_told(world: World):
    one = of(world, SameOrder("order", {"arm": ("rspnet", "vcop")}))
    assert (one.verdict, [line.says for line in one.evidence]) == ("refuted", ["against", "against"])
    kept = of(world, SameOrder("order", {"arm": ("random", "vcop")}))
    assert kept.verdict == "supported"
    robust = of(
        world,
        Above(
            "kept",
            {"arm": ("vcop", "prp")},
            {"arm": ("rspnet", "tdl")},
            {"stage": "robustness"},
            "relative",
            "mean",
        ),
    )
    assert robust.verdict == "supported"


def test_a_place_is_said_without_gaps_or_repetition(whole: Path):
    all_of = collect(whole)
    one = next(one for one in all_of.of("probe") if "shufflenet-tiny" in one.details)
    told = replace(one, details="shufflenet-tiny, ssl-noise/1", profile="ssl-noise/1")
    place = world_of([score(told, all_of.rows)], [], all_of).places[0]
    assert place.facets["details"] == "ssl-noise/1"
    assert place.said(["data", "network", "profile", "details"]) == f"{one.data}, shufflenet, ssl-noise/1"


def test_levels_and_sources_are_named_where_an_arm_has_several():
    told = [
        {"arm": "vcop", "level": "3", "source": "a"},
        {"arm": "vcop", "level": "4", "source": "a, one frame"},
        {"arm": "prp", "level": "2", "source": "a"},
        {"arm": "random"},
    ]
    name = named_arms(told)
    assert [name(one) for one in told] == [
        "vcop, level 3 from a",
        "vcop, level 4 from a, one frame",
        "prp",
        "random",
    ]


def test_chance(world: World):
    above = BesideChance("above", PROBE | {"arm": "rspnet"})
    below = BesideChance("below", PROBE | {"arm": "rspnet"}, side="below")
    noisy = BesideChance("noisy", {"stage": "robustness", "arm": "vcop"}, "type:shot_noise")
    assert [of(world, claim).verdict for claim in (above, below, noisy)] == [
        "supported",
        "refuted",
        "supported",
    ]
    assert (
        of(world, BesideChance("unknown", {"stage": "robustness"}, "type:fog"))
        .missing[0]
        .endswith("fog is missing")
    )


CLIPS, FLOPS = EqualBudgets("clips", "clips"), EqualBudgets("FLOPs", "flops")


def test_budgets(world: World, tmp_path: Path):
    assert of(world, CLIPS).verdict == "supported"
    build(tmp_path, clips=5000, stages=("pretrain",))
    one = of(seen(tmp_path), CLIPS)
    assert one.verdict == "refuted"
    assert "against" in [line.says for line in one.evidence]
    assert any("times from least to most" in line.words for line in one.evidence)


def pretrained(out: Path, network: str, arm: str, flops: float) -> None:
    facets = {"arm": arm, "data": "builtin-motions", "seed": 0, "backbone": network}
    budget = {"clips": 4000, "steps": 250, "frames": 32000, "flops": flops, "seconds": 9.0}
    told = {
        "name": "builtin-motions",
        "fingerprint": "5f1d",
        "classes": [],
        "videos": {},
        "broken": [],
        "source": [],
    }
    write_run(out, "pretrain", facets, budget=budget, data=told, chance=0.25)


def test_a_budget_is_judged_in_its_unit_and_within_a_network(tmp_path: Path):
    """Networks may cost what they do; a task that costs twice as much of a network refutes the claim in that unit only."""
    for network, task, flops in (
        ("a", "vcop", 1e9),
        ("a", "prp", 1e9),
        ("b", "vcop", 9e9),
        ("b", "prp", 9e9),
    ):
        pretrained(tmp_path, network, task, flops)
    assert [of(seen(tmp_path), claim).verdict for claim in (CLIPS, FLOPS)] == ["supported", "supported"]
    pretrained(tmp_path, "b", "tdl", 17e9)
    judged = of(seen(tmp_path), FLOPS)
    assert [of(seen(tmp_path), CLIPS).verdict, judged.verdict] == ["supported", "refuted"]
    assert [(line.words[0], line.says) for line in judged.evidence] == [("a", "for"), ("b", "against")]
    assert "1.89 times" in judged.evidence[1].words


def every_seed(stage: str, *arms: str) -> list:
    return [(stage, NETWORKS[1], arm, seed) for arm in arms for seed in range(3)]


LACKING = [
    ("a task", every_seed("probe", "rspnet"), Above("x", {"arm": "rspnet"}, {"arm": "random"}, PROBE), "rspnet is missing"),
    ("a seed", [("probe", "r2plus1d-tiny", "rspnet", 1)], Above("x", {"arm": "rspnet"}, {"arm": "random"}, PROBE), "rspnet lacks seed 1"),
    ("one of a mean", every_seed("probe", "tdl"),
     Above("x", {"arm": ("vcop", "tdl")}, {"arm": "random"}, PROBE, over="mean"), "tdl is missing"),
    ("all pretraining", every_seed("pretrain", *TASKS), CLIPS, "two pretrained arms"),
    ("all", [], Above("x", {"arm": "rspnet"}, {"arm": "random"}, {"stage": "knn"}), "no finished run"),
    ("all arms", [], SameOrder("x", {"arm": "prp"}), "no two finished arms"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("without", "claim", "said"), [one[1:] for one in LACKING], ids=[one[0] for one in LACKING]
)
def test_what_is_missing_is_named_and_decides_nothing(tmp_path: Path, without: list, claim: Claim, said: str):
    one = of(
        seen(
            build(tmp_path, without=without, seeds=3, tasks=("vcop", "tdl", "rspnet"), networks=NETWORKS[1:])
        ),
        claim,
    )
    assert one.verdict == "undetermined"
    assert any(said in words for words in one.missing)


def test_missing_noise_is_not_averaged_away(tmp_path: Path):
    build(tmp_path, without=[("robustness", NETWORKS[1], "vcop", 0)], networks=NETWORKS[1:], tasks=("vcop",))
    facets = {
        "arm": "vcop",
        "data": "builtin-motions",
        "seed": 0,
        "backbone": "r2plus1d-tiny",
        "protocol": "robustness",
    }
    videos = [f"builtin-{index:04d}" for index in range(200)]
    write_run(tmp_path, "robustness", facets, rows(0.7, 12, videos, videos, "only clean"), chance=1 / 12)
    claim = Above(
        "x", {"arm": "vcop"}, {"arm": "random"}, {"stage": "robustness", "network": "r2plus1d"}, "types"
    )
    one = of(seen(tmp_path), claim)
    assert (one.verdict, one.evidence) == ("undetermined", [])
    assert "mean accuracy under perturbation of vcop is missing" in one.missing[0]


def test_other_videos_are_not_compared(tmp_path: Path):
    for arm, first in (("vcop", 0), ("random", 50)):
        videos = [f"v{index}" for index in range(first, first + 100)]
        write_run(
            tmp_path,
            "probe",
            {"arm": arm, "data": "d", "seed": 0},
            rows(0.5, 3, videos, videos, arm),
            chance=1 / 3,
        )
    one = of(seen(tmp_path), Above("x", {"arm": "vcop"}, {"arm": "random"}, PROBE))
    assert (one.verdict, one.evidence) == ("undetermined", [])
    assert "different videos" in one.missing[0]


def test_tasks_of_one_source_are_compared_with_their_like(tmp_path: Path):
    videos = [f"v{index}" for index in range(100)]
    for arm, source in (("vcop", "a"), ("vcop", "b"), ("rotnet", "a"), ("rotnet", "b"), ("random", "")):
        facets = {
            "arm": arm,
            "data": "d",
            "seed": 0,
            "source": source,
            "source_kind": {"a": "temporal", "b": "appearance"}.get(source, ""),
        }
        write_run(tmp_path, "probe", facets, rows(0.5, 3, videos, videos, arm + source), chance=1 / 3)
    claims = [
        Above("tasks", {"arm": "vcop"}, {"arm": ("rotnet", "random")}, PROBE),
        Above(
            "sources",
            {"source_kind": "temporal"},
            {"source_kind": "appearance"},
            PROBE | {"arm": ("vcop", "rotnet")},
        ),
    ]
    tasks, sources = judge(claims, seen(tmp_path))
    pairs = [
        ("vcop from a", "rotnet from a"),
        ("vcop from a", "random"),
        ("vcop from b", "rotnet from b"),
        ("vcop from b", "random"),
    ]
    assert sorted(line.words.rpartition(": ")[2] for line in tasks.evidence) == sorted(
        f"{a} against {b}" for a, b in pairs
    )
    assert len(sources.evidence) == 2
    assert not sources.missing


@pytest.mark.parametrize(
    ("says", "missing", "verdict"),
    [
        (["for", "for"], [], "supported"),
        (["for", "open"], [], "undetermined"),
        (["for", "against"], ["a cell"], "refuted"),
        (["for"], ["a cell"], "undetermined"),
        ([], [], "undetermined"),
    ],
)
def test_how_comparisons_make_a_verdict(world: World, says: list[Says], missing: list[str], verdict: str):
    class Made:
        words = "made"

        def tests(self, world: World) -> tuple[list, list[str]]:
            return [], missing

        def weigh(self, world: World, found: list) -> list[Evidence]:
            return [Evidence("line", one) for one in says]

    assert judge([Made()], world)[0].verdict == verdict


def test_every_claim_of_a_shipped_study_can_be_judged(world: World):
    for claims in CLAIMS.values():
        judged = judge(claims, world)
        assert [one.words for one in judged] == [claim.words for claim in claims]
        assert all(one.evidence or one.missing for one in judged)


def test_the_report_shows_verdicts_evidence_and_published_values(tmp_path: Path):
    lost = [("finetune", "shufflenet-tiny", "rspnet", 0)]
    report = write_report(
        build(tmp_path, without=lost, tasks=("vcop", "rspnet"), stages=("pretrain", "probe", "finetune"))
    )
    text, page = (path.read_text(encoding="utf-8") for path in (report.markdown, report.html))
    assert "## Claims" in text
    assert 'id="claims"' in page
    line = next(line for line in text.splitlines() if line.startswith("| RSPNet is the best task"))
    assert "| undetermined: one seed |" in line
    assert "shufflenet: rspnet is missing" in line
    table = [line for line in text.splitlines() if line.startswith(("| shufflenet |", "| mobilenet |"))]
    assert any(line.startswith("| shufflenet | rspnet | 68.8 | missing |") for line in table)
    assert any(line.startswith("| mobilenet | rspnet | 63.1 | not run |") for line in table)
    assert SOURCES["table-1"].partition(",")[0] in text
    kept = {
        path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in report.tables
    }
    row = next(row for row in kept["published"] if (row["backbone"], row["arm"]) == ("shufflenet", "rspnet"))
    assert (row["published"], row["ours"], row["low"]) == ("0.688", "", "")
    assert {row["verdict"] for row in kept["claims"]} == {
        "supported",
        "undetermined",
        "undetermined: one seed",
    }
    assert {row["seeds"] for row in kept["claims"] if row["comparison"]} == {"1", ""}


def test_ours_beside_the_published_is_the_accuracy_of_that_arm(whole: Path, world: World):
    [one] = beside(world)
    published = {key: row.value for key, row in one.rows.items()}
    assert published["r2plus1d", "rspnet"] == 78.0
    [(setting, ours)] = one.ours.items()
    assert setting == "builtin-motions, finetune"
    place = next(place for place in world.places if place.facets["stage"] == "finetune")
    learnt = replace(place, facets=dict(place.facets) | {"source": "builtin-objects"})
    assert published_rows._setting(learnt, ()).endswith(", finetune, pretrained on builtin-objects")
    expected = sum(rows.correct.mean() for rows in clean(whole, "finetune", "r2plus1d-tiny", "rspnet")) / 3
    assert ours["r2plus1d", "rspnet"].value == pytest.approx(expected)
    assert set(ours) == {
        (network.removesuffix("-tiny"), arm)
        for network in NETWORKS
        for arm in ("rotnet", "vcop", "prp", "rspnet")
    }


def test_noise_is_set_beside_noise(tmp_path: Path):
    build(
        tmp_path,
        "noise",
        stages=("robustness",),
        tasks=("rotnet", "vcop", "rspnet"),
        tables=("table-6", "figure-9"),
    )
    tables = {table.name: table for table in beside(seen(tmp_path))}
    [(_, ours)] = tables["table-6"].ours.items()
    assert ("vcop", "gaussian_noise", "1") in ours
    assert ("vcop", "impulse_noise", "1") not in ours
    runs = {
        run.result["facets"]["arm"]: run
        for run in find_runs(tmp_path)
        if run.stage == "robustness" and "r2plus1d" in str(run.result["facets"])
    }
    shot = read_predictions(runs["vcop"].path / "predictions.parquet").condition("shot_noise", 1)
    assert ours["vcop", "shot_noise", "1"].value == pytest.approx(shot.correct.mean())
    [(_, drops)] = tables["figure-9"].ours.items()
    assert drops["rspnet", "1"].value > drops["rotnet", "1"].value > -0.2
    assert ("rspnet", "3") not in drops


def test_studies_without_claims_have_no_section(tmp_path: Path):
    report = write_report(build(tmp_path, name="mine", tasks=("vcop",), stages=("probe",), tables=()))
    assert "Claims" not in report.markdown.read_text(encoding="utf-8")
    assert 'href="#claims-of-the-study"' not in report.html.read_text(encoding="utf-8")


def test_no_published_row_is_lost_and_other_studies_have_none(tmp_path: Path):
    build(tmp_path, tasks=("vcop",), stages=("probe",), tables=(*SOURCES, "of a later version"))
    found = beside(seen(tmp_path))
    assert [one.name for one in found] == list(SOURCES)
    for one in found:
        assert list(one.rows.values()) == [row for row in published() if row.table == one.name]


@pytest.mark.parametrize("epochs", [200.004, 200.0, 66.7, None])
def test_levels_and_lengths_of_pretraining_find_their_rows(tmp_path: Path, epochs: float | None):
    """Published lengths stand beside runs that saw their videos as often, and beside no others."""
    videos = [f"v{index}" for index in range(60)]
    cells, values = [], {}
    learnt = write_run(
        tmp_path, "pretrain", {"arm": "vcop", "data": "d", "seed": 0, "backbone": "r2plus1d-tiny"},
        budget={"clips": 9, "steps": 3} | ({} if epochs is None else {"epochs": epochs}),
    )  # fmt: skip
    inputs = {"init": {"stage": "pretrain", "signature": learnt}}
    for arm, level in (("rotnet", 2), ("rotnet", 4), ("vcop at 25 %", None), ("vcop", None)):
        facets = {
            "arm": arm,
            "data": "d",
            "seed": 0,
            "backbone": "r2plus1d-tiny",
            "protocol": "fine-tune, 10 labels per class",
        }
        made = rows(0.5, 3, videos, videos, f"{arm} {level}")
        name = write_run(tmp_path, "finetune", facets, made, lr=f"{arm} {level}", chance=1 / 3, inputs=inputs)
        values[arm, level] = made.correct.mean()
        factors = {} if level is None else {"pretrain.complexity": level}
        cells.append({"stage": "finetune", "signature": name, "summary": arm, "factors": factors})
    write_json(
        tmp_path / "study.json",
        {"name": "mine", "arms": [], "cells": cells, "tables": ["complexity", "training-length"]},
    )
    complexity, length = beside(seen(tmp_path))
    [(_, ours)] = complexity.ours.items()
    assert ours["r2plus1d", "rotnet", "2"].value == pytest.approx(values["rotnet", 2])
    assert ours["r2plus1d", "rotnet", "4"].value == pytest.approx(values["rotnet", 4])
    if epochs is None or epochs < 100:
        assert not length.ours
        assert (complexity.seen is None) == (epochs is None)
        return
    [(_, ours)] = length.ours.items()
    for said, arm in (("50", "vcop at 25 %"), ("200", "vcop")):
        [value] = {one.value for key, one in ours.items() if {"vcop", said} <= set(key)}
        assert value == pytest.approx(values[arm, None])
    assert not [key for key in ours if "100" in key]
    assert length.seen == (pytest.approx(epochs / 4), pytest.approx(epochs))
    notes = published_rows._table(length).notes
    assert "Ours saw every video of their pretraining 50 to 200 times." in notes
