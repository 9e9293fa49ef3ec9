"""The report of a full robustness grid: means, marks, pictures, profiles, other noise."""

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fake_grid import CATEGORIES, CLASSES, MODELS, SEVERITIES, build_grid, predictions, values, write_grid
from fake_study import curve, rows, write_run

from muybridge.core.plain_data import read_json, write_json
from muybridge.measure.intervals import spread
from muybridge.report import ReportPaths, write_report
from muybridge.report.figures.charts import Cross
from muybridge.report.figures.robust_charts import named
from muybridge.runs.contents.predictions import concatenate
from muybridge.runs.records import find_runs

SEEN = ["gaussian_noise", "jpeg"]
R3D, I3D, AVERAGE = MODELS


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build_grid(tmp_path_factory.mktemp("grid"))
    write_json(folder / "study.json", {"title": "Grid", "reference": AVERAGE})
    return folder


@pytest.fixture(scope="module")
def report(grid: Path) -> ReportPaths:
    return write_report(grid)


@pytest.fixture(scope="module")
def page(report: ReportPaths) -> str:
    return report.html.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(report: ReportPaths) -> str:
    return report.markdown.read_text(encoding="utf-8").replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def lines(report: ReportPaths, name: str, **wanted: object) -> list[dict[str, str]]:
    path = next(path for path in report.tables if path.stem == name)
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return [line for line in found if all(line[key] == str(value) for key, value in wanted.items())]


@cache
def made(name: str, noise: int = 0) -> dict[tuple[str, int], float]:
    return values(predictions(name, *MODELS[name], noise=noise))


def over_types(cells: dict[tuple[str, int], float], types: list[str]) -> float:
    return float(np.mean([np.mean([cells[kind, s] for s in SEVERITIES]) for kind in types]))


KEPT = [kind for kind in CATEGORIES if kind not in SEEN]


@pytest.mark.parametrize("name", [R3D, I3D, AVERAGE])
def test_means_equal_a_loop(report: ReportPaths, name: str):
    cells, reference = made(name), made(AVERAGE)
    line = lines(
        report, "robustness", arm=name, seed="mean", profile="muybridge-1", perturbation="mean", category=""
    )[0]
    clean = cells["clean", 0]
    assert float(line["accuracy"]) == pytest.approx(over_types(cells, KEPT), abs=1e-9)
    assert float(line["relative"]) == pytest.approx(over_types(cells, KEPT) / clean, abs=1e-9)
    by_category = [
        over_types(cells, [kind for kind in KEPT if CATEGORIES[kind] == category])
        for category in dict.fromkeys(CATEGORIES.values())
    ]
    assert float(line["accuracy_over_categories"]) == pytest.approx(np.mean(by_category), abs=1e-9)
    assert float(line["relative_categories"]) == pytest.approx(np.mean(by_category) / clean, abs=1e-9)
    ratios = [
        sum(1 - cells[kind, s] for s in SEVERITIES) / sum(1 - reference[kind, s] for s in SEVERITIES)
        for kind in KEPT
    ]
    assert float(line["mce"]) == pytest.approx(np.mean(ratios), abs=1e-9)


def test_flip_rates_equal_a_loop(report: ReportPaths):
    kept = predictions(I3D, *MODELS[I3D])
    clean = kept.condition("clean", 0)
    shares = {"changed": [], "lost": []}
    for kind in KEPT:
        for severity in SEVERITIES:
            cell = kept.condition(kind, severity)
            assert (cell.video == clean.video).all()
            shares["changed"].append(np.mean(cell.predicted != clean.predicted))
            shares["lost"].append(np.mean(clean.correct & ~cell.correct))
    line = lines(
        report, "robustness", arm=I3D, seed="mean", profile="muybridge-1", perturbation="mean", category=""
    )[0]
    for name, found in shares.items():
        assert float(line[name]) == pytest.approx(np.mean(found), abs=1e-9)


def test_what_was_seen_in_training_is_marked_and_in_no_mean(report: ReportPaths, page: str, text: str):
    assert (
        f"Kept out of the means of all arms, because {AVERAGE} saw them in training: gaussian_noise and jpeg."
        in text
    )
    assert "trained on gaussian_noise and jpeg" in page
    for kind in CATEGORIES:
        line = lines(
            report,
            "robustness",
            arm=AVERAGE,
            seed="mean",
            profile="muybridge-1",
            perturbation=kind,
            severity=3,
        )[0]
        assert (line["in_mean"], line["seen"]) == (str(kind not in SEEN).lower(), str(kind in SEEN).lower())
        assert line["category"] == CATEGORIES[kind]
    untouched = lines(
        report, "robustness", arm=I3D, profile="samples-2022", perturbation="jpeg", severity=3, seed=0
    )
    assert untouched[0]["in_mean"] == "true"


def test_profiles_never_share_a_table(page: str, report: ReportPaths):
    assert "10 x 1 views on kinetics-mini, muybridge-1" in page
    ids = set(re.findall(r'<table id="([^"]+)"', page))
    assert {
        "robustness-10-x-1-views-kinetics-mini-muybridge-1",
        "robustness-10-x-1-views-kinetics-mini-samples-2022",
    } <= ids
    second = page.split('id="robustness-10-x-1-views-kinetics-mini-samples-2022"')[1].split("</table>")[0]
    assert I3D in second
    assert R3D not in second
    compared = lines(report, "comparisons")
    assert {line["profile"] for line in compared} == {"muybridge-1"}
    by_measure = {
        measure: {(line["arm"], line["against"]): line for line in compared if line["measure"] == measure}
        for measure in ("accuracy", "accuracy over types")
    }
    assert by_measure["accuracy"].keys() == by_measure["accuracy over types"].keys()
    whole = {"profile": "muybridge-1", "perturbation": "mean", "seed": "mean", "category": ""}
    means = {line["arm"]: line for line in lines(report, "robustness", **whole)}
    assert by_measure["accuracy over types"]
    for (a, b), line in by_measure["accuracy over types"].items():
        gap = float(means[a]["accuracy"]) - float(means[b]["accuracy"])
        assert float(line["difference"]) == pytest.approx(gap, abs=1e-9)


def test_protocols_never_share_a_table(tmp_path: Path):
    for views, hash_ in (("10x1", "aaaaaaaa"), ("1x1", "bbbbbbbb")):
        write_grid(tmp_path, I3D, protocol={"views": views, "hash": hash_})
    page = write_report(tmp_path).html.read_text(encoding="utf-8")
    assert "muybridge-1, protocol aaaaaa" in page
    assert "muybridge-1, protocol bbbbbb" in page
    assert f"{I3D} (" not in page


def test_versions_of_a_profile_never_share_a_table(tmp_path: Path):
    for version in (1, 2):
        write_grid(tmp_path, I3D, profile={"name": "muybridge-1", "version": version})
    found = lines(write_report(tmp_path), "robustness", perturbation="mean", seed="mean", category="")
    assert [line["profile"] for line in found] == ["muybridge-1/1", "muybridge-1/2"]


def test_other_noise_is_told_apart_from_other_videos(report: ReportPaths, text: str):
    by_seed = [over_types(made(I3D, noise), KEPT) for noise in (0, 1, 2)]
    found = lines(report, "noise_seeds")
    assert [float(line["accuracy_over_types"]) for line in found] == pytest.approx(by_seed, abs=1e-9)
    assert float(found[0]["sd"]) == pytest.approx(spread(by_seed), abs=1e-9)
    assert (
        len(
            lines(
                report,
                "robustness",
                arm=I3D,
                perturbation="mean",
                seed="mean",
                profile="muybridge-1",
                category="",
            )
        )
        == 1
    )
    assert "other noise, same videos" in text
    assert "differ only in their configuration" not in text


def test_the_heat_map_shows_falls_by_category_in_order(page: str):
    slug = "fall-10-x-1-views-kinetics-mini-muybridge-1-i3d-kinetics400"
    shown = page.split(f'id="{slug}"')[1].split("</table>")[0]
    assert [kind for kind in re.findall(r"data-sort=\"(\w+)\"", shown) if kind in CATEGORIES] == list(
        CATEGORIES
    )
    cells = made(I3D)
    row = next(row for row in shown.split("<tr>") if "motion_blur" in row)
    fall = 100 * (cells["motion_blur", 4] - cells["clean", 0])
    kept = 100 * cells["motion_blur", 4] / cells["clean", 0]
    assert f"{fall:+.1f}".replace("-", "\N{MINUS SIGN}") in row
    assert f"<small>{kept:.0f} %</small>" in row
    assert len(re.findall("--heat", shown)) == 18 * 6


def test_curves_have_bands_for_every_category_and_model(page: str):
    block = page.split("Accuracy by severity")[1].split("Fall under each")[0]
    panels = block.split('<figure class="panel">')[1:]
    assert [re.search("<figcaption>(.*?)<", one)[1] for one in panels] == [
        "Noise", "Blur", "Digital", "Temporal", "Camera", "Accuracy over types by clean accuracy, %",
    ]  # fmt: skip
    for one in panels[:5]:
        assert (one.count("<polyline"), one.count("<polygon")) == (3, 3)
        assert all(len(points.split()) == 6 for points in re.findall(r'<polyline[^>]*points="([^"]*)"', one))
    assert panels[5].count('class="cross') == 3


def test_controls_and_order_stand_beside_the_accuracies(text: str, page: str):
    assert "equal to the clean run" in text
    assert "mpeg2: equal yes; mpeg4: equal no, psnr 61.2" in text
    order = text.split("order of frames and accuracy")[1].split("**")[1]
    line = next(line for line in order.splitlines() if line.startswith("| jumbling | 3 "))
    assert "| 0.46 | 10.00 |" in line
    assert f"{100 * made(R3D)['jumbling', 3]:.1f}" in line


def test_an_identity_cell_that_differs_is_a_warning(tmp_path: Path):
    write_grid(tmp_path, I3D, identity={"equal": False})
    page = write_report(tmp_path).html.read_text(encoding="utf-8")
    assert "the identity cell differs from the clean run" in page
    assert "NOT equal to the clean run" in page


def test_every_table_is_latex_too(report: ReportPaths, page: str):
    slugs = {path.stem for path in report.latex}
    only_to_find_runs = {"runs"}
    assert slugs == set(re.findall(r'<table id="([^"]+)"', page)) - only_to_find_runs
    scores = next(path for path in report.latex if path.stem.startswith("robustness-"))
    assert r"{\scriptsize" in scores.read_text(encoding="utf-8")


def test_nothing_right_without_perturbation_is_counted_and_not_averaged(tmp_path: Path):
    videos = [f"v{index}" for index in range(40)]
    whole = concatenate(
        [rows(level, 3, videos, videos, "x", *one) for level, one in ((0.0, ()), (0.3, ("jpeg", 3)))]
    )
    write_run(tmp_path, "robustness", {"arm": "vcop", "data": "d", "seed": 0}, whole, chance=1 / 3)
    report = write_report(tmp_path)
    text = report.markdown.read_text(encoding="utf-8")
    assert "Nothing right without perturbation, so no relative score: 1 arm (vcop)" in text
    assert lines(report, "robustness", perturbation="mean", seed="mean")[0]["relative"] == ""


def test_all_types_seen_leaves_no_mean(tmp_path: Path):
    write_grid(tmp_path, I3D, seen=list(CATEGORIES))
    report = write_report(tmp_path)
    assert lines(report, "robustness", perturbation="mean", seed="mean")[0]["accuracy"] == ""
    assert "No means: every perturbation was seen in training or changes the label" in report.html.read_text(
        encoding="utf-8"
    )


def test_health_and_broken_budgets_are_shown(tmp_path: Path):
    looks = [
        {
            "step": step,
            "clips": 16 * step,
            "health": {"feature_std": 1 / step, "effective_rank": 9.0, "knn": 0.4},
        }
        for step in (1, 2, 3)
    ]
    write_run(
        tmp_path, "pretrain", {"arm": "vcop", "data": "d", "seed": 0}, metrics=[*looks[:1], *curve("vcop", 0, 0.2), *looks[1:]],
        health={"words": "features collapsed at step 2"}, budget={"clips": 5, "asked": 12000, "unit": "clips", "kept": False},
    )  # fmt: skip
    report = write_report(tmp_path)
    page = report.html.read_text(encoding="utf-8")
    block = page.split("Health of the features")[1]
    assert block.count('<figure class="panel">') == 3
    assert "vcop, seed 0: features collapsed at step 2" in block
    assert "broke its budget (asked 12 000 clips)" in page.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert [float(line["feature_std"]) for line in lines(report, "health")] == pytest.approx(
        [1, 1 / 2, 1 / 3], abs=1e-9
    )
    assert len(lines(report, "curves")) == 60


def test_a_reference_that_was_not_run_gives_no_corruption_errors(grid: Path, tmp_path: Path):
    write_grid(tmp_path, I3D)
    write_json(tmp_path / "study.json", {"reference": "alexnet"})
    assert "mce" not in read_header(write_report(tmp_path))


def read_header(report: ReportPaths) -> str:
    return next(path for path in report.tables if path.stem == "robustness").read_text().splitlines()[0]


def test_names_in_the_scatter_keep_apart():
    crosses = [Cross(f"model {i}", 1, 150.0 + i, 100.0 + i, 140.0, 170.0, 98.0, 104.0, "") for i in range(3)]
    boxes = [(one.text[0], one.text[1] - 11, one.text[0] + 46, one.text[1] + 3) for one in named(crosses)]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_runs_are_all_in_the_provenance(report: ReportPaths, grid: Path):
    assert {line["signature"] for line in lines(report, "runs")} == {run.signature for run in find_runs(grid)}
    assert len(find_runs(grid)) == 6
    assert len(read_json(find_runs(grid)[0].path / "result.json")["data"]["classes"]) == CLASSES
