"""Training on perturbed clips: which clips are hit, what is drawn, and that it is said in every later score."""

import numpy as np
import pytest
import torch

import muybridge
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.perturb.apply import perturb
from muybridge.runs.contents.predictions import read_predictions
from muybridge.stages.training.perturbed import perturbed

TINY = {"frames": 4, "stride": 2, "size": 20, "crop": 16, "batch": 6, "fold": 1, "epochs": 2}
SEEN = {"perturb": ("gaussian_noise", "jumbling"), "perturb_severities": (1, 2)}


def clips(n: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, 3, 4, 8, 8), generator=rng, dtype=torch.uint8)


def rng(step: int = 0) -> torch.Generator:
    return seeding.generator(0, "views", step)


def test_the_share_is_hit_and_the_others_stay_as_they_are():
    config = FinetuneConfig(perturb=("gaussian_noise",), perturb_share=0.3)
    frames = clips(2000)
    hit = (perturbed(config, frames, rng()) != frames).flatten(1).any(1).float()
    assert abs(hit.mean() - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5
    assert torch.equal(frames, clips(2000))


def test_every_clip_is_the_library_s_own_perturbation_of_it():
    config = FinetuneConfig(**SEEN, perturb_share=1.0)
    frames, source = clips(12), rng()
    found = perturbed(config, frames, source)
    source = rng()
    torch.rand(12, generator=source)
    which = torch.randint(4, (12,), generator=source).tolist()
    seed = int(torch.randint(1 << 62, (1,), generator=source))
    cells = [("gaussian_noise", 1), ("gaussian_noise", 2), ("jumbling", 1), ("jumbling", 2)]
    assert set(which) == {0, 1, 2, 3}
    for place, cell in enumerate(which):
        one = Clip(frames[place : place + 1], torch.tensor([-1]), [str(place)])
        expected = perturb(one, *cells[cell], dataset="training", views=[0], seed=seed).frames[0]
        assert torch.equal(found[place], expected)


def test_steps_draw_anew_and_the_same_step_draws_the_same():
    config, frames = FinetuneConfig(**SEEN), clips(8)
    assert torch.equal(perturbed(config, frames, rng(3)), perturbed(config, frames, rng(3)))
    assert not torch.equal(perturbed(config, frames, rng(3)), perturbed(config, frames, rng(4)))


@pytest.fixture(scope="module")
def trained(videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("perturbed") / "out"
    return [muybridge.finetune(data=videos, out=out, **TINY, **seen) for seen in ({}, SEEN)]


def test_a_model_trained_on_perturbed_clips_is_another_one_and_says_so(trained):
    plain, seen = trained
    assert (plain.result["seen"], seen.result["seen"]) == ([], ["gaussian_noise", "jumbling"])
    assert "perturbed by gaussian_noise jumbling" in seen.result["facets"]["protocol"]
    one, other = (read_predictions(run.path / "predictions.parquet").scores for run in trained)
    assert not np.array_equal(one, other)


def test_a_killed_training_goes_on_to_the_same_bits(trained, videos, tmp_path, monkeypatch):
    from muybridge.train import loop

    fit = loop.fit
    monkeypatch.setattr("muybridge.stages.training.training.fit", lambda *a, **k: fit(*a, **k, stop_after=2))
    first = muybridge.finetune(data=videos, out=tmp_path, **TINY, **SEEN)
    half = (first.path / "weights.safetensors").read_bytes()
    (first.path / "result.json").unlink()
    monkeypatch.setattr("muybridge.stages.training.training.fit", fit)
    again = muybridge.finetune(data=videos, out=tmp_path, **TINY, **SEEN)
    expected = (trained[1].path / "weights.safetensors").read_bytes()
    assert (again.path / "weights.safetensors").read_bytes() == expected != half


def test_perturbations_seen_in_training_are_in_no_mean(trained):
    asked = {"types": ["gaussian_noise", "jumbling", "jpeg"], "severities": [2]}
    found = muybridge.robustness(trained[1], out=trained[1].path.parents[2], **asked)
    assert found.result["seen"] == ["gaussian_noise", "jumbling"]
    scores = found.scores(replicates=100)
    assert scores.left_out == ("gaussian_noise", "jumbling")
    assert scores.perturbed.value == scores.cells["jpeg", 2]
    with pytest.raises(ValueError, match="none is left"):
        muybridge.robustness(trained[1], out=trained[1].path.parents[2], types=["jumbling"]).scores()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"perturb": ("gaussian",)}, "gaussian_noise"),
        ({"perturb": ("rain",)}, "mini-kinetics-c has it"),
        ({"perturb": ("jpeg",), "perturb_severities": (0,)}, "--severities 0"),
        ({"perturb": ("jpeg",), "perturb_share": 0.0}, "--perturb-share 0.0"),
        ({"perturb": ("reversal",), "frames": 1}, "at least 2"),
    ],
)
def test_impossible_wishes_are_refused(videos, tmp_path, change, said):
    with pytest.raises(UsageError, match=said):
        muybridge.finetune(data=videos, out=tmp_path / "out", **TINY | change)


@pytest.mark.parametrize("name", ["views", "frames", "stride", "protocol", "weights"])
def test_an_own_run_is_tested_as_it_was_trained(trained, tmp_path, name):
    value = {"frames": 8, "stride": 2, "views": "2x1"}.get(name, "kinetics")
    with pytest.raises(UsageError, match=f"--{name}: goes with models that are no run"):
        muybridge.robustness(trained[0], out=tmp_path / "out", **{name: value})
