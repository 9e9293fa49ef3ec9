"""Models of the user's own are signed by their code: after an edit nothing old comes back, and nothing else is renamed."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import muybridge
from muybridge.config.stage_configs import ProbeConfig, as_dict
from muybridge.runs.contents.predictions import read_predictions
from muybridge.stages.features import frozen
from muybridge.stages.testing import own_code
from muybridge.stages.testing.model_key import key_of

CUT = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 4, "fold": 0, "folds": 2}
SHOWN = {
    "types": ("jpeg",),
    "severities": (1,),
    "views": "1x1",
    "frames": 4,
    "stride": 3,
    "short_side": 20,
    "crop": 16,
}
SOURCE = """
import torch
from torch import nn
import constants_of_mine
class Back(nn.Module):
    dim = 3
    def __init__(self, mean=0.0):
        super().__init__(); self.scale = nn.Parameter(torch.ones(3)); self.mean = mean
    def forward(self, x):
        return x.mean((2, 3, 4)) * self.scale * constants_of_mine.FACTOR - self.mean
class Net(Back):
    def forward(self, x):
        return super().forward(x)[:, :2]
def plain():
    return nn.Sequential(nn.AvgPool3d((1, 4, 4), stride=(1, 4, 4)), nn.Flatten(), nn.LazyLinear(3))
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType | None]:
    """Write the user's modules as an edit would, so that the next import has the new text."""
    place = tmp_path / "mine"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def edit(old: str = "", new: str = "", factor: float = 1.0) -> ModuleType:
        assert old in SOURCE
        (place / "net_of_mine.py").write_text(SOURCE.replace(old, new) if old else SOURCE)
        (place / "constants_of_mine.py").write_text(f"FACTOR = {factor}\n")
        for name in ("net_of_mine", "constants_of_mine"):
            sys.modules.pop(name, None)
        return __import__("net_of_mine")

    yield edit
    for name in ("net_of_mine", "constants_of_mine"):
        sys.modules.pop(name, None)


FORWARD = ("return super().forward(x)[:, :2]", "return super().forward(x)[:, :2] * 3")
BACK = ("return x.mean((2, 3, 4)) *", "return 2 * x.mean((2, 3, 4)) *")


@pytest.mark.parametrize(
    "change", [{"old": FORWARD[0], "new": FORWARD[1]}, {"factor": 3.0}], ids=["forward", "imported"]
)
def test_an_edited_model_is_measured_anew(
    change: dict[str, Any], write: Any, videos: Path, tmp_path: Path
) -> None:
    ask = partial(muybridge.robustness, "net_of_mine:Net", videos, out=tmp_path / "out", **SHOWN)
    write()
    first = ask()
    write()
    assert ask().path == first.path, "the same code is the same run"
    write(**change)
    second = ask()
    assert second.path != first.path
    assert (second.rows.scores != first.rows.scores).any()


def test_features_of_an_edited_backbone_are_computed_anew(write: Any, videos: Path, tmp_path: Path) -> None:
    write()
    first = muybridge.knn(data=videos, backbone="net_of_mine:Back", out=tmp_path / "a", **CUT)
    write("* self.scale *", "* 0 * self.scale *")
    second = muybridge.knn(data=videos, backbone="net_of_mine:Back", out=tmp_path / "b", **CUT)
    assert second.signature != first.signature
    scores = [read_predictions(one.path / "predictions.parquet").scores for one in (first, second)]
    assert (scores[0] != scores[1]).any()


def test_what_starts_from_a_run_sees_the_edit(write: Any, videos: Path, tmp_path: Path) -> None:
    write()
    out = tmp_path / "out"
    tuned = muybridge.probe(data=videos, backbone="net_of_mine:Back", out=out, **CUT)
    ask = partial(
        muybridge.robustness,
        tuned.path,
        types=("jpeg",),
        severities=(1,),
        out=out,
        trust_code="net_of_mine:Back",
    )
    first = ask()
    assert ask().path == first.path
    write(*BACK)
    assert ask().path != first.path


@pytest.mark.parametrize(
    "other", [0.5, [0.0], None, "0.0", np.zeros(3), torch.zeros(3), {"a": 0.0}], ids=repr
)
def test_plain_attributes_are_signed(other: Any, write: Any) -> None:
    module: Any = write()
    assert own_code.held(module.Net(0.0)) == own_code.held(module.Net(0.0)) != ""
    assert own_code.held(module.Net(other)) != own_code.held(module.Net(0.0))


def test_parts_hidden_in_lists_and_buffers_that_are_not_saved_are_signed(write: Any) -> None:
    module: Any = write()

    def made(stride: int, weight: float, buffer: float) -> nn.Module:
        net = module.Net()
        net.pool, net.hidden = nn.AvgPool3d(2, stride), [nn.Linear(1, 1)]
        nn.init.constant_(net.hidden[0].weight, weight)
        nn.init.constant_(net.hidden[0].bias, 0)
        net.register_buffer("shift", torch.tensor(buffer), persistent=False)
        return net

    hashes = [own_code.held(made(*one)) for one in ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (1, 1, 1))]
    assert len(set(hashes)) == 4
    assert hashes[0] == hashes[-1]


def scaled(factor: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda frames: frames.mean((2, 3, 4)) * factor


def test_functions_are_signed_by_what_they_close_over() -> None:
    assert own_code.held(scaled(2.0)) == own_code.held(scaled(2.0))
    assert own_code.held(scaled(2.0)) != own_code.held(scaled(3.0))


def test_a_class_without_a_source_is_signed_by_its_instructions() -> None:
    def typed(line: str) -> Any:
        names: dict[str, Any] = {"nn": nn, "__name__": "__main__"}
        exec(f"class Typed(nn.Module):\n    def forward(self, x): return {line}", names)
        return names["Typed"]()

    assert own_code.held(typed("x + 1")) == own_code.held(typed("x + 1"))
    assert own_code.held(typed("x + 1")) != own_code.held(typed("x + 2"))
    assert own_code.held(typed("x + 1")) != own_code.held(typed("x - 1"))


def test_networks_that_are_nobodys_own_keep_their_names() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(3, 2, 1), nn.Flatten())
    assert own_code.held(net) == own_code.held(muybridge.backbones.build("r2plus1d-tiny")) == ""
    assert own_code.code_of([as_dict(ProbeConfig())], 0) == {}
    assert key_of(net, "a") == "e8d3bd7ff317c93f"


def test_the_hash_is_that_of_every_process(write: Any, tmp_path: Path) -> None:
    write()
    ask = (
        "from muybridge.stages.testing import own_code as o; import net_of_mine as n;"
        "print(o.named('net_of_mine:plain'), o.held(n.Net(({1.5, 2.5}, 'a', {n.plain, n.Net, (n.plain, 1)}, frozenset([object()])))))"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path / "mine")])}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    said = {
        subprocess.run(
            [sys.executable, "-c", ask],
            env=env | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (0, 1, 2)  # the first compiles, the others read what it compiled
    }
    assert list((tmp_path / "mine" / "__pycache__").glob("net_of_mine*"))
    assert len(said) == 1


def test_things_that_hold_each_other_end(write: Any) -> None:
    module: Any = write()
    net = module.Net()
    net.itself, net.odd = [net], {"of": net, "kind": type(net), "bad": Raising()}
    assert own_code.held(net) == own_code.held(net)


class Raising:
    """Answers nothing that it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


VERBS = {
    "pretrain": ["--objective", "rotnet", "--budget", "8"], "finetune": ["--epochs", "1", "--fold", "0", "--folds", "2"],
    "probe": ["--fold", "0", "--folds", "2"], "knn": ["--fold", "0", "--folds", "2"], "retrieval": ["--fold", "0", "--folds", "2"],
    "neighbours": [], "similarity": ["r2plus1d-tiny", "r3d-tiny"],
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_finished_run_is_said_not_to_be_computed_again(
    verb: str, run: Any, videos: Path, tmp_path: Path
) -> None:
    first = [word for word in VERBS[verb] if verb == "similarity"]
    rest = [] if verb == "similarity" else VERBS[verb]
    clip = ["--frames", 4, "--stride", 1, "--crop", 16]
    clip += ["--short-side", 20] if verb == "similarity" else ["--size", 20, "--batch", 4]
    words = [verb, *first, "--data", videos, *rest, *clip, "--out", tmp_path]
    code, _, err = run(*words)
    assert code == 0, err
    assert "finished before" not in err
    code, _, err = run(*words)
    assert code == 0
    assert "finished before, not computed again" in err


def test_overwrite_clears_the_features_too(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))  # features outlive a session elsewhere
    calls: list[int] = []
    plain = frozen.encoded

    def counted(*args: Any) -> Any:
        for rows, meta in plain(*args):
            calls.append(len(rows))
            yield rows, meta

    monkeypatch.setattr(frozen, "encoded", counted)
    cut = CUT | {"stride": 2}
    muybridge.knn(data=videos, out=tmp_path / "a", **cut)
    assert calls
    calls.clear()
    muybridge.knn(data=videos, out=tmp_path / "b", **cut)
    assert not calls
    muybridge.knn(data=videos, out=tmp_path / "b", overwrite=True, **cut)
    assert calls
