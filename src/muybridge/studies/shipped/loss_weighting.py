"""Auxiliary losses beside few labels: does any weighting of them beat a constant, in accuracy and under perturbations in time?

One primary task (labels of 10 videos per class, a network from random weights) and the six pretext tasks of the benchmark as auxiliaries.
Every family of weightings has as many trials as MELTR has modes: three constants, two of PCD, one of those without options.
"""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import TASKS, Lab, Ours
from muybridge.studies.shipped.weighting_arms import changes_of, queues, wanted
from muybridge.studies.study_configs import WeightingConfig

OURS: Ours = {
    "tiny": {
        "backbones": ("r2plus1d-tiny",),
        "tasks": TASKS,
        "data": ("builtin-motions", "builtin-objects"),
        "finetune": {"labels_per_class": 10, "epochs": 12, "batch": 8, "lr": 5e-3},
        "robustness": {
            "profile": "muybridge-1", "types": ("gaussian_noise", "sampling", "jumbling", "freezing"), "severities": (2, 4),
        },
    },
    "small": {"backbones": ("r2plus1d",), "tasks": TASKS, "seeds": 3, "robustness": {"profile": "muybridge-1"}},
    "paper": {"backbones": ("r2plus1d",), "tasks": TASKS, "robustness": {"profile": "muybridge-1"}},
}  # fmt: skip
"""At tiny scale one network, small batches and passes enough to leave chance (14 clips are encoded for every labelled one), and
perturbations in time."""


def cells(config: WeightingConfig) -> Study:
    """Seed by seed and data set by data set: fine-tuning of every arm, its robustness, and a probe of its features with all labels."""
    lab, names = Lab(config, OURS), wanted(config)
    few = queues(lab)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            for data in lab.scale.data:
                for name in names:
                    changes = changes_of(name, lab, backbone, few)
                    model = yield lab.finetune(data, "random", backbone, seed, **changes)
                    yield lab.robustness(data, model)
                    yield lab.probe(data, model, backbone, seed)
