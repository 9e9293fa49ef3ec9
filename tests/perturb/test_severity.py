"""Every severity of the recommended profile is measurably harder than the one below, on clips with natural motion."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from muybridge.perturb import TYPES
from muybridge.perturb.profiles import PROFILES, SEVERITIES

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "severity.py"
SPEC = importlib.util.spec_from_file_location("severity_benchmark", BENCHMARK)
severity = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(severity)

DRAWS = {"temporal": 8, "camera": 8}
SIZES = [32, *(pytest.param(size, marks=pytest.mark.slow) for size in (112, 224))]


@pytest.fixture(scope="module", params=SIZES)
def clips(request: pytest.FixtureRequest) -> torch.Tensor:
    return severity.panning(request.param)


@pytest.mark.parametrize("type", PROFILES["muybridge-1"].types)
def test_severities_rise_strictly(type: str, clips: torch.Tensor):
    category = next(category for category, types in TYPES.items() if type in types)
    moved = [
        severity.measure("muybridge-1", type, level, clips, DRAWS.get(category, 1)) for level in SEVERITIES
    ]
    if type != "reversal":
        assert all(harder.psnr < milder.psnr for milder, harder in pairwise(moved)), moved
    if type in ("jumbling", "box_jumbling"):
        assert all(harder.tau < milder.tau for milder, harder in pairwise(moved)), moved
    if type in ("sampling", "reversal", "freezing"):
        assert all(harder.distinct < milder.distinct for milder, harder in pairwise(moved)), moved


def test_measured_distance_is_that_of_its_definition():
    clips = severity.panning(16, frames=4)
    found = severity.measure("muybridge-1", "reversal", 1, clips, draws=1)
    difference = clips.flip(2).double() - clips
    assert found.difference == pytest.approx(difference.abs().mean().item())
    assert 10 ** (-found.psnr / 10) * 255**2 == pytest.approx(difference.square().mean().item())
    assert (found.tau, found.distinct) == (-1, 4)
