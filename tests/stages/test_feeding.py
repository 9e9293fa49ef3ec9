"""What models of others are fed, what of their answers is taken, and what is said where they fail."""

import json
import sys
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import muybridge
from muybridge.core.errors import UsageError
from muybridge.stages.testing.feeding import Feed, logits_in
from muybridge.stages.testing.models import given, key_of
from muybridge.train.precision import Compute

CPU = Compute(torch.device("cpu"), "fp32")
PIXELS = torch.randint(0, 256, (2, 3, 4, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
UNIT = PIXELS.float() / 255
FAST = {
    "types": ("gaussian_noise",),
    "severities": (1,),
    "views": "1x1",
    "frames": 4,
    "stride": 1,
    "crop": 16,
    "short_side": 16,
    "limit": 4,
    "workers": 1,
}


class Mean(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lin = nn.Linear(3, 2)

    def forward(self, x):
        return self.lin(x.mean((2, 3, 4)))


class TimeFirst(Mean):
    def forward(self, x):
        assert x.shape[2] == 3, f"expected 3 channels, got {x.shape[2]}"
        return self.lin(x.mean((1, 3, 4)))


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (Feed(), UNIT),
        (Feed("btchw"), UNIT.permute(0, 2, 1, 3, 4)),
        (Feed(range="0-255"), PIXELS.float()),
        (Feed(range="-1-1"), UNIT * 2 - 1),
        (Feed(channels="bgr"), UNIT[:, [2, 1, 0]]),
        (Feed(mean=(0.5,), std=(0.25,)), (UNIT - 0.5) * 4),
        (
            Feed(range="0-255", mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0), channels="bgr"),
            torch.stack(
                [
                    (PIXELS[:, 2].float() - 1) / 4,
                    (PIXELS[:, 1].float() - 2) / 5,
                    (PIXELS[:, 0].float() - 3) / 6,
                ],
                1,
            ),
        ),
    ],
)
def test_frames_are_put_in_as_said(feed: Feed, expected: torch.Tensor):
    torch.testing.assert_close(feed.prepared(UNIT), expected, rtol=1e-5, atol=1e-5)
    (alone,) = Feed("list", feed.range, feed.mean, feed.std, feed.channels).prepared(UNIT)
    assert alone.shape == UNIT.shape


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"layout": "cbthw"}, "--layout cbthw"),
        ({"range": "0-2"}, "--range"),
        ({"channels": "gbr"}, "--channels"),
        ({"mean": (0.5,)}, "--std"),
        ({"mean": (0.1, 0.2), "std": (1.0,)}, "--mean"),
        ({"mean": (0.0,), "std": (0.0,)}, "above 0"),
        ({"mean": (float("nan"),), "std": (1.0,)}, "--mean"),
    ],
)
def test_a_feed_that_makes_no_sense_is_refused(words, why):
    with pytest.raises(UsageError, match=why):
        Feed(**words)


ROWS = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
Named = namedtuple("Named", "loss scores")


@pytest.mark.parametrize(
    "output",
    [
        ROWS,
        ROWS.numpy(),
        {"logits": ROWS, "other": ROWS + 1},
        SimpleNamespace(logits=ROWS),
        (ROWS, torch.zeros(2, 9)),
        [ROWS],
        (torch.tensor(0.3), ROWS),
        Named(torch.tensor(0.3), ROWS),
        {"scores": ROWS, "features": torch.zeros(2, 3, 4)},
        ([], ROWS),
    ],
    ids=str,
)
def test_logits_are_found_in_an_answer(output):
    torch.testing.assert_close(logits_in(output, 2), ROWS)


def test_an_answer_that_could_be_two_is_left_as_it_is():
    for output in ({"a": ROWS, "b": ROWS}, {}, None, "text", (ROWS[0],)):
        assert logits_in(output, 2) is output
    assert logits_in(ROWS[0], 1).shape == (1, 3)
    assert logits_in(ROWS[0], 3).shape == (3,), "one number per clip is no row"


def test_transformers_outputs_are_taken():
    outputs = pytest.importorskip("transformers.modeling_outputs")
    model = given(lambda x: outputs.ImageClassifierOutput(loss=None, logits=x.mean((3, 4)).flatten(1)), "o")
    torch.testing.assert_close(model.logits(PIXELS, 12, CPU), UNIT.mean((3, 4)).flatten(1))


def test_a_model_in_half_precision_is_fed_its_own_format():
    model = Mean().to(torch.bfloat16)
    expected = Mean()(UNIT)
    torch.testing.assert_close(given(model).logits(PIXELS, 2, CPU), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "error", [AssertionError("expected 3"), RuntimeError(""), KeyError("x"), IndexError("1")]
)
def test_whatever_a_model_raises_is_said_with_what_it_was_fed(error):
    def model(frames):
        raise error

    with pytest.raises(UsageError) as caught:
        given(model, "mine").logits(PIXELS, 2, CPU)
    said = str(caught.value)
    assert "model mine: failed when fed float32 2x3x4x8x8, 0 to 1" in said
    assert type(error).__name__ in said
    assert "--layout btchw" in said


def test_the_memory_of_a_machine_is_not_the_models_fault():
    def model(frames):
        raise RuntimeError("CUDA out of memory. Tried to allocate")

    with pytest.raises(RuntimeError, match="out of memory"):
        given(model, "mine").logits(PIXELS, 2, CPU)


def test_time_first_on_the_command_line_and_in_python(videos, tmp_path, monkeypatch, capsys):
    from muybridge.cli.main import main

    with pytest.raises(UsageError, match=r"failed when fed float32 .*expected 3 channels, got 4"):
        muybridge.robustness(TimeFirst(), videos, **FAST)
    plain = muybridge.robustness(Mean(), videos, **FAST)
    told = muybridge.robustness(TimeFirst(), videos, layout="btchw", **FAST)
    np.testing.assert_allclose(told.rows.scores, plain.rows.scores, atol=1e-6)
    assert told.result["model"]["preprocessing"]["layout"] == "btchw"
    assert any("output 0 = left, output 1 = right" in note for note in told.result["notes"])

    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(__name__="mine", Net=TimeFirst))
    flags = [f"--{name.replace('_', '-')}" for name in FAST]
    words = [
        word
        for flag, value in zip(flags, FAST.values(), strict=True)
        for word in (flag, *(map(str, value) if isinstance(value, tuple) else [str(value)]))
    ]
    command = ["robustness", "--model", "mine:Net", "--data", str(videos), "--out", str(tmp_path), *words]
    assert main(command) == 2
    assert "This is a bug" not in capsys.readouterr().err
    assert main([*command, "--layout", "btchw", "--range", "-1-1", "--mean", "0", "--std", "1"]) == 0
    assert "output 0 = left" in capsys.readouterr().out
    content = json.loads(next(tmp_path.glob("runs/robustness/*/result.json")).read_text())
    assert content["model"]["preprocessing"]["range"] == "-1-1"


def test_a_network_that_knows_what_it_wants_is_not_fed_otherwise(videos, tmp_path):
    pytest.importorskip("torchvision")
    from torchvision.models.video import r3d_18

    torch.save(r3d_18(num_classes=2).state_dict(), tmp_path / "w.pt")
    with pytest.raises(UsageError, match="--range: torchvision:r3d_18 knows"):
        muybridge.robustness(
            "torchvision:r3d_18", videos, weights=str(tmp_path / "w.pt"), range="0-255", **FAST
        )


class Odd(Mean):
    """Has tensors of kinds that have no plain bytes."""

    def __init__(self, kind: str, value: float = 1.0) -> None:
        super().__init__()
        if kind == "lazy":
            self.lin = nn.LazyLinear(2)
        made = {
            "sparse": lambda: (torch.eye(3) * value).to_sparse(),
            "meta": lambda: torch.empty(2, device="meta"),
            "bf16": lambda: torch.full((2,), value, dtype=torch.bfloat16),
            "empty": lambda: torch.empty(0),
        }
        if kind in made:
            self.register_buffer("odd", made[kind]())


def test_tensors_of_every_kind_tell_models_apart():
    for kind in ("sparse", "bf16"):
        assert key_of(Odd(kind), "a") == key_of(Odd(kind), "a") != key_of(Odd(kind, 2.0), "a")
    key_of(Odd("empty"), "a")
    for kind, why in (("lazy", "has no values yet"), ("meta", "device meta")):
        with pytest.raises(UsageError, match=why):
            key_of(Odd(kind), "a")


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_weights_inside_of_tuples_tell_models_apart():
    class Packed(nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def state_dict(self, *args, **kwargs):
            packed = torch.quantize_per_tensor(torch.full((2,), self.value), 0.1, 0, torch.qint8)
            return {"_packed_params": (packed, None)}

    assert key_of(Packed(1.0), "a") == key_of(Packed(1.0), "a") != key_of(Packed(2.0), "a")
