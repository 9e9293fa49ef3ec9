"""Numbers of maps, on maps of which they are known."""

import numpy as np
import pytest

from muybridge.measure.similarity.blocks import block_score, diagonal_profile, inside, mean_off_diagonal


def test_a_diagonal_has_nothing_beside_it():
    assert mean_off_diagonal(np.eye(20)) == 0 == block_score(np.eye(20))
    np.testing.assert_array_equal(diagonal_profile(np.eye(20)), [1.0] + [0.0] * 19)


def test_a_block_is_the_share_of_distant_pairs_in_it():
    value = np.eye(30)
    value[:15, :15] = 0.95  # of 2 * (19 + ... + 1) pairs more than ten apart, 2 * (4 + 3 + 2 + 1) lie in it
    assert block_score(value) == pytest.approx(20 / 380)


def test_layers_that_never_fire_are_left_out():
    value = np.full((30, 30), np.nan)
    value[:15, :15] = 0.95
    assert (mean_off_diagonal(value), block_score(value)) == (pytest.approx(0.95), 1.0)
    profile = diagonal_profile(value)
    assert profile[:15] == pytest.approx(0.95)
    assert np.isnan(profile[15:]).all()


def test_few_layers_have_no_distant_pairs():
    assert np.isnan(block_score(np.eye(11)))
    assert block_score(np.ones((12, 12))) == 1


def test_replicates_are_read_at_once():
    many = np.stack([np.eye(14), np.ones((14, 14))])
    np.testing.assert_array_equal(mean_off_diagonal(many), [0, 1])
    np.testing.assert_array_equal(block_score(many), [0, 1])


def test_networks_of_other_depth_are_held_against_each_other_end_to_end():
    value = 2 - np.abs(np.arange(3)[:, None] - np.arange(5) / 2)  # layer i stands beside layer 2i
    assert mean_off_diagonal(value) == pytest.approx(np.mean(value[value <= 1]))
    assert (np.diff(diagonal_profile(value)) < 0).all()


def test_inside_the_band_is_within_both_ends():
    value = np.array([[-0.5, 0.0, 0.1, np.nan]])
    assert inside(value, np.full((1, 4), -0.1), np.full((1, 4), 0.1)).tolist() == [[False, True, True, False]]
