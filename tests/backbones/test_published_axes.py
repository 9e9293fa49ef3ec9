"""The axis of the benchmark's figures against the counts of its networks and against what fires here."""

import torch

from muybridge.backbones import build
from muybridge.core.networks.firing import firing
from muybridge.core.reference.published_axes import r2plus1d


def fired(network: torch.nn.Module, clip: torch.Tensor) -> list[str]:
    order: list[str] = []
    with firing(network, None, lambda name, *_: order.append(name or "network")), torch.no_grad():
        network(clip)
    return order


def test_the_axis_has_the_published_95_modules_of_which_91_fire():
    names = [there for there, _ in r2plus1d()]
    assert len(set(names)) == len(names) == 95
    assert sum(name.endswith(".blocks") for name in names) == 4


def test_what_stands_beside_fires_here_in_that_order_and_nothing_is_left_over():
    order = fired(build("r2plus1d").eval(), torch.zeros(1, 3, 4, 16, 16))
    assert len(order) == 85
    ours = list(dict.fromkeys(here for _, here in r2plus1d() if here))
    assert set(order) - set(ours) == {
        "stages.1.shortcut",
        "stages.2.shortcut",
        "stages.3.shortcut",
        "stages.4.shortcut",
        "stages.0",
        "stages",
    }
    assert [name for name in order if name in ours] == ours
    assert sum(here is None for _, here in r2plus1d()) == 4 + 4, (
        "four ReLUs that are functions here, four empty lists there"
    )
