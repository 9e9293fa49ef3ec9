"""Claims about robustness against models that were made with known falls: categories, kinds of models, units, rotations of one strength."""

import csv
from pathlib import Path

import numpy as np
import pytest
from fake_study import write_run
from scipy.stats import ttest_rel

from muybridge.core.errors import UsageError
from muybridge.core.seeding import rng
from muybridge.measure.intervals import CLEAN
from muybridge.report import write_report
from muybridge.report.claims.user_claims import user_claims
from muybridge.report.claims.verdicts import Judged, World, judge
from muybridge.report.gather.collect import collect
from muybridge.report.scores.robust import Perturbed
from muybridge.report.sections.experiments import perturbed_experiments
from muybridge.report.sections.findings import _hardest
from muybridge.report.sections.first_screen import robust_answers
from muybridge.report.sections.study.claims_section import world as world_of_folder
from muybridge.runs.contents.predictions import Predictions, concatenate

VIDEOS = [f"v{index:04d}" for index in range(400)]
SEVERITIES = (1, 3, 5)
CATEGORIES = {
    "gaussian_noise": "noise",
    "jumbling": "temporal",
    "held_rotation": "camera",
    "swinging_rotation": "camera",
}
CNNS, TRANSFORMERS = ("r3d", "i3d", "x3d", "slow"), ("timesformer", "mvit", "vivit", "swin")
CLEAN_ACCURACY = 0.9
FALLS = {"noise": 0.12, "temporal": 0.02, "held_rotation": 0.08, "swinging_rotation": 0.03}
"""Of a CNN, by severity; transformers fall half as far under noise."""
ANGLES = {str(s): 3.0 * s for s in SEVERITIES}


def made(name: str, kind: str, seed: int = 0) -> float:
    """What a model loses with every severity; models of a kind differ a little."""
    slope = FALLS[kind if kind in FALLS else CATEGORIES[kind]] * (
        0.5 if name in TRANSFORMERS and kind == "gaussian_noise" else 1
    )
    return float(slope * (0.95 + 0.1 * rng(seed, "model", name, kind).random()))


def rows(accuracy: float, name: str, kind: str = "clean", severity: int = 0) -> Predictions:
    """Which videos are right is drawn, how many is not: numbers of these rows are the truth, to a video."""
    count = len(VIDEOS)
    label = np.arange(count) % 10
    right = rng(0, "right", name, kind, severity).permutation(count) < round(accuracy * count)
    scores = np.eye(10, dtype=np.float32)[np.where(right, label, (label + 1) % 10)]
    return Predictions(
        video=np.array(VIDEOS), group=np.array(VIDEOS), label=label, view=np.zeros(count, np.int64), scores=scores,
        perturbation=np.full(count, kind), severity=np.full(count, severity),
    )  # fmt: skip


def write(out: Path, name: str, angle: float = 1.0, facets: dict | None = None, **more: object) -> None:
    parts = [rows(CLEAN_ACCURACY, name)]
    parts += [
        rows(CLEAN_ACCURACY - made(name, kind) * s, name, kind, s) for kind in CATEGORIES for s in SEVERITIES
    ]
    said = {"arm": name, "data": "kinetics-mini", "seed": 0, "protocol": "kinetics", **(facets or {})}
    angles = {
        "held_rotation": ANGLES,
        "swinging_rotation": {key: angle * value for key, value in ANGLES.items()},
    }
    told = {
        "categories": CATEGORIES,
        "chance": 0.1,
        "mean_angle": angles,
        "profile": "equal-rotations",
        "model": {"name": name},
    }
    data = {
        "name": "kinetics-mini",
        "fingerprint": "c0",
        "classes": [str(i) for i in range(10)],
        "videos": {},
        "broken": [],
    }
    write_run(out, "robustness", said, concatenate(parts), **told, data=data, lr=f"{name} {said}", **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    for name in (*CNNS, *TRANSFORMERS):
        write(out, name)
    return out


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return world_of_folder(collect(folder))


def verdict(world: World, **predicate: object) -> Judged:
    return judge(user_claims([{"say": "It is so.", **predicate}], "study.yaml"), world)[0]


@pytest.mark.parametrize(
    ("category", "said"),
    [("noise", "supported"), ("temporal", "refuted"), ("camera", "refuted"), ("weather", "undetermined")],
)
def test_the_category_that_falls_steepest_is_the_one_that_was_made_so(world: World, category: str, said: str):
    one = verdict(world, steepest={"category": category, "where": {"arm": "r3d"}})
    assert one.verdict == said
    if category == "noise":
        assert [line.says for line in one.evidence] == ["for"] * 3
        assert "noise falls steepest in 100.0 % of redrawn test sets, wanted 97.5 %" in one.evidence[-1].words
        assert one.evidence[0].interval is not None
        truth = made("r3d", "gaussian_noise") - made("r3d", "jumbling")
        assert one.evidence[0].interval.low < truth < one.evidence[0].interval.high
    if category == "weather":
        assert any("weather is missing" in words for words in one.missing)


def test_categories_that_fall_alike_are_not_told_apart(world: World):
    """Noise of a transformer falls by .06 a severity, rotations by .055 on average: the order of two such slopes is not known."""
    one = verdict(
        world, steepest={"category": "noise", "where": {"arm": "timesformer"}, "others": ["camera"]}
    )
    assert one.verdict == "undetermined"


def test_what_one_trained_network_shows_is_not_of_its_training(tmp_path: Path):
    write(tmp_path, "r3d", inputs={"model": {"stage": "finetune", "signature": "0" * 16}})
    one = verdict(world_of_folder(collect(tmp_path)), steepest={"category": "noise"})
    assert one.verdict == "undetermined: one seed"


def test_kinds_of_models_are_compared_model_by_model(world: World):
    asked = {"better": {"arm": list(TRANSFORMERS)}, "worse": {"arm": list(CNNS)}, "score": "relative:noise"}
    one = verdict(world, families=asked)
    assert one.verdict == "supported"
    line = one.evidence[0]
    assert line.interval is not None
    assert line.interval.groups == 8
    assert line.p == pytest.approx(2 / 70)
    truth = np.mean([
        -made(name, "gaussian_noise") * 3 / CLEAN_ACCURACY * (1 if name in TRANSFORMERS else -1) for name in (*CNNS, *TRANSFORMERS)
    ]) * 2  # fmt: skip
    assert line.interval.low < truth < line.interval.high
    assert (
        verdict(world, families={**asked, "better": asked["worse"], "worse": asked["better"]}).verdict
        == "refuted"
    )
    few = verdict(world, families={**asked, "better": {"arm": ["timesformer", "mvit"]}})
    assert few.verdict == "undetermined"
    assert "the smallest p that so few models allow is 0.067" in few.evidence[0].words


@pytest.mark.parametrize(
    ("unit", "r3d", "timesformer", "said"),
    [
        ("points", 36, 18, "supported"),
        ("relative", 40, 20, "supported"),
        ("points", 60, 30, "refuted"),
        ("points", 18, 36, "refuted"),
    ],
)
def test_a_fall_is_claimed_in_its_unit(world: World, unit: str, r3d: float, timesformer: float, said: str):
    """Falls of .12 and .06 a severity, mean severity 3, from 90 %: 36 and 18 points, which are 40 and 20 % of what was right."""
    models = {"r3d": r3d, "timesformer": timesformer}
    one = verdict(
        world, drops={"of": "noise", "unit": unit, "models": models, "within": 1 if said == "refuted" else 6}
    )
    assert one.verdict == said
    names = {"points": "points of accuracy", "relative": "per cent of the clean accuracy"}
    assert len(one.evidence) == 3
    assert all(names[unit] in line.words for line in one.evidence)


def test_the_order_of_two_falls_is_judged_without_their_size(world: World):
    models = {"r3d": 30, "timesformer": 5}
    one = verdict(world, drops={"of": "noise", "unit": "points", "models": models})
    assert one.verdict == "supported"
    assert len(one.evidence) == 1
    assert "r3d against timesformer, points of accuracy under noise" in one.evidence[0].words
    told = one.evidence[0].interval
    assert told is not None
    assert told.low < 3 * (made("r3d", "gaussian_noise") - made("timesformer", "gaussian_noise")) < told.high
    lacking = verdict(world, drops={"of": "noise", "unit": "points", "models": {**models, "c3d": 50}})
    assert lacking.verdict == "undetermined"
    assert "c3d is missing" in lacking.missing


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"of": "noise", "models": {"r3d": 30}}, "unit missing"),
        ({"of": "noise", "unit": "%", "models": {"r3d": 30}}, "unit: wanted points or relative, got '%'"),
        ({"of": "noise", "unit": "points", "models": {"r3d": "much"}}, "models: wanted `arm: number` lines"),
    ],
)
def test_a_fall_without_its_unit_is_no_claim(asked: dict, words: str):
    with pytest.raises(UsageError, match=words):
        user_claims([{"say": "R3D drops by 30 %.", "drops": asked}], "study.yaml")


def test_rotations_are_compared_only_where_they_turn_as_far(world: World, tmp_path: Path):
    asked = {"milder": "swinging_rotation", "harsher": "held_rotation", "where": {"arm": "r3d"}}
    assert verdict(world, same_strength=asked).verdict == "supported"
    assert verdict(world, same_strength={**asked, "where": {}, "over": "mean"}).verdict == "supported"
    turned = {**asked, "milder": asked["harsher"], "harsher": asked["milder"]}
    assert verdict(world, same_strength=turned).verdict == "refuted"
    write(tmp_path, "r3d", angle=0.4)
    one = verdict(world_of_folder(collect(tmp_path)), same_strength=asked)
    assert one.verdict == "not comparable"
    assert "severity 1: 1.2 and 3.0 degrees" in one.evidence[0].words


def test_the_report_shows_falls_by_category_beside_their_numbers(folder: Path, tmp_path: Path):
    paths = write_report(folder)
    page = paths.markdown.read_text(encoding="utf-8").replace("\\", "")
    assert "relative robustness and fall by category" in page
    gathered = collect(folder)
    place = next(one for one in world_of_folder(gathered).places if one.facets["arm"] == "r3d" and one.design)
    cells, _ = place.arm.right.cells()
    line = -np.polyfit(SEVERITIES, [float(cells["gaussian_noise", s]) for s in SEVERITIES], 1)[0]
    table = next(path for path in paths.tables if path.stem == "robustness")
    with table.open(encoding="utf-8", newline="") as file:
        found = [
            row for row in csv.DictReader(file)
            if (row["arm"], row["category"], row["perturbation"], row["seed"]) == ("r3d", "noise", "mean", "mean")
        ]  # fmt: skip
    assert float(found[0]["fall_by_severity"]) == pytest.approx(line, abs=1e-9)
    kept = np.mean([float(cells["gaussian_noise", s]) for s in SEVERITIES]) / float(cells[CLEAN])
    assert float(found[0]["relative"]) == pytest.approx(kept, abs=1e-9)
    assert float(found[0]["relative_low"]) < kept < float(found[0]["relative_high"])


def test_sentences_name_the_hardest_type_only_beside_what_is_not_told_from_it(folder: Path):
    """Of a CNN noise costs .36 and a held rotation .24; of a transformer a held rotation .24, noise .18 and the others .09 or less."""
    gathered = collect(folder)
    (found,) = perturbed_experiments(gathered)
    cnn, transformer = (_hardest(found, found.arms[name]) for name in ("r3d", "timesformer"))
    assert cnn.startswith("Hardest for r3d: gaussian_noise (")
    assert "not separable" not in cnn
    assert transformer.startswith("Hardest for timesformer: held_rotation (")
    assert ("not separable" in transformer) is (_apart(found, "timesformer") > 0.05 / 3)
    (answer,) = robust_answers([found])
    assert ", the highest of 8 arms, not separable from " in answer.words
    assert all(name not in answer.words.partition("not separable from")[2] for name in CNNS)


def _apart(found: Perturbed, name: str) -> float:
    """The p-value of the two lowest types, by a t over videos."""
    rows = next(iter(found.scored.arms[name].rows.values()))
    held, noise = (
        np.mean([rows.under((kind, s)).correct for s in SEVERITIES], axis=0)
        for kind in ("held_rotation", "gaussian_noise")
    )
    return float(ttest_rel(held, noise).pvalue)
