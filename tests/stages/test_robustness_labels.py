"""Labels of one data set as classes of another model: names, numbers, and labels that accept several classes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.core.errors import UsageError
from muybridge.data.class_file import read_classes
from muybridge.measure.accuracy import hits, video_level
from muybridge.runs.contents.predictions import Predictions
from muybridge.stages.testing.labels import Labels, matched, same

CLASSES = ("archery", "arm wrestling", "playing guitar", "playing bass guitar")


def test_names_are_found_whatever_their_case_and_blanks() -> None:
    found = matched(["Arm_Wrestling", "playing bass guitar|playing guitar"], CLASSES, "clips")
    assert found.accepted == ((1,), (3, 2))
    assert found.first(1) == 3
    assert found.first(-1) == -1
    assert found.facts(["a", "b"]) == {"a": ["arm wrestling"], "b": ["playing bass guitar", "playing guitar"]}


def test_whole_numbers_are_indices_unless_the_classes_are_numbers() -> None:
    assert matched(["0", "3"], CLASSES, "clips").accepted == ((0,), (3,))
    assert matched(["0", "3"], ["3", "0"], "clips").accepted == ((1,), (0,))


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("archry", "Did you mean 'archery'"),
        ("4", "outside the model's 4 classes"),
        ("archery|jumping", "'jumping'"),
    ],
)
def test_a_label_outside_the_classes_of_the_model_is_refused(label: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"clips: label .*{said}"):
        matched([label], CLASSES, "clips")


def test_labels_of_the_same_data_set_stay() -> None:
    assert same(CLASSES).accepted == ((0,), (1,), (2,), (3,))


def rows_of(scores: np.ndarray, label: int, video: list[str]) -> Predictions:
    n = len(scores)
    return Predictions(
        np.array(video),
        np.array(video),
        np.full(n, label),
        np.arange(n),
        np.full(n, "clean"),
        np.zeros(n, int),
        scores,
    )


@settings(deadline=None, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.sets(st.integers(0, 6), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_any_accepted_class_counts_at_every_k(seed: int, views: int, accepted: set[int], k: int) -> None:
    """Against the plain definition: is one of the accepted classes among the k best of the mean over the views?"""
    scores = np.random.default_rng(seed).permutation(views * 7).reshape(views, 7).astype(np.float32)
    order = tuple(np.random.default_rng(seed + 1).permutation(sorted(accepted)).tolist())
    labels = Labels(tuple("abcdefg"), (order,))
    merged = labels.merged(scores, [0] * views, ["v"] * views)
    assert np.array_equal(np.sort(merged, axis=1), np.sort(scores, axis=1)), "scores only change places"
    mean = scores.astype(np.float64).mean(axis=0)
    if len(set(mean.tolist())) == 7:
        by_definition = bool(accepted & set(np.argsort(-mean)[:k].tolist()))
        assert hits(video_level(rows_of(merged, order[0], ["v"] * views)), k).tolist() == [by_definition]


def test_the_first_of_equal_accepted_classes_wins_and_other_videos_stay() -> None:
    labels = Labels(tuple("abc"), ((2, 0), (1,)))
    scores = np.array([[5, 1, 5], [5, 1, 2], [1, 2, 3]], np.float32)
    merged = labels.merged(scores, [0, 0, 1], ["v", "w", "x"])
    assert merged.tolist() == [[5, 1, 5], [2, 1, 5], [1, 2, 3]]
    assert scores.tolist() == [[5, 1, 5], [5, 1, 2], [1, 2, 3]]


def test_missing_scores_stay_missing() -> None:
    labels = Labels(tuple("abc"), ((2, 0),))
    nothing = np.full((2, 3), np.nan, np.float32)
    assert np.isnan(labels.merged(nothing, [0, 0], ["v", "v"])).all()


def test_class_names_are_read_one_per_line(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# from a paper\nwalking the dog\n\n tai chi \n", encoding="utf-8")
    assert read_classes(path) == ("walking the dog", "tai chi")


@pytest.mark.parametrize(
    ("text", "said"), [("a\nb\na\n", "'a' stands there twice"), ("#\n", "no names"), (None, "cannot be read")]
)
def test_files_that_name_no_classes_are_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "names.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_classes(path)


def test_the_shipped_kinetics_classes_are_400_in_alphabetical_order_of_the_weights() -> None:
    from muybridge.backbones.weights.kinetics_classes import FILE as KINETICS400

    names = read_classes(KINETICS400)
    assert len(names) == 400
    assert (names[0], names[5], names[399]) == ("abseiling", "archery", "zumba")
