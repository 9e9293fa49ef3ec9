"""Augmentation: batched tensor code on uint8 clips, parameters drawn once per clip from a generator that is passed in."""

AUGMENTATIONS = {
    "centre-crop": "the middle window",
    "crop": "a window drawn anywhere in the frame",
    "resized-crop": "a window of drawn area and shape, brought to the size of the network",
    "resize": "the frame near the size of the crop, shape kept",
    "flip": "mirrored left to right, half of the time",
    "rotate": "turned by a small angle",
    "jitter": "brightness, contrast, saturation and hue",
    "gray": "all colour taken away, one time in five",
    "gamma": "pixels raised to a drawn power, half of the time",
    "blur": "Gaussian blur, half of the time",
    "solarise": "what is bright inverted, one time in five",
    "benchmark": "whole list of Kumar et al. (arXiv 2306.06010)",
    "benchmark-cvrl": "their list with gray and gamma, for contrastive tasks",
    "vcop": "whole list of VCOP's code",
    "prp": "whole list of PRP's code",
    "cvrl": "whole list of CVRL's code for the first clip",
    "cvrl-2": "whole list of CVRL's code for the second clip",
    "tdl": "whole list of TDL's code",
    "rspnet": "whole list of RSPNet's code in pretraining",
    "rspnet-finetune": "whole list of RSPNet's code in fine-tuning",
    "severe": "whole list of SEVERE's code in fine-tuning",
}
"""Words of ``--augment``, single steps and whole lists (``augment.chain``); here, so that listing them imports no torch."""
