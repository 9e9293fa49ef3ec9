"""pretrain end to end on tiny real files: budgets in every unit, options, short videos, contrastive tasks."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import muybridge
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data.decode.video import write
from muybridge.runs.records import Run
from muybridge.train.checkpoint import load_weights
from muybridge.train.loop import Recipe

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 12}


@pytest.fixture(scope="module")
def run_of(videos, tmp_path_factory):
    """Pretrain with a few words; every run in one folder."""
    out = tmp_path_factory.mktemp("pretrain") / "out"

    def run(objective: str = "rotnet", data=videos, **changes) -> Run:
        return muybridge.pretrain(data=data, objective=objective, out=out, **TINY | changes)

    return run


@pytest.mark.parametrize(
    ("unit", "asked", "steps"), [("clips", 40, 3), ("steps", 5, 5), ("clips", 5, 1), ("flops", None, 4)]
)
def test_budgets_buy_whole_steps_in_their_unit(unit: str, asked: int | None, steps: int, run_of):
    price = run_of(budget=12).result["budget"]["flops"]
    made = run_of(budget=asked or int(4.5 * price), budget_unit=unit).result
    spent = made["budget"]
    assert spent["steps"] == steps
    assert spent["spent"] == {"clips": 12 * steps, "steps": steps, "flops": price * steps}[unit]
    assert (spent["asked"], spent["unit"]) == (asked or int(4.5 * price), unit)
    assert spent["kept"] == (asked != 5 or unit == "steps")
    said = [note for note in made["notes"] if "budget was not kept" in note]
    assert said == ([] if spent["kept"] else ["the budget was not kept: 5 clips asked for, 12 spent"])


def test_measuring_the_price_of_a_step_changes_nothing(run_of):
    by_clips = run_of("rspnet", budget=36, objective_options=("queue=8",))
    price = by_clips.result["budget"]["flops"] // 3
    by_flops = run_of("rspnet", budget=3 * price, budget_unit="flops", objective_options=("queue=8",))
    first, second = (load_weights(run.path / "weights.safetensors") for run in (by_clips, by_flops))
    assert first.keys() == second.keys()
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize(("objective", "clips"), [("cvrl", 2), ("tdl", 3), ("rspnet", 3)])
def test_contrastive_tasks_leave_weights_strips_and_a_budget_that_counts_copies(
    objective: str, clips: int, run_of
):
    words = () if objective == "cvrl" else ("queue=8",)
    made = run_of(objective, budget=36, objective_options=words)
    assert (made.result["budget"]["clips"], made.result["budget"]["steps"]) == (36, 3)
    assert {name.partition(".")[0] for name in load_weights(made.path / "weights.safetensors")} == {
        "backbone", "objective",
    }  # fmt: skip
    with np.load(made.path / "strips.npz") as strips:
        assert {frames.shape for frames in strips.values()} == {(4 * clips, 16, 16, 3)}
    assert made.result["chance"] == pytest.approx(
        {"cvrl": 1 / 6, "tdl": 1 / 10, "rspnet": 1 / 9}[objective], rel=1e-5
    )
    assert made.result["config"]["objective_options"], "printed and signed in full"
    probed = muybridge.probe(
        data=made.result["config"]["data"], out=made.path.parents[2], init=made, fold=1, **TINY
    )
    assert probed.done


def test_a_queue_larger_than_the_data_is_refused_with_a_way_out(run_of):
    with pytest.raises(UsageError, match=r"a queue of 500 keys does not fit 16 training videos.*queue=16"):
        run_of("tdl", budget=36)


@pytest.mark.parametrize(
    ("verb", "fold"), [("pretrain", {}), ("finetune", {"fold": 1}), ("probe", {"fold": 1})]
)
def test_clips_that_a_token_backbone_cannot_take_are_refused(verb: str, fold: dict, videos, tmp_path: Path):
    words = TINY | fold | {"backbone": "vit-tiny", "frames": 5}
    with pytest.raises(
        UsageError, match=r"--frames 5: ViT cuts clips into tubes of 2; wanted a multiple of 2"
    ):
        getattr(muybridge, verb)(data=videos, out=tmp_path, **words)


def test_a_run_whose_loss_is_no_number_keeps_its_last_state(
    videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("muybridge.stages.training.training.Recipe", partial(Recipe, save_every=0.0))
    with pytest.raises(MuybridgeError, match=r"became (nan|inf) at step"):
        muybridge.pretrain(data=videos, objective="cvrl", out=tmp_path, lr=1e30, budget=600, **TINY)
    (state,) = tmp_path.glob("runs/pretrain/*/state/last.pt")
    kept = torch.load(state, weights_only=True)
    assert kept["step"] > 0
    assert all(torch.isfinite(value).all() for value in kept["learner"].values())


def test_a_value_that_a_task_cannot_have_is_refused(run_of):
    with pytest.raises(UsageError, match="rotations=7; wanted 2, 3 or 4"):
        run_of(complexity=7, budget=12)


@pytest.fixture(scope="module")
def short_videos(tmp_path_factory) -> Path:
    """Eight videos of 24 frames, two of 4 and two of 3."""
    root = tmp_path_factory.mktemp("short")
    for i, frames in enumerate([24] * 8 + [4, 4, 3, 3]):
        pixels = np.random.default_rng(i).integers(0, 256, (frames, 20, 20, 3), dtype=np.uint8)
        write(root / f"{i:02}.mp4", pixels, 12.0)
    return root


@pytest.mark.parametrize("short", ["shrink", "loop", "skip"])
@pytest.mark.parametrize("objective", ["vcop", "cvrl", "tdl", "rspnet"])
def test_short_videos_are_counted_and_never_an_exception(
    objective: str, short: str, short_videos: Path, run_of
):
    words = ("queue=8",) if objective in ("tdl", "rspnet") else ()
    made = run_of(objective, data=short_videos, budget=96, short=short, objective_options=words).result
    notes = " ".join(made["notes"])
    number = 2 if objective == "cvrl" else 4
    assert f"{number} train videos are shorter than the" in notes
    assert f"(policy: {short})" in notes
    assert made["data"]["videos"]["train"] == (12 - number if short == "skip" else 12)
    assert ("twice" in notes or "same frames" in notes) or short == "skip"
    assert "twice" not in notes or short != "skip"
