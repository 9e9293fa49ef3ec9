"""What stages on frozen features say they spent: as many clips as went through the backbone, counted at its door."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from frozen_helpers import TINY
from torch.nn.modules.module import register_module_forward_pre_hook

import muybridge
from muybridge.backbones.networks.network import Network
from muybridge.stages.testing import predict

VIEWS, VIDEOS, TEST = 2, 16, 4


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Clips of every batch that a backbone is called with; the clip of zeros by which operations are counted is none."""
    seen: list[int] = []

    def look(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, Network):
            seen.append(len(given[0]))

    monkeypatch.setattr(predict, "forward_flops", lambda *asked: 7)
    handle = register_module_forward_pre_hook(look)
    yield seen
    handle.remove()


@pytest.fixture(scope="module")
def broken(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The videos, and one that cannot be decoded."""
    root = tmp_path_factory.mktemp("broken") / "videos"
    shutil.copytree(videos, root)
    (root / "left" / "broken.mp4").write_bytes(b"no film")
    return root


@pytest.mark.parametrize("stage", ["probe", "knn", "retrieval", "neighbours"])
def test_clips_are_those_that_went_through_the_network(
    stage: str, broken: Path, tmp_path: Path, passed: list[int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    common = {**TINY, "data": broken, "views": VIEWS, "workers": 1, "allow_broken": True}
    common |= {} if stage == "neighbours" else {"fold": 0}
    told = []
    for out in ("first", "second"):
        passed.clear()
        run = getattr(muybridge, stage)(out=tmp_path / out, **common)
        spent = run.result["budget"]
        assert spent["clips"] == sum(passed)
        assert spent["frames"] == TINY["frames"] * spent["clips"]
        assert spent["flops"] == 7 * spent["clips"]
        told.append(spent)
    assert [one["cached"] for one in told] == [0, VIEWS * VIDEOS]
    assert told[0]["clips"] - told[1]["clips"] == VIEWS * VIDEOS, (
        "features that lie in the cache are not computed anew"
    )
    left = told[1]["clips"] // VIEWS  # what calibrates the norms of a random network, and what is answered
    assert left == (VIDEOS if stage == "neighbours" else VIDEOS - TEST + (TEST if stage == "probe" else 0))
