"""The pre-registered study end to end on tiny files: registered, planned, run, judged, and refused when the file is changed."""

from pathlib import Path

import pytest

import muybridge
from muybridge.api import report
from muybridge.core.errors import MuybridgeError
from muybridge.runs.contents.prereg_file import NAME
from muybridge.runs.records import folders
from muybridge.studies import preregister
from muybridge.studies.shipped import diversity_arms, diversity_study
from muybridge.studies.study_configs import DiversityStudyConfig

POOL = ("rotnet", "vcop", "speed", "arrow-of-time", "cvrl")


@pytest.fixture
def out(videos, tmp_path, monkeypatch) -> Path:
    """A registered study of three sets of five losses on sixteen videos."""
    monkeypatch.setattr(preregister, "POOL", POOL)
    monkeypatch.setattr(diversity_arms, "POOL", POOL)
    real = preregister.choose_sets
    few = {preregister.PLACEBOS: 2}
    monkeypatch.setattr(
        preregister,
        "choose_sets",
        lambda pool, size, number, seed, **more: real(pool, size, few.get(pool, number), seed, **more),
    )
    monkeypatch.setattr(diversity_study, "ONLY_VIEWS", 3)
    monkeypatch.setattr(
        diversity_arms,
        "GRADIENTS",
        {"tiny": {"gradient_batch": 4, "gradient_batches": 2, "points": (50,), "redraws": 9}},
    )
    preregister.register(DiversityStudyConfig(**options(videos, tmp_path)))
    return tmp_path / "out"


def options(videos, tmp_path) -> dict:
    return {
        "out": tmp_path / "out",
        "data": (str(videos),),
        "backbones": ("r2plus1d-tiny",),
        "sets": 3,
        "workers": 1,
    }


@pytest.mark.slow
def test_end_to_end(out, videos, tmp_path, monkeypatch):
    kept = diversity_study.Lab
    monkeypatch.setattr(
        diversity_study,
        "Lab",
        lambda config, ours: kept(
            config,
            {
                "tiny": {
                    **ours["tiny"],
                    "finetune": {"epochs": 1, "batch": 4},
                    "pretrain": {"budget": 72, "batch": 36},
                }
            },
        ),
    )
    finished = muybridge.study("diversity-and-robustness", **options(videos, tmp_path))
    added = 5 * 2 + 10 + 3 * 3  # every loss alone, every two of them, probe and drift of every set
    assert len(finished.cells) == 1 + 2 * 2 + 3 * (1 + 2 * 4) + 2 * (1 + 2) + added
    hashes = {run.result["config"]["prereg"] for run in folders(out)}
    assert len(hashes) == 1
    assert len(hashes.pop()) == 64
    page = (out / "report.md").read_text()
    assert "UNDETERMINED" in page
    assert "What would take the answer away" in page
    assert "Diversity" in (out / "report.html").read_text()
    again = muybridge.study("diversity-and-robustness", **options(videos, tmp_path))
    assert again.outcome.done == finished.outcome.done
    path = out / NAME
    path.write_text(path.read_text().replace("sesoi: 0.2", "sesoi: 0.4"))
    with pytest.raises(MuybridgeError, match="changed after it was registered"):
        report(out)
