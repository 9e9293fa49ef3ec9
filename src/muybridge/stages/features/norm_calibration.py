"""Backbones whose weights stay as they are."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from muybridge.backbones import check_clip
from muybridge.config.stage_configs import NeighboursConfig, Transfer
from muybridge.core.clip import to_unit
from muybridge.stages.job.job import Job
from muybridge.stages.testing.predict import View
from muybridge.stages.training.material import Material, backbone_of, limited
from muybridge.train.precision import Compute

CALIBRATION = 512
"""Videos, spread over the classes."""


def frozen_backbone(
    job: Job[Transfer | NeighboursConfig], view: View, material: Material, compute: Compute
) -> Any:
    """The backbone whose features a stage reads: of its ``init``, or random with calibrated batch norm.

    Raises:
        UsageError: clips that it cannot take.
    """
    backbone = backbone_of(job)
    check_clip(backbone, job.config.frames, job.config.crop)
    if job.init is None:
        calibrate(backbone, view, material, compute)
    return backbone


def calibration_clips(job: Job[Transfer | NeighboursConfig], view: View, material: Material) -> int:
    """Clips that ``frozen_backbone`` sends through the backbone: of a random one those by which its batch norm is calibrated."""
    some = _calibrating(material)
    errors = material.store.errors
    sound = sum(not errors[place] for place in some.numbers("train"))
    return 0 if job.init is not None else view.views * sound


def _calibrating(material: Material) -> Material:
    return replace(material, parts={"train": limited(material.parts["train"], CALIBRATION)})


@torch.no_grad()
def calibrate(backbone: nn.Module, view: View, material: Material, compute: Compute) -> None:
    """Set the batch-norm statistics of an untrained backbone to those of the training clips, so that its features are not degenerate."""
    norms = [module for module in backbone.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    compute.place(backbone).train()
    for clip in view.clips(_calibrating(material), "train"):
        backbone(to_unit(clip.frames.to(compute.device)))
    for norm in norms:
        norm.momentum = 0.1
    backbone.eval()
