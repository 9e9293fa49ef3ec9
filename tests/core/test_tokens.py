import math

import pytest
import torch

from muybridge.core.networks.tokens import attract, positions


def test_each_axis_has_its_own_sinusoids():
    table = positions((2, 3, 4), 14)
    assert table.shape == (24, 14)
    for t in range(2):
        for y in range(3):
            for x in range(4):
                row = table[t * 12 + y * 4 + x].tolist()
                for place, start, dim in ((t, 0, 4), (y, 4, 4), (x, 8, 6)):
                    for i in range(dim // 2):
                        angle = place / 100 ** (2 * i / dim)
                        assert row[start + 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
                        assert row[start + 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_neighbours_on_any_axis_are_most_alike():
    table = positions((4, 4, 4), 96)
    alike = (table @ table.T).view(4, 4, 4, 4, 4, 4)
    home = alike[1, 1, 1]
    assert home.argmax() == 16 + 4 + 1
    for near, far in (
        (home[2, 1, 1], home[3, 1, 1]),
        (home[1, 2, 1], home[1, 3, 1]),
        (home[1, 1, 2], home[1, 1, 3]),
    ):
        assert near > far


@pytest.mark.parametrize("dim", [4, 9])
def test_widths_that_do_not_divide_are_refused(dim: int):
    with pytest.raises(ValueError, match="even number"):
        positions((1, 2, 2), dim)


def test_the_product_of_queries_and_keys_is_near_the_identity():
    """By the slow definition: each head's product is the best approximation of its rank to I + noise Z."""
    query, key = torch.empty(2, 12, 12)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        attract(query, key, heads=3, noise=0.0)
        for head in range(3):
            rows = slice(4 * head, 4 * head + 4)
            product = query[rows].T @ key[rows]
            assert torch.linalg.matrix_rank(product, atol=1e-4) == 4
            torch.testing.assert_close(product @ product, product, atol=1e-5, rtol=0)
        attract(query, key, heads=1, noise=0.7)
        torch.manual_seed(0)
        attract(query, key, heads=1, noise=0.7)
        torch.manual_seed(0)
        wanted = torch.eye(12) + 0.7 * torch.randn(12, 12) / 12**0.5
        torch.testing.assert_close(query.T @ key, wanted, atol=1e-4, rtol=1e-4)
