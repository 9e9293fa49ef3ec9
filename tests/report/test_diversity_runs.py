"""Runs of the study of diversity as they lie in a folder: outcomes, slopes, features, and the pictures made of them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from muybridge.measure.diversity import association
from muybridge.measure.diversity.association import Association
from muybridge.measure.diversity.loss_diversity import vendi
from muybridge.measure.robustness.answer_columns import answers_in
from muybridge.measure.robustness.robustness_scores import chance_corrected
from muybridge.report.figures.diversity_figures import Spread, chart, files, scatters, spreads
from muybridge.report.formats.tidy_diversity import set_rows
from muybridge.report.scores.diversity_evidence import judge
from muybridge.report.scores.diversity_runs import PROBE, Registered, registered
from muybridge.runs.contents.predictions import Predictions
from muybridge.runs.contents.prereg_file import read_prereg, write_prereg
from muybridge.studies.preregister import content_of
from muybridge.studies.study_configs import DiversityStudyConfig

CLASSES = 4
VIDEOS = 40
BACKBONE = "r2plus1d-tiny"
MEASURES = {"D2": 0.3, "D3": 2.0, "D3norm": 0.4, "D4": 0.0, "D5": 0.5}


class Folder:
    """Finished runs of a registered study, without files of their own."""

    def __init__(self, root: Path, sets: int = 12) -> None:
        write_prereg(root, content_of(DiversityStudyConfig(out=root, sets=sets)))
        self.prereg = read_prereg(root)
        self.folder, self.runs, self.rows = root, [], {}
        self.losses = [tuple(one["losses"]) for one in self.prereg["sets"] if one["role"] == "confirmatory"]

    def add(
        self, stage: str, config: dict[str, Any], metrics: Sequence[dict[str, float]] = (), **told: Any
    ) -> str:
        signature = f"{len(self.runs):016x}"
        result = {
            "config": {"prereg": self.prereg["sha256"], **config},
            "facets": {"backbone": BACKBONE},
            "data": {"classes": [str(i) for i in range(CLASSES)]},
            **told,
        }
        self.runs.append(SimpleNamespace(stage=stage, signature=signature, result=result, metrics=metrics))
        return signature

    def trained(self, losses: tuple[str, ...], weighting: str = "fixed", **more: Any) -> str:
        return self.add("finetune", {"auxiliary": list(losses), "weighting": weighting}, **more)

    def tested(self, model: str, shares: dict[tuple[str, int], float]) -> None:
        signature = self.add("robustness", {}, inputs={"model": {"signature": model}})
        self.rows[signature] = answers_in(answers(shares))

    def measured(self, losses: tuple[str, ...], cosines: np.ndarray, value: float = 0.4) -> None:
        names = ["supervised", *losses]
        measures = {
            name: {"value": value if name == "D3norm" else at, "low": value - 0.1, "high": value + 0.1}
            for name, at in MEASURES.items()
        }
        point = {
            "scope": "all",
            "names": names,
            "measures": measures,
            "naive": {"D3norm": 0.9},
            "cosines": cosines.tolist(),
        }
        told = {"D0": len(losses), "Rao": 0.5, "points": [point, {**point, "scope": "last"}]}
        self.add("diversity", {"auxiliary": list(losses)}, diversity=told)

    def seen(self) -> Registered:
        found = registered(self)
        assert found is not None
        return found


def answers(shares: dict[tuple[str, int], float]) -> Predictions:
    """Rows in which the given shares of the videos are right."""
    columns: dict[str, list[Any]] = {
        "video": [],
        "perturbation": [],
        "severity": [],
        "label": [],
        "right": [],
    }
    for (name, severity), share in shares.items():
        for at in range(VIDEOS):
            for key, value in zip(
                columns, (f"v{at:02d}", name, severity, at % CLASSES, at < share * VIDEOS), strict=True
            ):
                columns[key].append(value)
    label = np.array(columns["label"])
    said = np.where(columns["right"], label, (label + 1) % CLASSES)
    scores = np.eye(CLASSES, dtype=np.float32)[said]
    videos = np.array(columns["video"])
    severity = np.array(columns["severity"])
    views, kinds = np.zeros(len(label), np.int64), np.array(columns["perturbation"])
    return Predictions(videos, videos, label, views, kinds, severity, scores)


def cells(clean: float, kept: float, sampled: float = 0.5) -> dict[tuple[str, int], float]:
    freezing = {("freezing", severity): kept for severity in (1, 2, 3, 4)}
    return {
        ("clean", 0): clean,
        **freezing,
        **{("sampling", s): sampled for s in (1, 2)},
        ("reversal", 1): 0.2,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_robustness_is_what_is_kept_above_chance_in_the_registered_cells(folder: Folder):
    losses = folder.losses[0]
    folder.tested(folder.trained(losses), cells(0.9, 0.6, 0.4))
    made = folder.seen()
    own = made.numbers[BACKBONE, "sum"][losses]
    primary, beside = (float(chance_corrected(0.9, at, 0.25)) for at in (0.6, 0.4))
    assert own["R_pres"] == pytest.approx(primary)
    assert own["R_pres_all"] == pytest.approx((primary + beside) / 2)
    reach = made.reach[BACKBONE, "sum"][losses]
    assert reach.value == pytest.approx(primary)
    assert reach.low < primary < reach.high


def test_a_network_near_chance_and_one_that_lacks_cells_have_no_robustness(folder: Folder):
    folder.tested(folder.trained(folder.losses[0]), cells(0.4, 0.4))
    folder.tested(folder.trained(folder.losses[1]), {("clean", 0): 0.9, ("freezing", 1): 0.8})
    made = folder.seen()
    assert sum(made.left_out.values()) == 1
    assert all("R_pres" not in own for own in made.numbers[BACKBONE, "sum"].values())
    assert not made.reach


def test_a_probe_belongs_to_the_set_of_the_network_below_it(folder: Folder):
    losses = folder.losses[0]
    model = folder.trained(losses)
    probe = folder.add("probe", {"init": "x"}, inputs={"init": {"signature": model}})
    folder.tested(probe, cells(0.8, 0.8))
    made = folder.seen()
    assert made.numbers[BACKBONE, PROBE][losses]["R_pres"] == pytest.approx(1)
    assert (BACKBONE, "sum") not in made.numbers


def test_diversity_as_the_combiner_weighed_it_leaves_out_what_it_did_not_weigh(folder: Folder):
    losses = folder.losses[0]
    square = np.full((5, 5), 0.3) + 0.7 * np.eye(5)
    square[2, :] = square[:, 2] = math.nan  # without a signal
    folder.measured(losses, square)
    slopes = {f"{losses[0]}.a": 1.0, f"{losses[0]}.b": -2.0, f"{losses[2]}.c": 1.0, f"{losses[3]}.d": 0.0}
    weights = {f"weight.{name}": slope for name, slope in slopes.items()}
    model = folder.trained(losses, "meltr", metrics=[weights, {name: 3 * at for name, at in weights.items()}])
    folder.tested(model, cells(0.9, 0.9))
    own = folder.seen().numbers[BACKBONE, "meltr"][losses]
    wanted = vendi(np.array([[1, 0.3, 0.3], [0.3, 1, 0.3], [0.3, 0.3, 1]]), np.array([6.0, 2.0, 0.0]))
    assert own["D3eff"] == pytest.approx(float(wanted))
    assert 1 < own["D3eff"] < 2


def test_functional_diversity_is_of_the_networks_that_each_loss_makes_alone(folder: Folder):
    losses = folder.losses[0]
    models = {loss: folder.trained((loss,)) for loss in losses}
    value = {}
    for i, one in enumerate(losses):
        for other in losses[i + 1 :]:
            value[one, other] = 0.1 * (len(value) + 1)
            folder.add(
                "similarity",
                {},
                inputs={"a": {"signature": models[other]}, "b": {"signature": models[one]}},
                similarity={"measures": {"cka": {"profile": [1.0, value[one, other]]}}, "drift": []},
            )
    made = folder.seen()
    assert made.numbers[BACKBONE, "diversity"][losses]["D6"] == pytest.approx(
        1 - np.mean(list(value.values()))
    )
    others = [made.numbers[BACKBONE, "diversity"][other]["D6"] for other in folder.losses[1:]]
    assert all(map(math.isnan, others))


def test_drift_is_the_mean_over_conditions_of_the_last_layer(folder: Folder):
    losses = folder.losses[0]
    rows = [{"last": 0.5, "twin": {"value": 0.2}}, {"last": 0.7, "twin": {"value": 0.4}}]
    folder.add(
        "similarity", {}, inputs={"a": {"signature": folder.trained(losses)}}, similarity={"drift": rows}
    )
    own = folder.seen().numbers[BACKBONE, "sum"][losses]
    assert (own["drift"], own["twin"]) == pytest.approx((0.6, 0.3))


def test_pictures_show_every_set_once_and_rows_for_what_was_run(folder: Folder, monkeypatch):
    monkeypatch.setattr(association, "PERMUTATIONS", 99)
    monkeypatch.setattr(association, "REDRAWS", 99)
    draw = np.random.default_rng(0)
    for losses in folder.losses[:-1]:
        value = draw.uniform(0.2, 0.8)
        folder.measured(losses, np.eye(5), value)
        folder.tested(folder.trained(losses), cells(0.9, value))
    made = folder.seen()
    (panel,) = scatters(made)
    assert len(panel.crosses) == len(folder.losses) - 1
    assert all(one.left <= one.x <= one.right and one.high <= one.y <= one.low for one in panel.crosses)
    assert {one.words.split(" ")[0] for one in panel.crosses} == {
        f"s{n:03d}" for n in range(1, len(folder.losses))
    }
    found, _ = judge(made)
    told = spreads(made, found)
    assert "without adjustment" in told[0].rows
    assert "second backbone" not in told[0].rows
    assert [len(chart(one).lines) for one in told] == [len(one.rows) for one in told]
    for one in files(made, found):
        svg = one.draw()["svg"].decode()
        assert "SYNTHETIC" in svg
        assert svg == one.draw()["svg"].decode()


def test_a_set_without_robustness_is_taken_for_the_worst_and_for_the_best(folder: Folder, monkeypatch):
    monkeypatch.setattr(association, "PERMUTATIONS", 99)
    monkeypatch.setattr(association, "REDRAWS", 99)
    for place, losses in enumerate(folder.losses):
        folder.measured(losses, np.eye(5), 0.1 + 0.05 * place)
        if place:
            folder.tested(folder.trained(losses), cells(0.9, 0.3 + 0.05 * place))
    found, _ = judge(folder.seen())
    assert (found.plain.n, found.worst.n, found.best.n) == (11, 12, 12)
    assert found.worst.n == found.best.n == found.plain.n + 1


def test_every_network_is_a_row_with_what_its_set_measured(folder: Folder):
    losses = folder.losses[0]
    folder.measured(losses, np.eye(5), 0.4)
    folder.tested(folder.trained(losses), cells(0.9, 0.6))
    folder.tested(folder.trained(losses, "pcd"), cells(0.4, 0.4))
    folder.tested(folder.trained(()), cells(0.9, 0.9))
    matched = folder.add("finetune", {"auxiliary": [], "weighting": "fixed", "budget": 52})
    folder.tested(matched, cells(0.9, 0.7))
    rows = {(row["arm"], row["losses"]): row for row in set_rows(folder.seen())}
    first, near_chance, control = (
        rows["sum", " ".join(losses)], rows["pcd", " ".join(losses)], rows["single", ""]
    )  # fmt: skip
    assert (first["set"], first["role"], first["D3norm"]) == ("s001", "confirmatory", pytest.approx(0.4))
    assert first["R_pres_low"] < first["R_pres"] < first["R_pres_high"]
    assert (near_chance["R_pres"], near_chance["accuracy"]) == ("", "")
    assert (control["role"], control["D3norm"], control["set"]) == ("control", "", "")
    assert control["R_pres"] > rows["matched", ""]["R_pres"]
    assert len({tuple(row) for row in rows.values()}) == 1


def test_what_has_no_interval_is_told_without_one(folder: Folder):
    """One source group, or a correlation without an interval: a width of zero would say more than is known."""
    nan = math.nan
    row = Association(0.5, nan, nan, 0.2, 6)
    ((_, told, _, (dot,)),) = chart(Spread("Title", {"some": row})).lines
    assert told == "some: 0.50, p 0.2, 6 sets"
    assert dot.low == dot.x == dot.high
    for losses in folder.losses:
        folder.measured(losses, np.eye(5), 0.4)
        folder.tested(folder.trained(losses), cells(0.9, 0.6))
    for signature in folder.rows:
        rows = answers(cells(0.9, 0.6))
        folder.rows[signature] = answers_in(replace(rows, group=np.full(len(rows), "one")))
    (panel,) = scatters(folder.seen())
    assert all(one.words.endswith("robustness 0.54") for one in panel.crosses)


def test_a_comparison_of_networks_without_cka_is_no_number(folder: Folder):
    losses = folder.losses[0]
    a, b = (folder.trained((loss,)) for loss in losses[:2])
    folder.add(
        "similarity", {}, inputs={"a": {"signature": a}, "b": {"signature": b}}, similarity={"measures": {}}
    )
    assert math.isnan(folder.seen().numbers[BACKBONE, "diversity"][losses]["D6"])
