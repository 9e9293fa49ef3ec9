"""Frozen features or a trained backbone (Table 2 of arXiv 2306.06010): both see the same labelled videos."""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import SCALES, Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "tiny": {"finetune": {"epochs": 6, "batch": 32}},
    "paper": {"data": ("ucf101",)},
}
"""At tiny scale fine-tuning sees all labels, as the probe does, in fewer passes."""

TASKS = ("rotnet", "vcop", "prp")


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining, then probe and fine-tuning of each arm and of random weights."""
    lab = Lab(config, {scale: {"tasks": TASKS, **OURS.get(scale, {})} for scale in SCALES})
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            for data in lab.scale.data:
                for init in inits.values():
                    yield lab.probe(data, init, backbone, seed)
                    yield lab.finetune(data, init, backbone, seed)
