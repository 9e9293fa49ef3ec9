"""Teachers that were pretrained on two sources (Table 8 of the supplement of arXiv 2306.06010): does their student beat the best?

Teachers and student are of one network. The student starts from random weights; what it starts from is asked in ``distill-capacity``.
"""

from muybridge.studies.benchmark.data_distribution import STILL, TASKS, on_source
from muybridge.studies.plan import Study
from muybridge.studies.shipped.distill_arms import DISTURBED, LEARNS, ONE_RULE, taught_by_beginnings, wanted
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import DistillConfig

OURS: Ours = {
    "tiny": {
        "source": ("builtin-motions", STILL), "tasks": ("vcop", "rotnet", "rspnet"), "backbones": ("r2plus1d-tiny",), "seeds": 2,
        "data": ("builtin-motions",), "pretrain": {"budget": 6_000, "batch": 48, "stride": 1}, "finetune": LEARNS,
        "robustness": DISTURBED,
    },
    "small": {
        "source": ("ucf101", "hmdb51"), "tasks": TASKS, "backbones": ("r2plus1d",), "data": ("ucf101",), "seeds": 3,
        "robustness": {"profile": "muybridge-1"},
    },
    "paper": {
        "source": ("kinetics400@30000", "ssv2@30000"), "tasks": TASKS, "backbones": ("r2plus1d",), "data": ("ucf101",),
        "robustness": {"profile": "muybridge-1"},
    },
}  # fmt: skip
"""The published tasks; at tiny scale three of them, and as the other source the same videos held at one frame."""


def cells(config: DistillConfig) -> Study:
    """Seed by seed, network by network and task by task: a teacher of every source, then their students, all of them perturbed."""
    lab, names = Lab(config, OURS), wanted(config, ONE_RULE)
    return taught_by_beginnings(lab, names, lambda _: [on_source(source) for source in lab.scale.source])
