"""Spatial, temporal and spatio-temporal pretext tasks, with and without contrast (Table 3 of arXiv 2306.06010)."""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import TASKS, Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "tiny": {"tasks": TASKS},
    "paper": {"data": ("ucf101",)},
}
"""The six tasks of the benchmark, two of each kind; kinds are the facts of `muybridge list objectives --json`."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining, then fine-tuning of each arm and of random weights."""
    lab = Lab(config, OURS)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            for data in lab.scale.data:
                for init in inits.values():
                    yield lab.finetune(data, init, backbone, seed)
