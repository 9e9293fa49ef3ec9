"""Every weighting of the table on one fixed Jacobian: it does something, and nothing that another one does."""

import io
from typing import Any

import pytest
import torch
from toys import NAMES, ConvNet, prepared, step_of

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.weighting import WEIGHTINGS
from muybridge.weighting.balance import CosineGate, GradNorm
from muybridge.weighting.fixed import Fixed

GENERAL = [name for name, entry in WEIGHTINGS.items() if entry.facts["kind"] != "teachers"]
"""Those that weigh terms of any kind; weightings of teachers are in test_teachers."""
OUTSIDE = [name for name, entry in WEIGHTINGS.items() if entry.facts.get("extra")]
if OUTSIDE:
    pytest.importorskip("torchjd")
WARM = 4
"""Steps before gradients are compared: some weightings begin alike."""


class Clash(ConvNet):
    """Terms whose gradients on the shared weights oppose each other: the second is a multiple of the first, turned round."""

    def terms(self) -> dict[str, torch.Tensor]:
        found = super().terms()
        found[NAMES[1]] = 4 - 0.4 * self.loss(0, 0) + 0.1 * self.loss(0, 1)
        return found


def made(name: str, **options: Any) -> Any:
    return WEIGHTINGS[name].load()(**options)


def gradient(weighting: Any, steps: int = WARM, seed: int = 0) -> torch.Tensor:
    """On the shared weights, after some steps of descent: the last of a fixed series of Jacobians for all weightings."""
    net, guide = Clash(), Clash()
    prepared(weighting)
    for number in range(steps):
        net.load_state_dict(guide.state_dict())
        torch.manual_seed(1000 * seed + number)
        net.zero_grad()
        step = step_of(net, number)
        weighting.backward(step)
        found = torch.cat([p.grad.flatten() for p in step.shared])
        sum(guide.terms().values()).backward()
        with torch.no_grad():
            for p in guide.parameters():
                p.sub_(p.grad, alpha=0.2)
                p.grad = None
        net.load_state_dict(guide.state_dict())
        weighting.after_step(step)
    return found


TWINS = {"sum": ("fixed", 1.0), "mean": ("fixed", 1 / len(NAMES)), "imtl-l": ("uncertainty", 2.0)}
"""By design multiples of another: the plain sum and mean, and IMTL-L, which is twice Kendall's weighting at the negated parameter."""


def test_each_changes_the_gradient_and_differs_from_every_other():
    found = {name: gradient(made(name)) for name in GENERAL}
    for name, (other, times) in TWINS.items():
        torch.testing.assert_close(found.pop(name), times * found[other], rtol=1e-4, atol=1e-6)
    names = list(found)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            a, b = (found[name] / found[name].norm() for name in (one, other))
            assert not torch.allclose(a, b, rtol=0, atol=1e-5), f"{one} and {other} give the same direction"


@pytest.mark.parametrize("name", GENERAL)
def test_weights_are_those_of_the_gradient(name: str):
    """The gradient on the shared weights is the sum of the terms' gradients, each times its effective weight."""
    net, weighting = Clash(), prepared(made(name))
    torch.manual_seed(0)
    step = step_of(net)
    rows = [row[: len(step.shared)] for row in step.rows(keep=True)]
    weighed = weighting.backward(step)
    assert list(weighed.weights) == list(NAMES)
    if name == "graddrop":
        return  # it chooses entries; its weights are the nearest ones
    for place, parameter in enumerate(step.shared):
        wanted = sum(
            float(weight) * row[place] for weight, row in zip(weighed.weights.values(), rows, strict=True)
        )
        torch.testing.assert_close(parameter.grad, wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", GENERAL)
def test_heads_learn(name: str):
    net, weighting = Clash(), prepared(made(name))
    weighting.backward(step_of(net))
    assert all(head.weight.grad is not None and bool((head.weight.grad != 0).any()) for head in net.heads)


@pytest.mark.parametrize("name", [name for name in GENERAL if name != "fixed"])
def test_a_saved_state_goes_on_with_the_same_bits(name: str):
    def steps(weighting: Any, net: Any, numbers: range) -> list[torch.Tensor]:
        for number in numbers:
            torch.manual_seed(number)
            step = step_of(net, number)
            weighting.backward(step)
            with torch.no_grad():
                for p in net.parameters():
                    p.sub_(p.grad, alpha=0.1)
            weighting.after_step(step)
        return [p.detach().clone() for p in net.parameters()]

    net, whole = Clash(), prepared(made(name))
    wanted = steps(whole, net, range(6))
    net, first = Clash(), prepared(made(name))
    steps(first, net, range(3))
    buffer = io.BytesIO()
    torch.save(first.snapshot(), buffer)
    second = prepared(made(name), seed=5)
    second.restore(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
    for one, other in zip(steps(second, net, range(3, 6)), wanted, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", [name for name in GENERAL if name != "fixed"])
def test_one_term_is_refused_with_the_way_out(name: str):
    with pytest.raises(UsageError, match="--auxiliary"):
        made(name).prepare(["vcop"], ["vcop"])


@pytest.mark.parametrize("name", ["famo", "geometric"])
def test_terms_below_zero_are_refused_by_name(name: str):
    net, weighting = ConvNet(), prepared(made(name))
    terms = net.terms()
    terms["b.b"] = terms["b.b"] - 100
    with pytest.raises(MuybridgeError, match=r"the term b\.b is -9"):
        weighting.backward(step_of(net, terms=terms))


@pytest.mark.parametrize("name", ["famo", "geometric"])
def test_a_hinge_that_is_solved_leaves_finite_weights(name: str):
    net, weighting = ConvNet(), prepared(made(name))
    terms = net.terms()
    terms["b.b"] = terms["b.b"].sub(100).relu()
    weighed = weighting.backward(step_of(net, terms=terms))
    assert all(torch.isfinite(p.grad).all() for p in net.backbone.parameters())
    assert all(float(one) >= 0 for one in weighed.weights.values())


def test_a_missing_package_is_said_with_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "torchjd.aggregation", None)
    with pytest.raises(UsageError, match=r"pip install 'muybridge\[weighting\]'"):
        made("pcgrad").prepare(NAMES, NAMES[:1])


def test_gates_close_on_opposed_gradients_alone():
    net = Clash()
    step = step_of(net)
    parts = [torch.cat([g.flatten() for g in row[: len(step.shared)]]) for row in step.rows(keep=True)]
    cosines = [float(torch.cosine_similarity(parts[0], part, dim=0)) for part in parts]
    assert cosines[1] < 0
    weights = list(prepared(CosineGate()).backward(step).weights.values())
    assert weights == [1.0] + [float(one >= 0) for one in cosines[1:]]
    graded = list(prepared(CosineGate(graded=True)).backward(step_of(net)).weights.values())
    assert graded == pytest.approx([1.0] + [max(one, 0) for one in cosines[1:]])


def test_gradnorm_moves_weights_by_the_derivative_of_its_loss():
    """Sum of |w n - target| with targets held fixed (algorithm 1), by autograd; and weights keep their sum."""
    net, weighting = ConvNet(), prepared(GradNorm(alpha=0.5))
    step = step_of(net, number=1)
    weighting.begun.copy_(torch.tensor([1.0, 2.0, 1.5, 1.0, 3.0]))
    losses = step.stacked().detach()
    norms = torch.stack(
        [torch.cat([g.flatten() for g in row[: len(step.shared)]]).norm() for row in step.rows(keep=True)]
    )
    w = weighting.weights.detach().clone().requires_grad_()
    rates = losses / weighting.begun
    target = ((w * norms).mean() * (rates / rates.mean()) ** 0.5).detach()
    (w * norms - target).abs().sum().backward()
    weighting.backward(step)
    torch.testing.assert_close(weighting.weights.grad, w.grad)
    assert float(weighting.weights.detach().sum()) == pytest.approx(len(NAMES))


def test_a_task_weight_counts_for_all_of_its_terms():
    weighting = Fixed({"prp": 0.5, "prp.rate": 2.0})
    weights = [weighting.weight(name) for name in ("main.main", "prp.reconstruction", "prp.rate")]
    assert weights == [1.0, 0.5, 2.0]
    with pytest.raises(ValueError, match="no term 'prq'"):
        Fixed({"prq": 1.0}).prepare(["main.main", "prp.rate"], ["main.main"])
