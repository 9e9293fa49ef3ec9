"""Recipes: every value by which a pretext task is trained, with where it comes from; `muybridge info recipes` prints them.

``paper`` is what the authors of a task do, in their code where paper and code differ. ``benchmark`` is Kumar et al. (arXiv 2306.06010),
whose versions state clips, augmentations, queues and lengths, but no optimiser, learning rate, batch or decay: there each task is
trained as its authors do, a choice of ours, as is everything whose source begins with that word. Equal constraints are not equal
tuning; `study run --trials N` tries as many learning rates for every task.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import canonical

FREE = 1e9
"""A gradient norm that is never reached."""
CHOICE = "choice"


@dataclass(frozen=True)
class Value:
    """One value of a recipe, and its source: paper or code, or what begins with ``choice``."""

    value: object
    source: str

    @property
    def chosen(self) -> bool:
        """Whether no source states it for this preset."""
        return self.source.startswith(CHOICE)


Recipe = Mapping[str, Value]
SETTING = ("frames", "size", "crop", "budget", "budget_unit")
"""Fields of a config that say what a network sees, and for how long."""
TRAINING = (
    "stride", "gap", "batch", "optimiser", "lr", "weight_decay", "schedule", "decay_at", "decay", "warmup", "clip_norm",
)  # fmt: skip
"""Fields of a config that say how it is trained."""
LISTS = ("augment", "augment2")
"""Augmentations, which the facts of the task give a config, as its options (all other names of a recipe)."""
NOTES = ("views",)
"""Names of a recipe that are words about it."""

KUMAR = "Kumar et al., sec. 3"
DRAFT = "Kumar et al., draft of 2022, Table 4"
LEVELS = "Kumar et al., draft of 2022, sec. 4.3"
CTP = "microsoft/CtP, rot3d"
VCOP = "code of VCOP"
PRP = "code of PRP"
CVRL = "code of CVRL"
TDL = "code of TDL"
RSPNET = "code of RSPNet"


def _from(source: str, **values: object) -> dict[str, Value]:
    return {name: Value(value, source) for name, value in values.items()}


def _steady(source: str, **changes: object) -> dict[str, Value]:
    """SGD with momentum 0.9 at a constant rate, no warm-up, no clipping, but for what differs."""
    usual = {
        "optimiser": "sgd", "schedule": "steps", "decay_at": (), "decay": 0.1, "warmup": 0.0, "clip_norm": FREE, "gap": 0,
        "frames": 16, "crop": 112, "budget_unit": "epochs", "augment2": (),
    }  # fmt: skip
    return _from(source, **{**usual, **changes})


SIZE = _from("choice: a square is cut from the middle, theirs keeps the width of 171", size=128)
PAPER: dict[str, Recipe] = {
    "rotnet": {
        **_steady(CTP, lr=0.01, weight_decay=1e-4, decay_at=(1 / 3, 2 / 3), clip_norm=40.0, batch=32, budget=90, dropout=0.5),
        **SIZE,
        **_from("choice: theirs draws a stride from 1 to 5", stride=1),
        **_from("choice: theirs scales, crops, flips and jitters; the benchmark's list stands for it", augment=("benchmark",)),
        **_from(LEVELS, rotations=4),
    },
    "vcop": {
        **_steady(VCOP, lr=1e-3, weight_decay=5e-4, batch=24, budget=300, stride=1, gap=8, augment=("vcop",), clips=3, hidden=512,
                  dropout=0.5),
        **SIZE,
        **_from(VCOP, views="every clip of a tuple draws its own crop"),
    },
    "prp": {
        **_steady(PRP, lr=0.01, weight_decay=5e-4, batch=8, budget=300, stride=1, augment=("prp",), rates=4, width=512, weight=0.1),
        **SIZE,
        **_from("choice: theirs falls to a tenth where the loss of held-out videos does not fall for 50 epochs", schedule="steps"),
    },
    "cvrl": {
        **_steady(CVRL, lr=0.32, weight_decay=1e-6, schedule="cosine", warmup=5 / 200, batch=2048, budget=200, stride=2, crop=224,
                  augment=("cvrl",), augment2=("cvrl-2",), hidden=2048, layers=3, width=128, temperature=0.1),
        **_from("choice: a margin as at 112 pixels", size=256),
    },
    "tdl": {
        **_steady(TDL, lr=0.003, weight_decay=1e-4, decay_at=(120 / 240, 160 / 240, 200 / 240), batch=48, budget=240, stride=4,
                  augment=("tdl",), queue=16384, momentum=0.999, temperature=0.07, width=128, mixing=0.1, apart=4, head_norm=False),
        **SIZE,
        **_from("choice: keys are encoded in two sub-batches, theirs shuffles batch norm between GPUs", groups=2),
    },
    "rspnet": {
        **_steady(RSPNET, lr=0.1, weight_decay=1e-4, schedule="cosine", batch=384, budget=200, stride=1, augment=("rspnet",),
                  queue=16384, momentum=0.999, temperature=0.07, width=128, margin=2.0, speed=2, head_norm=False),
        **SIZE,
        **_from(f"{RSPNET}: 0.05 of r2plus1d-vcop (0.1 of other networks) x videos / 64, four GPUs of 32 videos", lr=0.1, batch=384),
        **_from("choice: keys are encoded in two sub-batches, theirs shuffles batch norm between GPUs", groups=2),
    },
}  # fmt: skip
"""What the authors of a task do, by task."""

STATED = {
    **_from(f"{KUMAR}.2", frames=16, crop=112),
    **_from(DRAFT, budget=200, budget_unit="epochs"),
    **_from(f"{KUMAR}.4; strengths are choices", augment=("benchmark",)),
    **_from(f"{CHOICE}: one list for both views", augment2=()),
    **SIZE,
}
"""What the benchmark says of every task."""
SMALLER = "choice: videos of one large GPU, at the learning rate of its authors' linear rule"
OWN: dict[str, Recipe] = {
    "rotnet": _from(LEVELS, rotations=4),
    "vcop": _from(
        "choice: the common list is drawn for every clip of a tuple, as VCOP draws its crop; the benchmark does not say",
        views="every clip of a tuple draws its own rotation, crop, jitter and flip",
    ),
    "prp": _from(LEVELS, rates=4),
    "cvrl": {
        **_from(f"{KUMAR}.4; strengths are choices", augment=("benchmark-cvrl",)),
        **_from(SMALLER, lr=0.04, batch=256),
    },
    "tdl": {**_from(f"{KUMAR}.4", queue=500), **_from("choice: no list is named for TDL", augment=("tdl",))},
    "rspnet": {**_from(f"{KUMAR}.4", queue=16384), **_from(SMALLER, lr=0.025, batch=96)},
}
"""What it says of a task, and where a choice is not that of the task's authors."""


def _benchmark(task: str) -> Recipe:
    copied = {name: Value(one.value, _chosen(one.source)) for name, one in PAPER[task].items()}
    return {**copied, **STATED, **OWN[task]}


def _chosen(source: str) -> str:
    return source if source.startswith(CHOICE) else f"{CHOICE}: {source}"


OTHERS: Recipe = {
    **_steady("choice: as VCOP", lr=1e-3, weight_decay=5e-4, batch=24, stride=1),
    **STATED,
    **_from("choice: the task's own list, else the common one", augment=()),
}
"""Tasks that the benchmark does not have, under its preset."""
RECIPES: Mapping[str, Mapping[str, Recipe]] = {
    task: {"benchmark": _benchmark(task), "paper": PAPER[task]} for task in PAPER
}
"""By task and preset."""


def recipe(task: str, preset: str) -> Recipe:
    """How a task is trained; ``OTHERS`` under ``benchmark`` for a task that the benchmark does not have.

    Raises:
        UsageError: nobody has written down how its paper trains it.
    """
    if task in RECIPES:
        return RECIPES[task][preset]
    if preset == "benchmark":
        return OTHERS
    raise UsageError(
        f"--objective-preset {preset}: {task} has no recipe of a paper.{suggestion(task, RECIPES)} Known: {', '.join(RECIPES)};"
        " or --objective-preset benchmark."
    )


def values(task: str, preset: str, setting: bool = True) -> dict[str, object]:
    """Fields of a ``PretrainConfig`` by a recipe.

    Args:
        task: name of `muybridge list objectives`, or a task from outside.
        preset: ``benchmark`` or ``paper``.
        setting: also what the network sees and for how long; else how it is trained alone.
    """
    found = recipe(task, preset)
    names = (*SETTING, *TRAINING) if setting else TRAINING
    return {name: found[name].value for name in names if name in found}


def options(task: str, preset: str) -> dict[str, object]:
    """Options of a task by its recipe."""
    apart = (*SETTING, *TRAINING, *LISTS, *NOTES)
    return {name: one.value for name, one in recipe(task, preset).items() if name not in apart}


def digest(found: Recipe) -> str:
    """Twelve hexadecimal digits of what a recipe does; equal for equal values, whatever their sources are called."""
    content = {name: one.value for name, one in found.items()}
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:12]


def rows(task: str = "") -> Iterator[dict[str, object]]:
    """Every value of the table, or of one task: task, preset, hash of the recipe, name, value, source.

    Raises:
        UsageError: no such task in the table.
    """
    if task and task not in RECIPES:
        raise UsageError(
            f"info recipes: no recipe of {task!r}.{suggestion(task, RECIPES)} Known: {', '.join(RECIPES)}."
        )
    for name in [task] if task else RECIPES:
        for preset, found in RECIPES[name].items():
            told = {"task": name, "preset": preset, "hash": digest(found)}
            for field in sorted(found, key=_place):
                yield {**told, "name": field, "value": found[field].value, "source": found[field].source}


def _place(name: str) -> tuple[int, str]:
    order = (*SETTING, *TRAINING, *LISTS)
    return (order.index(name), "") if name in order else (len(order), name)
