import pytest
import torch

from muybridge.weighting import WEIGHTINGS
from muybridge.weighting.fixed import Fixed


def test_terms_without_a_weight_count_once():
    terms = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    assert Fixed()(terms).item() == 5.0
    assert Fixed({"a": 0.5})(terms).item() == 0.5 * 2 + 3


def test_gradient_of_each_term_is_its_weight():
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    Fixed({"a": 0.25, "b": 0.0})({"a": a, "b": b}).backward()
    assert (a.grad, b.grad) == (0.25, 0.0)


def test_a_weight_for_no_term_suggests_the_nearest_one():
    with pytest.raises(ValueError, match=r"no term 'rotnt'\. Did you mean 'rotnet'\?"):
        Fixed({"rotnt": 1.0})({"rotnet": torch.tensor(1.0), "x": torch.tensor(1.0)})


def test_later_changes_of_the_mapping_do_not_leak_in():
    weights = {"a": 2.0}
    weighting = Fixed(weights)
    weights["a"] = 100.0
    assert weighting({"a": torch.tensor(1.0)}).item() == 2.0


def test_catalogue_loads():
    assert WEIGHTINGS["fixed"].load() is Fixed
