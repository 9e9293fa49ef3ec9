"""A teacher of a spatial and one of a temporal task (Table 9 of the supplement of arXiv 2306.06010): is their student better than both?

Teachers and student are of one network. The student starts from random weights; what it starts from is asked in ``distill-capacity``.
"""

from itertools import combinations

from muybridge.studies.plan import Study
from muybridge.studies.shipped.distill_arms import DISTURBED, LEARNS, ONE_RULE, compare, taught, teach, wanted
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import DistillConfig

PAIRS = (("rotnet", "vcop"), ("cvrl", "tdl"))
"""Published: a spatial and a temporal task without contrast, and with it."""
TASKS = tuple(task for pair in PAIRS for task in pair)
OURS: Ours = {
    "tiny": {
        "tasks": TASKS, "backbones": ("shufflenet-tiny",), "data": ("builtin-motions",), "seeds": 2,
        "pretrain": {"budget": 6_000, "batch": 48, "stride": 1}, "finetune": LEARNS, "robustness": DISTURBED,
    },
    "small": {
        "tasks": TASKS, "backbones": ("shufflenet",), "data": ("ucf101",), "seeds": 3, "robustness": {"profile": "muybridge-1"},
    },
    "paper": {
        "tasks": TASKS, "backbones": ("shufflenet",), "data": ("ucf101",), "robustness": {"profile": "muybridge-1"},
    },
}  # fmt: skip
"""The published tasks and network."""


def cells(config: DistillConfig) -> Study:
    """Seed by seed and network by network: a teacher of every task, then the students of each pair, all of them perturbed.

    The pairs are the published ones of the tasks that are asked for; where there is none of them, every two tasks.
    """
    lab, names = Lab(config, OURS), wanted(config, ONE_RULE)
    tasks = lab.scale.tasks
    pairs = [pair for pair in PAIRS if set(pair) <= set(tasks)] or list(combinations(tasks, 2))
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            inits = yield from lab.pretrained(backbone, seed)
            for data in lab.scale.data:
                tuned = yield from teach(lab, data, [(inits[task], backbone) for task in tasks], seed)
                model_of = dict(zip(tasks, tuned, strict=True))
                for pair in pairs:
                    yield from compare(lab, data, [model_of[task] for task in pair])
                    teachers = {model_of[task]: backbone for task in pair}
                    yield from taught(lab, data, "random", backbone, teachers, names, seed)
