"""Parts of the study of layers: each makes the networks of one thing that is varied and compares their layers."""

from collections.abc import Generator
from itertools import product

from muybridge.config.stage_configs import Control
from muybridge.runs.contents.snapshots import SHARES, name_of
from muybridge.studies.benchmark.complexity import LEVELS
from muybridge.studies.benchmark.data_distribution import STILL
from muybridge.studies.shipped.scales import Lab

VARIED = ("vcop", "rspnet")
"""Tasks of which length, amount and source of pretraining are varied: one whose maps the benchmark calls blocks, one it calls a grid."""
AMOUNTS = {
    "tiny": ("builtin-motions@600", "builtin-motions@1000"),
    "small": ("ucf101@1000", "ucf101@3000"),
    "paper": ("kinetics400@10000", "kinetics400@30000", "kinetics400@100000"),
}
SOURCES = {"tiny": (STILL,), "small": ("hmdb51",), "paper": ("ssv2@30000",)}
"""Besides the source of the scale."""
Steps = Generator[Control, str, None]


def compare_tasks(lab: Lab, data: str, backbone: str, seed: int, tuned: dict[tuple[str, int], str]) -> Steps:
    """Every task and random weights, fine-tuned, against itself; its perturbed features against its clean ones for the first seed."""
    inits = yield from lab.pretrained(backbone, seed)
    for arm, init in inits.items():
        tuned[arm, seed] = yield lab.finetune(data, init, backbone, seed)
        yield lab.similarity(data, tuned[arm, seed])


def compare_seeds(lab: Lab, data: str, tuned: dict[tuple[str, int], str]) -> Steps:
    """The first seed against the second: what two trainings of one kind have in common."""
    first, *others = lab.seeds
    for (arm, seed), model in tuned.items():
        if others and seed == first and (arm, others[0]) in tuned:
            yield lab.similarity(data, model, tuned[arm, others[0]])


def _length(lab: Lab, data: str, backbone: str, seed: int) -> Steps:
    """Snapshots at 25, 50 and 75 % of pretraining, fine-tuned; and pretrained against fine-tuned."""
    for task in _chosen(lab, VARIED):
        init = yield lab.pretrain(task, backbone, seed)
        whole = yield lab.finetune(data, init, backbone, seed)
        yield lab.similarity(data, init, whole)
        for share in SHARES:
            model = yield lab.finetune(data, f"{init}/{name_of(share)}", backbone, seed)
            yield lab.similarity(data, model)


def _amount(lab: Lab, data: str, backbone: str, seed: int) -> Steps:
    """Fewer videos under the same budget; more where the scale has them."""
    for task, source in product(_chosen(lab, VARIED), AMOUNTS[lab.config.scale]):
        init = yield lab.pretrain(task, backbone, seed, data=(source,))
        model = yield lab.finetune(data, init, backbone, seed)
        yield lab.similarity(data, model)


def _complexity(lab: Lab, data: str, backbone: str, seed: int) -> Steps:
    """Levels of the tasks that have some."""
    for task in _chosen(lab, tuple(LEVELS)):
        for level in LEVELS[task]:
            init = yield lab.pretrain(task, backbone, seed, complexity=level)
            model = yield lab.finetune(data, init, backbone, seed)
            yield lab.similarity(data, model)


def _source(lab: Lab, data: str, backbone: str, seed: int) -> Steps:
    """Another source, against itself and against the network of the usual source."""
    for task, source in product(_chosen(lab, VARIED), SOURCES[lab.config.scale]):
        held = {"data": ("builtin-motions",), "stride": 0} if source == STILL else {"data": (source,)}
        usual = yield lab.finetune(data, (yield lab.pretrain(task, backbone, seed)), backbone, seed)
        model = yield lab.finetune(data, (yield lab.pretrain(task, backbone, seed, **held)), backbone, seed)
        yield lab.similarity(data, model)
        yield lab.similarity(data, usual, model)


def _perturbed(lab: Lab, data: str, backbone: str, seed: int) -> Steps:
    """Clean against perturbed, layer by layer, of the tasks that are varied and of random weights."""
    for task in ("random", *_chosen(lab, VARIED)):
        init = "random" if task == "random" else (yield lab.pretrain(task, backbone, seed))
        model = yield lab.finetune(data, init, backbone, seed)
        yield lab.similarity(
            data, model, perturb=("gaussian_noise", "motion_blur", "jumbling", "freezing", "reversal")
        )


def _chosen(lab: Lab, tasks: tuple[str, ...]) -> list[str]:
    """Those of some tasks that the study has."""
    return [task for task in tasks if task in lab.scale.tasks]


PARTS = {
    "length": _length, "amount": _amount, "complexity": _complexity, "source": _source, "perturbed": _perturbed,
}  # fmt: skip
