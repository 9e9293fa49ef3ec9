"""How long to pretrain (Table 4 of the draft of arXiv 2306.06010).

The backbone after a quarter, half and three quarters of one run, and at its end.
"""

from muybridge.runs.contents.snapshots import SHARES, name_of
from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import SCALES, Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "tiny": {
        "tasks": ("rotnet", "vcop", "rspnet"),
        "backbones": ("r2plus1d-tiny",),
        "pretrain": {**SCALES["tiny"].pretrain, "budget": 40_000},
    },
    "small": {"backbones": ("r2plus1d",)},
    "paper": {"backbones": ("r2plus1d",)},
}
"""Snapshots of one run: at a quarter of it the learning rate is still near its highest. A run of a quarter of the budget with a schedule
of its own is another thing. Whether the published rate decayed is not stated."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining, then probe and fine-tuning of every snapshot and of random weights."""
    lab = Lab(config, OURS)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            whole = [init for init in inits.values() if init != "random"]
            starts = [*inits.values(), *(f"{init}/{name_of(share)}" for init in whole for share in SHARES)]
            for data in lab.scale.data:
                for init in starts:
                    yield lab.probe(data, init, backbone, seed)
                    yield lab.finetune(data, init, backbone, seed)
