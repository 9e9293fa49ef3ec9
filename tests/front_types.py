"""What mypy must know of ``import muybridge``: this file is checked by it and never run (`[tool.mypy] files`).

A line whose error is awaited has an ignore for just that error, and mypy complains of ignores that nothing needs.
"""

from typing import assert_type

from torch import Tensor, nn

import muybridge
from muybridge.claims.book import Book
from muybridge.report import ReportPaths
from muybridge.report.compare.compare import Compared
from muybridge.runs.records import Run
from muybridge.stages.job.measured import RobustnessRun, ZeroshotRun
from muybridge.studies.study import Finished


def scores(frames: Tensor) -> Tensor:
    """Any callable may be a model."""
    return frames.flatten(1)


pretrained = muybridge.pretrain(data=["a", "b"], objective="vcop", budget=10, out="runs", track=["wandb"])
assert_type(pretrained, Run)
assert_type(muybridge.finetune(data="videos", init=pretrained, epochs=2, labels_per_class=None), Run)
assert_type(muybridge.distill([pretrained], "r2plus1d-tiny", data="videos", weighting="fixed"), Run)
assert_type(muybridge.distill(pretrained), Run)
assert_type(muybridge.probe(preset="benchmark", config="probe.yaml", data="videos"), Run)
assert_type(muybridge.knn(k=3, ks=[1, 5]), Run)
assert_type(muybridge.retrieval(features="conv5"), Run)
assert_type(muybridge.neighbours(nearest=3), Run)
assert_type(muybridge.similarity(pretrained, "i3d", data="videos", videos=8), Run)
assert_type(muybridge.diversity(points=[50], teachers=[]), Run)
assert_type(muybridge.robustness(nn.Identity(), "videos", mean=[0.5], range="0-1"), RobustnessRun)
assert_type(muybridge.robustness(scores, "videos", name="mine", class_names=["a"]), RobustnessRun)
assert_type(muybridge.robustness(model="i3d", views="10x1"), RobustnessRun)
assert_type(muybridge.zeroshot(object(), "videos"), ZeroshotRun)
assert_type(muybridge.quickstart(tasks=["vcop"], seeds=2), Finished)
assert_type(muybridge.study("mine.py", strides=(1, 2)), Finished)
assert_type(muybridge.report("runs"), ReportPaths)
assert_type(muybridge.compare("a", pretrained), Compared)
assert_type(muybridge.claims("paper.pdf", out="book", coverage="abstract"), Book)
assert_type(muybridge.review("Does size matter?", "paper.pdf", tables={"top": "top.csv"}), Book)
assert_type(muybridge.runs("runs", where="arm=vcop")[0]["accuracy"], muybridge.api.result_functions.Fact)

muybridge.pretrain(objectiv="vcop")  # type: ignore[call-arg]
muybridge.probe(frames="8")  # type: ignore[arg-type]
muybridge.finetune(schedule="linear")  # type: ignore[arg-type]
muybridge.robustness(3, "videos")  # type: ignore[arg-type]
muybridge.claims(3)  # type: ignore[arg-type]
muybridge.knn("videos")  # type: ignore[call-arg]
_ = muybridge.pretrained  # type: ignore[attr-defined]
