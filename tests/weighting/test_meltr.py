from copy import deepcopy

import pytest
import torch
from toys import NAMES, ConvNet, prepared, step_of

from muybridge.core.errors import UsageError
from muybridge.weighting.combiner import SIZES, Combiner, Monotone
from muybridge.weighting.learnt import AutoLambda
from muybridge.weighting.meltr import Meltr

LOSSES = torch.tensor([2.2, 1.8, 1.4, 0.7, 5.0], dtype=torch.float64)


@pytest.mark.parametrize("terms", [2, 5, 8])
def test_the_transformer_has_the_published_number_of_parameters(terms: int):
    made = Combiner(terms, SIZES["univl"])
    assert sum(p.numel() for p in made.parameters()) == 560_640 + 256 * terms


def test_the_transformer_is_the_published_one_written_out():
    """Embedding of scale and task, post-norm attention of 8 heads and feed-forward layer, projected mean."""
    torch.manual_seed(0)
    made, k, heads = Combiner(5, SIZES["univl"]).double().eval(), 5, 8
    parts = dict(made.named_parameters())
    x = torch.relu(LOSSES[:, None] * parts["scale.0.weight"].T + parts["scale.0.bias"])
    x = x @ parts["scale.2.weight"].T + parts["scale.2.bias"] + parts["task.weight"]
    query, key, value = (
        x @ parts["layer.self_attn.in_proj_weight"].T + parts["layer.self_attn.in_proj_bias"]
    ).chunk(3, 1)
    each = [part.reshape(k, heads, 32).transpose(0, 1) for part in (query, key, value)]
    seen = torch.softmax(each[0] @ each[1].transpose(1, 2) / 32**0.5, 2) @ each[2]
    seen = (
        seen.transpose(0, 1).reshape(k, 256) @ parts["layer.self_attn.out_proj.weight"].T
        + parts["layer.self_attn.out_proj.bias"]
    )
    x = torch.nn.functional.layer_norm(
        x + seen, (256,), parts["layer.norm1.weight"], parts["layer.norm1.bias"]
    )
    wide = torch.relu(x @ parts["layer.linear1.weight"].T + parts["layer.linear1.bias"])
    x = x + wide @ parts["layer.linear2.weight"].T + parts["layer.linear2.bias"]
    x = torch.nn.functional.layer_norm(x, (256,), parts["layer.norm2.weight"], parts["layer.norm2.bias"])
    torch.testing.assert_close(made(LOSSES), x.mean(0) @ parts["out.weight"][0])


def slopes(mode: str, seed: int) -> torch.Tensor:
    """At random weights and losses of usual sizes."""
    weighting = prepared(Meltr(mode), seed=seed)
    weighting.start(1, LOSSES)
    weighting.means.copy_(LOSSES)
    return weighting.slopes(LOSSES)[1].detach()


def test_safe_mode_never_climbs_a_loss_and_the_published_one_does_half_of_the_time():
    safe = torch.stack([slopes("safe", seed) for seed in range(200)])
    assert (safe[:, 0] == 1).all()
    assert (safe > 0).all()
    published = torch.stack([slopes("faithful", seed) for seed in range(200)])
    assert 0.46 <= float((published[:, 0] < 0).double().mean()) <= 0.66
    assert float(published.abs().mean()) < 0.1


def test_calibration_starts_with_a_slope_of_one_on_the_primary_loss():
    for seed in range(20):
        weighting = prepared(Meltr("corrected"), seed=seed)
        weighting.start(0, LOSSES)
        assert float(weighting.slopes(LOSSES)[1][0].detach()) == pytest.approx(1, abs=1e-9)


def test_the_gradient_of_a_step_is_that_of_the_unified_loss():
    net, weighting = ConvNet(), prepared(Meltr("faithful"))
    weighting.backward(step_of(net, number=0))
    found = [p.grad for p in net.parameters()]
    wanted = torch.autograd.grad(
        weighting.combine(torch.stack(list(net.terms().values()))), list(net.parameters())
    )
    torch.testing.assert_close(found, list(wanted))


def test_a_meta_step_descends_like_any_other_and_moves_the_transformer():
    """At a meta step gradients are taken apart; together they are what an ordinary step takes."""
    net, twins = ConvNet(), [prepared(Meltr("faithful", every=every, meta="held-out")) for every in (1, 99)]
    before = [p.detach().clone() for p in twins[0].parameters()]
    found = []
    for weighting in twins:
        weighting.backward(step_of(net))
        found.append([p.grad.clone() for p in net.parameters()])
    torch.testing.assert_close(found[0], found[1])
    assert any(not torch.equal(a, b) for a, b in zip(before, twins[0].parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, twins[1].parameters(), strict=True))


@pytest.mark.parametrize("mode", ["faithful", "corrected", "safe"])
def test_learning_the_weights_lowers_the_primary_loss_on_the_meta_batch(mode: str):
    """After one step of descent from the same point, weights that were learnt lead lower than those at the start."""
    net, weighting = (
        ConvNet(3),
        prepared(Meltr(mode, hypergradient="one-step", every=1, meta="held-out", lr=1e-3, calibrate=True)),
    )
    parameters, start = list(net.parameters()), [p.detach().clone() for p in net.parameters()]
    losses = []
    for number in range(30):
        weighting.backward(step_of(net, number, lr=0.5))
        with torch.no_grad():
            for p in parameters:
                p.sub_(p.grad, alpha=0.5)
        losses.append(float(net.meta().detach()))
        for p, before in zip(parameters, start, strict=True):
            p.data.copy_(before)
    assert losses[-1] < losses[0]


def test_failures_are_said_in_words():
    weighting = prepared(Meltr("faithful"), seed=next(s for s in range(50) if slopes("faithful", s)[0] < 0))
    weighting.observe(0, torch.tensor(-1.0), weighting.slopes(LOSSES)[1].detach())
    weighting.observe(1, torch.tensor(1.0), 1000 * weighting.first)
    weighting.observe(2, torch.tensor(1.0), 1e-6 * weighting.first)
    words = " ".join(weighting.words())
    for said in ("began by climbing", "ran away", "vanished", "negative at 1 steps"):
        assert said in words
    assert not prepared(Meltr("safe")).words()


def test_no_auxiliary_loss_is_refused_with_the_way_out():
    with pytest.raises(UsageError, match="--auxiliary"):
        Meltr().prepare(["vcop"], ["vcop"])


def test_the_state_goes_on_with_the_same_bits_and_no_other_takes_it():
    net, first = ConvNet(), prepared(Meltr("corrected", every=1))
    first.backward(step_of(net, 0))
    second = prepared(Meltr("corrected", every=1), seed=9)
    second.restore(deepcopy(first.snapshot()))
    for weighting in (first, second):
        weighting.backward(step_of(net, 1))
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="of the weighting meltr, this one is auto-lambda"):
        prepared(AutoLambda()).restore(first.snapshot())


def test_a_monotone_network_rises_with_every_loss():
    torch.manual_seed(0)
    made = Monotone(5, (10, 10)).double()
    for _ in range(20):
        with torch.no_grad():
            for p in made.parameters():
                p.add_(torch.randn_like(p))
        made.project()
        given = (10 * torch.rand(5, dtype=torch.float64)).requires_grad_()
        assert (torch.autograd.grad(made(given), given)[0] >= 0).all()


assert len(NAMES) == len(LOSSES)


@pytest.mark.parametrize("name", SIZES)
def test_the_layer_is_that_of_torch(name: str):
    """Values and slopes against ``nn.TransformerEncoderLayer`` on the same weights, in float64."""
    torch.manual_seed(0)
    combiner = Combiner(6, SIZES[name]).double().eval()
    losses = (3 * torch.rand(6, dtype=torch.float64)).requires_grad_()
    embedded = combiner.scale(losses.unsqueeze(1)) + combiner.task.weight
    wanted = combiner.layer(embedded.unsqueeze(0)).squeeze(0)
    found = combiner.tokens(losses)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    slopes = [
        torch.autograd.grad(one.square().sum(), losses, retain_graph=True)[0] for one in (found, wanted)
    ]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-10)


def test_dropout_is_drawn_in_all_four_places():
    """Attention, behind it, inside and behind the feed-forward layer: each alone changes what comes out, and none in evaluation."""
    torch.manual_seed(0)
    combiner, losses = Combiner(6, SIZES["violet-retrieval"]), torch.rand(6)
    still = combiner.eval().tokens(losses)
    assert torch.equal(still, combiner.tokens(losses))
    combiner.train()
    layer = combiner.layer
    places = {
        "attention": layer.self_attn,
        "first": layer.dropout1,
        "inner": layer.dropout,
        "second": layer.dropout2,
    }
    kept = {name: one.dropout if name == "attention" else one.p for name, one in places.items()}
    assert set(kept.values()) == {0.1}
    for alone in places:
        for name, one in places.items():
            setattr(one, "dropout" if name == "attention" else "p", 0.5 if name == alone else 0.0)
        assert not torch.allclose(combiner.tokens(losses), still), alone
