"""Auxiliary tasks and weightings end to end on tiny real files, and what is refused before anything is trained."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import muybridge
from muybridge.config.stage_configs import FinetuneConfig, PretrainConfig, as_dict
from muybridge.core.errors import UsageError
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.multi import Auxiliary, Multi
from muybridge.objectives.pretext.vcop import VCOP
from muybridge.runs.records import Run
from muybridge.runs.signing import signed_fields
from muybridge.stages.training.tasks import build_weighting, gates, inactive, kept_for_meta
from muybridge.stages.training.weighing import in_words, spelt

TINY: dict[str, Any] = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "precision": "fp32"}


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("auxiliary") / "out"


def finetune(videos: Path, out: Path, **values: Any) -> Run:
    return muybridge.finetune(
        data=videos, out=out, **TINY | {"batch": 4, "epochs": 1, "folds": 2, "fold": 0} | values
    )


@pytest.fixture(scope="module")
def run(videos, out) -> Run:
    return finetune(
        videos, out, auxiliary=("rotnet", "vcop"), weighting="meltr", mode="safe", meta_share=0.25, epochs=3
    )


def test_a_run_says_its_tasks_weights_and_what_they_cost(run: Run):
    told = run.result
    assert told["weighting"]["terms"] == ["supervised.supervised", "rotnet.rotnet", "vcop.vcop"]
    assert told["weighting"]["options"]["mode"] == "safe"
    assert told["facets"]["arm"] == "random + rotnet vcop, meltr safe"
    assert set(told["tasks"]) == {"rotnet", "vcop"}
    assert told["data"]["videos"] == {"train": 6, "meta": 2, "test": 8}
    steps, metas = told["budget"]["steps"], told["budget"]["meta"]["steps"]
    assert metas == steps // 3
    assert told["budget"]["clips"] == 4 * (5 * steps + metas)
    assert sum(told["budget"]["shares"].values()) == pytest.approx(1)
    assert run.metrics[-1]["weight.supervised.supervised"] == 1


def test_the_meta_videos_are_trained_on_by_nobody(videos, run: Run):
    from muybridge.stages.finetune import parts_of
    from muybridge.stages.job.resolve import resolve

    parts = parts_of(
        resolve(
            FinetuneConfig(
                data=(str(videos),), auxiliary=("rotnet",), weighting="auto-lambda", folds=2, fold=0
            )
        )
    )
    ids = [{record.id for record in parts[role]} for role in ("train", "meta", "test")]
    assert all(ids)
    assert not ids[0] & ids[1] | ids[0] & ids[2] | ids[1] & ids[2]


def test_a_model_with_auxiliaries_is_tested_like_any_other(run: Run, out: Path):
    found = muybridge.robustness(run.path, out=out, types=("gaussian_noise",), severities=(1,))
    assert found.result["facets"]["arm"] == "random + rotnet vcop, meltr safe"


def test_arms_of_one_protocol_share_its_hash_and_the_report_shows_them(videos, out: Path, run: Run):
    arms = [
        finetune(videos, out, epochs=3),
        finetune(videos, out, epochs=3, budget=2, budget_unit="epochs"),
        finetune(
            videos, out, epochs=3, auxiliary=("rotnet", "vcop"), weighting_options=("rotnet=0.1", "vcop=0.1")
        ),
        finetune(videos, out, epochs=3, auxiliary=("rotnet", "vcop"), auxiliary_only_views=True),
        run,
    ]
    assert len({one.result["protocol"]["hash"] for one in arms}) == 1
    names = [one.result["facets"]["arm"] for one in arms]
    wanted = [
        "random",
        "random, 2 epochs",
        "random + rotnet vcop, fixed 0.1",
        "random + rotnet vcop, views only, fixed",
    ]
    assert names == [*wanted, "random + rotnet vcop, meltr safe"]
    muybridge.report(out)
    page = (out / "report.md").read_text()
    assert "## Loss weighting" in page
    assert "meltr safe" in page
    html = (out / "report.html").read_text()
    assert 'id="loss-weighting"' in html
    assert "vcop.vcop, seed 0" in html
    curves = re.findall(r"(meltr safe|fixed 0\.1), [^<>]*: effective weight of each term", html)
    assert set(curves) == {"meltr safe"}, "constants need no curve"
    rows = (out / "tables" / "terms.csv").read_text().splitlines()
    assert rows[0].endswith("step,clips,term,loss,weight")
    assert any(",vcop.vcop," in row and row.endswith(",0.1") for row in rows)


def test_two_epochs_of_budget_are_two_epochs(videos, out: Path):
    twice = finetune(videos, out, budget=2, budget_unit="epochs").result["budget"]
    assert twice["steps"] == finetune(videos, out, epochs=2).result["budget"]["steps"]
    assert twice["kept"]


@pytest.mark.parametrize(("weighting", "price"), [("fixed", 4 * 5), ("famo", 2 * 4 * 5)])
def test_a_budget_in_clips_counts_all_tasks(weighting: str, price: int, videos, out: Path):
    if weighting != "fixed":
        pytest.importorskip("torchjd")
    told = finetune(
        videos, out, auxiliary=("rotnet", "vcop"), weighting=weighting, budget=price * 3 + 5
    ).result
    assert (told["budget"]["steps"], told["budget"]["spent"], told["budget"]["kept"]) == (3, price * 3, True)


def test_a_budget_counts_meta_batches(videos, out: Path):
    """Of four steps two learn weights and see four clips more: 4 * 20 + 2 * 4."""
    told = finetune(
        videos,
        out,
        auxiliary=("rotnet", "vcop"),
        weighting="auto-lambda",
        weighting_options=("every=2",),
        budget=90,
    ).result
    assert (told["budget"]["steps"], told["budget"]["spent"], told["budget"]["kept"]) == (4, 88, True)


def test_pretraining_takes_auxiliaries_and_hands_its_backbone_on(videos, out: Path):
    made = muybridge.pretrain(
        data=videos,
        out=out,
        objective="vcop",
        auxiliary=("speed", "placebo-labels"),
        weighting="cosine-gate",
        budget=120,
        batch=20,
        **TINY,
    )
    told = made.result
    assert told["facets"]["arm"] == "vcop + speed placebo-labels, cosine-gate"
    assert told["weighting"]["terms"] == ["vcop.vcop", "speed.speed", "placebo-labels.placebo-labels"]
    assert told["budget"]["clips"] == 120
    assert told["health"]["controls"]["monitor"] == "accuracy"
    probe = muybridge.probe(
        data=videos,
        out=out,
        init=made.path,
        folds=2,
        fold=0,
        **{k: TINY[k] for k in ("frames", "stride", "size", "crop")},
    )
    assert probe.result["facets"]["arm"] == told["facets"]["arm"]


REFUSED = [
    ({"auxiliary": ("rotnt",)}, r"no 'rotnt'\. Did you mean 'rotnet'"),
    ({"weighting": "meltre"}, r"no 'meltre'\. Did you mean 'meltr'"),
    ({"auxiliary": ("supervised",)}, "needs labels"),
    ({"auxiliary": ("video-text",)}, "needs a sentence about each video"),
    ({"auxiliary": ("vcop", "vcop")}, "twice"),
    ({"auxiliary_only_views": True}, "no views to show"),
    ({"auxiliary": ("vcop",), "auxiliary_options": ("rotnet.rotations=2",)}, "a task of --auxiliary"),
    ({"auxiliary": ("vcop",), "auxiliary_options": ("vcop.clip=2",)}, r"no field 'clip'\. Did you mean 'clips'"),
    ({"auxiliary": ("vcop",), "auxiliary_options": ("vcop.clips=9",)}, "clips=9; wanted 2 to 5"),
    ({"auxiliary": ("vcop",), "weighting": "meltr", "weighting_options": ("evry=3",)}, r"no field 'evry'\. Did you mean 'every'"),
    ({"auxiliary": ("vcop",), "weighting": "meltr", "mode": "save"}, "wanted one of 'faithful', 'corrected', 'safe'"),
    ({"auxiliary": ("vcop",), "weighting": "gradnorm", "mode": "safe"}, "gradnorm has no modes"),
    ({"auxiliary": ("vcop",), "weighting_options": ("vcob=0.5",)}, r"no term 'vcob'\. Did you mean 'vcop'"),
    ({"auxiliary": ("vcop",), "weighting_options": ("vcop=-1",)}, "a weight of 0 or more"),
    ({"weighting": "pcgrad"}, "one term"),
    ({"weighting": "meltr"}, "all of the primary task"),
    ({"auxiliary": ("tdl",), "auxiliary_options": ("tdl.queue=500",)}, r"--auxiliary tdl: a queue of 500 .*-options tdl\.queue="),
    ({"auxiliary": ("masked",)}, "no tokens that could be masked"),
    ({"auxiliary": ("vcop",), "weighting": "auto-lambda", "meta_share": 0.99}, "--meta-share 0.99"),
    ({"auxiliary": ("vcop",), "weighting": "auto-lambda", "weighting_options": ("start=-1",)}, "start=-1; wanted 0 or more"),
    ({"budget_unit": "clips"}, "goes with --budget"),
    ({"budget": 5, "schedule": "steps", "decay_epochs": (1,)}, "counted in --epochs"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "words"), REFUSED)
def test_what_cannot_be_is_refused_before_the_first_step(
    values: dict[str, Any], words: str, videos, tmp_path: Path
):
    if values.get("weighting") == "pcgrad":
        pytest.importorskip("torchjd")
    with pytest.raises(UsageError, match=words):
        finetune(videos, tmp_path, **values)
    assert not list(tmp_path.glob("runs/*/*/metrics.jsonl"))


def test_one_group_cannot_be_held_out_of_itself():
    from muybridge.data.index import VideoRecord

    records = [VideoRecord(str(i), f"{i}.mp4", -1, None, "all") for i in range(4)]
    with pytest.raises(UsageError, match="meta=replay"):
        kept_for_meta(PretrainConfig(), records)


def test_a_compiled_network_is_refused_where_second_derivatives_are_wanted():
    tasks = {"supervised": Supervised(2, 2), "vcop": VCOP(2)}
    joint = Multi(tasks, {"vcop": Auxiliary(1, 0, lambda frames, rng: frames)})
    compiled = torch.compile(torch.nn.Linear(2, 2))
    config = FinetuneConfig(auxiliary=("vcop",), weighting="meltr", mode="corrected")
    with pytest.raises(UsageError, match="hypergradient=one-step or identity"):
        build_weighting(config, joint, compiled)
    assert (
        build_weighting(
            FinetuneConfig(auxiliary=("vcop",), weighting="meltr", mode="safe"), joint, compiled
        ).name
        == "meltr"
    )


def test_old_runs_keep_their_names():
    for config in (FinetuneConfig(), PretrainConfig()):
        signed = signed_fields(as_dict(config))
        new = {
            "auxiliary",
            "auxiliary_options",
            "auxiliary_only_views",
            "weighting",
            "weighting_options",
            "mode",
            "meta_share",
        }
        assert not new & signed.keys()
    assert {"budget", "budget_unit"} <= signed_fields(as_dict(PretrainConfig())).keys()
    assert not {"budget", "budget_unit"} & signed_fields(as_dict(FinetuneConfig())).keys()


def test_options_are_spelt_out_once_and_for_all():
    config = FinetuneConfig(
        auxiliary=("vcop",), auxiliary_options=("vcop.gap=2",), weighting="meltr", mode="safe"
    )
    full = spelt(config)
    assert {"vcop.gap=2", "vcop.clips=3", "vcop.stride=1", 'vcop.augment=["crop"]'} <= set(
        full.auxiliary_options
    )
    assert 'mode="safe"' in full.weighting_options
    assert full.mode is None
    assert spelt(full) == full
    assert in_words(as_dict(full)) == " + vcop, meltr safe"


def test_a_gate_is_three_standard_errors_above_chance():
    rows = [
        {
            "step": step,
            "a.accuracy": 0.5,
            "a.chance": 0.25,
            "b.accuracy": 0.3,
            "b.chance": 0.25,
            "c.explained": 0.2,
        }
        for step in range(1, 101)
    ]
    found = gates(rows, ("a", "b", "c"), videos=4)  # ten steps of four answers: 0.25 + 3 * 0.068
    assert found == {
        "a": {"accuracy": 0.5, "chance": 0.25, "active": True},
        "b": {"accuracy": pytest.approx(0.3), "chance": 0.25, "active": False},
        "c": {"explained": pytest.approx(0.2)},
    }
    assert inactive(found) == ["auxiliary task b is inactive: accuracy 30.0% at the end, chance 25.0%"]


OFTEN = """
import sys
from functools import partial
from muybridge.cli.main import main
from muybridge.stages.training.training import training
training.Recipe = partial(training.Recipe, save_every=0.2)
sys.exit(main())
"""


@pytest.mark.slow
def test_a_killed_run_ends_with_the_bits_of_an_undisturbed_one(videos, tmp_path: Path):
    script = tmp_path / "often.py"
    script.write_text(OFTEN)
    words = [
        *(
            "finetune",
            "--data",
            videos,
            "--frames",
            4,
            "--stride",
            1,
            "--size",
            20,
            "--crop",
            16,
            "--batch",
            4,
            "--epochs",
            15,
        ),
        *(
            "--folds",
            2,
            "--fold",
            0,
            "--auxiliary",
            "rotnet",
            "vcop",
            "--weighting",
            "meltr",
            "--mode",
            "corrected",
            "--device",
            "cpu",
        ),
        *("--precision", "fp32", "--out"),
    ]

    def start(out: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, str(script), *map(str, words), str(out)], env=os.environ)

    assert start(tmp_path / "whole").wait(600) == 0
    killed = start(tmp_path / "parts")
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        rows = [file.read_text().count("\n") for file in tmp_path.glob("parts/runs/finetune/*/metrics.jsonl")]
        if rows and rows[0] > 8:
            break
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not list(tmp_path.glob("parts/runs/finetune/*/result.json"))
    assert start(tmp_path / "parts").wait(600) == 0
    files = [
        next(tmp_path.glob(f"{name}/runs/finetune/*/{{}}".format("weights.safetensors")))
        for name in ("whole", "parts")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    curves = [
        [json.loads(line) for line in (file.parent / "metrics.jsonl").read_text().splitlines()]
        for file in files
    ]
    assert curves[0] == curves[1]
