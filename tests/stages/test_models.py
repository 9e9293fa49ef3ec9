"""Models under test: which words name one, what tells two apart, and what they must return."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from muybridge.config.names import is_external
from muybridge.config.stage_configs import RobustnessConfig
from muybridge.core.catalogue import names_code
from muybridge.core.errors import UsageError
from muybridge.stages.testing.models import TestedModel, evaluating, given, key_of, load
from muybridge.train.precision import Compute

CPU = Compute(torch.device("cpu"), "fp32")
FRAMES = torch.arange(2 * 3 * 4 * 5 * 5, dtype=torch.uint8).view(2, 3, 4, 5, 5)


class Means(nn.Module):
    """Mean red, green and blue, and one more."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.register_buffer("offset", torch.zeros(2, dtype=torch.int64))
        self.drop = nn.Sequential(nn.Dropout(), nn.Linear(3, 3))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean((2, 3, 4)) * self.scale


@pytest.mark.parametrize(
    ("word", "external", "function"),
    [
        ("i3d", True, False),
        ("torchvision:r3d_18", True, False),
        ("hf:some/where", True, False),
        ("package.module:make", True, True),
        ("out/runs/finetune/0123456789abcdef", False, False),
        ("/data/a:b/runs/probe/0123456789abcdef", False, False),
        ("", False, False),
    ],
)
def test_words_that_name_models(word: str, external: bool, function: bool) -> None:
    assert (is_external(word), names_code(word)) == (external, function)


def test_the_key_tells_names_weights_and_buffers_apart() -> None:
    def seeded(scale: float = 1.0) -> Means:
        torch.manual_seed(0)
        return Means(scale)

    other = seeded()
    other.offset[1] += 1
    keys = [
        key_of(seeded(), "a"),
        key_of(seeded(2.0), "a"),
        key_of(seeded(), "b"),
        key_of(other, "a"),
        key_of(len, "a"),
    ]
    assert len(set(keys)) == 5
    assert key_of(seeded(), "a") == keys[0]


def test_the_key_does_not_depend_on_memory_layout_or_half_precision_support() -> None:
    conv = nn.Conv3d(2, 3, 2).bfloat16()
    before = key_of(conv, "")
    conv.weight.data = conv.weight.data.contiguous(memory_format=torch.channels_last_3d)
    assert key_of(conv, "") == before


def test_scores_are_those_of_the_module_on_frames_from_0_to_1() -> None:
    subject = given(Means())
    assert subject.name == "Means"
    assert torch.equal(subject.logits(FRAMES, 3, CPU), (FRAMES.float() / 255).mean((2, 3, 4)))


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda x: x.mean((2, 3, 4)), "wanted \\(2, 4\\), one score per class"),
        (lambda x: x.mean((1, 2, 3, 4)), "returned \\(2,\\)"),
        (lambda x: {"logits": x}, "returned a mapping with logits"),
        (lambda x: torch.zeros(2, 4, dtype=torch.int64), "returned a torch.int64 tensor"),
        (lambda x: torch.zeros(1, 4), "returned \\(1, 4\\) for 2 clips"),
    ],
)
def test_what_is_no_score_per_class_and_clip_is_refused(returned, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TestedModel("odd", returned, None, "").logits(FRAMES, 4, CPU)


def test_a_module_is_tested_in_evaluation_mode_and_goes_back_part_by_part() -> None:
    module = Means().train()
    module.drop[1].eval()
    with evaluating(module, CPU):
        assert not any(part.training for part in module.modules())
    assert module.training
    assert module.drop[0].training
    assert not module.drop[1].training


def test_a_function_without_weights_cannot_name_results_that_are_kept() -> None:
    assert given(lambda frames: frames, kept=False).name == "<lambda>"
    with pytest.raises(UsageError, match="name="):
        given(lambda frames: frames, kept=True)
    assert given(lambda frames: frames, "mine", kept=True).name == "mine"
    with pytest.raises(UsageError, match="cannot be called"):
        given(3)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "some_models.py").write_text(
        "import torch\n"
        "def made():\n    return torch.nn.Conv3d(3, 5, 1)\n"
        "def plain():\n    return lambda frames: frames.mean((2, 3, 4))\n"
        "def broken():\n    raise RuntimeError('no such file')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("some_models", None)


def test_a_function_of_a_module_makes_the_model_and_its_random_weights_are_named_by_the_seed(
    package: Path,
) -> None:
    one, again = (load(RobustnessConfig(model="some_models:made")) for _ in range(2))
    assert one.key == again.key != load(RobustnessConfig(model="some_models:made", seed=1)).key
    assert one.name == "some_models:made"
    assert load(RobustnessConfig(model="some_models:plain")).logits(FRAMES, 3, CPU).shape == (2, 3)


def test_weights_are_loaded_into_the_module_that_a_function_returns(package: Path) -> None:
    conv = nn.Conv3d(3, 5, 1)
    torch.save(conv.state_dict(), package / "w.pt")
    subject = load(RobustnessConfig(model="some_models:made", weights=str(package / "w.pt")))
    assert torch.equal(subject.call.weight, conv.weight)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model": "some_models:absent"}, "has no attribute 'absent'"),
        ({"model": "no_such_module:made"}, "No module named"),
        ({"model": "some_models:broken"}, "RuntimeError: no such file"),
        ({"model": "some_models:plain", "weights": "w.pt"}, "returns no nn.Module"),
        ({"model": "i3d"}, "wanted --weights"),
        ({"model": "torchvision:r3d_18"}, "wanted --weights"),
    ],
)
def test_models_that_cannot_be_made_say_why(package: Path, config: dict[str, str], said: str) -> None:
    if "weights" in config:
        torch.save({}, package / "w.pt")
        config = config | {"weights": str(package / "w.pt")}
    with pytest.raises(UsageError, match=said):
        load(RobustnessConfig(**config))


def test_a_torchvision_network_is_one_with_its_classes_clip_and_statistics(tmp_path: Path) -> None:
    models = pytest.importorskip("torchvision.models.video")
    torch.manual_seed(0)
    network = models.mvit_v2_s()
    torch.save(network.state_dict(), tmp_path / "w.pt")
    subject = load(RobustnessConfig(model="torchvision:mvit_v2_s", weights=str(tmp_path / "w.pt")))
    assert len(subject.classes or ()) == 400
    assert subject.clip == {"frames": 16, "crop": 224}
