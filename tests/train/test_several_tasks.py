"""Several tasks in the loop: every weighting trains, and goes on from a saved state with the same bits."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from several import labelled, several, train, weighted_by
from test_fit import assert_same_run, curve

from muybridge.core.errors import MuybridgeError
from muybridge.core.networks.still import aside, still
from muybridge.train.flops import step_flops
from muybridge.train.precision import choose
from muybridge.weighting import WEIGHTINGS
from muybridge.weighting.fixed import Fixed

HELP = ("vcop", "rotnet", "rspnet")
CASES = {
    **{
        name: (name, {"every": 2} if name == "auxilearn" else {})
        for name, entry in WEIGHTINGS.items()
        if entry.facts["kind"] != "teachers"  # those are stopped in tests/stages/test_distill.py
    },
    "meltr faithful": ("meltr", {"mode": "faithful"}),
    "meltr safe": ("meltr", {"mode": "safe"}),
    "meltr violet": (
        "meltr",
        {"mode": "faithful", "size": "violet-retrieval", "hypergradient": "cg", "every": 2},
    ),
}
OUTSIDE = [name for name, entry in WEIGHTINGS.items() if entry.facts.get("extra")]
if OUTSIDE:
    pytest.importorskip("torchjd")


def apart(folder: Path) -> None:
    """Leave out of a state how long its meta steps took."""
    state = torch.load(folder / "state" / "last.pt", weights_only=True)
    del state["meta_seconds"]
    torch.save(state, folder / "state" / "last.pt")


@pytest.mark.parametrize("case", CASES)
def test_stopping_and_going_on_gives_the_same_bits(case: str, tmp_path: Path):
    name, options = CASES[case]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    module = several(*HELP)
    train(module, whole, weighted_by(name, module, **options))
    for stop in (3, None):
        torch.rand(7)
        module = several(*HELP)
        train(module, parts, weighted_by(name, module, **options), stop_after=stop)
    for folder in (whole, parts):
        unsealed(folder)
    assert_same_run(whole, parts)


def unsealed(folder: Path) -> None:
    """The state of a run without its checksum and without the seconds of its meta steps."""
    from muybridge.store.checked import opened

    file = folder / "state" / "last.pt"
    content = opened(file.read_bytes(), folder.name)
    file.write_bytes(bytes(content))
    apart(folder)


def test_a_state_of_another_weighting_is_refused(tmp_path: Path):
    module = several("vcop")
    train(module, tmp_path, weighted_by("uncertainty", module), stop_after=2)
    with pytest.raises(MuybridgeError, match="of the weighting uncertainty, this one is meltr"):
        train(module, tmp_path, weighted_by("meltr", module))
    with pytest.raises(MuybridgeError, match="of the weighting uncertainty, this one is fixed"):
        train(module, tmp_path, weighted_by("fixed", module))


def test_rows_name_terms_by_task_with_their_weights_and_gates(tmp_path: Path):
    module = several("vcop", "rspnet")
    train(module, tmp_path, weighted_by("fixed", module, weights={"rspnet": 0.5}))
    row = curve(tmp_path)[-1]
    terms = ["supervised.supervised", "vcop.vcop", "rspnet.appearance", "rspnet.motion"]
    assert list(module.objective.terms) == terms
    assert [row[f"weight.{name}"] for name in terms] == [1, 1, 0.5, 0.5]
    assert row["loss"] == pytest.approx(sum(row[f"weight.{name}"] * row[name] for name in terms), rel=1e-4)
    assert {"accuracy", "vcop.accuracy", "rspnet.accuracy", "rspnet.speed_accuracy"} <= row.keys()
    assert row["vcop.chance"] == pytest.approx(1 / 6, rel=1e-4)


def test_a_single_task_has_the_rows_it_always_had(tmp_path: Path):
    from small import learner, recipe
    from small import train as train_one

    train_one(learner("rspnet"), tmp_path, recipe())
    assert not [key for row in curve(tmp_path) for key in row if key.startswith("weight")]


def test_clips_count_all_tasks_and_meta_batches(tmp_path: Path):
    module = several(*HELP)
    state = train(module, tmp_path, weighted_by("meltr", module, mode="faithful", every=2))
    assert module.objective.clips == 1 + 3 + 1 + 3
    assert state.metas == 3
    assert curve(tmp_path)[-1]["clips"] == 4 * (6 * 8 + 3 * 1)
    assert state.meta_flops > state.flops > 0


def test_a_second_look_counts_too(tmp_path: Path):
    module = several("vcop")
    train(module, tmp_path, weighted_by("famo", module))
    assert curve(tmp_path)[-1]["clips"] == 4 * 6 * 4 * 2


def test_no_number_in_a_term_names_it(tmp_path: Path):
    module = several("vcop", "rotnet")
    module.objective.task("rotnet").head[1].weight.data.fill_(float("nan"))
    with pytest.raises(MuybridgeError, match=r"became nan at step 1 \(term rotnet\.rotnet\)"):
        train(module, tmp_path, weighted_by("fixed", module))


def test_the_primary_task_sees_what_it_sees_alone():
    """The joint law draws the primary frames first, and its views take the first numbers of the stream."""
    import numpy as np
    from small import change

    from muybridge.core import seeding
    from muybridge.core.clip import Clip

    joint = several("vcop", "rspnet").objective
    law = joint.law(2, 1, 0, "shrink")
    draws = [law.draw(30, seeding.rng(0, i)) for i in range(4)]
    alone = [joint.first.law(2, 1, 0, "shrink").draw(30, seeding.rng(0, i)) for i in range(4)]
    for one, other in zip(draws, alone, strict=True):
        assert np.array_equal(one.frames[:2], other.frames)
    clip = next(labelled(sum(joint.lengths), 0, 1))
    first = Clip(clip.frames[:, :, :2], clip.label, clip.video)
    views, wanted = (
        task.views(batch, change, torch.Generator().manual_seed(3))
        for task, batch in ((joint, clip), (joint.first, first))
    )
    for name, value in wanted.items():
        assert torch.equal(views[f"supervised.{name}"], value)


def test_running_statistics_follow_the_primary_clips_alone():
    module, clip = several(*HELP), next(labelled(20, 0, 1))
    module.objective.law(2, 1, 0, "shrink")
    sized = next(labelled(sum(module.objective.lengths), 0, 1))
    from small import change

    views = module.objective.views(sized, change, torch.Generator().manual_seed(0))
    twin = several(*HELP)
    module(views)
    twin.objective.first.outcome(
        twin.backbone, {k.split(".", 1)[1]: v for k, v in views.items() if k.startswith("supervised.")}
    )
    for (name, one), other in zip(module.backbone.named_buffers(), twin.backbone.buffers(), strict=True):
        assert torch.equal(one, other), name
    assert len(clip) == 4


def test_still_and_aside_leave_no_trace():
    module = several("rspnet").train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.objective.task("rspnet").fresh = kept = torch.ones(2, 3)
    state = torch.random.get_rng_state()
    with aside(module, 5), still(module):
        module.backbone(torch.rand(4, 3, 2, 16, 16))
        torch.rand(3)
        module.objective.task("rspnet").fresh = torch.zeros(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert module.objective.task("rspnet").fresh is kept
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    module.backbone(torch.rand(4, 3, 2, 16, 16))
    assert any(
        not torch.equal(value, before[name])
        for name, value in module.state_dict().items()
        if "running" in name
    )


def test_only_views_shows_them_to_the_primary_head():
    module = several("vcop", "rspnet", only_views=True)
    module.objective.law(2, 1, 0, "shrink")
    from small import change

    clip = next(labelled(sum(module.objective.lengths), 0, 1))
    views = module.objective.views(clip, change, torch.Generator().manual_seed(0))
    outcome = module(views)
    assert list(outcome.terms) == ["supervised.supervised", "vcop.exposure", "rspnet.exposure"]
    assert module.objective.terms == tuple(outcome.terms)
    sum(outcome.terms.values()).backward()
    assert all(p.grad is None for p in module.objective.task("vcop").parameters())
    shown = views["vcop.tuple"].flatten(0, 1)
    again = several("vcop", "rspnet", only_views=True)
    logits = again.objective.first.head(again.backbone(shown).pooled)
    wanted = torch.nn.functional.cross_entropy(logits, clip.label.repeat_interleave(3))
    torch.testing.assert_close(outcome.terms["vcop.exposure"], wanted, atol=1e-5, rtol=1e-4)


def test_the_price_of_a_step_is_measured_with_its_weighting(tmp_path: Path):
    from small import change

    module = several(*HELP)
    module.objective.law(2, 1, 0, "shrink")
    clip, compute = next(labelled(sum(module.objective.lengths), 0, 1)), choose("cpu", "fp32")
    state = train(several(*HELP), tmp_path, weighted_by("meltr", module, mode="faithful"))
    weighting = weighted_by("meltr", module, mode="faithful")
    found = [
        step_flops(module, clip, change, compute, weighting, lambda step: next(labelled(2, 0, 1)), number)
        for number in (0, 2)
    ]
    assert found == [state.flops, state.meta_flops]


def test_fixed_is_the_sum_it_was():
    terms: dict[str, Any] = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    assert Fixed()(terms).item() == 5.0
    assert json.dumps(Fixed().snapshot()) == "{}"
