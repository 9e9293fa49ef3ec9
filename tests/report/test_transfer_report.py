"""Tables across experiments against slow references: official splits, sources, few labels, two sets of weights."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_study import rows, write_run
from fake_transfer import ACTIONS, HASHES, SOURCES, SPLITS, build, counted, facets_of, told, uneven
from scipy import stats
from scipy.special import expit, logit

from muybridge.core.errors import MuybridgeError
from muybridge.report import ReportPaths, write_report
from muybridge.report.scores.classwise import classwise
from muybridge.report.tables.protocol_table import clip_words
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import find_runs

ARMS = ["random", "rotnet", "vcop from kinetics400", "vcop from ssv2"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("transfer"))


@pytest.fixture(scope="module")
def report(study: Path) -> ReportPaths:
    return write_report(study)


@pytest.fixture(scope="module")
def text(report: ReportPaths) -> str:
    return report.markdown.read_text(encoding="utf-8")


def lines(report: ReportPaths, name: str, **wanted: Any) -> list[dict[str, str]]:
    path = next(path for path in report.tables if path.stem == name)
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return [line for line in found if all(line[key] == str(value) for key, value in wanted.items())]


def stored(study: Path, file: str = "predictions", **wanted: Any) -> list[Predictions]:
    """Rows of the runs whose facets are as wanted, seed by seed, straight from the folders."""
    found = {}
    for run in find_runs(study):
        one = run.result["facets"] | {"hash": run.result["protocol"]["hash"]}
        if all(one[key] == value for key, value in wanted.items()):
            found[one["seed"]] = read_predictions(run.path / f"{file}.parquet")
    return [found[seed] for seed in sorted(found)]


def accuracy(kept: Predictions) -> float:
    return float(np.mean(kept.scores.argmax(1) == kept.label))


def redrawn_mean(by_seed: list[list[Predictions]], replicates: int = 4000) -> np.ndarray:
    """Mean over splits with groups of all splits and seeds redrawn, one replicate at a time, with other draws than the package's."""
    stream = np.random.default_rng(1)
    names = sorted({group for kept in by_seed[0] for group in kept.group.tolist()})
    right = {
        (seed, split, group): (kept.scores.argmax(1) == kept.label)[kept.group == group]
        for seed, splits in enumerate(by_seed)
        for split, kept in enumerate(splits)
        for group in names
    }
    found = []
    for _ in range(replicates):
        drawn = stream.choice(len(names), len(names))
        values = [
            np.concatenate([right[seed, split, names[place]] for place in drawn]).mean()
            for seed in range(len(by_seed))
            for split in range(len(by_seed[0]))
        ]
        found.append(np.mean(values))
    by_seed_mean = [np.mean([accuracy(kept) for kept in splits]) for splits in by_seed]
    return students_bounds(by_seed_mean, found, len(names))


def students_bounds(by_seed: list[float], redrawn: list[float], groups: int) -> tuple[float, float]:
    """Bounds of a mean accuracy on the scale of log odds, written down anew with scipy's t."""
    value = np.mean(by_seed)
    parts = [(np.var(redrawn) * groups / (groups - 1), groups - 1)]
    if len(by_seed) > 1:
        parts.append((stats.sem(by_seed) ** 2, len(by_seed) - 1))
    whole = sum(variance for variance, _ in parts)
    freedom = whole**2 / sum(variance**2 / free for variance, free in parts)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(whole) / (value * (1 - value))
    low, high = expit(logit(value) + np.array([-reach, reach]))
    return low, high


def test_the_mean_over_official_splits_and_its_interval(report: ReportPaths, study: Path, text: str):
    for arm, (task, source) in {"vcop from ssv2": ("vcop", "ssv2"), "random": ("random", "")}.items():
        by_split = [stored(study, arm=task, source=source, data=f"ucf101-{number}") for number in SPLITS]
        by_seed = [list(pair) for pair in zip(*by_split, strict=True)]
        line = lines(report, "splits", arm=arm, split="mean")[0]
        assert float(line["accuracy"]) == pytest.approx(
            np.mean([[accuracy(k) for k in s] for s in by_seed]), abs=1e-9
        )
        low, high = redrawn_mean(by_seed)
        assert (float(line["low"]), float(line["high"])) == pytest.approx((low, high), abs=0.01)
        assert (line["splits"], line["official_splits"]) == ("2", "3")
    assert "mean over 2 of 3 official splits" in text
    assert "2 of 3 official splits are there: split 2 has no results." in text
    assert "This is official split 3 of 3 of ucf101." in text


def test_an_arm_that_lacks_a_split_has_no_mean(study: Path, tmp_path: Path):
    short = build(tmp_path / "short")
    for run in find_runs(short):
        one = run.result["facets"]
        if (one["arm"], one["data"]) == ("rotnet", "ucf101-3"):
            (run.path / "result.json").unlink()
    report = write_report(short)
    assert not lines(report, "splits", arm="rotnet", split="mean")
    assert lines(report, "splits", arm="rotnet", split=1)
    row = next(
        line
        for line in report.markdown.read_text().splitlines()
        if line.startswith("| rotnet") and line.count("missing") > 1
    )
    assert row.count("missing") == 2


def test_arms_of_one_task_are_told_apart_by_their_source(report: ReportPaths, text: str):
    assert {line["arm"] for line in lines(report, "accuracy")} == set(ARMS)
    assert "differ only in their configuration" not in text


def test_sources_by_targets(report: ReportPaths, study: Path, text: str):
    found = lines(report, "source_target", arm="vcop from ssv2", target="moves", hash="aaaa11112222")
    assert len(found) == 1
    line = found[0]
    kept = stored(study, arm="vcop", source="ssv2", data="moves", hash="aaaa11112222")
    assert float(line["accuracy"]) == pytest.approx(np.mean([accuracy(one) for one in kept]), abs=1e-9)
    assert (line["task"], line["source_kind"], line["target_kind"]) == ("vcop", "temporal", "temporal")
    head = next(one for one in text.splitlines() if one.startswith("| arm | pretrained on |"))
    assert "moves, temporal-based, %" in head
    assert "ucf101-1, appearance-based, %" in head
    assert "kinetics400 (appearance-based)" in text
    assert {line["source"] for line in lines(report, "source_target")} == {"", *SOURCES}


def test_two_protocols_never_share_a_table(report: ReportPaths, text: str):
    for path in report.latex:
        if path.stem == "protocols":
            continue
        assert sum(code[:6] in path.read_text() for code in HASHES) <= 1, path.name
    assert not lines(report, "source_target", hash="bbbb33334444"), "one target: nothing to cross"
    both = {line["protocol"] for line in lines(report, "accuracy", data="moves", stage="finetune")}
    assert both == {"fine-tune, all labels", "fine-tune, 2 labels per class", "fine-tune, 8 labels per class"}
    assert "on moves, protocol aaaa11" in text
    assert "on moves, protocol bbbb33" in text


def test_every_protocol_is_explained_by_what_tells_it_apart(text: str):
    table = text[text.index("**Transfer protocols**") :].split("\n**")[0]
    found = {
        line.split(" | ")[1].strip("`"): line for line in table.splitlines() if line.startswith("| finetune ")
    }
    assert set(found) == {"aaaa11", "bbbb33", "aaa111"}, "the few-label protocols end in their labels"
    assert "labels\\_per\\_class none" in found["aaaa11"]
    assert "code bbbb33334444" in found["bbbb33"]
    assert "epochs" not in "".join(found.values()), "all have the same"
    assert "the only one of its stage" in next(
        line for line in table.splitlines() if line.startswith("| knn ")
    )


def test_clips_in_words():
    clips = {"frames": 8, "stride": 3, "fps": None, "temporal": 10, "spatial": 3, "crop": 32}
    assert clip_words(clips) == "8 x3, 10x3 views, 32 px"
    assert clip_words(clips | {"fps": 12.5}) == "8 x3 at 12.5 fps, 10x3 views, 32 px"
    assert clip_words(None) == "not told"


def test_label_efficiency_joins_what_differs_in_labels_only(report: ReportPaths, study: Path, text: str):
    found = lines(report, "label_efficiency", arm="rotnet")
    assert [line["labels_per_class"] for line in found] == ["2", "8", "25"]
    assert [line["all"] for line in found] == ["false", "false", "true"]
    for line, words in zip(found, ("2 labels per class", "8 labels per class", "all labels"), strict=True):
        kept = stored(study, arm="rotnet", data="moves", protocol=f"fine-tune, {words}", code="aaaa11112222")
        assert float(line["accuracy"]) == pytest.approx(np.mean([accuracy(one) for one in kept]), abs=1e-9)
    assert "all: 25 on average" in text
    page = report.html.read_text(encoding="utf-8")
    assert page.count("labels per class, logarithmic") == 2, (
        "one panel: its label and what it says to readers"
    )


def shares(names: list[str], binary: bool = True) -> str:
    """Mean over seeds of the share that some counts give, as tables show it."""
    values = []
    for name in names:
        counts = list(counted(name, binary=binary).values())
        values.append(sum(found for found, _ in counts) / sum(asked for _, asked in counts))
    return f"{100 * np.mean(values):.1f} ("


def test_retrieval_and_knn_tables_equal_the_counts(report: ReportPaths, text: str):
    parts = {part.split("**")[0]: part for part in text.split("\n**")}
    recall = next(
        part
        for name, part in parts.items()
        if name.startswith("Retrieval of training videos by test videos of moves")
    )
    votes = next(part for name, part in parts.items() if name.endswith("accuracy by number of neighbours"))
    assert "| arm | recall at 1, % | recall at 5, % | mAP, % | runs |" in recall
    for arm, name in {"rotnet": "rotnet kinetics400", "vcop from ssv2": "vcop ssv2"}.items():
        cells = next(line for line in recall.splitlines() if line.startswith(f"| {arm} |")).split(" | ")
        for cell, what in zip(cells[1:4], ("1", "5", "map"), strict=True):
            assert cell.startswith(shares([f"{name} {seed} {what}" for seed in (0, 1)], binary=what != "map"))
        for vote in ("majority", "weighted"):
            cells = next(line for line in votes.splitlines() if line.startswith(f"| {arm} | {vote} |")).split(
                " | "
            )
            for cell, k in zip(cells[2:4], (1, 20), strict=True):
                assert cell.startswith(shares([f"{name} {seed} {k} {vote}" for seed in (0, 1)]))
    assert lines(report, "accuracy", stage="knn", arm="rotnet", seed="mean")


def test_last_and_best_validation_weights(report: ReportPaths, study: Path, text: str):
    for arm, (task, source) in {
        "rotnet": ("rotnet", "kinetics400"),
        "vcop from ssv2": ("vcop", "ssv2"),
    }.items():
        for weights, file in (("last", "predictions"), ("best-validation", "predictions-best-validation")):
            kept = stored(study, file, arm=task, source=source, data="ucf101-1")
            line = lines(report, "weights", arm=arm, data="ucf101-1", weights=weights)[0]
            assert float(line["accuracy"]) == pytest.approx(
                np.mean([accuracy(one) for one in kept]), abs=1e-9
            )
            assert float(line["low"]) < float(line["accuracy"]) < float(line["high"])
            assert line["best_epochs"] == "12 13"
    assert "test videos choose nothing" in text
    assert not lines(report, "weights", data="moves"), "these runs held nothing out"


def test_a_damaged_file_of_the_other_weights_is_named(tmp_path: Path):
    videos = [f"v{i}" for i in range(20)]
    kept = rows(0.5, 4, videos, videos, "x")
    for arm in ("random", "vcop"):
        facets = facets_of(arm, "", 0, "moves", "fine-tune, all labels")
        name = write_run(tmp_path, "finetune", facets, kept, data=told("moves", []), weights={})
    (tmp_path / "runs" / "finetune" / name / "predictions-last.parquet").write_bytes(b"torn")
    assert "predictions-last.parquet" in write_report(tmp_path).markdown.read_text()
    for run in find_runs(tmp_path):
        (run.path / "predictions.parquet").write_bytes(b"torn")
    with pytest.raises(MuybridgeError, match="every finished run is damaged"):
        write_report(tmp_path)


def slow_class_mean(kept: Predictions, chosen: np.ndarray) -> float:
    """Mean over the classes that occur among chosen rows (with repeats)."""
    right, label = (kept.scores.argmax(1) == kept.label)[chosen], kept.label[chosen]
    return float(np.mean([right[label == index].mean() for index in sorted(set(label.tolist()))]))


def test_class_mean_top5_and_each_class_against_a_loop():
    seeds = [uneven(seed, classes=7) for seed in (0, 1)]
    told_ = classwise("x", seeds)
    everything = np.arange(60)
    for place, kept in enumerate(seeds):
        assert told_.balanced(place).value == pytest.approx(slow_class_mean(kept, everything))
        ranks = (-kept.scores).argsort(1)[:, :5]
        assert told_.top(place).value == pytest.approx((ranks == kept.label[:, None]).any(1).mean())
    stream = np.random.default_rng(5)
    names = np.unique(seeds[0].group)
    draws = []
    for _ in range(4000):
        drawn = stream.choice(names, len(names))
        chosen = np.concatenate([np.flatnonzero(seeds[0].group == name) for name in drawn])
        draws.append(slow_class_mean(seeds[0], chosen))
    shown = told_.balanced(0)
    assert (shown.low, shown.high) == pytest.approx(
        students_bounds([shown.value], draws, len(names)), abs=0.01
    )
    for index, one in enumerate(told_.each):
        values = [(k.scores.argmax(1) == k.label)[k.label == index].mean() for k in seeds]
        assert one.value == pytest.approx(np.mean(values))
        assert one.groups == len(set(seeds[0].group[seeds[0].label == index].tolist()))
        assert one.low <= one.value <= one.high or (one.groups == 1 and np.isnan(one.low))


def test_a_class_without_videos_has_no_accuracy_and_is_in_no_mean():
    kept = uneven(classes=4)
    wide = Predictions(
        kept.video, kept.group, kept.label, kept.view, kept.perturbation, kept.severity,
        np.pad(kept.scores, ((0, 0), (0, 2)), constant_values=-9),
    )  # fmt: skip
    told_ = classwise("x", [wide])
    assert np.isnan([one.value for one in told_.each]).tolist() == [False] * 4 + [True] * 2
    assert told_.balanced(0).value == pytest.approx(slow_class_mean(kept, np.arange(60)))


def test_worst_and_best_classes_are_named_and_drawn(report: ReportPaths, study: Path, text: str):
    kept = stored(study, arm="vcop", source="ssv2", data="ucf101-1")
    by_class = {
        name: np.mean([(k.scores.argmax(1) == k.label)[k.label == i].mean() for k in kept])
        for i, name in enumerate(ACTIONS)
        if (kept[0].label == i).any()
    }
    order = sorted(by_class, key=lambda name: (-by_class[name], name))
    words = text.replace("\\", "")
    for side, names in (("Best", order[:5]), ("Worst", order[::-1][:5])):
        sentence = next(
            line for line in words.splitlines() if line.startswith(f"{side} classes of vcop from ssv2: ")
        )
        places = [sentence.index(name) for name in names]
        assert places == sorted(places)
    page = report.html.read_text(encoding="utf-8")
    chart = page[page.index('<figure class="panel classes">') :]
    drawn = [
        name
        for line in chart.splitlines()[:2000]
        if 'class="name"' in line
        for name in ACTIONS
        if f"<title>{name}<" in line
    ]
    assert drawn[: len(order)] == order


def test_every_class_has_an_interval_in_the_table_for_machines(report: ReportPaths):
    found = lines(report, "per_class", arm="rotnet", data="ucf101-1", seed="mean")
    assert [line["class"] for line in found] == ACTIONS
    assert sum(bool(line["low"]) for line in found) > len(found) / 2
    for line in found:
        if line["accuracy"] and line["low"]:
            assert float(line["low"]) <= float(line["accuracy"]) <= float(line["high"])


def test_intervals_of_class_mean_and_top5(report: ReportPaths):
    for line in lines(report, "accuracy", data="ucf101-1"):
        for name in ("balanced", "top5"):
            assert float(line[f"{name}_low"]) <= float(line[name]) <= float(line[f"{name}_high"])
