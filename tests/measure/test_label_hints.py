"""Labels told from properties of files: found where they are, not found where they are not, never from a video's own group."""

import numpy as np
import pytest

from muybridge.measure.label_hints import answers, hint

RNG = np.random.default_rng(5)


def drawn(videos: int, telling: float, groups: int = 20, classes: int = 3):
    """Columns, labels, groups and folds; the first column holds the label, ``telling`` times its noise."""
    labels = np.arange(videos) % classes
    column = telling * labels + RNG.normal(size=videos)
    other = RNG.normal(size=videos)
    group = RNG.integers(0, groups, videos)
    return np.stack([column, other], 1), labels, group.astype(str), group % 5


def test_what_tells_the_label_is_found():
    found = hint(*drawn(200, 6.0))
    assert found.accuracy.value > 0.8
    assert found.above.p < 1e-4
    assert found.usual == pytest.approx(67 / 200)


def test_noise_tells_nothing_more_often_than_it_may():
    ps = [hint(*drawn(60, 0.0)).above for _ in range(40)]
    assert sum(one.p < 0.05 and one.value > 0 for one in ps) <= 4


def test_answers_are_the_commonest_class_of_the_bin():
    train = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    labels = np.array([0, 0, 1, 1, 1, 1])
    assert answers(train, labels, np.array([[0.0], [1.0], [-5.0], [9.0]])).tolist() == [0, 1, 0, 1]


def test_a_property_of_the_group_is_no_hint_for_other_groups():
    """Each group has its own value and its own label: what was seen of it says nothing of others, and it is held out as a whole."""
    group = np.repeat(np.arange(12), 5)
    labels = RNG.integers(0, 2, 12)[group]
    columns = RNG.normal(size=12)[group][:, None]
    found = hint(columns, labels, group.astype(str), group % 4)
    assert found.above.p > 0.05


def test_one_group_has_no_interval():
    found = hint(np.zeros((4, 1)), np.array([0, 1, 0, 1]), np.array(["a"] * 4), np.zeros(4, np.int64))
    assert np.isnan(found.accuracy.interval().low)
    assert found.above.p == 1


def test_nothing_is_refused():
    with pytest.raises(ValueError, match="no videos"):
        hint(np.zeros((0, 1)), np.zeros(0, np.int64), np.zeros(0, str), np.zeros(0, np.int64))
