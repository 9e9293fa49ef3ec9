import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from small import batches, change, learner, recipe, train
from torch.utils.flop_counter import FlopCounterMode

from muybridge.core import seeding
from muybridge.core.clip import to_unit
from muybridge.core.errors import MuybridgeError
from muybridge.objectives.objective import Outcome
from muybridge.train.loop import Recipe, fit
from muybridge.train.optim import cosine
from muybridge.train.precision import check_training, choose
from muybridge.weighting.fixed import Fixed


def state_of(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "state" / "last.pt", weights_only=True)


def curve(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_bits(first: Any, second: Any, where: str = "") -> None:
    """Equal nested content, tensors bit for bit."""
    assert type(first) is type(second), where
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same_bits(first[key], second[key], f"{where}/{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), where
        for i, pair in enumerate(zip(first, second, strict=True)):
            assert_same_bits(*pair, f"{where}/{i}")
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    else:
        assert first == second, where


def assert_same_run(first: Path, second: Path) -> None:
    """Weights, optimiser, curve and everything else of two runs agree, but for the time they took."""
    one, other = state_of(first), state_of(second)
    for name in ("seconds", "waiting"):
        del one[name], other[name]
    assert_same_bits(one, other)
    assert curve(first) == curve(second)


def test_fit_is_the_plain_loop(tmp_path: Path):
    module, plain = learner(), learner()
    how = recipe(4, clip_norm=0.05)
    train(module, tmp_path, how)
    compute = choose("cpu", "fp32")
    compute.place(plain).train()
    matrices = [p for p in plain.parameters() if p.ndim > 1]
    vectors = [p for p in plain.parameters() if p.ndim <= 1]
    adam = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    )
    for step, clip in enumerate(batches(1, 4, 0, 4)):
        torch.manual_seed(seeding.key(0, "step", step, 0))
        for group in adam.param_groups:
            group["lr"] = how.lr * cosine(step, 4, how.warmup)
        views = plain.objective.views(clip, change, seeding.generator(0, "views", step, 0))
        logits = plain.objective.head(plain.backbone(views["clip"]).pooled)
        adam.zero_grad()
        torch.nn.functional.cross_entropy(logits, views["target"]).backward()
        torch.nn.utils.clip_grad_norm_(matrices + vectors, 0.05)
        adam.step()
    for (name, one), other in zip(module.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4, msg=name)
    assert not torch.equal(module.objective.head[1].weight, learner().objective.head[1].weight)


class KilledError(Exception):
    pass


def killer(at: int):
    def report(step: int, steps: int, values: dict[str, float]) -> None:
        if step == at:
            raise KilledError

    return report


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("objective", ["rotnet", "vcop", "cvrl", "tdl", "rspnet"])
def test_stopping_and_going_on_gives_the_same_bits(objective: str, optimiser: str, tmp_path: Path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    how = recipe(optimiser=optimiser)
    train(learner(objective), whole, how)
    torch.rand(5)  # whatever else draws from the global generator
    assert train(learner(objective), parts, how, stop_after=3).step == 3
    torch.rand(11)
    assert train(learner(objective), parts, how).step == 6
    assert_same_run(whole, parts)


def test_queue_pointer_and_copies_are_part_of_the_state(tmp_path: Path):
    module = learner("rspnet")
    train(module, tmp_path, recipe(4))
    saved = state_of(tmp_path)["learner"]
    assert int(saved["objective.queue.place"]) == 4 * 4 % 10
    assert_same_bits(saved["objective.queue.keys"], module.objective.queue.keys)
    copy = [name for name in saved if name.startswith("objective.slow_backbone.") and "running" not in name]
    assert any(not torch.equal(saved[name], saved[name.replace("objective.slow_", "")]) for name in copy)
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    moments = [m["exp_avg"].numel() for m in state_of(tmp_path)["optim"]["state"].values()]
    assert sum(moments) == trained, "the optimiser has no part in the copies"


@pytest.mark.parametrize("save_every", [0.0, 1000.0], ids=["saved each step", "never saved"])
def test_a_killed_run_goes_on_from_its_last_state_with_the_same_bits(save_every: float, tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    how = recipe(save_every=save_every)
    train(learner(), whole, how)
    for step in (5, 6):
        with pytest.raises(KilledError):
            train(learner(), killed, how, report=killer(step))
        assert (killed / "state" / "last.pt").exists() == (save_every == 0)
    assert curve(killed)[-1]["step"] >= 4, "rows were written beyond the last state"
    train(learner(), killed, how)
    assert_same_run(whole, killed)


def test_a_finished_run_takes_no_further_step(tmp_path: Path):
    train(learner(), tmp_path, recipe())
    before = state_of(tmp_path)
    reported = []
    assert train(learner(), tmp_path, recipe(), report=lambda *values: reported.append(values)).step == 6
    assert not reported
    assert_same_bits(before, state_of(tmp_path))


def test_a_resumed_run_loads_its_weights_into_the_learner(tmp_path: Path):
    first, second = learner(), learner()
    train(first, tmp_path, recipe())
    train(second, tmp_path, recipe())
    assert_same_bits(dict(first.state_dict()), dict(second.state_dict()))


def test_seeds_differ(tmp_path: Path):
    for seed in (0, 1):
        train(learner(), tmp_path / str(seed), recipe(), seed=seed)
    assert curve(tmp_path / "0") != curve(tmp_path / "1")


def test_rows_average_the_steps_since_the_row_before_and_the_last_takes_what_is_left(tmp_path: Path):
    train(learner(), tmp_path / "each", recipe(5, log_every=1))
    train(learner(), tmp_path / "pairs", recipe(5, log_every=2))
    each, pairs = curve(tmp_path / "each"), curve(tmp_path / "pairs")
    assert [row["step"] for row in pairs] == [2, 5]
    assert [row["clips"] / row["step"] for row in pairs] == [pairs[0]["clips"] / 2] * 2
    for row, members in zip(pairs, (each[:2], each[2:]), strict=True):
        for name in ("loss", "rotnet", "accuracy", "grad_norm", "lr"):
            assert row[name] == pytest.approx(sum(m[name] for m in members) / len(members), rel=1e-4)
    assert {row["chance"] for row in pairs} == {0.25}


def test_small_learning_rates_stay_visible_in_the_curve(tmp_path: Path):
    train(learner(), tmp_path, recipe(2, lr=3e-8, warmup=0.0, log_every=1))
    assert curve(tmp_path)[0]["lr"] == pytest.approx(3e-8)


def test_the_report_hears_every_step(tmp_path: Path):
    heard = []
    train(
        learner(),
        tmp_path,
        recipe(4),
        report=lambda step, steps, values: heard.append((step, steps, set(values))),
    )
    assert [(step, steps) for step, steps, _ in heard] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert heard[-1][2] == {"loss", "rotnet", "accuracy", "grad_norm", "lr"}


@pytest.mark.parametrize(
    ("what", "factor"), [("loss", "nan"), ("loss", "inf"), ("norm of the gradient", "spike")]
)
def test_a_loss_or_gradient_that_is_no_number_stops_the_run_with_a_way_out(
    what: str, factor: str, tmp_path: Path
):
    module = learner()
    plain = module.objective.outcome

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("inf")

    def broken(encode, views):
        outcome = plain(encode, views)
        bend = Spike.apply if factor == "spike" else lambda x: x * float(factor)
        return Outcome({"rotnet": bend(outcome.terms["rotnet"])}, outcome.monitors)

    train(module, tmp_path, recipe(), stop_after=2)
    kept = {name: value.clone() for name, value in module.named_parameters()}
    module.objective.outcome = broken
    entered = []
    module.objective.after_step = entered.append
    with pytest.raises(
        MuybridgeError, match=f"the {what} became .* at step 3.*--lr 0.00333333.*--precision fp32"
    ):
        train(module, tmp_path, recipe())
    assert_same_bits(
        kept, {name: value.data for name, value in module.named_parameters()}, "no step was taken"
    )
    assert not entered, "no queue takes a key of a broken step"
    assert state_of(tmp_path)["step"] == 2


def test_operations_are_counted_once_and_are_three_forward_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    entered = []
    plain = FlopCounterMode.__enter__
    monkeypatch.setattr(FlopCounterMode, "__enter__", lambda self: (entered.append(1), plain(self))[1])
    module = learner()
    state = train(module, tmp_path, recipe())
    assert len(entered) == 1
    with FlopCounterMode(display=False) as counter:
        module.backbone(to_unit(next(batches(1, 4, 0, 1)).frames[..., :16, :16]))
    # the gradient towards the pixels of the first layer is not needed
    assert 2.3 * counter.get_total_flops() < state.flops <= 3.05 * counter.get_total_flops()


def test_bf16_training_stays_near_fp32_and_keeps_float32_weights(tmp_path: Path):
    try:
        check_training(choose("cpu", "bf16"))
    except MuybridgeError:
        pytest.skip("gradients in bf16 are wrong on this processor, and refused")
    module = learner()
    train(module, tmp_path / "bf16", recipe(), precision="bf16")
    train(learner(), tmp_path / "fp32", recipe())
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    first = [curve(tmp_path / name)[0]["loss"] for name in ("bf16", "fp32")]
    assert first[0] != first[1]
    assert first[0] == pytest.approx(first[1], rel=0.05)


def test_time_is_counted_over_resumes_and_waiting_is_a_part_of_it(tmp_path: Path):
    first = train(learner(), tmp_path, recipe(), stop_after=3)
    second = train(learner(), tmp_path, recipe(), report=lambda *values: time.sleep(0.02))
    assert 0 < first.waiting < first.seconds
    assert second.seconds >= first.seconds + 0.06
    assert second.waiting < second.seconds - first.seconds + first.waiting


def test_saving_is_not_waiting_for_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("muybridge.train.keeper.save_state", lambda *values: time.sleep(0.1))
    state = train(learner(), tmp_path, recipe())
    assert state.waiting < 0.4 < state.seconds


def test_batches_are_asked_for_the_steps_that_are_left(tmp_path: Path):
    asked = []

    def recorded(start: int, stop: int):
        asked.append((start, stop))
        yield from batches(1, 4, start, stop)

    for stop in (2, 5, None):
        fit(
            learner(), Fixed(), recorded, lambda frames, rng: frames, recipe(), choose("cpu", "fp32"),
            seed=0, folder=tmp_path, stop_after=stop,
        )  # fmt: skip
    assert asked == [(0, 2), (2, 5), (5, 6)]


def test_views_of_a_step_come_from_its_named_stream(tmp_path: Path):
    seen = []
    module = learner()
    plain = module.objective.views
    module.objective.views = lambda *given: (seen.append(plain(*given)), seen[-1])[1]
    train(module, tmp_path, recipe(2))
    for step, clip in enumerate(batches(1, 4, 0, 2)):
        expected = plain(clip, change, seeding.generator(0, "views", step, 0))
        assert_same_bits(dict(expected), dict(seen[step]))


def test_recipes_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe(1, 0.1, 0.0).lr = 1.0  # type: ignore[misc]
