"""Arms of the studies of students and teachers: what each changes of a fine-tuning on labels alone."""

from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import combinations

from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import Control
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.studies.cost import LEARNING, flops_of
from muybridge.studies.shipped.scales import Lab, Steps
from muybridge.studies.study_configs import DistillConfig

RULES = ("ae-kd", "average", "confidence", "discrepancy", "best-only")
KNOWN = ("labels", "labels-matched", *RULES, "single", "permuted", "self")
"""Arms by name; five weigh all teachers, ``single`` stands for one arm per teacher."""
ONE_RULE = ("labels", "labels-matched", "ae-kd", "single", "permuted", "self")
"""Arms of studies that ask about teachers and not about rules: the benchmark's rule and every control."""
LEARNS: Mapping[str, object] = {"labels_per_class": 10, "epochs": 24, "batch": 8, "lr": 5e-3}
"""Fine-tuning at tiny scale: more and smaller steps than in other studies, whose 150 leave 57 % of random weights where these reach 83."""
DISTURBED: Mapping[str, object] = {
    "profile": "muybridge-1", "types": ("gaussian_noise", "sampling", "jumbling", "freezing"), "severities": (2, 4),
}  # fmt: skip
"""Perturbations at tiny scale: one kind of noise, and three in time."""
Beginnings = Callable[[str], Sequence[Mapping[str, object]]]


def wanted(config: DistillConfig, usual: tuple[str, ...] = KNOWN) -> tuple[str, ...]:
    """Names of the arms that are asked for; the usual ones of a study where none is.

    Raises:
        UsageError: one that does not exist.
    """
    for name in config.arms:
        if name not in KNOWN:
            raise UsageError(
                f"--arms {name}: no such arm.{suggestion(name, KNOWN)} Known: {', '.join(KNOWN)}."
            )
    return config.arms or usual


def taught(
    lab: Lab, data: str, init: str, student: str, teachers: Mapping[str, str], names: Sequence[str], seed: int
) -> Steps:
    """The students of some teachers by arm, each of them perturbed.

    Args:
        lab: of the study.
        data: what they are taught and tested on.
        init: what they start from.
        student: their network.
        teachers: network of each by its run folder.
        names: of the arms.
        seed: of the training.
    """
    alone = yield lab.finetune(data, init, student, seed)
    for changes in students(names, lab, teachers, student, alone):
        model = yield lab.finetune(data, init, student, seed, **changes)
        yield lab.robustness(data, model)


def teach(
    lab: Lab, data: str, inits: Sequence[tuple[str, str]], seed: int
) -> Generator[Control, str, dict[str, str]]:
    """Fine-tune teachers and perturb them.

    Args:
        lab: of the study.
        data: what they are fine-tuned and tested on.
        inits: what each starts from, and its network.
        seed: of the training.

    Returns:
        The network of each by its run folder, in the order of ``inits``.
    """
    teachers = {}
    for init, backbone in inits:
        teacher = yield lab.finetune(data, init, backbone, seed)
        yield lab.robustness(data, teacher)
        teachers[teacher] = backbone
    return teachers


def taught_by_beginnings(lab: Lab, names: Sequence[str], beginnings: Beginnings) -> Steps:
    """Seed by seed, network by network and task by task: a teacher of every way to begin, then their students, all of them perturbed.

    Teachers and student are of one network.

    Args:
        lab: of the study.
        names: of the arms.
        beginnings: fields of the pretraining of each teacher, by task.
    """
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            for task in lab.scale.tasks:
                inits = []
                for fields in beginnings(task):
                    init = yield lab.pretrain(task, backbone, seed, **fields)
                    inits.append((init, backbone))
                for data in lab.scale.data:
                    teachers = yield from teach(lab, data, inits, seed)
                    yield from compare(lab, data, list(teachers))
                    yield from taught(lab, data, "random", backbone, teachers, names, seed)


def compare(lab: Lab, data: str, teachers: Sequence[str]) -> Steps:
    """How alike every two teachers are where their heads read them: the mean over places of the last stage of the network."""
    for one, other in combinations(teachers, 2):
        yield lab.similarity(data, one, other, layers=("stages",), pool="all")


def students(
    names: Sequence[str], lab: Lab, teachers: Mapping[str, str], student: str, alone: str
) -> Sequence[Mapping[str, object]]:
    """Fields of fine-tuning in which each arm differs from labels alone.

    Args:
        names: of the arms.
        lab: of the study.
        teachers: network of each by its run folder.
        student: network of the student.
        alone: run folder of the student that learns from labels alone.
    """
    given = {"teachers": tuple(teachers)}
    found: list[dict[str, object]] = []
    for name in names:
        if name == "labels":
            found.append({})
        elif name == "labels-matched":
            found.append(
                {"budget": matched_epochs(lab, student, list(teachers.values())), "budget_unit": "epochs"}
            )
        elif name == "single":
            found += [{"teachers": (one,), "weighting": "average"} for one in teachers]
        elif name == "permuted":
            found.append(given | {"weighting": "ae-kd", "teacher_classes": "permuted"})
        elif name == "self":
            found.append({"teachers": (alone,), "weighting": "average"})
        else:
            found.append(given | {"weighting": name})
    return found


def matched_epochs(lab: Lab, student: str, teachers: Sequence[str]) -> int:
    """Passes over the labelled videos that cost what a student and its teachers cost: a clip that is learnt from is worth three.

    Raises:
        UsageError: a network whose operations are not known.
    """
    clip: ConfigFields = {"frames": 16, "crop": 112}  # only the ratio counts
    found = {name: flops_of(name, clip) for name in (student, *teachers)}
    unknown = next((name for name, flops in found.items() if not flops), None)
    if unknown:
        raise UsageError(
            f"--backbones {unknown}: nobody knows its operations, so that labels-matched cannot be made; name other --arms."
        )
    own = float(found[student] or 0)
    extra = sum(float(found[name] or 0) for name in teachers) / (LEARNING * own)
    epochs: int = lab.scale.finetune["epochs"]
    return round(epochs * (1 + extra))
