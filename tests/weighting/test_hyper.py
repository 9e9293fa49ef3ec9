"""Hyper-gradients against central differences, and what the approximations of the inverse Hessian are worth."""

from typing import Any

import pytest
import torch
from toys import NAMES, ConvNet, Quadratics, central, prepared, step_of

from muybridge.core.networks.step import Row, weighted
from muybridge.weighting.hyper import conjugate_gradients, neumann
from muybridge.weighting.learnt import AutoLambda, AuxiLearn
from muybridge.weighting.meltr import Meltr


def hypergradient(weighting: Any, net: Any, lr: float = 0.1) -> list[torch.Tensor]:
    """What a bilevel weighting finds at a meta step."""
    step = step_of(net, lr=lr)
    losses = step.stacked()
    value, slopes = weighting.slopes(losses)
    lower = weighting._lower_gradient(step, losses) if weighting.twice else None
    rows = step.rows(keep=weighting.twice)
    return weighting.hypergradient(step, rows, weighted(rows, slopes.detach()), value, slopes, lower)


def directions(parameters: list[torch.Tensor], number: int) -> list[list[torch.Tensor]]:
    torch.manual_seed(7)
    return [[torch.randn_like(p) for p in parameters] for _ in range(number)]


def along(gradient: list[torch.Tensor], ways: list[list[torch.Tensor]]) -> torch.Tensor:
    return torch.stack([sum((g * d).sum() for g, d in zip(gradient, way, strict=True)) for way in ways])


def error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


def smooth(weighting: Any) -> None:
    """GELU for ReLU: differences taken over its kinks, of which half a million parameters cross some, are no derivatives."""
    if isinstance(weighting, Meltr):
        weighting.combiner.scale[1] = torch.nn.GELU()
        weighting.combiner.layer.activation = torch.nn.functional.gelu


ONE_STEP = {
    "meltr faithful": lambda: Meltr("faithful", hypergradient="one-step", every=1),
    "meltr corrected": lambda: Meltr("corrected", hypergradient="one-step", every=1, gamma=0.0),
    "meltr safe": lambda: Meltr("safe", every=1),
    "auto-lambda": lambda: AutoLambda(),
    "auxilearn": lambda: AuxiLearn(hypergradient="one-step", every=1),
}


@pytest.mark.parametrize("name", ONE_STEP)
def test_one_step_hypergradient_is_that_of_central_differences(name: str):
    net, weighting = ConvNet(), prepared(ONE_STEP[name]())
    smooth(weighting)
    weighting.start(0, step_of(net).stacked().detach())
    mine, lr = list(weighting.parameters()), 0.3
    parameters = [*net.backbone.parameters(), *net.heads.parameters()]
    start = [p.detach().clone() for p in parameters]

    def after_one_step() -> float:
        lower = weighting.combine(torch.stack(list(net.terms().values())))
        moves = torch.autograd.grad(lower, parameters)
        for p, move in zip(parameters, moves, strict=True):
            p.data.sub_(move, alpha=lr)
        found = float(net.meta().detach())
        for p, before in zip(parameters, start, strict=True):
            p.data.copy_(before)
        return found

    ways = directions(mine, 12)
    wanted = central(after_one_step, mine, ways, 1e-5)
    assert error(along(hypergradient(weighting, net, lr), ways), wanted) < 1e-6
    assert wanted.norm() > 1e-8


def test_identity_is_one_step_as_the_step_gets_small():
    net, gaps = ConvNet(), []
    for lr in (0.5, 0.05, 0.005):
        found = []
        for how in ("identity", "one-step"):
            weighting = prepared(Meltr("faithful", hypergradient=how, every=1))
            found.append(
                torch.cat([g.flatten() for g in hypergradient(weighting, net, lr)])
                / (lr if how == "one-step" else 1)
            )
        gaps.append(error(found[0], found[1]))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.02


@pytest.mark.parametrize("kappa", [3, 500])
def test_conjugate_gradients_give_the_implicit_gradient_of_a_converged_problem(kappa: int):
    net = Quadratics(kappa, seed=1)
    weighting = prepared(AutoLambda(), NAMES[:3])
    weighting.how, weighting.series, weighting.twice = "cg", 20, True
    weighting.weights.data.fill_(0.7)

    def at_optimum() -> float:
        net.solve(torch.cat([torch.ones(1, dtype=torch.float64), weighting.weights.detach()]))
        return float(net.meta().detach())

    ways = directions([weighting.weights], 4)
    wanted = central(at_optimum, [weighting.weights], ways, 1e-5)
    at_optimum()
    assert error(along(hypergradient(weighting, net), ways), wanted) < 1e-6


def quality(kappa: float) -> dict[str, float]:
    """Median cosine of each approximation to the exact hyper-gradient, over 300 problems of five dimensions with an even spectrum."""
    found: dict[str, list[float]] = {"identity": [], "neumann": [], "cg": []}
    for seed in range(300):
        net = Quadratics(kappa, seed)
        hessian = net.curves.sum(0)
        rng = torch.Generator().manual_seed(seed)
        a, rows = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((5,), (5, 5)))
        exact = rows @ torch.linalg.solve(hessian, a)

        def product(v: Row, hessian: torch.Tensor = hessian) -> Row:
            return [hessian @ v[0]]

        solved = {
            "identity": a,
            "neumann": neumann(product, [a], 3, 1 / kappa)[0][0],
            "cg": conjugate_gradients(product, [a], 5)[0],
        }
        for name, v in solved.items():
            found[name].append(float(torch.cosine_similarity(rows @ v, exact, dim=0)))
    return {name: float(torch.tensor(values).median()) for name, values in found.items()}


@pytest.mark.parametrize(
    ("kappa", "wanted"),
    [
        (3, {"identity": 0.983, "neumann": 0.9999, "cg": 1.0}),
        (500, {"identity": 0.477, "neumann": 0.72, "cg": 0.996}),
    ],
)
def test_what_each_approximation_is_worth(kappa: int, wanted: dict[str, float]):
    found = quality(kappa)
    assert found == pytest.approx(wanted, abs=0.05)


def test_neumann_estimates_its_step_from_what_the_hessian_does():
    hessian = torch.diag(torch.tensor([1.0, 5.0, 40.0], dtype=torch.float64))
    a = torch.ones(3, dtype=torch.float64)
    found, largest = neumann(lambda v: [hessian @ v[0]], [a], 60, None)
    assert 20 < largest <= 40
    exact = torch.linalg.solve(hessian, a)
    assert torch.cosine_similarity(found[0], exact, dim=0) > torch.cosine_similarity(a, exact, dim=0)


def test_conjugate_gradients_stop_at_negative_curvature():
    a = torch.ones(2, dtype=torch.float64)
    found = conjugate_gradients(lambda v: [-v[0]], [a], 5)
    assert torch.equal(found[0], a)


def test_the_direct_term_and_the_regulariser_are_those_of_central_differences():
    """At fixed network weights d/dphi gamma |L - sum l|; with the identity the rest is the difference to gamma = 0 through rows."""
    net = ConvNet()
    both = {
        gamma: prepared(Meltr("corrected", hypergradient="identity", every=1, gamma=gamma))
        for gamma in (0.0, 0.5)
    }
    for weighting in both.values():
        smooth(weighting)
        weighting.start(0, step_of(net).stacked().detach())
        weighting.offset += (
            0.3  # calibrated, L is the sum of the losses but for rounding, where |L - sum l| has a kink
        )
    mine = list(both[0.5].parameters())
    ways = directions(mine, 6)
    losses = step_of(net).stacked().detach()
    wanted = central(
        lambda: 0.5 * float((both[0.5].combine(losses) - losses.sum()).abs().detach()), mine, ways, 1e-6
    )
    found = along(hypergradient(both[0.5], net), ways)
    both[0.5].direct = False
    indirect = along(hypergradient(both[0.5], net), ways)
    assert error(found - indirect, wanted) < 1e-6
    assert not torch.allclose(indirect, along(hypergradient(both[0.0], net), ways)), (
        "gamma acts through the network's weights too"
    )
