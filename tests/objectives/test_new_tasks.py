"""tcons, sigreg and the placebos: what their losses are, by hand; and second derivatives of every task."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate
from test_matrix import FEWER, VIDEOS, clip_of
from torch.nn.attention import SDPBackend, sdpa_kernel

from muybridge.augment.chain import augment
from muybridge.backbones import build
from muybridge.config.stage_configs import PretrainConfig
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.networks.features import Features
from muybridge.data.sets.builtin_render import render
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.contrastive.sigreg import SIGReg, dropped, normality
from muybridge.objectives.contrastive.tcons import TCons, hinge, off_diagonal
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.placebo import PlaceboLabels, PlaceboProjection, noise_label
from muybridge.stages.training.options import options
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

TASKS = [
    name for name, entry in OBJECTIVES.items() if entry.facts["pretext"] and "captions" not in entry.facts
]


def crop(frames: torch.Tensor, rng: torch.Generator, view: int = 0) -> torch.Tensor:
    return augment(frames, ("crop",), 32, rng)


def learner(task: str, backbone: str = "r2plus1d-tiny") -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build(backbone)
        config = PretrainConfig(
            objective=task, backbone=backbone, stride=1, objective_options=FEWER.get(task, ())
        )
        return Learner(network, OBJECTIVES[task].load()(network.dim, **options(config)), 8, 32)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_says_the_names_of_its_terms_and_of_the_views_it_encodes(task: str):
    module = learner(task, "vit-tiny" if task == "masked" else "r2plus1d-tiny")
    law = module.objective.law(8, 1, 0, "shrink")
    views = module.objective.views(clip_of(law, 0), crop, torch.Generator().manual_seed(0))
    assert tuple(module(views).terms) == module.objective.terms
    assert all(
        views[name].ndim in (5, 6) and views[name].shape[-4] == 3
        for name in module.objective.shown
        if name != "tuple"
    )
    clips = sum(math.prod(views[name].shape[:-4]) for name in module.objective.shown if name != "tuple")
    assert clips in (0, VIDEOS * module.objective.clips)


def smooth(module: torch.nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, torch.nn.ReLU):
            setattr(module, name, torch.nn.GELU())
        smooth(child)


@pytest.mark.parametrize("backbone", ["r2plus1d-tiny", "vit-tiny"])
@pytest.mark.parametrize("task", [*TASKS, "supervised"])
def test_second_derivatives_of_every_task_are_those_of_differences(
    task: str, backbone: str, monkeypatch: pytest.MonkeyPatch
):
    """Products with the Hessian, attention by the maths kernel, against central differences of the gradient along a direction.

    All in float64, also where a task asks for float32, with GELU for ReLU, whose kinks differences stumble over.
    """
    if task == "masked" and backbone != "vit-tiny":
        pytest.skip("needs tokens")
    if task == "supervised":
        network = build(backbone)
        module: Any = Learner(network, OBJECTIVES[task].load()(network.dim, 3))
    else:
        module = learner(task, backbone)
    law = module.objective.law(8, 1, 0, "shrink")
    clip = clip_of(law, 0)
    if task == "supervised":
        clip = type(clip)(clip.frames, torch.arange(VIDEOS) % 3, clip.video)
    views = module.objective.views(clip, crop, torch.Generator().manual_seed(0))
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    module.double().eval()
    smooth(module)
    views = {name: value.double() if value.is_floating_point() else value for name, value in views.items()}
    parameters = [p for p in module.parameters() if p.requires_grad]

    def gradient(graph: bool = False) -> list[torch.Tensor]:
        with sdpa_kernel(SDPBackend.MATH):
            loss = sum(module(views).terms.values())
        found = torch.autograd.grad(loss, parameters, create_graph=graph, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]

    torch.manual_seed(1)
    way = [torch.randn_like(p) for p in parameters]
    first = gradient(graph=True)
    live = [(g, d) for g, d in zip(first, way, strict=True) if g.requires_grad]
    second = torch.autograd.grad([g for g, _ in live], parameters, [d for _, d in live], allow_unused=True)
    curvature = sum((h * d).sum() for h, d in zip(second, way, strict=True) if h is not None)
    sides = []
    for sign in (1e-6, -1e-6):
        for p, d in zip(parameters, way, strict=True):
            p.data.add_(d, alpha=sign)
        sides.append(sum((g * d).sum() for g, d in zip(gradient(), way, strict=True)))
        for p, d in zip(parameters, way, strict=True):
            p.data.sub_(d, alpha=sign)
    wanted = float((sides[0] - sides[1]) / 2e-6)
    assert float(curvature) == pytest.approx(wanted, rel=0.01, abs=0.01)


def flat(frames: torch.Tensor) -> Features:
    return Features(frames.flatten(1)[:, :6].float())


def test_tcons_is_vicreg_written_out():
    torch.manual_seed(0)
    task, n = TCons(6, width=4, invariance=25, variance=25, covariance=1).eval(), 5
    views = {"first": torch.rand(n, 3, 2, 4, 4), "second": torch.rand(n, 3, 2, 4, 4)}
    z = [task.head(flat(views[name]).pooled).detach().double().numpy() for name in ("first", "second")]
    wanted = 25 * np.mean((z[0] - z[1]) ** 2)
    for one in z:
        wanted += 25 * np.mean(np.maximum(0, 1 - np.sqrt(one.var(0, ddof=1) + 1e-4)))
        covariance = np.cov(one.T)
        wanted += (np.sum(covariance**2) - np.sum(np.diag(covariance) ** 2)) / 4
    assert float(task.outcome(flat, views).terms["tcons"].detach()) == pytest.approx(wanted, rel=1e-4)


def test_the_variance_guard_pushes_equal_rows_apart():
    assert float(hinge(torch.ones(5, 3))) == pytest.approx(0.99)
    assert float(hinge(10 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0)))) == 0
    assert float(off_diagonal(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))) == pytest.approx(2 * 2**2 / 2)


def test_normality_is_the_integral_of_epps_and_pulley():
    rows = torch.randn(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1.5 + 0.3

    def gap(t: float, x: np.ndarray) -> float:
        return abs(np.exp(1j * t * x).mean() - math.exp(-(t**2) / 2)) ** 2 * math.exp(-(t**2) / 2)

    wanted = np.mean([integrate.quad(gap, -5, 5, args=(column,))[0] for column in rows.numpy().T]) * 40
    assert float(normality(rows)) == pytest.approx(wanted, rel=0.02)


def test_normality_is_least_for_a_standard_normal():
    rows = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0))
    least = float(normality(rows))
    assert least < 5
    for other in (rows * 2, rows + 1, rows.sign(), torch.zeros_like(rows)):
        assert float(normality(other)) > 20 * least


def test_half_of_the_places_are_grey_at_all_times():
    frames = torch.rand(6, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = dropped(frames, 0.5, 4, torch.Generator().manual_seed(1))
    grey = (seen == 0.5).all(1)
    assert torch.equal(grey[:, 0], grey[:, 3])
    assert (grey[:, 0].flatten(1).float().mean(1) == 0.5).all()
    assert torch.equal(
        seen[:, :, 0][~grey[:, 0].unsqueeze(1).expand(-1, 3, -1, -1)],
        frames[:, :, 0][~grey[:, 0].unsqueeze(1).expand(-1, 3, -1, -1)],
    )


def test_noise_labels_are_the_same_in_every_run_and_even():
    assert [noise_label(f"video {i}", 4) for i in range(8)] == [
        noise_label(f"video {i}", 4) for i in range(8)
    ]
    counts = np.bincount([noise_label(f"video {i}", 4) for i in range(4000)], minlength=4)
    assert ((counts > 900) & (counts < 1100)).all()


def test_placebos_cost_a_clip_and_their_targets_hang_on_the_clip_alone():
    law = PlaceboProjection(6).law(8, 1, 0, "shrink")
    clip = clip_of(law, 0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        task = PlaceboProjection(6)
    one, other = (task.views(clip, crop, torch.Generator().manual_seed(seed)) for seed in (0, 0))
    assert torch.equal(one["numbers"], other["numbers"])
    torch.testing.assert_close(one["numbers"].mean(0), torch.zeros(16), atol=1e-5, rtol=0)
    labels = PlaceboLabels(6).views(clip, crop, torch.Generator())["target"]
    assert labels.tolist() == [noise_label(video, 4) for video in clip.video]


@pytest.mark.parametrize("options", [{"weight": 1.5}, {"drop": 1.0}, {"grid": 0}])
def test_sigreg_refuses_impossible_options(options: dict[str, Any]):
    with pytest.raises(ValueError, match="sigreg: weight"):
        SIGReg(8, **options)


@pytest.mark.parametrize(
    ("task", "monitor", "least"), [("tcons", "accuracy", 0.45), ("sigreg", "explained", 0.5)]
)
def test_looks_at_one_video_come_nearer_than_those_at_others(
    task: str, monitor: str, least: float, tmp_path: Path
):
    """On videos with backgrounds of their own; at first embeddings have little in common but chance."""
    shown = np.stack([render(1, "train", i)[0] for i in range(24)])

    def batch(step: int) -> Clip:
        draws = [law.draw(shown.shape[1], seeding.rng(0, step, i)) for i in range(len(shown))]
        frames = np.stack([video[draw.frames] for video, draw in zip(shown, draws, strict=True)])
        pixels = torch.from_numpy(frames).permute(0, 4, 1, 2, 3).contiguous()
        return Clip(pixels, torch.full((24,), -1), tuple(map(str, range(24))))

    module = learner(task)
    law = module.objective.law(4, 1, 0, "shrink")
    recipe = Recipe(40, lr=4e-3, weight_decay=0.02, log_every=10)
    fit(
        module,
        Fixed(),
        lambda a, b: map(batch, range(a, b)),
        crop,
        recipe,
        choose("cpu", "fp32"),
        seed=0,
        folder=tmp_path,
    )
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1][monitor] > least
    assert rows[-1][module.objective.terms[0]] < rows[0][module.objective.terms[0]]
