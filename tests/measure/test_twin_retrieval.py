"""Twin retrieval: known answers, a plain double loop, ties, zero vectors, and intervals over source groups."""

import numpy as np
import pytest
import torch

from muybridge.measure.similarity import twin_retrieval
from muybridge.measure.similarity.twin_retrieval import TwinSums, twin_hits, twin_share
from runtime_types import unchecked


def features(n: int = 40, c: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, c, generator=torch.Generator().manual_seed(seed))


def slow_hits(clean: np.ndarray, perturbed: np.ndarray) -> list[bool]:
    """One pair at a time."""
    found = []
    for i, query in enumerate(perturbed):
        cosine = [query @ one / (np.linalg.norm(query) * np.linalg.norm(one)) for one in clean]
        found.append(all(cosine[i] > cosine[j] for j in range(len(clean)) if j != i))
    return found


@pytest.mark.parametrize("block", [3, 40, 512])
def test_hits_are_those_of_all_pairs_one_by_one(block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(twin_retrieval, "BLOCK", block)
    clean = features()
    perturbed = clean + 0.8 * features(seed=1)
    expected = slow_hits(clean.double().numpy(), perturbed.double().numpy())
    assert 5 < sum(expected) < 35, "a case where some are found and some are not"
    assert twin_hits(clean, perturbed).tolist() == expected


def test_clips_that_stay_as_they_are_are_all_found():
    assert twin_hits(features(), features()).all()


def test_clips_that_change_places_are_never_found():
    clean = features()
    assert not twin_hits(clean, clean.roll(1, 0)).any()


def test_features_that_have_nothing_in_common_are_found_as_often_as_chance():
    n, draws = 20, 400
    found = [twin_hits(features(n, 8, 2 * i), features(n, 8, 2 * i + 1)).sum() for i in range(draws)]
    share = sum(found) / (n * draws)
    assert abs(share - 1 / n) < 4 * (1 / n / (n * draws)) ** 0.5


def test_length_does_not_count():
    clean = features()
    perturbed = clean + 0.8 * features(seed=1)
    lengths = 10.0 ** torch.linspace(-20, 15, 40)[:, None]
    assert (twin_hits(clean * lengths, perturbed * lengths.flip(0)) == twin_hits(clean, perturbed)).all()


def test_a_twin_that_is_not_alone_at_the_top_is_missed():
    clean = features(5)
    clean[3] = 2.5 * clean[1]
    assert twin_hits(clean, clean).tolist() == [True, False, True, False, True]
    assert not twin_hits(torch.ones(6, 3), torch.ones(6, 3)).any(), "the same for all clips tells none"


def test_differences_below_the_rounding_of_features_are_ties():
    clean = torch.ones(6, 512, dtype=torch.float64) + 1e-8 * features(6, 512)
    assert not twin_hits(clean, clean).any()


@pytest.mark.parametrize("sign", [1, -1])
def test_zero_vectors_are_neither_found_nor_in_the_way(sign: int):
    """Also where every other cosine lies below zero, so that that of a zero vector would be the largest."""
    clean = torch.tensor([[0.0, 0.0], [1.0, 0.1], [1.0, -0.1]])
    assert twin_hits(clean, sign * torch.ones(3, 2)).tolist()[0] is False
    queries = torch.tensor([[-1.0, 0.0], [-0.9, -0.4], [0.0, 0.0]])
    assert twin_hits(clean, queries).tolist() == [False, False, False]
    assert twin_hits(clean, -torch.tensor([[1.0, 0.0], [1.0, -0.4], [0.0, 0.0]])).tolist() == [
        False,
        True,
        False,
    ]


def test_unlike_shapes_are_refused():
    with unchecked(), pytest.raises(ValueError, match=r"\(4, 3\) clean and \(5, 3\) perturbed"):
        twin_hits(features(4, 3), features(5, 3))


def test_one_source_group_has_no_interval():
    assert twin_share(torch.tensor([True, False]), np.zeros(2, int), None).interval is None


def test_the_interval_weighs_groups_by_how_often_they_are_drawn():
    """Group 0 finds 1 of 3, group 1 finds 1 of 1, group 2 has no clip that could be read."""
    hits, groups = torch.tensor([True, True, False, False]), np.array([1, 0, 0, 0])
    drawn = np.array([[3.0, 0, 0], [0, 3, 0], [1, 1, 1], [2, 1, 0]])
    found = twin_share(hits, groups, drawn)
    assert found.value == 0.5
    assert found.interval == pytest.approx(tuple(np.quantile([1 / 3, 1, 2 / 4, 3 / 7], [0.025, 0.975])))
    nothing = twin_share(hits, groups, np.array([[0.0, 0, 3], [1, 1, 1]])).interval
    assert np.isnan(nothing).all(), "a replicate without a clip has no share"


def test_the_interval_holds_the_share_of_the_population():
    """95 % intervals from 60 groups of unlike size, of which 4 in 10 clips find their twin."""
    held = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), draw.integers(1, 4, 60))
        hits = torch.from_numpy(draw.random(len(groups)) < 0.4)
        low, high = twin_share(
            hits, groups, draw.multinomial(60, np.full(60, 1 / 60), 300).astype(float)
        ).interval
        held += low <= 0.4 <= high
    assert 178 <= held <= 199


def test_clips_look_among_all_batches():
    """Clip 1 of the second batch is nearest to its twin among its own batch, yet nearer to a clip of the first."""
    clean = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, 0.8]])
    perturbed = torch.tensor([[1.0, 0.1], [-0.1, 1.0], [-1.0, 0.1], [0.2, 1.0]])
    assert twin_hits(clean[2:], perturbed[2:]).all()
    sums = TwinSums()
    for batch in (slice(0, 2), slice(2, 4)):
        sums.add([clean[batch], clean[batch], perturbed[batch]], np.arange(4)[batch])
    assert [(one.value, one.interval) for one in sums.shares()] == [(1.0, None), (0.75, None)]


def test_without_vectors_nothing_is_said():
    sums = TwinSums(np.ones((3, 4)))
    sums.add([features(4), features(4), None], np.arange(4))
    known, unknown = sums.shares()
    assert (known.value, known.interval, unknown) == (1.0, (1.0, 1.0), None)
    sums.add([None, features(4), features(4)], np.arange(4))
    assert sums.shares() == [None, None]
