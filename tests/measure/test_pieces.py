"""Rows of a large grid are scored in pieces: the numbers of all rows at once, and never more than a piece of them in memory."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import MuybridgeError
from muybridge.core.seeding import rng
from muybridge.measure.headline import headline
from muybridge.measure.intervals import outcomes, outcomes_of
from muybridge.runs.contents import predictions as module
from muybridge.runs.contents.predictions import Predictions, concatenate, read_pieces, read_predictions
from muybridge.runs.records import Run
from muybridge.stages.testing.parts import ResumableRows

CELLS = [("clean", 0), *(("jpeg", severity) for severity in range(1, 6)), ("fog", 1)]
CLASSES = 5


def chunk(number: int, videos: int = 3, views: int = 2) -> Predictions:
    """The rows of a few videos under every condition, in the order in which a grid writes them."""
    count = videos * views
    ids = np.repeat([f"v{number * videos + i:04d}" for i in range(videos)], views)
    scores = rng(0, "pieces", number).normal(size=(len(CELLS) * count, CLASSES)).astype(np.float32)
    scores[::17] = np.nan
    return Predictions(
        video=np.tile(ids, len(CELLS)), group=np.tile([f"g{one[-1]}" for one in ids], len(CELLS)),
        label=np.tile(np.repeat(np.arange(videos) % CLASSES, views), len(CELLS)),
        view=np.tile(np.arange(views), len(CELLS) * videos),
        perturbation=np.repeat([name for name, _ in CELLS], count),
        severity=np.repeat([severity for _, severity in CELLS], count), scores=scores,
    )  # fmt: skip


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> int:
    """Every file counts as large; returns the rows of a batch."""
    monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setattr(module, "PACKED", 10**9)
    monkeypatch.setattr(module, "PIECE", 100 * (module.ROW + 4 * CLASSES))
    return 100


def written(folder: Path, chunks: int) -> Path:
    """``predictions.parquet`` as a robustness run leaves it."""
    parts = ResumableRows(folder / "state")
    for number in range(chunks):
        parts.add([chunk(number)])
    parts.join({}, folder / "predictions.parquet")
    return folder / "predictions.parquet"


def test_pieces_are_the_rows_and_part_no_video(tmp_path: Path, large: int):
    path = written(tmp_path, 40)
    pieces = list(read_pieces(path))
    whole = read_predictions(path)
    assert len(pieces) > 10
    seen = [set(piece.video) for piece in pieces]
    assert sum(map(len, seen)) == len(set.union(*seen))
    joined = concatenate(pieces)
    order, same = (
        np.lexsort((rows.view, rows.severity, rows.perturbation, rows.video)) for rows in (joined, whole)
    )
    assert joined.scores[order].tobytes() == whole.scores[same].tobytes()


@pytest.mark.parametrize("group", [101, 103, 150])
def test_row_groups_that_end_a_few_rows_behind_a_batch_part_no_video(
    tmp_path: Path, large: int, monkeypatch: pytest.MonkeyPatch, group: int
):
    """A batch of one row has one video: all others of its chunk would count as done, and come back behind it."""
    monkeypatch.setattr("muybridge.stages.testing.parts.ROWS", group)
    path = written(tmp_path, 40)
    assert sum(map(len, read_pieces(path))) == 40 * len(chunk(0))


def test_a_piece_does_not_grow_with_the_file(tmp_path: Path, large: int):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    largest = [
        max(map(len, read_pieces(written(tmp_path / name, chunks))))
        for name, chunks in (("a", 20), ("b", 80))
    ]
    assert largest[1] <= largest[0] <= 2 * large + len(chunk(0))


def test_outcomes_and_headline_are_those_of_all_rows(tmp_path: Path, large: int):
    run = Run(tmp_path / "runs" / "robustness" / ("a" * 16))
    path = written(run.path, 40)
    whole, found = outcomes(read_predictions(path)), outcomes_of(read_pieces(path))
    assert found.conditions == whole.conditions
    for name in ("groups", "videos", "right", "total"):
        assert np.array_equal(getattr(found, name), getattr(whole, name)), name
    numbers = headline(run, {})
    shares = dict(zip(whole.conditions, whole.accuracy, strict=True))
    jpeg = np.mean([shares["jpeg", severity] for severity in range(1, 6)])
    assert numbers["accuracy"] == shares["clean", 0]
    assert numbers["perturbed"] == pytest.approx((jpeg + shares["fog", 1]) / 2, abs=1e-15)


def test_a_video_that_comes_back_is_refused(tmp_path: Path, large: int):
    parts = ResumableRows(tmp_path / "state")
    for number in [*range(20), 0]:
        parts.add([chunk(number)])
    parts.join({}, tmp_path / "predictions.parquet")
    with pytest.raises(MuybridgeError, match="v0000 lie apart"):
        list(read_pieces(tmp_path / "predictions.parquet"))


def test_no_rows_and_damage_are_said(tmp_path: Path):
    with pytest.raises(ValueError, match="no prediction rows"):
        outcomes_of([])
    (tmp_path / "predictions.parquet").write_bytes(b"no parquet")
    with pytest.raises(MuybridgeError, match="no predictions"):
        list(read_pieces(tmp_path / "predictions.parquet"))
