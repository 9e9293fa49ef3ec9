import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from muybridge.measure.features import ranking
from muybridge.measure.features.ranking import average_precision, hits, nearest, nearest_in


def features(n: int = 40, d: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def slow_nearest(rows: np.ndarray, groups: np.ndarray, number: int) -> list[list[int]]:
    """Sort all others by cosine similarity, smaller index first on ties."""
    found = []
    for i, row in enumerate(rows):
        others = [j for j in range(len(rows)) if groups[j] != groups[i]]
        cosine = {j: float(row @ rows[j] / (np.linalg.norm(row) * np.linalg.norm(rows[j]))) for j in others}
        best = sorted(others, key=lambda j: (-cosine[j], j))[:number]
        found.append(best + [-1] * (min(number, len(rows)) - len(best)))
    return found


@pytest.mark.parametrize("block", [3, 40, 512])
@pytest.mark.parametrize("number", [1, 5, 39])
def test_neighbours_equal_sorting_all_pairs(number: int, block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranking, "BLOCK", block)
    rows, groups = features(), np.array([f"group {i // 3}" for i in range(40)])
    order, similarity = nearest(rows, groups, number)
    assert order.tolist() == slow_nearest(rows, groups, number)
    for i in range(40):
        for j, value in zip(order[i], similarity[i], strict=True):
            if j >= 0:
                cosine = rows[i] @ rows[j] / (np.linalg.norm(rows[i]) * np.linalg.norm(rows[j]))
                assert value == pytest.approx(cosine, abs=1e-5)
            else:
                assert np.isnan(value)
    assert (order.dtype, similarity.dtype) == (np.int64, np.float32)


def test_length_does_not_count():
    rows, groups = features(), np.arange(40)
    scaled = rows * np.random.default_rng(1).uniform(0.01, 100, (40, 1)).astype(np.float32)
    assert (nearest(rows, groups, 3)[0] == nearest(scaled, groups, 3)[0]).all()


def test_rows_of_the_same_group_are_left_out_however_near():
    rows, groups = np.repeat(features(10), 2, axis=0), np.arange(20) // 2
    order, _ = nearest(rows, groups, 5)
    assert all(groups[j] != groups[i] for i in range(20) for j in order[i])


def test_ties_go_to_the_smaller_index():
    rows = np.array([[1, 0], [0, 1], [0, 1], [0, 1], [1, 0], [0, 1]], np.float32)
    order, _ = nearest(rows, np.arange(6), 3)
    assert order[0].tolist() == [4, 1, 2]
    assert order[3].tolist() == [1, 2, 5]


def test_missing_neighbours_are_marked():
    order, similarity = nearest(features(4), np.array([0, 0, 0, 1]), 3)
    assert order.tolist() == [[3, -1, -1], [3, -1, -1], [3, -1, -1], order[3].tolist()]
    assert sorted(order[3]) == [0, 1, 2]
    assert np.isnan(similarity[:3, 1:]).all()
    assert not np.isnan(similarity[3]).any()


def test_more_neighbours_than_rows_gives_all_rows():
    order, _ = nearest(features(3), np.arange(3), 10)
    assert order.shape == (3, 3)
    assert (order[:, 2] == -1).all()


def test_no_neighbours_are_no_columns():
    assert nearest(features(3), np.arange(3), 0)[0].shape == (3, 0)


def test_a_row_of_zeros_is_as_far_from_everything():
    rows = features(5)
    rows[2] = 0
    order, similarity = nearest(rows, np.arange(5), 4)
    assert order[2].tolist() == [0, 1, 3, 4]
    assert (similarity[2] == 0).all()


def test_a_row_that_is_no_number_has_no_neighbours_and_is_none():
    rows = features(5)
    rows[2, 3] = np.nan
    order, _ = nearest(rows, np.arange(5), 5)
    assert (order[2] == -1).all()
    assert 2 not in order[[0, 1, 3, 4]]
    assert (order[0, :3] > 0).all()


def test_hits_equal_looking():
    order, _ = nearest(features(), np.arange(40) // 2, 10)
    labels = np.random.default_rng(2).integers(0, 4, 40)
    found = hits(order, labels, (1, 3, 10))
    for k in (1, 3, 10):
        seen = [any(labels[j] == labels[i] for j in order[i][:k] if j >= 0) for i in range(40)]
        assert found[k].tolist() == seen
    assert [found[k].sum() for k in (1, 3, 10)] == sorted(found[k].sum() for k in (1, 3, 10))


def test_rows_without_label_neither_ask_nor_answer():
    order = np.array([[1, 2], [0, 2], [3, 0], [2, 1]])
    labels = np.array([5, -1, -1, 5])
    assert not any(found.any() for found in hits(order, labels, (1, 2)).values())
    other = hits(np.array([[3, 2], [3, 2], [3, 1], [0, 1]]), labels, (1,))
    assert other[1].tolist() == [True, False, False, True]


def test_missing_neighbours_answer_nothing():
    found = hits(np.array([[-1, -1], [0, -1]]), np.array([0, 0]), (1, 2))
    assert [one.tolist() for one in found.values()] == [[False, True], [False, True]]


def test_ks_beyond_the_neighbours_at_hand_are_left_out():
    order, _ = nearest(features(4), np.arange(4), 3)
    assert set(hits(order, np.zeros(4, int), (1, 3, 5))) == {1, 3}


@pytest.mark.parametrize("cells", [1, 100, 1 << 25])
def test_a_gallery_answers_as_sorting_it(cells: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranking, "CELLS", cells)
    queries, gallery = features(9, seed=1), features(30)
    order, similarity = nearest_in(queries, gallery, 6)
    for row, query in enumerate(queries):
        cosine = gallery @ query / np.linalg.norm(gallery, axis=1) / np.linalg.norm(query)
        assert order[row].tolist() == np.argsort(-cosine, kind="stable")[:6].tolist()
        np.testing.assert_allclose(similarity[row], np.sort(cosine)[::-1][:6], atol=1e-6)


def test_a_query_that_is_in_the_gallery_finds_itself():
    rows = features(12)
    assert nearest_in(rows[[7, 2]], rows, 1)[0].ravel().tolist() == [7, 2]
    assert nearest_in(rows, rows, 1)[0].ravel().tolist() == list(range(12))


def test_hits_in_a_gallery_look_at_its_labels():
    found = hits(np.array([[2, 0], [1, 2]]), np.array([4, 5]), (1, 2), gallery_labels=np.array([4, 9, 5]))
    assert {k: one.tolist() for k, one in found.items()} == {1: [False, False], 2: [True, True]}


@pytest.mark.parametrize("cells", [1, 1 << 25])
def test_average_precision_is_that_of_scikit_learn(cells: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ranking, "CELLS", cells)
    queries, gallery = features(11, seed=1), features(50)
    rng = np.random.default_rng(3)
    asked, bank = rng.integers(0, 4, 11), rng.integers(0, 4, 50)
    found = average_precision(queries, gallery, asked, bank)
    for row, query in enumerate(queries):
        cosine = gallery @ query / np.linalg.norm(gallery, axis=1) / np.linalg.norm(query)
        assert found[row] == pytest.approx(average_precision_score(bank == asked[row], cosine))


def test_average_precision_of_known_rankings():
    queries, gallery = np.array([[1, 0]], np.float32), np.array([[1, 0], [2, 1], [1, 1], [0, 1]], np.float32)
    for bank, expected in (([1, 1, 0, 0], 1.0), ([0, 1, 0, 1], (1 / 2 + 2 / 4) / 2), ([0, 0, 0, 1], 1 / 4)):
        found = average_precision(queries, gallery, np.array([1]), np.array(bank))
        assert found == pytest.approx([expected])


def test_a_class_that_is_not_in_the_gallery_has_no_average_precision():
    found = average_precision(features(2), features(5), np.array([0, 7]), np.array([0, 0, 1, 1, 0]))
    assert np.isnan(found).tolist() == [False, True]
