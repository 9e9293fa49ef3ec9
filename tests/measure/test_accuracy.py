from dataclasses import fields, replace

import numpy as np
import pytest
from measure_rows import rows

from muybridge.measure.accuracy import balanced, by_group, confusion, hits, per_class, top_k, video_level
from muybridge.runs.contents.predictions import Predictions, concatenate


@pytest.fixture
def random_rows() -> Predictions:
    rng = np.random.default_rng(0)
    made = rows(rng.integers(0, 5, 200), rng.integers(-1, 5, 200), classes=5)
    noise = rng.normal(size=made.scores.shape).astype(np.float32)
    return replace(made, scores=made.scores + 0.3 * noise)


def slow_hit(scores: np.ndarray, label: int, k: int) -> bool:
    """Sort classes by score, lower class first on ties; NaN never hits."""
    if any(np.isnan(scores)):
        return False
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    return label in order[:k]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_equals_sorting_each_row(random_rows: Predictions, k: int):
    expected = [
        slow_hit(score, label, k) for score, label in zip(random_rows.scores, random_rows.label, strict=True)
    ]
    assert hits(random_rows, k).tolist() == expected
    assert top_k(random_rows, k) == pytest.approx(np.mean(expected), abs=1e-12)


def test_top_1_agrees_with_the_rows_own_answer(random_rows: Predictions):
    assert (hits(random_rows) == random_rows.correct).all()


def test_top_k_grows_to_all_decoded_rows(random_rows: Predictions):
    values = [top_k(random_rows, k) for k in range(1, 6)]
    assert values == sorted(values)
    assert values[-1] == (random_rows.predicted != -1).mean()


def test_ties_go_to_the_lower_class():
    tied = replace(rows([0, 1], [0, 1]), scores=np.ones((2, 2), np.float32))
    assert hits(tied).tolist() == [True, False]


def test_confusion_and_per_class_equal_counting(random_rows: Predictions):
    counts = confusion(random_rows)
    for true in range(5):
        for answer in range(-1, 5):
            pairs = zip(random_rows.label, random_rows.predicted, strict=True)
            assert counts[true, answer] == sum((a, b) == (true, answer) for a, b in pairs)
        mine = random_rows.where(random_rows.label == true)
        assert per_class(random_rows)[true] == sum(mine.correct) / len(mine)
    assert counts.sum() == len(random_rows)


def test_balanced_ignores_class_sizes_and_absent_classes():
    uneven = rows([0] * 8 + [1, 1], [0] * 8 + [0, 1], classes=3)
    assert balanced(uneven) == pytest.approx((1 + 0.5) / 2, abs=1e-12)
    assert np.isnan(per_class(uneven)[2])
    assert top_k(uneven) == 0.9


def test_undecoded_rows_are_wrong_and_in_the_last_column():
    broken = rows([0, 0, 1], [0, -1, -1])
    assert top_k(broken, 2) == pytest.approx(1 / 3, abs=1e-12)
    assert confusion(broken)[:, -1].tolist() == [1, 1]


def test_views_are_averaged_before_the_answer():
    made = rows([0, 0, 1, 1], [0, 0, 1, 1], video=["b", "b", "a", "a"], view=[0, 1, 1, 0])
    scores = np.array([[0, 1], [5, 0], [0, 1], [0, 1]], np.float32)
    merged = video_level(replace(made, scores=scores))
    assert merged.video.tolist() == ["a", "b"]
    assert merged.label.tolist() == [1, 0]
    assert merged.scores.tolist() == [[0, 1], [2.5, 0.5]]
    assert merged.correct.all()


def test_views_keep_conditions_apart_and_order_does_not_matter():
    rng = np.random.default_rng(1)
    parts = [rows([0, 1, 1, 0], rng.integers(0, 2, 4), video=["a", "b", "b", "a"], view=[0, 0, 1, 1],
                  condition=condition) for condition in [("clean", 0), ("jpeg", 1), ("jpeg", 5)]]  # fmt: skip
    whole = concatenate(parts)
    shuffled = whole.where(rng.permutation(len(whole)))
    for one in (video_level(whole), video_level(shuffled)):
        assert len(one) == 6
        for part in parts:
            name = part.perturbation[0], part.severity[0]
            for video in ("a", "b"):
                kept = one.condition(*name).where(one.condition(*name).video == video)
                expected = part.scores[part.video == video].mean(axis=0)
                np.testing.assert_allclose(kept.scores[0], expected)


def test_one_undecoded_view_makes_the_video_wrong():
    merged = video_level(rows([0, 0], [0, -1], video=["a", "a"], view=[0, 1]))
    assert merged.predicted.tolist() == [-1]


def test_views_that_disagree_on_the_label_are_refused():
    with pytest.raises(ValueError, match="disagree on its label"):
        video_level(rows([0, 1], [0, 1], video=["a", "a"], view=[0, 1]))


def test_nothing_and_impossible_requests_are_refused():
    some = rows([0, 1], [0, 1])
    empty = some.where(np.zeros(2, bool))
    for function in (top_k, per_class, balanced, confusion, video_level):
        with pytest.raises(ValueError, match="no prediction rows"):
            function(empty)
    with pytest.raises(ValueError, match="k of at least 1"):
        top_k(some, 0)
    with pytest.raises(ValueError, match="there are 2 classes"):
        top_k(replace(some, label=np.array([0, 2])))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_counts_by_group_equal_a_loop(random_rows: Predictions, k: int):
    kept = replace(random_rows, group=np.array([f"g{index % 7}" for index in range(200)]))
    right, total = by_group(kept, k)
    for place, group in enumerate(sorted(set(kept.group))):
        for label in range(5):
            mine = (kept.group == group) & (kept.label == label)
            assert total[place, label] == mine.sum()
            assert right[place, label] == kept.correct[mine].sum()
        own = kept.group == group
        found = [slow_hit(s, label, k) for s, label in zip(kept.scores[own], kept.label[own], strict=True)]
        assert (right[place, -1], total[place, -1]) == (sum(found), own.sum())
    shares = right[:, :-1].sum(axis=0) / total[:, :-1].sum(axis=0)
    assert shares.mean() == pytest.approx(balanced(kept))
    assert right[:, -1].sum() / total[:, -1].sum() == pytest.approx(top_k(kept, k))


def test_rows_by_condition_are_those_of_each_condition():
    rng = np.random.default_rng(2)
    names = [("clean", 0), ("jpeg", 1), ("jpeg", 5), ("blur", 1)]
    whole = concatenate(
        [rows([0, 1, 1], rng.integers(0, 2, 3), video=["c", "a", "b"], condition=one) for one in names]
    )
    for made in (whole, whole.where(rng.permutation(len(whole))), video_level(whole)):
        found = made.by_condition()
        assert set(found) == set(names)
        for name, own in found.items():
            wanted = made.condition(*name)
            assert all(
                np.array_equal(getattr(own, field.name), getattr(wanted, field.name)) for field in fields(own)
            )
    assert whole.where(slice(0)).by_condition() == {}


def test_rows_of_videos_come_back_as_they_are():
    names = [("blur", 1), ("blur", 5), ("clean", 0)]
    made = concatenate([rows([0, 1], [0, 1], video=["a", "b"], condition=one) for one in names])
    assert video_level(made) is made
    for order in ([1, 0, 2, 3, 4, 5], [2, 3, 0, 1, 4, 5], [4, 5, 0, 1, 2, 3]):
        again = video_level(made.where(np.array(order)))
        assert again.video.tolist() == made.video.tolist()
        assert again.severity.tolist() == made.severity.tolist()
        assert again.perturbation.tolist() == made.perturbation.tolist()
