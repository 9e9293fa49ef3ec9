import json
from pathlib import Path

import numpy as np
import pytest
from fake_grid import CATEGORIES, MODELS, SEVERITIES, predictions, values, write_grid

import muybridge
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.measure.intervals import Difference, holm
from muybridge.report.compare.compare import Compared, as_dict, compare
from muybridge.report.compare.compare_page import sentences, write_comparison
from muybridge.runs.contents.predictions import read_predictions, write_predictions

R3D, I3D, AVERAGE = MODELS


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name in MODELS:
        found[name] = tmp_path_factory.mktemp("model")
        write_grid(found[name], name, seen=["jpeg"] if name == AVERAGE else [])
    return found


@pytest.fixture(scope="module")
def found(folders: dict[str, Path]) -> Compared:
    return muybridge.compare(folders[R3D], str(folders[I3D]))


def line(found: Compared, name: str):
    return next(one for one in found.lines if one.name == name)


def test_every_line_equals_counting(found: Compared):
    a, b = (values(predictions(name, *MODELS[name])) for name in (R3D, I3D))
    assert line(found, "clean").comparison.difference.interval.value == pytest.approx(
        a["clean", 0] - b["clean", 0], abs=1e-9
    )
    for kind in CATEGORIES:
        one, two = (np.mean([cells[kind, s] for s in SEVERITIES]) for cells in (a, b))
        shown = line(found, kind)
        assert (shown.a.value, shown.b.value) == pytest.approx((one, two), abs=1e-9)
        assert shown.comparison.difference.interval.value == pytest.approx(one - two, abs=1e-9)
    noise = [
        np.mean([cells[kind, s] for kind, of in CATEGORIES.items() if of == "noise" for s in SEVERITIES])
        for cells in (a, b)
    ]
    assert line(found, "noise").comparison.difference.interval.value == pytest.approx(
        noise[0] - noise[1], abs=1e-9
    )
    assert [one.kind for one in found.lines] == ["clean"] + ["mean"] * 4 + ["category"] * 5 + ["type"] * 18


def test_verdicts_are_corrected_over_all_lines(found: Compared):
    p = [one.comparison.difference.p for one in found.lines]
    assert [one.comparison.p for one in found.lines] == holm(p)
    for one in found.lines:
        value = one.comparison.difference.interval.value
        expected = (
            ("A above B" if value > 0 else "B above A") if one.comparison.p <= 0.05 else "cannot be separated"
        )
        assert one.verdict == expected
    assert {one.verdict for one in found.lines} == {"A above B", "B above A", "cannot be separated"}


def test_order_turns_every_difference(folders: dict[str, Path], found: Compared):
    other = compare(folders[I3D], folders[R3D])
    for one, two in zip(found.lines, other.lines, strict=True):
        a, b = one.comparison.difference.interval, two.comparison.difference.interval
        np.testing.assert_allclose([a.value, a.low, a.high], [-b.value, -b.high, -b.low], atol=1e-12)
        assert one.comparison.stands == two.comparison.stands


def test_a_model_and_its_twin_cannot_be_separated(folders: dict[str, Path], tmp_path: Path):
    write_grid(tmp_path, I3D)
    same = compare(folders[I3D], tmp_path)
    assert same.names == (f"{I3D} (A)", f"{I3D} (B)")
    assert {one.verdict for one in same.lines} == {"cannot be separated"}
    assert any("cannot be separated (0.0 points" in words for words in sentences(same))


def test_corruption_errors_are_relative_to_the_second(found: Compared):
    told = as_dict(found)["errors_of_a_relative_to_b"]["mce"]
    a, b = (values(predictions(name, *MODELS[name])) for name in (R3D, I3D))
    ratios = [
        sum(1 - a[kind, s] for s in SEVERITIES) / sum(1 - b[kind, s] for s in SEVERITIES)
        for kind in CATEGORIES
    ]
    assert told["value"] == pytest.approx(np.mean(ratios), abs=1e-9)
    assert told["low"] < told["value"] < told["high"]


def test_a_model_trained_on_perturbed_clips_is_scored_apart(folders: dict[str, Path]):
    found = compare(folders[AVERAGE], folders[I3D])
    trained, clean = (values(predictions(name, *MODELS[name])) for name in (AVERAGE, I3D))
    own, twin = (np.mean([cells["jpeg", s] for s in SEVERITIES]) for cells in (trained, clean))
    assert found.trained["types seen in training"].value == pytest.approx(2 - twin / own, abs=1e-9)
    assert line(found, "jpeg").remark == "seen in training"
    kept = [kind for kind in CATEGORIES if kind != "jpeg"]
    mean = np.mean([np.mean([trained[kind, s] for s in SEVERITIES]) for kind in kept])
    assert line(found, "mean over types (mPC)").a.value == pytest.approx(mean, abs=1e-9)
    assert any("In no mean" in words and "jpeg" in words for words in sentences(found))


def refused(a: Path, b: Path) -> str:
    with pytest.raises(UsageError) as error:
        compare(a, b)
    return str(error.value)


def test_runs_that_measure_other_things_are_refused_with_what_differs(
    folders: dict[str, Path], tmp_path: Path
):
    protocol = {"frames": 8, "stride": 4, "views": "10x1", "hash": "beef"}
    write_grid(
        tmp_path,
        I3D,
        "samples-2022",
        protocol=protocol,
        data={"name": "kinetics-mini", "fingerprint": "dead"},
    )
    words = refused(folders[R3D], tmp_path)
    assert "data c0ffee against dead" in words
    assert "profile muybridge-1 against samples-2022" in words
    assert "protocol 3fa9c1d2e4b5 against beef (frames 16 against 8)" in words


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (lambda kept: (kept.perturbation != "jpeg") | (kept.severity != 3), "lacks jpeg 3"),
        (lambda kept: kept.video < "v0150", "different videos"),
        (lambda kept: kept.perturbation != "clean", "no rows without perturbation"),
    ],
)
def test_gaps_and_other_videos_are_refused(folders: dict[str, Path], tmp_path: Path, keep, words: str):
    path = tmp_path / "runs" / "robustness" / write_grid(tmp_path, I3D) / "predictions.parquet"
    kept = read_predictions(path)
    write_predictions(path, kept.where(keep(kept)))
    assert words in refused(folders[R3D], tmp_path)


def test_folders_without_one_run_say_what_there_is(folders: dict[str, Path], tmp_path: Path):
    assert "does not exist" in refused(folders[R3D], tmp_path / "none")
    assert "holds no finished robustness run" in refused(folders[R3D], tmp_path)
    first, second = write_grid(tmp_path, I3D), write_grid(tmp_path, I3D, "samples-2022")
    words = refused(folders[R3D], tmp_path)
    assert "holds 2 robustness runs" in words
    assert f"{first} ({I3D}, muybridge-1)" in words
    assert f"{second} ({I3D}, samples-2022)" in words
    assert "given twice" in refused(folders[R3D], folders[R3D])
    one = tmp_path / "runs" / "robustness" / first
    assert compare(one, folders[R3D]).runs[0].signature == first


def test_a_damaged_run_is_named(folders: dict[str, Path], tmp_path: Path):
    path = tmp_path / "runs" / "robustness" / write_grid(tmp_path, I3D) / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MuybridgeError, match=r"predictions\.parquet"):
        compare(folders[R3D], tmp_path)


def test_files_hold_the_same_numbers(found: Compared, tmp_path: Path):
    paths = write_comparison(found, tmp_path)
    assert {path.name for path in paths} == {
        "compare.html",
        "compare.md",
        "compare.tex",
        "errors.tex",
        "compare.csv",
    }
    page, text = ((tmp_path / f"compare.{kind}").read_text(encoding="utf-8") for kind in ("html", "md"))
    noise = line(found, "noise").comparison.difference.interval
    shown = f"{100 * noise.value:+.1f}".replace("-", "\N{MINUS SIGN}")
    table = (tmp_path / "tables" / "compare.tex").read_text(encoding="utf-8")
    assert shown in page
    assert shown in text.replace("\\", "")
    assert shown.replace("\N{MINUS SIGN}", "$-$") in table
    assert f"{I3D} above {R3D}" in page
    json.dumps(as_dict(found), allow_nan=False)


def test_an_interval_that_leaves_out_zero_and_does_not_stand_says_why():
    """Three comparisons, one of which would stand alone: the correction is named with its number."""
    from muybridge.measure.estimate import Interval
    from muybridge.report.scores.score import compared
    from muybridge.report.sections.findings import _gain

    def made(p: float, low: float) -> Difference:
        return Difference("a", "b", Interval(0.1, low, 0.2, 40), p)

    whole = compared([made(0.03, 0.01), made(0.4, -0.1), made(0.5, -0.1)])
    assert [one.stands for one in whole] == [False, False, False]
    assert "alone it would stand, among 3 comparisons it does not: p = 0.09" in _gain(whole[0])
    assert "alone" not in _gain(whole[1])
    (one,) = compared([made(0.03, 0.01)])
    assert one.stands
    assert not one.correction
