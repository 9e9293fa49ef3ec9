"""Nearest training videos without fine-tuning (Table 9 of the supplement of arXiv 2306.06010): recall of the class of a test video."""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "small": {"backbones": ("r2plus1d",)},
    "paper": {
        "tasks": ("rspnet",),
        "backbones": ("shufflenet", "mobilenet", "squeezenet", "c3d", "r3d", "r2plus1d"),
    },
}
"""At tiny scale the pretraining runs are those of pretext-backbones: with one --out nothing is learnt twice."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining, then retrieval on every labelled set from each arm and from random weights."""
    lab = Lab(config, OURS)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            for data in lab.scale.data:
                for init in inits.values():
                    yield lab.retrieval(data, init, backbone, seed)
