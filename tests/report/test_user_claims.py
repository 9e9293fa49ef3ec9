"""Claims of users: verdicts against what the made-up study was built to show; words checked before anything runs."""

import json
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest
from fake_claims import CLEAN, build
from fake_study import rows, write_run

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import write_json
from muybridge.core.text.claim_words import PREDICATES, claim_words
from muybridge.report import write_report
from muybridge.report.claims.more_predicates import Equivalent
from muybridge.report.claims.user_claims import KINDS, user_claims
from muybridge.report.claims.verdicts import Judged, World, judge, world_of
from muybridge.report.gather.collect import collect
from muybridge.report.scores.robust import perturbed
from muybridge.report.scores.score import score

PROBE = {"stage": "probe"}


def seen(out: Path) -> World:
    all_of = collect(out)
    scored = [score(one, all_of.rows) for one in all_of.of("probe", "finetune")]
    return world_of(
        scored, [perturbed(score(one, all_of.rows), all_of) for one in all_of.of("robustness")], all_of
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whole"), seeds=3)


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return seen(folder)


def verdict(world: World, **predicate: object) -> Judged:
    return judge(user_claims([{"say": "It is so.", **predicate}], "study.yaml"), world)[0]


def test_every_predicate_has_its_words_and_its_class():
    assert set(PREDICATES) == set(KINDS)


@pytest.mark.parametrize("name", PREDICATES)
def test_words_of_a_predicate_are_fields_of_its_class(name: str):
    """Else a claim that was accepted before anything ran fails in the report."""
    has = {field.name: field for field in fields(KINDS[name])}
    words = {word.rstrip("!") for word in PREDICATES[name]}
    needed = {
        field.name for field in has.values() if field.default is MISSING and field.default_factory is MISSING
    }
    assert words <= has.keys()
    assert needed - {"words"} <= {word.rstrip("!") for word in PREDICATES[name] if word.endswith("!")}


@pytest.mark.parametrize(
    ("asked", "says"),
    [({}, "supported"), ({"unit": "flops"}, "supported"), ({"unit": "frames"}, "supported")],
)
def test_budgets_are_claimed_in_a_unit(asked: dict, says: str, world: World):
    assert verdict(world, equal_budgets=asked).verdict == says
    with pytest.raises(
        UsageError,
        match=r"unit: wanted clips or steps .* or flops, got 'hours'",
    ):
        verdict(world, equal_budgets={"unit": "hours"})


def test_a_users_claim_is_judged_as_a_shipped_one(world: World):
    one = verdict(
        world, above={"better": {"arm": "vcop"}, "worse": {"arm": ["rotnet", "random"]}, "where": PROBE}
    )
    assert one.verdict == "supported"
    assert one.data == {"builtin-motions": "5f1d"}
    assert len(one.runs) == 2 * 3 * 3  # networks, arms, seeds
    assert all(name.startswith("probe/") for name in one.runs)


@pytest.mark.parametrize(("smallest", "said"), [(0.2, "supported"), (0.0001, "undetermined")])
def test_equal_is_said_only_of_what_is_surely_smaller(world: World, smallest: float, said: str):
    """RotNet and CVRL were built 2 points apart; nobody can show that they differ by less than 0.01."""
    one = verdict(
        world,
        equivalent={"one": {"arm": "rotnet"}, "other": {"arm": "cvrl"}, "smallest": smallest, "where": PROBE},
    )
    assert one.verdict == said


def test_what_surely_differs_is_not_equal(world: World):
    one = verdict(
        world,
        equivalent={"one": {"arm": "rotnet"}, "other": {"arm": "vcop"}, "smallest": 0.02, "where": PROBE},
    )
    assert one.verdict == "refuted"


def test_a_test_of_equivalence_is_not_a_missing_difference(world: World):
    claim = Equivalent("same", {"arm": "rotnet"}, {"arm": "cvrl"}, 0.2, PROBE)
    tests, _ = claim.tests(world)
    assert all(test.difference.p <= 0.05 for test in tests)
    assert all(
        test.difference.p == 1.0 or test.difference.p > 0.05
        for test in replace(claim, smallest=1e-6).tests(world)[0]
    )


def test_a_trend_over_arms_rises_falls_or_lacks_a_step(world: World):
    rising = ["rotnet", "prp", "vcop", "rspnet"]
    assert verdict(world, trend={"factor": "arm", "order": rising, "where": PROBE}).verdict == "supported"
    assert verdict(world, trend={"factor": "arm", "order": rising[::-1], "where": PROBE}).verdict == "refuted"
    assert (
        verdict(
            world, trend={"factor": "arm", "order": rising[::-1], "direction": "falling", "where": PROBE}
        ).verdict
        == "supported"
    )
    one = verdict(world, trend={"factor": "arm", "order": [*rising, "nobody"], "where": PROBE})
    assert one.verdict == "undetermined"
    assert "nobody" in " ".join(one.missing)


def test_a_step_back_refutes_a_trend_whose_ends_rise(world: World):
    one = verdict(
        world, trend={"factor": "arm", "order": ["random", "vcop", "rotnet", "rspnet"], "where": PROBE}
    )
    assert one.verdict == "refuted"
    assert any("from arm vcop to rotnet" in line.words for line in one.evidence)


def test_clean_and_perturbed_accuracy_go_together_over_arms(world: World):
    """In the made-up study noise leaves most to the middling tasks: relative robustness falls with accuracy among the best."""
    one = verdict(
        world,
        correlated={
            "first": "accuracy",
            "second": "types",
            "where": {"stage": "robustness"},
            "strata": "network",
        },
    )
    assert one.evidence[0].scale == "Spearman's rho"
    assert one.evidence[0].interval is not None
    assert one.evidence[0].interval.groups == 2 * len(CLEAN)
    assert [line.words.startswith("pooled") for line in one.evidence] == [False, True]


def test_few_arms_are_not_correlated(world: World):
    one = verdict(world, correlated={"first": "accuracy", "second": "types", "where": {"arm": "vcop"}})
    assert one.verdict == "undetermined"
    assert "wanted 6" in one.missing[0]


def test_a_protocol_is_looked_up_in_the_configs(tmp_path: Path):
    for seed, crop in enumerate((112, 112, 224)):
        facets = {"arm": "vcop", "data": "d", "seed": seed, "backbone": "c3d"}
        write_run(
            tmp_path, "probe", facets, rows(0.5, 4, ["a", "b"], ["a", "b"], str(seed)), config={"crop": crop}
        )
    world = seen(tmp_path)
    one = verdict(world, protocol={"setting": "crop", "values": [112]})
    assert one.verdict == "refuted"
    assert [(line.words, line.says) for line in one.evidence] == [
        ("crop 112 in 2 runs", "for"),
        ("crop 224 in 1 run", "against"),
    ]
    assert verdict(world, protocol={"setting": "crop", "values": [112, 224]}).verdict == "supported"
    assert verdict(world, protocol={"setting": "stride", "values": [2]}).verdict == "undetermined"


def test_a_published_number_under_another_protocol_is_not_comparable(world: World):
    ours = {"stage": "probe", "arm": "vcop", "network": "shufflenet"}
    of = {"where": ours, "value": 0.99, "within": 0.02, "source": "a paper"}
    one = verdict(world, reference={**of, "protocol": {"data": "ucf101"}})
    assert one.verdict == "not comparable"
    assert "data (builtin-motions here, ucf101 there)" in one.evidence[0].words
    assert verdict(world, reference={**of, "protocol": {"data": "builtin-motions"}}).verdict == "refuted"
    assert (
        verdict(
            world, reference={**of, "value": 0.45, "within": 0.2, "protocol": {"data": "builtin-motions"}}
        ).verdict
        == "supported"
    )
    assert verdict(world, reference={**of, "protocol": {"views": 10}}).verdict == "not comparable"


def test_a_formula_is_tested_by_value(world: World):
    latex = r"$\gamma_{r,p,s} = 1 - (Af_c - Af_{p,s})/Af_c$"
    assert verdict(world, formula={"text": latex, "metric": "relative robustness"}).verdict == "supported"
    assert verdict(world, formula={"text": latex, "metric": "absolute robustness"}).verdict == "refuted"
    assert (
        verdict(world, formula={"text": "no formula", "metric": "absolute robustness"}).verdict
        == "undetermined"
    )


WRONG = [
    ("no list", "wanted a list"),
    ([{"above": {}}], "say"),
    ([{"say": "x", "abov": {}}], "Did you mean 'above'"),
    ([{"say": "x", "verdict": "supported"}], "computed"),
    ([{"say": "x", "above": {"better": {"arm": "a"}}}], "worse missing"),
    ([{"say": "x", "above": {"better": {}, "worse": {}, "wher": {}}}], "Did you mean 'where'"),
    ([{"say": "x", "trend": {"factor": "level", "order": "1"}}], "wanted a list"),
    ([{"say": "x", "equivalent": {"one": {}, "other": {}, "smallest": "little"}}], "wanted a number"),
    ([{"say": "x", "beside_chance": {"where": {}, "side": "left"}}], "above or below"),
]


@pytest.mark.parametrize(("told", "words"), WRONG, ids=[words for _, words in WRONG])
def test_wrong_words_are_refused_with_the_way_out(told: object, words: str):
    with pytest.raises(UsageError, match=r"f\.yaml") as error:
        claim_words(told, "f.yaml")
    assert words in str(error.value)


def test_predicates_of_python_survive_the_way_through_the_study_file():
    claim = Equivalent("They are equal.", {"arm": "a"}, {"arm": ("b", "c")}, 0.02, {"stage": "probe"})
    told = json.loads(json.dumps(claim_words([claim], "study.py")))
    assert user_claims(told, "study.json") == [claim]


def test_claims_of_the_study_file_are_in_the_report(folder: Path, tmp_path: Path):
    build(
        tmp_path,
        name="my-study",
        seeds=3,
        networks=("shufflenet-tiny",),
        tasks=("rotnet", "vcop"),
        stages=("probe",),
    )
    study = json.loads((tmp_path / "study.json").read_text())
    claim = {
        "say": "VCOP <b>wins</b>.",
        "above": {"better": {"arm": "vcop"}, "worse": {"arm": "rotnet"}, "where": PROBE},
    }
    write_json(tmp_path / "study.json", {**study, "claims": [claim]})
    paths = write_report(tmp_path)
    assert "VCOP &lt;b&gt;wins&lt;/b&gt;." in paths.html.read_text()
    assert "supported" in (tmp_path / "tables" / "claims.csv").read_text()
    write_json(tmp_path / "study.json", {**study, "claims": [{"say": "x"}]})
    with pytest.raises(MuybridgeError, match="Run the study again"):
        write_report(tmp_path)
