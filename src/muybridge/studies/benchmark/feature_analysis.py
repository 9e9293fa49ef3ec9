"""What layers of the networks of the benchmark have in common: maps of every task and network, and of what the studies vary.

Figures 2, 5, 6, 8 and 10 of arXiv 2306.06010 and those of its draft. Networks are fine-tuned, as published; runs that other studies made in
the same folder are used again.
"""

from itertools import product

from muybridge.studies.benchmark.feature_parts import PARTS, compare_seeds, compare_tasks
from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import TASKS, Lab, Ours
from muybridge.studies.study_configs import FEATURE_PARTS, FeatureConfig

OURS: Ours = {
    "tiny": {"data": ("builtin-motions",), "seeds": 2},
    "small": {"data": ("ucf101",)},
    "paper": {"data": ("ucf101",), "tasks": TASKS},
}
"""Two seeds are the fewest that tell what training does from what a seed does."""


def cells(config: FeatureConfig) -> Study:
    """Network by network and part by part: fine-tuned networks, a map of each against itself, then of seeds against each other."""
    lab = Lab(config, OURS)
    parts = config.parts or FEATURE_PARTS
    for data, backbone in product(lab.scale.data, lab.scale.backbones):
        tuned: dict[tuple[str, int], str] = {}
        for seed in lab.seeds:
            if "tasks" in parts:
                yield from compare_tasks(lab, data, backbone, seed, tuned)
        if "seeds" in parts:
            yield from compare_seeds(lab, data, tuned)
        for seed, part in product(lab.seeds, [name for name in PARTS if name in parts]):
            yield from PARTS[part](lab, data, backbone, seed)
