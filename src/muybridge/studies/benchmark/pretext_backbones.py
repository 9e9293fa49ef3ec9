"""Every pretext task on several networks under one budget (Table 1 of arXiv 2306.06010): what each teaches, and what noise leaves of it."""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "paper": {
        "tasks": ("rotnet", "vcop", "prp", "rspnet"),
        "backbones": ("shufflenet", "mobilenet", "squeezenet", "c3d", "r3d", "r2plus1d"),
        "data": ("ucf101",),
    },
}
"""The published table has four tasks and six networks; three of its columns are of Kinetics-700, here all are of Kinetics-400."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining, then probe, fine-tuning and noise of each arm and of random weights."""
    lab = Lab(config, OURS)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            for data in lab.scale.data:
                for init in inits.values():
                    yield lab.probe(data, init, backbone, seed)
                    model = yield lab.finetune(data, init, backbone, seed)
                    yield lab.robustness(data, model)
