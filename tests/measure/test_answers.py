"""Answers in columns are those of all rows at once, bit for bit, and no more rows with scores are alive than a piece and the clean ones."""

import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_pieces import CELLS, CLASSES, chunk, large, written

from muybridge.measure.accuracy import balanced, hits, top_k, video_level
from muybridge.measure.ensemble import mean_answer
from muybridge.measure.intervals import Outcomes, outcomes
from muybridge.measure.robustness.altered import by_kind, taken_for
from muybridge.measure.robustness.answer_columns import (
    Answers,
    Tested,
    answers_in,
    answers_of,
    flips,
    mean_answers,
    together,
)  # fmt: skip
from muybridge.report.gather.damage import read_run
from muybridge.runs.contents.predictions import Predictions, concatenate, read_predictions
from muybridge.runs.records import Run

__all__ = ["large"]
NAMES = ("video", "group", "label", "perturbation", "severity", "predicted", "rank", "correct")


def run_of(folder: Path, chunks: int) -> Run:
    """A finished robustness run of some chunks of videos."""
    run = Run(folder / "runs" / "robustness" / ("a" * 16))
    written(run.path, chunks)
    (run.path / "result.json").write_text("{}")
    return run


def read(run: Run) -> Tested:
    """Its answers, as a report reads them."""
    found = read_run(run)
    assert found is not None
    return found


def same(one: Outcomes, other: Outcomes) -> bool:
    """Whether everything that was counted is equal."""
    arrays = ("groups", "videos", "right", "total")
    return one.conditions == other.conditions and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def assert_equal(found: Tested, whole: Predictions) -> None:
    """Every condition of the answers has the rows of all at once."""
    cells = whole.by_condition()
    assert list(found.cells) == sorted(cells)
    assert found.clean.scores.tobytes() == cells["clean", 0].scores.tobytes()
    for condition, rows in cells.items():
        for name in NAMES:
            assert np.array_equal(getattr(found.under(condition), name), getattr(rows, name)), name
    assert same(found.right, outcomes(whole))


def test_a_report_counts_what_all_rows_say(tmp_path: Path, large: int):
    run = run_of(tmp_path, 40)
    whole, found = video_level(read_predictions(run.path / "predictions.parquet")), read(run)
    assert_equal(found, whole)
    clean = dict(zip(found.clean.video, found.clean.predicted, strict=True))
    before = np.array([clean[video] for video in whole.video])
    changed, lost = flips(found)
    assert same(changed, outcomes(_marked(whole, whole.predicted != before)))
    assert same(lost, outcomes(_marked(whole, (before == whole.label) & ~whole.correct)))
    classes, becomes = [f"c{k}" for k in range(CLASSES)], {"c0": "c1", "c2": ""}
    for condition in CELLS:
        own, rows = found.under(condition), whole.condition(*condition)
        assert (balanced(own), top_k(own, 3)) == (balanced(rows), top_k(rows, 3))
        kinds = by_kind(rows, becomes, classes)
        assert all(same(one, kinds[kind]) for kind, one in by_kind(own, becomes, classes).items())
        assert taken_for(found.clean, own, classes) == taken_for(found.clean, rows, classes)
    assert len(found.under(("snow", 3))) == 0


def _marked(rows: Predictions, right: np.ndarray) -> Predictions:
    """Rows whose answers are right where they are marked."""
    scores = np.eye(CLASSES, dtype=np.float32)[np.where(right, rows.label, (rows.label + 1) % CLASSES)]
    return Predictions(
        *(getattr(rows, name) for name in ("video", "group", "label", "view", "perturbation", "severity")),
        scores,
    )


def test_rows_alive_do_not_grow_with_the_file(tmp_path: Path, large: int, monkeypatch: pytest.MonkeyPatch):
    alive = {"now": 0, "most": 0}
    check: Callable[[Predictions], None] = Predictions.__post_init__

    def gone(rows: int) -> None:
        alive["now"] -= rows

    def made(self: Predictions) -> None:
        check(self)
        alive["now"] += len(self)
        alive["most"] = max(alive["most"], alive["now"])
        weakref.finalize(self, gone, len(self))

    runs = {chunks: run_of(tmp_path / str(chunks), chunks) for chunks in (20, 80)}
    monkeypatch.setattr(Predictions, "__post_init__", made)
    most = {}
    for chunks, run in runs.items():
        alive["most"] = 0
        found = read(run)
        most[chunks] = alive["most"]
        assert alive["now"] == len(found.clean) == 3 * chunks, "rows with scores stay behind"
        assert all(isinstance(one, Answers) for one in found.cells.values())
        assert len({one.asked for one in found.cells.values()}) == 1, "each condition holds videos of its own"
        del found
    assert most[80] <= most[20] + len(chunk(0))
    assert most[80] < 80 * len(chunk(0)) / 4


def test_folds_stand_together_and_a_video_of_two_is_averaged(tmp_path: Path, large: int):
    runs = [run_of(tmp_path / name, 6) for name in ("a", "b")]
    first, again = (video_level(read_predictions(run.path / "predictions.parquet")) for run in runs)
    moved = Predictions(**{**vars(first), "video": np.char.add("w", first.video)})
    assert_equal(together([read(runs[0]), answers_in(moved)]), video_level(concatenate([first, moved])))
    other = Predictions(**{**vars(again), "scores": again.scores[::-1].copy()})
    both = video_level(concatenate([first, other]))
    assert_equal(together([read(runs[0]), answers_in(other)]), both)
    assert together([read(runs[0])]).clean.scores.tobytes() == first.condition("clean", 0).scores.tobytes()


def test_an_ensemble_answers_as_of_all_rows(tmp_path: Path, large: int):
    run = run_of(tmp_path, 6)
    first = video_level(read_predictions(run.path / "predictions.parquet"))
    other = Predictions(**{**vars(first), "scores": first.scores[::-1].copy()})
    assert_equal(mean_answers([read(run), answers_in(other)]), mean_answer([first, other]))
    with pytest.raises(ValueError, match="different conditions"):
        mean_answers([read(run), answers_in(first.condition("clean", 0))])


def test_ranks_are_places_of_the_label_and_nothing_is_never_among_the_best():
    scores = np.array([[0.1, 0.5, 0.5], [0.5, 0.5, 0.1], [np.nan, 1, 0], [3, 2, 1]], np.float32)
    label, none = np.array([2, 0, 1, -1]), np.zeros(4, np.int64)
    rows = Predictions(
        np.array(list("abcd")), np.array(list("abcd")), label, none, np.full(4, "clean"), none, scores
    )
    assert rows.rank.tolist() == [1, 0, 3, 3]
    assert hits(rows.where(label >= 0), 9).tolist() == [True, True, False]


def test_answers_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no prediction rows"):
        answers_of([], lambda name: chunk(0))
