"""Teachers of several sizes: does a small student gain from a small and a larger teacher, however they are weighed?

Teachers are fine-tuned from the same pretext task. Every student is trained from random weights and from those that its own network has
from that task; beside it stand labels alone, labels with the teachers' operations as extra passes, each teacher alone, teachers whose
classes are changed round, and a student that teaches itself.
"""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.distill_arms import DISTURBED, compare, taught, teach, wanted
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import DistillConfig

OURS: Ours = {
    "tiny": {
        "tasks": ("rspnet",),
        "backbones": ("shufflenet-tiny", "r2plus1d-tiny"),
        "robustness": DISTURBED,
    },
    "small": {
        "tasks": ("rspnet",), "backbones": ("shufflenet", "r2plus1d"), "seeds": 3, "robustness": {"profile": "muybridge-1"},
    },
    "paper": {"tasks": ("rspnet",), "backbones": ("shufflenet", "r2plus1d"), "robustness": {"profile": "muybridge-1"}},
}  # fmt: skip
"""The benchmark's networks and task; at tiny scale perturbations in time and one kind of noise."""


def cells(config: DistillConfig) -> Study:
    """Seed by seed and task by task: teachers on every data set, then their students, all of them perturbed."""
    lab, names = Lab(config, OURS), wanted(config)
    small = lab.scale.backbones[0]
    for seed in lab.seeds:
        for task in lab.scale.tasks:
            inits = {}
            for backbone in lab.scale.backbones:
                inits[backbone] = yield lab.pretrain(task, backbone, seed)
            for data in lab.scale.data:
                teachers = yield from teach(lab, data, [(init, name) for name, init in inits.items()], seed)
                yield from compare(lab, data, list(teachers))
                for init in ("random", inits[small]):
                    yield from taught(lab, data, init, small, teachers, names, seed)
