"""Harder versions of a pretext task (Table 5 of the draft of arXiv 2306.06010): more rotations, more clips to order, more rates."""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import SCALES, Lab, Ours
from muybridge.studies.study_configs import ShippedConfig

OURS: Ours = {
    "tiny": {"backbones": ("r2plus1d-tiny",)},
    "paper": {"data": ("ucf101",)},
}
"""All levels of a task share its budget in clips. Published, VCOP halves its batch at the higher levels; here the budget decides."""

LEVELS: dict[str, tuple[int | None, ...]] = {"rotnet": (2, 3, 4), "vcop": (3, 4, 5), "prp": (2, 3, 4)}
"""Published levels by task; other tasks have none."""


def cells(config: ShippedConfig) -> Study:
    """Seed by seed and network by network: each task at each level, then probe and fine-tuning of it."""
    lab = Lab(config, {scale: {"tasks": tuple(LEVELS), **OURS.get(scale, {})} for scale in SCALES})
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = ["random"]
            levels = [(task, level) for task in lab.scale.tasks for level in LEVELS.get(task, (None,))]
            for task, level in levels:
                init = yield lab.pretrain(task, backbone, seed, complexity=level)
                inits.append(init)
            for data in lab.scale.data:
                for init in inits:
                    yield lab.probe(data, init, backbone, seed)
                    yield lab.finetune(data, init, backbone, seed)
