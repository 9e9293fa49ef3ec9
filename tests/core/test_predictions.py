"""Predictions: rows that come back as they were written, and what is derived from them."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from muybridge.core.errors import MuybridgeError
from muybridge.runs.contents.predictions import Predictions, concatenate, read_predictions, write_predictions

IDS = ["a/b.mp4", "né ü/视频.mp4", "a&#59;<b>;(1).mp4", 'qu"ote, comma.mp4', "a/b.mp4"]


def _rows() -> Predictions:
    scores = np.array([[1, 2, 0], [3, 3, 1], [np.nan] * 3, [-np.inf, -5, -np.inf], [0, 0.1, 7]], np.float32)
    return Predictions(
        video=np.array(IDS),
        group=np.array(["g", "h", "é", "&", "g"]),
        label=np.array([1, 0, 2, 1, 0]),
        view=np.array([0, 0, 0, 0, 1]),
        perturbation=np.array(["clean", "clean", "jumbling", "jumbling", "jumbling"]),
        severity=np.array([0, 0, 1, 5, 5]),
        scores=scores,
    )


def _assert_same(left: Predictions, right: Predictions) -> None:
    for field in fields(Predictions):
        a, b = getattr(left, field.name), getattr(right, field.name)
        np.testing.assert_array_equal(a, b)
        assert a.dtype.kind == b.dtype.kind, field.name


def test_rows_come_back_with_missing_scores_and_every_kind_of_name(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.parquet", _rows())
    read = read_predictions(tmp_path / "p.parquet")
    _assert_same(read, _rows())
    assert read.scores.dtype == np.float32
    assert {read.label.dtype, read.view.dtype, read.severity.dtype} == {np.dtype(np.int64)}


def test_no_rows_come_back_as_no_rows(tmp_path: Path) -> None:
    none = _rows().where(np.zeros(5, bool))
    write_predictions(tmp_path / "p.parquet", none)
    read = read_predictions(tmp_path / "p.parquet")
    assert len(read) == 0
    assert read.scores.shape == (0, 3)


def test_bytes_depend_on_the_rows_only(tmp_path: Path) -> None:
    for name in ("one", "two/deeper"):
        write_predictions(tmp_path / f"{name}.parquet", _rows())
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two/deeper.parquet").read_bytes()
    write_predictions(tmp_path / "other.parquet", replace(_rows(), label=np.array([1, 0, 2, 1, 1])))
    assert (tmp_path / "one.parquet").read_bytes() != (tmp_path / "other.parquet").read_bytes()


def test_top_class_is_the_first_of_equals_and_minus_one_without_scores() -> None:
    assert _rows().predicted.tolist() == [1, 0, -1, 1, 2]
    assert _rows().correct.tolist() == [True, True, False, True, False]


def test_a_video_that_cannot_be_decoded_is_wrong_even_where_it_has_no_label() -> None:
    unlabelled = replace(_rows(), label=np.full(5, -1))
    assert not unlabelled.correct.any()


def test_one_missing_score_makes_the_row_missing() -> None:
    rows = replace(_rows(), scores=np.where(np.eye(5, 3) > 0, np.nan, _rows().scores).astype(np.float32))
    assert rows.predicted.tolist() == [-1, -1, -1, 1, 2]


def test_where_and_condition_take_rows_in_order() -> None:
    rows = _rows()
    assert rows.where(rows.label == 1).video.tolist() == [IDS[0], IDS[3]]
    assert rows.condition("jumbling", 5).video.tolist() == IDS[3:]
    assert len(rows.condition("clean", 1)) == 0


def test_conditions_below_each_other_give_the_rows_back() -> None:
    rows = _rows()
    parts = [rows.condition("clean", 0), rows.condition("jumbling", 1), rows.condition("jumbling", 5)]
    _assert_same(concatenate(parts), rows)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"columns of different length .*'label': 4"):
        replace(_rows(), label=np.zeros(4, np.int64))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)


def _other_table(path: Path) -> None:
    pq.write_table(pa.table({"video": ["a"]}), path)


@pytest.mark.parametrize("harm", [Path.unlink, lambda p: p.write_bytes(b""), _cut, _scribble, _other_table])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, harm: object) -> None:
    path = tmp_path / "predictions.parquet"
    write_predictions(path, _rows())
    assert callable(harm)
    harm(path)
    with pytest.raises(
        MuybridgeError, match=r"predictions\.parquet: no predictions .* Delete the run folder"
    ):
        read_predictions(path)
