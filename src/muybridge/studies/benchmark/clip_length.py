"""Clips of twice as many frames (section 3.2 of the supplement of arXiv 2306.06010, which has no numbers: "mostly better").

A clip of twice as many frames at the same step also covers twice the time; so the short clip is read out once more at twice the step.
"""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

CLIPS = {
    "tiny": ((4, 3), (4, 6), (8, 3)),
    "small": ((16, 1), (16, 2), (32, 1)),
    "paper": ((16, 1), (16, 2), (32, 1)),
}
"""Frames and step of a clip of probe and fine-tuning: short, short over the time of the long one, long. Embedded videos have 24 frames,
in which speeds of 16 frames cannot be told apart any more; there 4 stand for 16 and 8 for 32."""
OURS: Ours = {
    "tiny": {"tasks": ("rotnet", "vcop", "rspnet"), "backbones": ("r2plus1d-tiny",)},
    "small": {"backbones": ("r2plus1d",)},
    "paper": {"backbones": ("r2plus1d",), "data": ("ucf101",)},
}
"""Clips of both lengths have the same budget in clips: the longer ones cost twice the frames and operations. Runs of the usual length (8
frames at tiny scale, 16 else) are those of pretext-backbones."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining on clips of each length, then probe and fine-tuning with clips of that length."""
    lab = Lab(config, OURS)
    clips = CLIPS[config.scale]
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = {}
            for frames in dict.fromkeys(frames for frames, _ in clips):
                inits[frames] = yield from lab.pretrained(backbone, seed, frames=frames)
            for data in lab.scale.data:
                for frames, stride in clips:
                    for init in inits[frames].values():
                        yield lab.probe(data, init, backbone, seed, frames=frames, stride=stride)
                        yield lab.finetune(data, init, backbone, seed, frames=frames, stride=stride)
