"""Teachers of three complexities of one pretext task (Table 7 of the supplement of arXiv 2306.06010): does their student beat the best?

Teachers and student are of one network. The student starts from random weights; what it starts from is asked in ``distill-capacity``.
"""

from muybridge.studies.benchmark.complexity import LEVELS
from muybridge.studies.plan import Study
from muybridge.studies.shipped.distill_arms import DISTURBED, LEARNS, ONE_RULE, taught_by_beginnings, wanted
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import DistillConfig

OURS: Ours = {
    "tiny": {
        "tasks": ("rotnet", "vcop"), "backbones": ("r2plus1d-tiny",), "data": ("builtin-motions",), "seeds": 2,
        "pretrain": {"budget": 6_000, "batch": 48, "stride": 1}, "finetune": LEARNS, "robustness": DISTURBED,
    },
    "small": {"tasks": tuple(LEVELS), "data": ("ucf101",), "seeds": 3, "robustness": {"profile": "muybridge-1"}},
    "paper": {"tasks": tuple(LEVELS), "data": ("ucf101",), "robustness": {"profile": "muybridge-1"}},
}  # fmt: skip
"""The published tasks; at tiny scale two of them after a short pretraining, which the budget of a study of minutes pays for."""


def cells(config: DistillConfig) -> Study:
    """Seed by seed, network by network and task by task: a teacher of every level, then their students, all of them perturbed."""
    lab, names = Lab(config, OURS), wanted(config, ONE_RULE)
    return taught_by_beginnings(
        lab, names, lambda task: [{"complexity": level} for level in LEVELS.get(task, (None,))]
    )
