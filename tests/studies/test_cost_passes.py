"""What a plan says of frozen features against the clips that a network is really shown."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from torch.nn.modules.module import register_module_forward_pre_hook

import muybridge
from muybridge.backbones import build
from muybridge.studies.cost import work_of


@pytest.mark.parametrize("views", [1, 3])
@pytest.mark.parametrize("stage", ["probe", "knn", "retrieval"])
def test_a_plan_counts_the_clips_that_are_encoded(
    stage: str, views: int, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("muybridge.stages.features.frozen.cache_root", lambda: tmp_path / "features")
    kind, shown = type(build("r2plus1d-tiny")), Counter[str]()

    def count(module: Any, inputs: tuple[Any, ...]) -> None:
        if type(module) is kind:
            shown["clips"] += len(inputs[0])

    handle = register_module_forward_pre_hook(count)
    try:
        run = getattr(muybridge, stage)(
            data=videos,
            out=tmp_path / "out",
            fold=0,
            folds=2,
            views=views,
            size=20,
            crop=18,
            frames=4,
            stride=1,
        )
    finally:
        handle.remove()
    told = run.result
    counts = told["data"]["videos"]
    config = {**told["config"], "views": views}
    planned = work_of(stage, config, "r2plus1d-tiny", counts["train"], counts["test"]).passes
    assert planned == shown["clips"] - 1, "one clip more is encoded to count its operations"
