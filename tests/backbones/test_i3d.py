"""I3D: padding against TensorFlow's rule, and the published model on real clips."""

import csv
import math
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from muybridge.backbones.networks.i3d import I3D, I3DClassifier, Pool, Unit, pad_same, tiny
from muybridge.backbones.weights.kinetics_classes import kinetics400
from muybridge.backbones.weights.pretrained import load_pretrained
from muybridge.data.decode import video

ROOT = Path(os.environ.get("MUYBRIDGE_REAL_DATA", ""))
WEIGHTS = ROOT / "weights" / "i3d_rgb_kinetics400.pt"
real = pytest.mark.skipif(
    "MUYBRIDGE_REAL_DATA" not in os.environ or not WEIGHTS.is_file(),
    reason="real clips and weights are not here: set MUYBRIDGE_REAL_DATA to a folder with clips.csv and weights/",
)
QUICK = ("tai_chi", "wall_pushups", "cleaning_pool/mmaction2_part0")
TOLERANCE = 1e-4
"""Of probabilities; the table rounds to 4 digits."""


@pytest.mark.parametrize(
    ("n", "k", "s"), [(n, k, s) for n in range(1, 12) for k in (1, 2, 3, 7) for s in (1, 2, 3)]
)
def test_same_padding_gives_ceil_outputs_with_the_odd_zero_behind(n: int, k: int, s: int):
    x = torch.ones(1, 1, n, 1, 1)
    padded = pad_same(x, (k, 1, 1), (s, 1, 1)).flatten()
    total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
    assert padded.tolist() == [0] * (total // 2) + [1] * n + [0] * (total - total // 2)
    outputs = (len(padded) - k) // s + 1
    assert outputs == math.ceil(n / s)


def test_pooling_never_prefers_the_padding():
    x = torch.rand(1, 2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    pooled = Pool((3, 3, 3), (1, 1, 1))(x)
    torch.testing.assert_close(pooled, F.max_pool3d(x, 3, 1, 1))


def test_units_normalise_with_tensorflows_epsilon():
    assert Unit(3, 4).bn.eps == 1e-3
    assert (Unit(3, 4)(torch.randn(2, 3, 2, 4, 4)) >= 0).all()


def test_input_is_mapped_to_minus_one_to_one():
    for network in (I3D(), tiny()):
        seen = []
        first = next(module for module in network.modules() if isinstance(module, Unit))
        first.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0]))
        network(torch.stack([torch.zeros(3, 4, 32, 32), torch.ones(3, 4, 32, 32)]))
        assert seen[0][0].unique().tolist() == [-1]
        assert seen[0][1].unique().tolist() == [1]


def test_the_classifier_has_the_names_of_the_backbone_and_its_logits():
    with torch.device("meta"):
        backbone, classifier = I3D(), I3DClassifier()
    assert set(classifier.state_dict()) - set(backbone.state_dict()) == {
        "logits.conv3d.weight",
        "logits.conv3d.bias",
    }
    assert len(classifier.state_dict()) == 344
    assert classifier(torch.zeros(2, 3, 64, 224, 224, device="meta")).shape == (2, 400)


def test_logits_are_the_mean_over_the_pooled_times():
    network, x = I3DClassifier(5).eval(), torch.rand(1, 3, 24, 32, 32)
    with torch.no_grad():
        last = network.last(x)
        assert last.shape == (1, 1024, 3, 1, 1)
        weight, bias = network.logits["conv3d"].weight[:, :, 0, 0, 0], network.logits["conv3d"].bias
        times = [(last[0, :, t, 0, 0] + last[0, :, t + 1, 0, 0]) / 2 @ weight.T + bias for t in (0, 1)]
        torch.testing.assert_close(network(x)[0], sum(times) / 2)


@cache
def published() -> I3DClassifier:
    network = I3DClassifier()
    load_pretrained(network, WEIGHTS)
    return network.eval()


def centre(row: dict[str, str]) -> torch.Tensor:
    """The centre 64 frames at 25 fps, short side 256 (bilinear, not antialiased), centre crop 224; ``3 t 224 224`` in [0, 1].

    Frames are those nearest to the times i / 25 s by the rate of the file's header.
    """
    path, fps = ROOT / "clips" / row["path"], float(row["fps"])
    total = int(row["frames"])
    number = math.ceil(total * 25 / fps)
    start = max(number - 64, 0) // 2
    index = np.round(np.arange(number) * fps / 25).clip(0, total - 1).astype(int)[start : start + 64]
    frames = torch.from_numpy(video.read(path, index)).permute(0, 3, 1, 2).float() / 255
    scale = 256 / min(frames.shape[2:])
    h, w = (round(n * scale) for n in frames.shape[2:])
    frames = F.interpolate(frames, (h, w), mode="bilinear", align_corners=False)
    top, left = (h - 224) // 2, (w - 224) // 2
    return frames[:, :, top : top + 224, left : left + 224].transpose(0, 1)


def rows() -> list[dict[str, str]]:
    if not (ROOT / "clips.csv").is_file():
        return []
    with (ROOT / "clips.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cases() -> list[object]:
    return [
        pytest.param(row, id=row["path"], marks=[] if row["path"].startswith(QUICK) else pytest.mark.slow)
        for row in rows()
    ]


@real
@pytest.mark.parametrize("row", cases())
def test_the_published_model_says_what_the_table_says(row: dict[str, str]):
    clip = centre(row)
    assert clip.shape[1] == int(row["i3d_T"])
    with torch.inference_mode():
        probabilities = published()(clip[None]).softmax(dim=1)[0]
    best = int(probabilities.argmax())
    assert kinetics400()[best] == row["i3d_top1"]
    assert probabilities[best].item() == pytest.approx(float(row["i3d_top1_prob"]), abs=TOLERANCE)


@real
def test_logits_do_not_depend_on_the_batch():
    network = published()
    chosen = [row for row in rows() if row["path"].startswith(("tai_chi", "arm_wrestling"))]
    clips = torch.stack([centre(row)[:, :16] for row in chosen])
    with torch.inference_mode():
        together = network(clips)
        for clip, logits in zip(clips, together, strict=True):
            torch.testing.assert_close(network(clip[None])[0], logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1)


@real
def test_the_names_are_those_beside_the_weights():
    assert kinetics400() == tuple((ROOT / "kinetics400_labels.txt").read_text().splitlines())
