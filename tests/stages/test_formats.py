"""bfloat16 ends behind the backbone: features, heads, similarities and answers are float32, on every machine."""

import numpy as np
import pytest
import torch
from frozen_helpers import TINY, parts_of
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.nn import functional as F

import muybridge
from muybridge.backbones import BACKBONES, build
from muybridge.core.networks.features import Classifier, Head
from muybridge.objectives import OBJECTIVES
from muybridge.runs.contents.predictions import read_predictions
from muybridge.stages import knn
from muybridge.train.precision import VARIABLE, choose

BF16 = choose("cpu", "bf16")
SMALL = ("r2plus1d-tiny", "mobilenet-tiny", "vit-tiny", "i3d-tiny")


@pytest.fixture
def clips() -> torch.Tensor:
    return torch.rand(6, 3, 4, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", SMALL)
def test_logits_are_those_of_a_float32_head_on_the_features(name: str, clips: torch.Tensor):
    torch.manual_seed(0)
    backbone = build(name).eval()
    model = Classifier(backbone, backbone.dim, 400).eval()
    with torch.no_grad(), BF16.autocast():
        features, logits = backbone(clips).pooled, model(clips)
    assert (features.dtype, logits.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(logits, F.linear(features, model.head.weight, model.head.bias))
    assert len(logits.unique()) > 0.99 * logits.numel(), "in bfloat16 scores tie"
    with torch.no_grad():
        exact = backbone(clips).pooled
    assert not torch.equal(features, exact), "the backbone itself is to run in bfloat16"
    torch.testing.assert_close(features, exact, atol=0.02 * float(exact.abs().max()), rtol=0)


@pytest.mark.parametrize("name", ["rotnet", "vcop", "speed", "arrow-of-time", "supervised"])
def test_tasks_that_name_an_answer_do_so_in_float32(name: str):
    more = {"classes": 5} if name == "supervised" else OBJECTIVES[name].facts.get("tiny", {})
    objective = OBJECTIVES[name].load()(64, **more)
    assert isinstance([part for part in objective.modules() if isinstance(part, nn.Linear)][-1], Head)


def test_heads_keep_the_format_of_their_weights():
    head = Head(4, 3).double()
    assert head(torch.zeros(2, 4, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_neighbours_vote_in_float32_on_the_features_of_either_format(
    precision: str, videos, tmp_path, monkeypatch
):
    """scikit-learn on the very features that the stage saw gives the same answers."""
    seen = {}
    plain = knn.nearest_in

    def looked(queries, gallery, number):
        seen["rows"] = queries, gallery
        return plain(queries, gallery, number)

    monkeypatch.setattr(knn, "nearest_in", looked)
    run = muybridge.knn(data=videos, out=tmp_path, fold=0, k=5, **TINY | {"precision": precision})
    assert run.result["precision"] == precision
    queries, gallery = seen["rows"]
    assert {queries.dtype, gallery.dtype} == {np.dtype(np.float32)}
    _, train, test = parts_of(videos)
    model = KNeighborsClassifier(5, weights=lambda d: np.exp(-d / 0.07), metric="cosine", algorithm="brute")
    expected = model.fit(gallery, [one.label for one in train]).predict_proba(queries)
    rows = read_predictions(run.path / "predictions.parquet")
    assert rows.video.tolist() == [one.id for one in test]
    shares = rows.scores / rows.scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, expected, atol=1e-3)


@pytest.mark.parametrize("format", ["fp32", "bf16"])
def test_what_auto_means_can_be_said_for_all_machines(format: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, format)
    assert choose("cpu", "auto").precision == format
    other = {"fp32": "bf16", "bf16": "fp32"}[format]
    assert choose("cpu", other).precision == other
    monkeypatch.setenv(VARIABLE, "half")
    with pytest.raises(
        muybridge.core.errors.UsageError, match="MUYBRIDGE_PRECISION=half: wanted fp32 or bf16"
    ):
        choose("cpu", "auto")


def test_a_model_that_came_whole_is_measured_in_float32_unless_asked(videos, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "bf16")
    asked = {
        "data": videos,
        "types": ["reversal"],
        "severities": [1],
        "frames": 4,
        "short_side": 20,
        "crop": 16,
        "device": "cpu",
    }
    model = nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 2))
    for precision, taken in (("auto", "fp32"), ("bf16", "bf16")):
        run = muybridge.robustness(model, out=tmp_path / precision, precision=precision, **asked)
        assert run.result["precision"] == taken


def test_the_catalogue_has_the_backbones_of_these_tests():
    assert set(SMALL) <= set(BACKBONES)
