"""Batch norm of an untrained backbone."""

import torch
from torch import nn

from muybridge.core.clip import to_unit
from muybridge.stages.material import Material
from muybridge.stages.predict import View
from muybridge.train.precision import Compute

CALIBRATION = 512


@torch.no_grad()
def calibrate(backbone: nn.Module, view: View, material: Material, compute: Compute) -> None:
    """Set the batch-norm statistics of an untrained backbone to those of the training clips, so that its features are not degenerate."""
    norms = [module for module in backbone.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    compute.place(backbone).train()
    seen = 0
    for clip in view.clips(material, "train"):
        backbone(to_unit(clip.frames.to(compute.device)))
        seen += len(clip)
        if seen >= CALIBRATION:
            break
    for norm in norms:
        norm.momentum = 0.1
    backbone.eval()
