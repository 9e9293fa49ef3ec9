"""What noise leaves of fine-tuned networks (Table 6 and Figure 9 of arXiv 2306.06010): four kinds of noise at severities 1 to 3."""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import TASKS, Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "tiny": {"tasks": TASKS},
    "paper": {"data": ("ucf101",)},
}
"""At tiny scale the runs are those of pretext-backbones: with one --out nothing is computed twice."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: pretraining, then fine-tuning and noise of each arm and of random weights."""
    lab = Lab(config, OURS)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            for data in lab.scale.data:
                for init in inits.values():
                    model = yield lab.finetune(data, init, backbone, seed)
                    yield lab.robustness(data, model)
