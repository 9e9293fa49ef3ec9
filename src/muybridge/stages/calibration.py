"""Batch norm of an untrained backbone."""

from dataclasses import replace

import torch
from torch import nn

from muybridge.core.clip import to_unit
from muybridge.stages.material import Material, limited
from muybridge.stages.predict import View
from muybridge.train.precision import Compute

CALIBRATION = 512
"""Videos, spread over the classes."""


@torch.no_grad()
def calibrate(backbone: nn.Module, view: View, material: Material, compute: Compute) -> None:
    """Set the batch-norm statistics of an untrained backbone to those of the training clips, so that its features are not degenerate."""
    norms = [module for module in backbone.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    compute.place(backbone).train()
    some = replace(material, parts={"train": limited(material.parts["train"], CALIBRATION)})
    for clip in view.clips(some, "train"):
        backbone(to_unit(clip.frames.to(compute.device)))
    for norm in norms:
        norm.momentum = 0.1
    backbone.eval()
