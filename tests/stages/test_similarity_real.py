"""Layers of the public I3D on real clips; skips where ``MUYBRIDGE_REAL_DATA`` names no folder."""

import os
from pathlib import Path

import numpy as np
import pytest

import muybridge
from muybridge.runs.contents.layer_maps import read_maps

ROOT = Path(os.environ.get("MUYBRIDGE_REAL_DATA", ""))
WEIGHTS = ROOT / "weights" / "i3d_rgb_kinetics400.pt"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_file(), reason="real clips are not here: set MUYBRIDGE_REAL_DATA"),
]


def compared(out: Path, b: str = "", **words):
    return muybridge.similarity(
        a=f"i3d={WEIGHTS}", b=b, data=[ROOT / "clips.csv"], label="cls", root=ROOT / "clips", frames=8, stride=2, short_side=72, crop=64,
        permutations=50, replicates=50, precision="fp32", out=out, **words,
    )  # fmt: skip


def test_every_module_fires_and_is_itself(tmp_path):
    run = compared(tmp_path)
    told = run.result["similarity"]
    assert (len(told["a"]["layers"]), told["a"]["never"], told["batches"]) == (194, [], [16, 4])
    value = read_maps(run.path, {"cka": (194, 194)})["cka"]["value"]
    np.testing.assert_allclose(value.diagonal(), 1, atol=1e-5)
    assert told["a"]["name"] == "i3d_rgb_kinetics400, i3d"


def test_trained_and_untrained_layers_part_with_depth(tmp_path):
    run = compared(tmp_path, "i3d", layers=("stages",))
    layers = run.result["similarity"]["a"]["layers"]
    alike = read_maps(run.path, {"cka": (len(layers),) * 2})["cka"]["value"].diagonal()
    assert alike[0] > alike[-1]
    assert alike[-1] < 0.95


def test_more_noise_leaves_less_at_every_depth(tmp_path):
    run = compared(tmp_path, layers=("stages",), perturb=("gaussian_noise",), perturb_severities=(1, 5))
    layers = run.result["similarity"]["a"]["layers"]
    light, heavy = read_maps(run.path, {"perturbed": (2, len(layers))})["perturbed"]["value"]
    assert (heavy < light).all()
    assert light[0] > 0.9
