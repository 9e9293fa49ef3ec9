"""The stage ``diversity`` on tiny real files: gradients, a killed run, what is refused."""

import json
import math

import numpy as np
import pytest
import torch

import muybridge
from muybridge.config.stage_configs import DiversityConfig, FinetuneConfig, as_dict
from muybridge.core.errors import UsageError
from muybridge.objectives.objective import Outcome
from muybridge.stages import diversity as stage

TINY = {
    "frames": 4,
    "stride": 1,
    "size": 20,
    "crop": 16,
    "precision": "fp32",
    "batch": 4,
    "epochs": 4,
    "folds": 2,
    "fold": 0,
}
OWN = {"gradient_batches": 4, "gradient_batch": 4, "points": (50, 100), "redraws": 50}


def measured(videos, out, **values):
    return muybridge.diversity(
        data=videos, out=out, **TINY | OWN | {"auxiliary": ("rotnet", "vcop", "speed")} | values
    )


@pytest.fixture(scope="module")
def run(videos, tmp_path_factory):
    return measured(videos, tmp_path_factory.mktemp("diversity") / "out")


def test_it_says_every_point_and_scope(run):
    told = run.result["diversity"]
    assert [(one["at"], one["scope"]) for one in told["points"]] == [
        (50, "all"),
        (50, "last"),
        (100, "all"),
        (100, "last"),
    ]
    assert told["D0"] == 3
    assert told["Rao"] == pytest.approx((0.5 + 0.5 + 0) / 3)
    for one in told["points"]:
        assert one["names"] == ["supervised", "rotnet", "vcop", "speed"]
        assert len(one["shares"]) == 4
        assert one["cosines"] == np.array(one["cosines"], object).T.tolist()


def test_rows_stand_in_the_metrics_too(run):
    rows = [row["diversity"] for row in run.metrics if "diversity" in row]
    assert rows == run.result["diversity"]["points"]


def test_a_killed_run_goes_on_with_the_gradients_of_the_points_before(run, videos, tmp_path, monkeypatch):
    real = stage._grams
    calls = []

    def killed(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(stage, "_grams", killed)
    with pytest.raises(KeyboardInterrupt):
        measured(videos, tmp_path / "out")
    again = measured(videos, tmp_path / "out")
    assert len(calls) == 3
    assert json.dumps(again.result["diversity"]) == json.dumps(run.result["diversity"])


class Linear(torch.nn.Module):
    """Two tasks whose gradients are known."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = torch.nn.Linear(2, 1, bias=False)
        self.objective = type("Tasks", (), {"names": ("a", "b")})

    def forward(self, views):
        out = self.backbone(views["x"]).sum()
        return Outcome({"a.one": out, "a.two": 2 * out, "b.one": -out}, {})


def test_terms_of_a_task_are_summed():
    found = stage.task_gradients(Linear(), {"x": torch.tensor([[1.0, 5.0]])})
    assert found.tolist() == [[3.0, 15.0], [-1.0, -5.0]]


def test_the_reference_training_is_that_of_the_sum(run, videos, tmp_path):
    """At the last point the network is what fine-tuning makes of the same config."""
    names = {
        field: value for field, value in as_dict(DiversityConfig()).items() if field in vars(FinetuneConfig())
    }
    assert names.keys() == as_dict(FinetuneConfig()).keys()
    other = muybridge.finetune(
        data=videos, out=tmp_path / "out", **TINY | {"auxiliary": ("rotnet", "vcop", "speed")}
    )
    losses = [row["loss"] for row in other.metrics if "loss" in row]
    assert [row["loss"] for row in run.metrics if "loss" in row] == losses


def test_auxiliaries_may_weigh_less_than_the_labels_and_all_alike(videos, tmp_path):
    """The training takes the weights; the measures know no scale and are of other networks then."""
    words = tuple(f"{task}=0.1" for task in ("rotnet", "vcop", "speed"))
    run = measured(videos, tmp_path / "out", weighting_options=words)
    last = [row for row in run.metrics if "weight.vcop.vcop" in row][-1]
    assert (last["weight.vcop.vcop"], last["weight.supervised.supervised"]) == (0.1, 1.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"auxiliary": ()}, "--auxiliary"),
        ({"weighting": "pcgrad"}, "equal sum"),
        ({"weighting_options": ("vcop=0.1",)}, "one and the same weight"),
        ({"weighting_options": ("vcop=0.1", "rotnet=0.1", "speed=0.2")}, "one and the same weight"),
        ({"weighting_options": ("vcop=1", "rotnet=1", "speed=1", "supervised=1")}, "one and the same weight"),
        ({"points": (50, 10)}, "--points"),
        ({"points": (0, 10)}, "--points"),
        ({"gradient_batches": 1}, "--gradient-batches"),
    ],
)
def test_refused(videos, tmp_path, values, words):
    with pytest.raises(UsageError, match=words):
        measured(videos, tmp_path / "out", **values)


def test_the_last_part_lies_behind_wrappers():
    inner = torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2), torch.nn.ReLU()
    )
    assert stage._last(torch.nn.Sequential(inner)) == 12


def test_nan_is_none():
    assert stage._plain(math.nan) is None
