"""The three sizes of the shipped studies, and the cells they are made of.

``tiny``: embedded data, tiny networks, minutes on two cores. ``small``: UCF101 and HMDB51 on one GPU. ``paper``: the setting of Kumar et
al. (arXiv 2306.06010) as far as it is stated, on Kinetics-400 or Something-Something V2; what it does not state is that of
``--preset benchmark``.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from muybridge.backbones import BACKBONES
from muybridge.config import recipes
from muybridge.config.presets import PRESETS
from muybridge.config.stage_configs import (
    Control,
    FinetuneConfig,
    PretrainConfig,
    ProbeConfig,
    RetrievalConfig,
    RobustnessConfig,
    SimilarityConfig,
)
from muybridge.core.errors import UsageError
from muybridge.data.lists.amounts import parse
from muybridge.studies.study_configs import BenchmarkConfig

TASKS = ("rotnet", "vcop", "prp", "cvrl", "tdl", "rspnet")
"""The six pretext tasks of the benchmark."""
CLIPS = {"frames": 16, "stride": 1, "size": 128, "crop": 112}
"""Clips of the benchmark: 16 frames of 112 x 112 pixels."""


@dataclass(frozen=True)
class Scale:
    """What a study does at one size, unless it says otherwise.

    Attributes:
        recipes: whether every task is pretrained by its own recipe (``config.recipes``); ``pretrain`` goes over it.
        source: videos to pretrain on.
        data: labelled data sets.
        tasks: pretext tasks.
        backbones: networks.
        seeds: number of seeds.
        pretrain: values of every pretraining run; ``finetune``, ``probe`` and ``robustness`` alike.
        small: values of fine-tuning for networks of the small group, over those of ``finetune``.
        stride: step between the frames of a pretraining clip by task; 1 for tasks that draw their own windows or several clips.
        batch: clips per pretraining step by task; that of ``pretrain`` for the others.
        queue: keys in the queue of a task; at most the power of two that a part of a source (``NAME@N``) reaches.
    """

    source: tuple[str, ...]
    data: tuple[str, ...]
    tasks: tuple[str, ...]
    backbones: tuple[str, ...]
    seeds: int
    pretrain: Mapping[str, object]
    finetune: Mapping[str, Any]
    probe: Mapping[str, Any]
    robustness: Mapping[str, object]
    small: Mapping[str, object] = field(default_factory=dict)
    stride: Mapping[str, int] = field(default_factory=dict)
    batch: Mapping[str, int] = field(default_factory=dict)
    queue: Mapping[str, int] = field(default_factory=dict)
    recipes: bool = False


ASKED = ("source", "data", "tasks", "backbones", "seeds")
"""Fields of a scale that a config can set."""
NOISE = {"profile": "ssl-noise", "severities": (1, 2, 3)}
"""The benchmark's noise: four kinds at severities 1 to 3."""
BIG = {
    stage: {name: value for name, value in PRESETS["benchmark"][stage].items() if name != "backbone"}
    for stage in ("finetune", "probe")
}
SCALES = {
    "tiny": Scale(
        source=("builtin-motions",),
        data=("builtin-objects", "builtin-motions"),
        tasks=(*TASKS, "speed"),
        backbones=("r2plus1d-tiny", "shufflenet-tiny"),
        seeds=3,
        pretrain={"budget": 30_000, "batch": 48, "stride": 1},
        finetune={"labels_per_class": 10, "epochs": 20},
        probe={},
        robustness=NOISE,
        stride={"rotnet": 3, "arrow-of-time": 3, "masked": 3, "cvrl": 2, "tdl": 2},
        batch={"cvrl": 96},
    ),
    "small": Scale(
        source=("ucf101",),
        data=("ucf101", "hmdb51"),
        tasks=TASKS,
        backbones=("r2plus1d", "shufflenet"),
        seeds=1,
        pretrain={**CLIPS, "budget": 300_000, "batch": 96, "lr": 1e-3},
        finetune={**CLIPS, "epochs": 30, "batch": 32, "lr": 1e-3, "views": 3},
        probe={**CLIPS, "batch": 32, "views": 3},
        robustness=NOISE,
        stride={"cvrl": 2, "tdl": 4},
        queue={"rspnet": 512},
    ),
    "paper": Scale(
        source=("kinetics400@50000",),
        data=("ucf101", "hmdb51"),
        tasks=TASKS,
        backbones=("r2plus1d", "shufflenet"),
        seeds=3,
        pretrain={},
        finetune=BIG["finetune"],
        probe=BIG["probe"],
        robustness=NOISE,
        small={"lr": PRESETS["benchmark-small"]["finetune"]["lr"]},
        queue={"rspnet": 16384},
        recipes=True,
    ),
}  # fmt: skip
"""Defaults by size. Learning rates, batches and the numbers of seeds are choices of ours, at ``paper`` the number of seeds alone."""


Steps = Generator[Control, str, None]
"""Cells of a study as they are asked for; each is answered by the folder of its run."""
Ours = Mapping[str, Mapping[str, object]]
"""By scale, fields of ``Scale`` in which a study differs from others of its size."""


class Lab:
    """Makes the cells of a shipped study: by its config, else by what the study says, else by what the scale says.

    Args:
        config: as given by the user.
        ours: of this study.

    Raises:
        UsageError: labels are declared of data that were not given.
    """

    def __init__(self, config: BenchmarkConfig, ours: Ours) -> None:
        asked = {name: getattr(config, name) for name in ASKED if getattr(config, name, None)}
        if config.label_changing and not config.data:
            raise UsageError(
                "--label-changing: goes with --data; what the study's own data sets say of their labels stands."
            )
        self.config = config
        self.scale = replace(SCALES[config.scale], **{**ours.get(config.scale, {}), **asked})
        self.roots = dict(map(_root, config.roots))

    @property
    def seeds(self) -> range:
        """Seeds, counted from ``--seed``."""
        return range(self.config.seed, self.config.seed + self.scale.seeds)

    def pretrain(self, task: str, backbone: str, seed: int, **changes: Any) -> PretrainConfig:
        """A pretraining run on the source under the budget of the scale."""
        source = changes.get("data", self.scale.source)
        own = {
            "stride": self.scale.stride.get(task),
            "batch": self.scale.batch.get(task),
            "objective_options": self._queue(task, source),
        }
        values = {
            **(recipes.values(task, "benchmark") if self.scale.recipes else {}),
            **self.scale.pretrain,
            **{name: value for name, value in own.items() if value},
            "data": source,
            **changes,
        }
        return PretrainConfig(**self.control(source), seed=seed, backbone=backbone, objective=task, **values)

    def _queue(self, task: str, source: tuple[str, ...]) -> tuple[str, ...]:
        """The option of a task's queue, which cannot hold more keys than there are videos."""
        keys, videos = self.scale.queue.get(task), parse(source[0])[1]
        if keys is None:
            return ()
        return (f"queue={min(keys, 1 << videos.bit_length() - 1) if videos else keys}",)

    def pretrained(
        self, backbone: str, seed: int, **changes: object
    ) -> Generator[PretrainConfig, str, dict[str, str]]:
        """Yield a pretraining run of every task; returns where networks start from by arm, ``random`` first."""
        inits = {"random": "random"}
        for task in self.scale.tasks:
            inits[task] = yield self.pretrain(task, backbone, seed, **changes)
        return inits

    def probe(self, data: str, init: str, backbone: str, seed: int, **changes: object) -> ProbeConfig:
        """A linear probe of a pretrained or random network."""
        return ProbeConfig(**self._transfer(data, init, backbone, seed), **{**self.scale.probe, **changes})

    def retrieval(self, data: str, init: str, backbone: str, seed: int, **changes: object) -> RetrievalConfig:
        """Nearest training videos in the space of a pretrained or random network: clips as of the probe, as many views as usual."""
        clips = {name: value for name, value in self.scale.probe.items() if name != "views"}
        return RetrievalConfig(**self._transfer(data, init, backbone, seed), **{**clips, **changes})

    def finetune(self, data: str, init: str, backbone: str, seed: int, **changes: object) -> FinetuneConfig:
        """Fine-tuning of a pretrained or random network."""
        group = BACKBONES[backbone].facts.get("group") if backbone in BACKBONES else ""
        values = {**self.scale.finetune, **(self.scale.small if group == "small" else {}), **changes}
        return FinetuneConfig(**self._transfer(data, init, backbone, seed), **values)

    def robustness(self, data: str, model: str, **changes: object) -> RobustnessConfig:
        """A fine-tuned or probed network under perturbations; the noise is the same for all."""
        root = self.control((data,))["root"]
        control = {**self.control(()), "root": root, "data": (data,) if root else ()}
        control["label_changing"] = self.config.label_changing
        return RobustnessConfig(**{**control, "seed": 0, "model": model, **self.scale.robustness, **changes})

    def similarity(self, data: str, a: str, b: str = "", **changes: Any) -> SimilarityConfig:
        """Layers of two networks, or of one, on the test videos of a data set; the choice of clips is the same for all."""
        return SimilarityConfig(
            **{**self.control((data,)), "seed": 0, "data": (data,), "a": a, "b": b, **changes}
        )

    def _transfer(self, data: str, init: str, backbone: str, seed: int) -> dict[str, Any]:
        return {**self.control((data,)), "data": (data,), "init": init, "backbone": backbone, "seed": seed}

    def control(self, data: tuple[str, ...]) -> dict[str, Any]:
        """Run control of the study, and the root of some data."""
        names = ("out", "device", "precision", "workers", "limit", "allow_broken", "allow_links", "stream", "track")  # fmt: skip
        root = next((self.roots[name] for name, _ in map(parse, data) if name in self.roots), None)
        return {name: getattr(self.config, name) for name in names} | {"root": root}


def _root(word: str) -> tuple[str, str]:
    name, sign, folder = word.partition("=")
    if not (name and sign and folder):
        raise UsageError(f"--roots {word}: wanted NAME=FOLDER words, as in ucf101=/data/ucf101.")
    return name, folder
