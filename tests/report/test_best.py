"""The best of several runs: the same numbers as for any two arms, ties said, other videos set apart."""

from pathlib import Path

import pytest
from fake_claims import build
from fake_study import rows, write_run

from muybridge.core.errors import UsageError
from muybridge.measure.intervals import accuracy_interval, difference
from muybridge.report.compare.best import as_dict, best, lines
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run, find_runs


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stages = ("probe", "robustness")
    return build(
        tmp_path_factory.mktemp("best"),
        networks=("r2plus1d-tiny",),
        tasks=("rotnet", "vcop", "rspnet"),
        stages=stages,
    )


def of(out: Path, stage: str) -> dict[str, Run]:
    return {run.result["facets"]["arm"]: run for run in find_runs(out) if run.stage == stage}


def test_numbers_are_those_of_the_rows(out: Path):
    runs = of(out, "probe")
    found = best(list(runs.values()))
    assert found.runs == [runs["rspnet"]]
    read = {arm: [read_predictions(run.path / "predictions.parquet")] for arm, run in runs.items()}
    own = accuracy_interval(read["rspnet"])
    assert (found.interval.value, found.interval.low, found.interval.high) == pytest.approx(
        (own.value, own.low, own.high)
    )
    assert [rival.runs[0].result["facets"]["arm"] for rival in found.rivals] == ["vcop", "rotnet", "random"]
    gap = found.rivals[1].gap
    expected = difference(read["rspnet"], read["rotnet"]).interval
    assert gap is not None
    assert (gap.difference.interval.value, gap.difference.interval.low) == pytest.approx(
        (expected.value, expected.low)
    )


def test_perturbed_has_another_best(out: Path):
    runs = of(out, "robustness")
    assert best(list(runs.values())).runs == [runs["rspnet"]]
    found = best(list(runs.values()), "perturbed")
    assert found.runs == [runs["vcop"]]
    assert lines(found)[0].startswith("best perturbed: ")
    assert as_dict(found)["rivals"][0]["difference"] > 0


def test_equal_runs_cannot_be_separated(tmp_path: Path):
    videos = [f"v{index}" for index in range(60)]
    made = rows(0.6, 3, videos, videos, "same")
    for arm in ("a", "b"):
        write_run(tmp_path, "probe", {"arm": arm, "data": "d", "seed": 0}, made)
    found = best(find_runs(tmp_path))
    assert [rival.verdict for rival in found.rivals] == ["cannot be separated"]
    assert "cannot be separated from it (same videos, Holm over all pairs): 1" in lines(found)


def test_what_cannot_be_compared(tmp_path: Path, out: Path):
    videos = [f"v{index}" for index in range(40)]
    write_run(
        tmp_path,
        "probe",
        {"arm": "a", "data": "d", "seed": 0},
        rows(0.6, 3, videos, videos, "one"),
        data={"name": "d"},
    )
    with pytest.raises(UsageError, match="2 data sets: builtin-motions, d"):
        best([*find_runs(tmp_path), *of(out, "probe").values()])
    with pytest.raises(UsageError, match="no finished run has it"):
        best([])
    with pytest.raises(UsageError, match="at most 200"):
        best(find_runs(tmp_path) * 201)
    with pytest.raises(UsageError, match="no run has that number"):
        best(find_runs(tmp_path), "perturbed")
