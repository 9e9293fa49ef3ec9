"""Which training videos are held out, and that their best weights are kept exactly."""

import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import muybridge
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core.errors import UsageError
from muybridge.data.index import VideoRecord
from muybridge.runs.contents.predictions import read_predictions
from muybridge.stages import finetune
from muybridge.stages.job.job import Job
from muybridge.stages.job.resolve import resolve
from muybridge.stages.training import training
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.stages.training.validation import ROLE, Best, account, hold_out

CLASSES = ("run", "jump", "swim", "fall", "sit")
TINY: dict[str, Any] = {
    "frames": 4, "stride": 2, "size": 20, "crop": 16, "batch": 4, "folds": 8, "fold": 1, "device": "cpu", "precision": "fp32",
    "schedule": "steps", "warmup": 0.0, "lr": 0.02,
}  # fmt: skip
HELD: dict[str, Any] = {"validation": 0.14, "epochs": 3}


def record(name: str, label: int, group: str = "") -> VideoRecord:
    return VideoRecord(name, name, label, "train", group or name)


def records(sizes: list[tuple[int, int]]) -> list[VideoRecord]:
    """One group per pair of class and size."""
    return [
        record(f"{label}-{g}-{i}", label, f"g{g}")
        for g, (label, size) in enumerate(sizes)
        for i in range(size)
    ]


many = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 6)), min_size=1, max_size=30)


@given(sizes=many, share=st.floats(0.01, 0.9), seed=st.integers(0, 9))
@settings(max_examples=300, deadline=None)
def test_groups_stay_whole_and_every_class_keeps_training_videos(sizes: Any, share: float, seed: int):
    given_ = records(sizes)
    try:
        kept, held = hold_out(given_, share, seed, CLASSES)
    except UsageError:
        first_groups = {min((g for g, (c, _) in enumerate(sizes) if c == label)) for label, _ in sizes}
        spare = sum(size for _, size in sizes) - sum(
            max(size for other, size in sizes if other == sizes[g][0]) for g in first_groups
        )
        assert spare < max(1, round(share * len(given_))) + 6, (
            "with all that can be spared it would have been enough"
        )
        return
    assert sorted(r.id for r in kept + held) == sorted(r.id for r in given_)
    assert not {r.group for r in kept} & {r.group for r in held}
    assert {r.label for r in kept} == {r.label for r in given_}
    wanted = max(1, round(share * len(given_)))
    assert wanted <= len(held) < wanted + 6, "no group more than is needed"
    again, _ = hold_out(given_[::-1], share, seed, CLASSES)
    assert again == kept[::-1], "the order of the files decides nothing"


def test_classes_take_turns_and_another_seed_holds_out_others():
    given_ = records([(label, 3) for label in range(5) for _ in range(6)])
    _, held = hold_out(given_, 0.2, 0, CLASSES)
    groups: dict[int, set[str]] = defaultdict(set)
    for one in held:
        groups[one.label].add(one.group)
    assert Counter(len(found) for found in groups.values()) == {1: 4, 2: 1}, (
        "18 of 90 videos: six groups of three"
    )
    assert {r.id for r in hold_out(given_, 0.2, 1, CLASSES)[1]} != {r.id for r in held}


def test_a_share_that_empties_a_class_is_refused_with_the_class_and_the_way_out():
    given_ = [*records([(0, 1)] * 8), record("only", 2), record("also", 2)]
    with pytest.raises(
        UsageError,
        match=r"--validation 0\.9: holding out 9 of 10.*class '(run|swim)' without.*smaller share, or 0",
    ):
        hold_out(given_, 0.9, 0, CLASSES)
    lonely = [*records([(0, 2)]), record("x", 1)]
    with pytest.raises(UsageError, match="groups stay whole"):
        hold_out(lonely, 0.1, 0, CLASSES)


def test_the_first_of_equal_losses_is_kept_and_survives_a_saved_state(tmp_path: Path):
    module, best = nn.Linear(1, 1), Best()
    for loss, weight in ((3.0, 0.0), (1.0, 1.0), (1.0, 2.0), (2.0, 3.0)):
        nn.init.constant_(module.weight, weight)
        best.offer(loss, module)
    torch.save(best.state_dict(), tmp_path / "state.pt")
    again = Best()
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert (again.loss, float(again.weights["weight"])) == (1.0, 1.0)
    never = Best()
    never.offer(math.nan, module)
    assert never.weights, "something is kept even if no loss is a number"


def test_the_account_names_the_first_lowest_look():
    looks = [
        {"step": s, ROLE: {"loss": v, "accuracy": 0.5}}
        for s, v in ((5, 2.0), (10, 1.0), (15, 1.0), (20, 3.0))
    ]
    told = account([{"step": 1, "loss": 0.1}, *looks], 5.0)
    assert (told["best-validation"]["epoch"], told["last"]["epoch"]) == (2.0, 4.0)
    assert told["last"]["loss"] == 3.0


def tune(videos: Path, out: Path, **changes: Any) -> Any:
    return muybridge.finetune(data=videos, out=out, **TINY | HELD | changes)


@pytest.fixture(scope="module")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tune(videos, tmp_path_factory.mktemp("whole") / "out")


def looks(run: Any) -> list[dict[str, Any]]:
    return [row for row in run.metrics if ROLE in row]


def test_the_best_weights_are_those_of_a_run_that_ends_there(whole: Any, videos: Path, tmp_path: Path):
    """A constant learning rate does not know how long a run is: the weights after an epoch are those of a run of as many epochs."""
    told = whole.result["weights"]
    assert [row["step"] for row in looks(whole)] == [3, 6, 9]
    losses = [row[ROLE]["loss"] for row in looks(whole)]
    assert told["best-validation"]["loss"] == min(losses)
    for name in ("last", "best-validation"):
        epochs = round(told[name]["epoch"])
        short = tune(videos, tmp_path / name, epochs=epochs)
        tail = "" if name == "last" else f"-{name}"
        for file in ("weights{}.safetensors", "predictions{}.parquet"):
            own = (whole.path / file.format(tail)).read_bytes()
            assert own == (short.path / file.format("")).read_bytes(), name


def test_the_losses_are_those_of_the_held_out_videos(whole: Any, videos: Path):
    job = resolve(FinetuneConfig(data=(str(videos),), **TINY | HELD))
    parts = finetune.parts_of(job)
    assert {len(parts[name]) for name in ("train", ROLE)} == {12, 2}
    assert whole.result["data"]["videos"] == {"train": 12, "validation": 2, "test": 2}
    assert not {r.id for r in parts[ROLE]} & {r.id for name in ("train", "test") for r in parts[name]}
    classifier, view, material = rebuilt(job, whole.path / "weights.safetensors")
    scores, labels = [], []
    with torch.no_grad():
        for clip in view.clips(material, ROLE):
            scores.append(classifier(clip.frames.float() / 255))
            labels.append(clip.label)
    expected = float(F.cross_entropy(torch.cat(scores), torch.cat(labels)))
    assert whole.result["weights"]["last"]["loss"] == pytest.approx(expected, rel=1e-4)
    right = float((torch.cat(scores).argmax(1) == torch.cat(labels)).float().mean())
    assert whole.result["weights"]["last"]["accuracy"] == pytest.approx(right)


def rebuilt(job: Job, weights: Path) -> Any:
    from muybridge.core.networks.features import Classifier
    from muybridge.stages.testing.predict import View
    from muybridge.stages.training.material import build_backbone, law_of, prepare

    backbone = build_backbone(job.config.backbone, 0)
    classifier = Classifier(backbone, backbone.dim, 2)
    classifier.load_state_dict(load_file(weights))
    material = prepare(job, finetune.parts_of(job), job.config, law_of(job.config))
    return classifier.eval(), View(law_of(job.config), 1, job.config.crop, 64), material


def test_looks_leave_the_training_as_it_is(
    whole: Any, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plain = training.fit
    monkeypatch.setattr(training, "fit", lambda *a, **k: plain(*a, **(k | {"watch_every": 10**6})))
    unseen = tune(videos, tmp_path / "out")
    assert len(looks(unseen)) == 1
    assert (unseen.path / "weights.safetensors").read_bytes() == (
        whole.path / "weights.safetensors"
    ).read_bytes()


def test_what_is_handed_on_is_what_was_asked_for(whole: Any, videos: Path, tmp_path: Path):
    best = tune(videos, tmp_path / "out", keep="best-validation")
    for file in ("weights{}.safetensors", "predictions{}.parquet"):
        first, other = file.format(""), file.format("-last")
        assert (best.path / first).read_bytes() == (whole.path / file.format("-best-validation")).read_bytes()
        assert (best.path / other).read_bytes() == (whole.path / first).read_bytes()
    assert best.signature != whole.signature


@pytest.mark.parametrize("stop", [2, 3, 5, 8, 9])
def test_a_stopped_run_goes_on_to_the_same_bits(
    whole: Any, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
):
    plain = training.fit

    def broken(*words: Any, **more: Any) -> Any:
        plain(*words, **more, stop_after=stop)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "fit", broken)
        with pytest.raises(KeyboardInterrupt):
            tune(videos, tmp_path / "out")
    again = tune(videos, tmp_path / "out")
    for name in FILES:
        assert (again.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert again.metrics == whole.metrics


FILES = (
    "weights.safetensors", "weights-best-validation.safetensors", "predictions.parquet", "predictions-best-validation.parquet",
)  # fmt: skip


@pytest.mark.slow
def test_killed_processes_end_with_the_bits_of_an_undisturbed_one(videos: Path, tmp_path: Path):
    """kill -9 at odd moments, states saved at every step."""
    code = (
        "import muybridge, muybridge.train.loop as loop, dataclasses, sys\n"
        "import muybridge.stages.training.training as training\n"
        "plain = training.Recipe\n"
        "training.Recipe = lambda *a, **k: plain(*a, **k, save_every=0.0)\n"
        f"muybridge.finetune(data={str(videos)!r}, out=sys.argv[1], **{TINY | HELD | {'epochs': 30}!r})\n"
    )
    words = [sys.executable, "-c", code]
    subprocess.run([*words, str(tmp_path / "whole")], check=True, capture_output=True, timeout=300)
    rng, killed = np.random.default_rng(0), 0
    for _ in range(6):
        going = subprocess.Popen(
            [*words, str(tmp_path / "parts")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        state = tmp_path / "parts"
        while going.poll() is None and not list(state.glob("runs/finetune/*/state/last.pt")):
            time.sleep(0.05)
        time.sleep(float(rng.uniform(0, 0.8)))
        if going.poll() is None:
            os.kill(going.pid, signal.SIGKILL)
            killed += 1
        going.wait()
    assert killed
    subprocess.run([*words, str(tmp_path / "parts")], check=True, capture_output=True, timeout=300)
    (one,), (other,) = ([*(tmp_path / name).glob("runs/finetune/*")] for name in ("whole", "parts"))
    for name in (*FILES, "metrics.jsonl"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_without_validation_nothing_more_is_written(videos: Path, tmp_path: Path):
    run = tune(videos, tmp_path, validation=0.0, epochs=1)
    assert "weights" not in run.result
    assert not list(run.path.glob("*-*.parquet"))
    assert not looks(run)
    assert len(read_predictions(run.path / "predictions.parquet")) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"validation": 1.0}, r"--validation 1: wanted a share from 0 \(none\) to below 1"),
        ({"validation": -0.1}, "--validation -0.1"),
        ({"validation": 0.0, "keep": "best-validation"}, "no videos are held out; give --validation SHARE, as 0.1, or --keep last"),
        ({"schedule": "cosine", "decay_epochs": (1,)}, "--decay-epochs goes with --schedule steps"),
        ({"decay_epochs": (2, 1)}, "--decay-epochs 2 1: wanted rising numbers above 0"),
        ({"decay": 0.0}, "--decay 0: wanted a number above 0"),
        ({"validation": 0.9}, "without training videos"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(values: dict[str, Any], said: str, videos: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=said):
        tune(videos, tmp_path, **values)


def test_the_hash_of_the_protocol_names_how_and_not_on_what():
    base = FinetuneConfig(epochs=3)
    same = [
        {"seed": 4}, {"fold": 2, "folds": 3}, {"data": ("x",)}, {"init": "run"}, {"backbone": "r3d"}, {"limit": 5}, {"workers": 2},
    ]  # fmt: skip
    other = [
        {"epochs": 4}, {"lr": 1.0}, {"labels_per_class": 2}, {"validation": 0.1}, {"views": 3}, {"crop": 20}, {"perturb": ("x",)},
        {"batch": 3}, {"decay_epochs": (1,)}, {"validation": 0.1, "keep": "best-validation"}, {"augment": ("flip",)}, {"stride": 1},
    ]  # fmt: skip
    hashes = [transfer_of(replace(base, **change)).hash for change in (*same, *other)]
    assert set(hashes[: len(same)]) == {transfer_of(base).hash}
    assert len(set(hashes)) == 1 + len(other)
