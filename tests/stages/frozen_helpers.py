"""What tests of the stages on frozen features share: short words, and features computed by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from muybridge.data.decode.video import read_all
from muybridge.data.index import Dataset, VideoRecord, divide
from muybridge.data.sources import load
from muybridge.runs.records import Run
from muybridge.sampling.frame_numbers import Sampling
from muybridge.stages.training.material import build_backbone
from muybridge.train.checkpoint import load_weights, part

TINY: dict[str, Any] = {"frames": 4, "stride": 2, "size": 20, "crop": 16, "batch": 12, "precision": "fp32"}
"""In float32 on every machine, as what is computed by hand is; ``test_formats`` has the other format."""


def parts_of(videos: Path, fold: int = 0) -> tuple[Dataset, list[VideoRecord], list[VideoRecord]]:
    """The data set, its training and its test records."""
    dataset = load((str(videos),))
    return dataset, *divide(dataset, fold)


def by_hand(run: Run, record: VideoRecord, number: int) -> np.ndarray:
    """Features of the views of one video, one clip at a time, by the backbone of a pretrain run: ``number d``."""
    weights = load_weights(run.path / "weights.safetensors")
    backbone = build_backbone("r2plus1d-tiny", 0)
    backbone.load_state_dict(part(weights, "backbone"))
    frames = read_all(record.path, height=20, width=20, fit="crop")
    rows = []
    for view in Sampling(4, 2).views(len(frames), number):
        clip = torch.from_numpy(frames[view][:, 2:18, 2:18].copy()).permute(3, 0, 1, 2)[None]
        with torch.no_grad():
            rows.append(backbone.eval()(clip.float() / 255).pooled[0].numpy())
    return np.stack(rows)
