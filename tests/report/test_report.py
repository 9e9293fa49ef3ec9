import csv
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fake_study import ARMS, CHANGING, EVIL, MOTIONS, PERTURBATIONS, SEVERITIES, build, rows, strip, write_run

from muybridge.core.errors import UsageError
from muybridge.core.plain_data import read_json, write_json
from muybridge.core.text.plurals import listed
from muybridge.report import ReportPaths, write_report
from muybridge.report.figures.charts import steps
from muybridge.report.figures.film_strips import film, png
from muybridge.report.tables.table import count, grouped, points, scientific
from muybridge.runs.contents.predictions import Predictions, concatenate, read_predictions, write_predictions
from muybridge.runs.records import find_runs

DAILY = f"daily {EVIL}"


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def report(study: Path) -> ReportPaths:
    return write_report(study)


@pytest.fixture(scope="session")
def page(report: ReportPaths) -> str:
    return report.html.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def text(report: ReportPaths) -> str:
    return report.markdown.read_text(encoding="utf-8")


def table(report: ReportPaths, name: str) -> list[dict[str, str]]:
    path = next(path for path in report.tables if path.stem == name)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pick(lines: list[dict[str, str]], **wanted) -> list[dict[str, str]]:
    return [line for line in lines if all(line[key] == str(value) for key, value in wanted.items())]


def stored(study: Path, stage: str, arm: str, data: str, seed: int = 0) -> Predictions:
    """All rows of one arm and seed, read straight from the run folders."""
    parts = []
    for path in sorted((study / "runs" / stage).iterdir()):
        told = json.loads((path / "result.json").read_text())["facets"]
        if (told["arm"], told["data"], told["seed"]) == (arm, data, seed):
            parts.append(read_predictions(path / "predictions.parquet"))
    return concatenate(parts)


def slow_accuracy(kept: Predictions) -> float:
    """Average the logits of each video by hand, then count."""
    right = []
    for video in sorted(set(kept.video)):
        mine = kept.where(kept.video == video)
        mean = np.mean(mine.scores, axis=0)
        right.append(not np.isnan(mean).any() and int(mean.argmax()) == mine.label[0])
    return float(np.mean(right))


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_accuracy_equals_counting_the_rows(report: ReportPaths, study: Path, arm: str, seed: int):
    line = pick(table(report, "accuracy"), stage="probe", arm=arm, seed=seed)[0]
    expected = slow_accuracy(stored(study, "probe", arm, "builtin-motions", seed))
    assert float(line["accuracy"]) == pytest.approx(expected, abs=1e-9)
    assert float(line["low"]) < expected < float(line["high"])
    assert line["videos"] == "240"


def test_mean_over_seeds_is_shown_with_its_interval(report: ReportPaths, page: str, text: str):
    lines = pick(table(report, "accuracy"), stage="probe", arm="vcop")
    by_seed = [float(line["accuracy"]) for line in lines if line["seed"] != "mean"]
    mean = next(line for line in lines if line["seed"] == "mean")
    assert float(mean["accuracy"]) == pytest.approx(np.mean(by_seed), abs=1e-9)
    shown = f"{100 * float(mean['accuracy']):.1f}"
    bounds = f"{100 * float(mean['low']):.1f}–{100 * float(mean['high']):.1f}"
    for document in (page, text):
        assert shown in document
        assert bounds in document


def test_folds_are_one_data_set_and_seeds_stay_apart(report: ReportPaths, study: Path):
    line = pick(table(report, "accuracy"), data=DAILY, arm="vcop", seed="mean")[0]
    assert (line["videos"], line["groups"], line["seeds"]) == ("40", "4", "1")
    assert float(line["accuracy"]) == pytest.approx(
        slow_accuracy(stored(study, "finetune", "vcop", DAILY)), abs=1e-9
    )
    assert len(line["signatures"].split()) == 4


def test_four_groups_are_not_called_different(report: ReportPaths, text: str):
    line = pick(table(report, "comparisons"), data=DAILY, arm="random", against="vcop")[0]
    assert line["separable"] == "false"
    assert float(line["p"]) >= 0.125
    assert "cannot be separated" in text
    assert "fewer than 8 source groups" in text


def test_a_missing_fold_is_not_compared_and_said(report: ReportPaths, text: str):
    assert not pick(table(report, "comparisons"), data=DAILY, arm="vcop", against="rotnet")
    assert "rotnet lacks seed 0 fold 3" in text
    assert "tested on different videos" in text


def test_headline_states_the_computed_gain(report: ReportPaths, text: str):
    lines = table(report, "accuracy")
    base, own = (
        float(pick(lines, stage="probe", arm=arm, seed="mean")[0]["accuracy"]) for arm in ("random", "vcop")
    )
    pair = pick(table(report, "comparisons"), stage="probe", arm="random", against="vcop")[0]
    assert float(pair["difference"]) == pytest.approx(base - own, abs=1e-9)
    low, high = -100 * float(pair["high"]), -100 * float(pair["low"])
    plain = text.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        f"vcop lifts accuracy from {100 * base:.1f} % to {100 * own:.1f} % "
        f"({100 * (own - base):+.1f} points, 95 % interval {low:+.1f} to {high:+.1f})"
    ) in plain


def test_robustness_equals_a_loop(report: ReportPaths, study: Path):
    lines = pick(table(report, "robustness"), arm="vcop", seed=0)
    kept = stored(study, "robustness", "vcop", "builtin-motions")
    clean = slow_accuracy(kept.condition("clean", 0))
    by_type = []
    for perturbation in PERTURBATIONS:
        cells = []
        for severity in SEVERITIES:
            accuracy = slow_accuracy(kept.condition(perturbation, severity))
            line = pick(lines, perturbation=perturbation, severity=severity)[0]
            assert float(line["accuracy"]) == pytest.approx(accuracy, abs=1e-9)
            assert float(line["absolute"]) == pytest.approx(1 - (clean - accuracy), abs=1e-9)
            assert float(line["relative"]) == pytest.approx(accuracy / clean, abs=1e-9)
            assert line["in_mean"] == str(perturbation not in CHANGING).lower()
            cells.append(accuracy)
        if perturbation not in CHANGING:
            by_type.append(np.mean(cells))
    mean = pick(lines, perturbation="mean")[0]
    assert float(mean["accuracy"]) == pytest.approx(np.mean(by_type), abs=1e-9)
    assert float(mean["relative"]) == pytest.approx(np.mean(by_type) / clean, abs=1e-9)
    corrected = (np.mean(by_type) - 1 / 12) / (clean - 1 / 12)
    assert float(mean["chance_corrected"]) == pytest.approx(corrected, abs=1e-9)


def test_label_changing_perturbations_are_shown_but_kept_out(page: str, text: str):
    assert "Kept out of the means, because they change the label: reversal." in page
    assert "Hardest for vcop: motion" in text


def test_a_label_changing_perturbation_that_nobody_declared_is_suspected(study: Path, tmp_path: Path):
    shutil.copytree(study, tmp_path / "copy")
    for run in find_runs(tmp_path / "copy"):
        if run.stage == "robustness":
            told = {key: value for key, value in run.result.items() if key != "label_changing"}
            write_json(run.path / "result.json", told)
    report = write_report(tmp_path / "copy")
    assert "The averages count reversal, which may change the label" in report.markdown.read_text(
        encoding="utf-8"
    )
    assert "yet counted in the means: reversal" in report.html.read_text(encoding="utf-8")


def test_an_incomplete_robustness_run_gets_no_mean(study: Path, tmp_path: Path):
    shutil.copytree(study, tmp_path / "copy")
    runs = [run for run in find_runs(tmp_path / "copy") if run.stage == "robustness"]
    for run in runs:
        if run.result["facets"]["arm"] == "rotnet":
            path = run.path / "predictions.parquet"
            kept = read_predictions(path)
            write_predictions(path, kept.where((kept.perturbation != "jpeg") | (kept.severity != 3)))
    again = write_report(tmp_path / "copy")
    mean = pick(table(again, "robustness"), arm="rotnet", seed="mean", perturbation="mean")[0]
    assert mean["accuracy"] == ""
    assert "missing or incomplete: jpeg 3" in again.html.read_text(encoding="utf-8")


def test_unknown_chance_and_missing_clean_rows_are_said(tmp_path: Path):
    videos = [f"v{index}" for index in range(40)]
    noisy = rows(0.4, 3, videos, videos, "noisy", "jpeg", 3)
    whole = concatenate([rows(0.8, 3, videos, videos, "clean"), noisy])
    write_run(tmp_path, "robustness", {"arm": "vcop", "data": "d", "seed": 0}, whole)
    write_run(tmp_path, "robustness", {"arm": "rotnet", "data": "d", "seed": 0}, noisy)
    report = write_report(tmp_path)
    assert "rotnet has no rows without perturbation" in report.markdown.read_text(encoding="utf-8")
    mean = pick(table(report, "robustness"), arm="vcop", seed="mean", perturbation="mean")[0]
    assert (mean["chance_corrected"], mean["relative"] != "") == ("", True)
    assert "told from chance" not in report.html.read_text(encoding="utf-8")


@pytest.mark.parametrize(("level", "near"), [(0.34, True), (0.9, False)])
def test_a_model_near_chance_is_said_to_be(level: float, near: bool, tmp_path: Path):
    videos = [f"v{index}" for index in range(90)]
    parts = [rows(level, 3, videos, videos, "clean"), rows(0.33, 3, videos, videos, "noisy", "jpeg", 3)]
    told = {
        "name": "d",
        "fingerprint": "5f1d",
        "classes": list("abc"),
        "videos": {},
        "broken": [],
        "source": [],
    }
    facets = {"arm": "vcop", "data": "d", "seed": 0}
    write_run(tmp_path, "robustness", facets, concatenate(parts), chance=1 / 3, data=told)
    report = write_report(tmp_path)
    for page in (report.markdown, report.html):
        words = page.read_text(encoding="utf-8")
        assert ("cannot be told from chance even without perturbation" in words) is near
        assert ("not told from chance: relative scores say nothing" in words) is near


def test_per_class_and_confusion_add_up(report: ReportPaths, study: Path):
    counts = pick(table(report, "confusion"), stage="finetune", data="builtin-motions", arm="vcop", seed=0)
    assert sum(int(line["videos"]) for line in counts) == 240
    for name in MOTIONS:
        mine = pick(counts, true=name)
        right = sum(int(line["videos"]) for line in mine if line["predicted"] == name)
        total = sum(int(line["videos"]) for line in mine)
        line = pick(table(report, "per_class"), stage="finetune", arm="vcop", seed=0, **{"class": name})[0]
        assert float(line["accuracy"]) == pytest.approx(right / total, abs=1e-9)
        assert int(line["videos"]) == total


def test_missing_cells_are_named_and_never_zero(page: str, text: str, report: ReportPaths):
    for words in (
        "fine-tune of rotnet on daily, fold 3",
        "logs/rotnet-3.log",
        "probe of prp on builtin-motions",
    ):
        assert words in page
    assert "planned, not finished" in page
    assert "2 planned cells have no result" in text
    assert not pick(table(report, "accuracy"), arm="prp")
    prp = next(line for line in text.splitlines() if line.startswith("| prp"))
    assert "missing" in prp
    assert "0" not in prp


def test_unequal_budgets_are_flagged(text: str, report: ReportPaths):
    assert "NOT equal across arms. Different: clips, steps, frames and FLOPs" in text
    line = pick(table(report, "budget"), stage="pretrain", arm="vcop", seed=0)[0]
    assert (line["clips"], line["frames"], line["seconds"]) == ("40000", "320000", "33.1")


def test_equal_budgets_are_said(study: Path, tmp_path: Path):
    shutil.copytree(study, tmp_path / "copy")
    for run in find_runs(tmp_path / "copy"):
        if run.stage == "pretrain":
            spent = {"clips": 1, "steps": 1, "frames": 1, "flops": 1e9, "seconds": 2.0}
            write_json(run.path / "result.json", {**run.result, "budget": spent})
    assert "is equal across arms" in write_report(tmp_path / "copy").markdown.read_text(encoding="utf-8")


def test_warnings_of_runs_are_seen(page: str, text: str):
    assert "collapsed at step 900" in page
    assert "limited run" in page
    assert "Limited for a trial: 1 of 36 runs" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "moov atom not found" in page
    assert "Videos that could not be decoded count as wrong" in page


class Parsed(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def parsed(page: str) -> Parsed:
    parser = Parsed()
    parser.feed(page)
    return parser


def test_hostile_names_stay_words(page: str, text: str):
    assert sum(tag == "script" for tag, _ in parsed(page).tags) == 1
    assert "<script>window" not in page
    assert "&lt;script&gt;window.evil=1&lt;/script&gt;" in page
    outside_code = re.sub(r"`[^`\n]*`", "", text)
    assert "<script>" not in outside_code
    assert "<b>" not in outside_code


def test_page_stands_alone(page: str):
    for tag, attributes in parsed(page).tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:")), (tag, target)
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 5_000_000


def test_anchors_lead_somewhere_and_ids_are_unique(page: str):
    tags = parsed(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(attributes["href"])[1:] for tag, attributes in tags if tag == "a"}
    assert targets <= set(ids)


def test_every_run_has_its_command(page: str, study: Path, report: ReportPaths):
    lines = {line["signature"]: line for line in table(report, "runs")}
    for run in find_runs(study):
        assert f'id="run-{run.signature}"' in page
        assert lines[run.signature]["command"] == run.result["command"]


def test_every_strip_is_a_picture_with_words(page: str):
    images = [attributes for tag, attributes in parsed(page).tags if tag == "img"]
    assert all(str(image["src"]).startswith("data:image/png;base64,") and image["alt"] for image in images)
    captions = {image["alt"] for image in images}
    for perturbation in PERTURBATIONS:
        assert {f"film strip: {perturbation} {severity}" for severity in SEVERITIES} <= captions
    assert "film strip: vcop: view a" in captions


def test_neighbours_are_marked_by_shape_and_word(page: str, study: Path):
    run = next(
        run for run in find_runs(study) if run.stage == "neighbours" and run.result["facets"]["arm"] == "vcop"
    )
    queries = run.result["neighbours"]["queries"]
    right = sum(one["label"] == query["label"] for query in queries for one in query["nearest"])
    assert f"{right} of the 20 neighbours shown" in page
    assert "✓ 0.95" in page
    assert "✗" in page


def test_videos_without_labels_are_neither_right_nor_wrong(tmp_path: Path):
    nearest = [{"video": "b", "label": None, "similarity": 0.5}]
    told = {"queries": [{"video": "a", "label": None, "nearest": nearest}]}
    more = {"neighbours": told, "recall": [{"k": 1, "value": None}], "strips": {"a": strip("a", frames=1)}}
    write_run(tmp_path, "neighbours", {"arm": "vcop", "data": "d", "seed": 0}, **more)
    shown = write_report(tmp_path).html.read_text(encoding="utf-8")
    assert "? 0.50" in shown
    assert "no picture" in shown
    assert "have the query" not in shown


def test_test_clips_and_views_carry_their_arm(tmp_path: Path):
    videos = [f"v{index}" for index in range(30)]
    facets = {"arm": "vcop", "data": "d", "seed": 0}
    made = rows(0.5, 3, videos, videos, "x")
    write_run(tmp_path, "probe", facets, made, strips={"class walk": strip("a")})
    write_run(tmp_path, "pretrain", facets, strips={"1: 90": strip("b")})
    page = write_report(tmp_path).html.read_text(encoding="utf-8")
    captions = [attributes["alt"] for tag, attributes in parsed(page).tags if tag == "img"]
    assert captions == ["film strip: class walk", "film strip: vcop 1: 90"]


def test_curves_are_stored_as_logged(report: ReportPaths, study: Path):
    run = next(run for run in find_runs(study) if run.stage == "pretrain")
    lines = pick(table(report, "curves"), signature=run.signature)
    assert [float(line["loss"]) for line in lines] == pytest.approx(
        [row["loss"] for row in run.metrics], abs=1e-8
    )


def test_same_runs_same_bytes(report: ReportPaths, study: Path, tmp_path: Path):
    shutil.copytree(study, tmp_path / "other name")
    again = write_report(tmp_path / "other name")
    for old, new in zip(
        [report.html, report.markdown, *report.tables],
        [again.html, again.markdown, *again.tables],
        strict=True,
    ):
        assert old.read_bytes() == new.read_bytes()


def test_nothing_to_report_says_what_was_looked_for(tmp_path: Path):
    with pytest.raises(UsageError, match=r"result\.json"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_bare_run_is_enough(tmp_path: Path):
    videos = [f"v{index}" for index in range(30)]
    name = write_run(
        tmp_path, "probe", {"arm": "vcop", "data": "mine", "seed": 0}, rows(0.5, 3, videos, videos, "x")
    )
    path = tmp_path / "runs" / "probe" / name / "result.json"
    bare = read_json(path)
    write_json(path, {key: bare[key] for key in ("version", "stage", "signature", "facets")})
    report = write_report(tmp_path)
    assert "vcop reaches" in report.markdown.read_text(encoding="utf-8")
    assert "class 2" in report.html.read_text(encoding="utf-8")


def test_only_pretraining_is_enough(tmp_path: Path):
    told = {"name": "d", "fingerprint": "f", "classes": [], "videos": {}, "broken": []}
    write_run(
        tmp_path,
        "pretrain",
        {"arm": "vcop", "data": "d", "seed": 0},
        data=told,
        strips={"vcop: a": strip("a")},
    )
    assert "Only one arm was pretrained" in write_report(tmp_path).html.read_text(encoding="utf-8")


def test_pretraining_that_left_out_each_fold_in_turn_is_one_arm(tmp_path: Path):
    """As ``quickstart`` pretrains on videos of one's own."""
    for fold in range(3):
        config = {"held_out_fold": fold}
        write_run(tmp_path, "pretrain", {"arm": "vcop", "data": "d", "seed": 0}, lr=0.1 + fold, config=config)
    written = write_report(tmp_path).markdown.read_text(encoding="utf-8")
    assert "| vcop | d |" in written
    assert all(f"0 (without fold {fold})" in written for fold in range(3))
    assert "vcop (" not in written
    assert "differ only in their configuration" not in written


def test_runs_that_facets_cannot_tell_apart_are_not_mixed(tmp_path: Path):
    videos = [f"v{index}" for index in range(30)]
    for level, lr in ((0.9, 0.1), (0.2, 0.01)):
        made = rows(level, 3, videos, videos, f"lr {lr}")
        write_run(tmp_path, "probe", {"arm": "vcop", "data": "d", "seed": 0}, made, lr=lr)
    report = write_report(tmp_path)
    names = {line["arm"] for line in table(report, "accuracy")}
    assert len(names) == 2
    assert all(name.startswith("vcop (") for name in names)
    assert "differ only in their configuration" in report.markdown.read_text(encoding="utf-8")


def test_reading_needs_no_torch(study: Path):
    code = f"""
import sys
import muybridge.report
assert not {{"jinja2", "pyarrow", "matplotlib", "PIL"}} & set(sys.modules)
from pathlib import Path
muybridge.report.write_report(Path({str(study)!r}))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_numbers_as_words():
    assert points(-0.0312, sign=True) == "−3.1"
    assert points(-0.00001) == "0.0"
    assert points(0.5, sign=True) == "+50.0"
    assert grouped(1234567).split("\N{NARROW NO-BREAK SPACE}") == ["1", "234", "567"]
    assert scientific(1.24e13) == "1.2 × 10¹³"
    assert scientific(9.99e9) == "1.0 × 10¹⁰"
    assert scientific(0) == "0"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert count(None).kind == "missing"


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 9600.0), (0.0, 0.0031), (-2.0, 3.0), (0.0, 7.0)])
def test_axes_have_round_steps_that_cover_the_data(low: float, high: float):
    marks = steps(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 3 <= len(marks) <= 8
    np.testing.assert_allclose(np.diff(marks), marks[1] - marks[0])


def test_film_keeps_first_and_last_frame_and_bounds_the_size():
    frames = np.random.default_rng(0).integers(0, 256, (20, 130, 170, 3), dtype=np.uint8)
    pixels = film(frames)
    assert pixels.shape[0] <= 64
    assert (pixels[:, : pixels.shape[0]] == frames[0, ::3, ::3][:, : pixels.shape[0]]).all()
    assert (pixels[:, -57:] == frames[-1, ::3, ::3]).all()
    assert len(png(pixels)) < 60_000
