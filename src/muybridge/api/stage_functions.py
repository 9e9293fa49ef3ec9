"""The verbs that run one stage, with the options of their commands by name; ``preset`` and ``config`` (YAML) are values under them."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, Unpack

from muybridge.api.running import run_similarity, run_stage
from muybridge.config import keywords
from muybridge.config import stage_configs as configs
from muybridge.config.keywords import Word, Words
from muybridge.config.stage_configs import Control
from muybridge.core.errors import UsageError
from muybridge.runs.records import Run
from muybridge.runs.stages import is_known
from muybridge.stages.job import base

C = TypeVar("C", bound=Control)
F = TypeVar("F", bound=Callable[..., object])


def options_of(kind: type) -> Callable[[F], F]:
    """Show the fields of a config, with their defaults, in the signature of a function: ``help`` and editors read it there."""

    def shown(function: F) -> F:
        signature = inspect.signature(function)
        named = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        rest = [
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type
            )
            for one in dataclasses.fields(kind)
            if one.name not in signature.parameters
        ]
        function.__signature__ = signature.replace(parameters=[*named, *rest])  # type: ignore[attr-defined]
        return function

    return shown


def config_of(
    kind: type[C], verb: str, values: Mapping[str, object], preset: str, config: Word | None, **named: object
) -> C:
    """A config from defaults, preset, recipe, file and arguments, each over the one before; those that are None were not given."""
    fields = {} if config is None else base.read_fields(Path(config))
    given = {**values, **{name: value for name, value in named.items() if value is not None}}

    def over(begun: C) -> C:
        return configs.change(configs.change(begun, fields, f"--config {config}"), given, f"muybridge.{verb}")

    # A preset of pretraining is the recipe of its task, which the values name.
    return base.give_way(over(base.preset(kind, preset, vars(over(kind())))), preset)


@options_of(configs.PretrainConfig)
def pretrain(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.PretrainFields],
) -> Run:
    """Learn from unlabelled videos with one pretext task.

    Example:
        >>> import muybridge
        >>> run = muybridge.pretrain(data="videos", objective="rotnet", budget=96, out="runs")
        >>> run.stage, run.result["budget"]["clips"]
        ('pretrain', 96)
    """
    return run_stage(
        config_of(configs.PretrainConfig, "pretrain", values, preset, config, data=data, out=out)
    )


@options_of(configs.FinetuneConfig)
def finetune(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    teachers: Words | None = None,
    **values: Unpack[keywords.FinetuneFields],
) -> Run:
    """Train backbone and linear layer on labels.

    Example:
        >>> import muybridge
        >>> run = muybridge.finetune(data="videos", epochs=1, fold=0, out="runs")
        >>> run.result["facets"]["data"], run.result["data"]["videos"]["test"] > 0
        ('videos', True)
    """
    return run_stage(
        config_of(
            configs.FinetuneConfig, "finetune", values, preset, config, data=data, out=out, teachers=teachers
        )
    )


def distill(
    teachers: Words = (),
    student: str | None = None,
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.FinetuneFields],
) -> Run:
    """Train a student on labels and on the softened answers of one or more teachers.

    Args:
        teachers: folders of finetune or probe runs, or such runs.
        student: its backbone, one of `muybridge list backbones`.
        data: as of ``finetune``, and so are the other arguments.
        out: folder of the results.
        preset: values to start from.
        config: a YAML file of values over those of the preset.
        values: the other arguments of ``finetune``; ``weighting``, how teachers are weighed, is ``ae-kd`` when not given.

    Raises:
        UsageError: no teachers.

    Example:
        >>> import muybridge
        >>> teacher = muybridge.finetune(data="videos", epochs=1, fold=0, out="runs")
        >>> run = muybridge.distill(teacher, data="videos", epochs=1, fold=0, out="runs")
        >>> run.result["config"]["weighting"]
        'ae-kd'
    """
    if not teachers:
        raise UsageError(
            "muybridge.distill: wanted teachers, one or more folders OUT/runs/finetune|probe/SIGNATURE."
        )
    given = {"backbone": student, "teachers": teachers, "data": data, "out": out}
    options = {"weighting": "ae-kd", **values}
    return run_stage(config_of(configs.FinetuneConfig, "finetune", options, preset, config, **given))


@options_of(configs.ProbeConfig)
def probe(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.ProbeFields],
) -> Run:
    """Train a linear layer on frozen features.

    Example:
        >>> import muybridge
        >>> run = muybridge.probe(data="videos", fold=0, out="runs")
        >>> run.done
        True
    """
    return run_stage(config_of(configs.ProbeConfig, "probe", values, preset, config, data=data, out=out))


@options_of(configs.KnnConfig)
def knn(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.KnnFields],
) -> Run:
    """Classify test videos by the nearest training videos in feature space.

    Example:
        >>> import muybridge
        >>> run = muybridge.knn(data="videos", fold=0, k=3, out="runs")
        >>> run.result["config"]["k"]
        3
    """
    return run_stage(config_of(configs.KnnConfig, "knn", values, preset, config, data=data, out=out))


@options_of(configs.RetrievalConfig)
def retrieval(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.RetrievalFields],
) -> Run:
    """Find training videos of the class of each test video: recall at k and mean average precision.

    Example:
        >>> import muybridge
        >>> run = muybridge.retrieval(data="videos", fold=0, views=2, ks=[1, 5], out="runs")
        >>> [row["k"] for row in run.result["recall"]]
        [1, 5]
    """
    return run_stage(
        config_of(configs.RetrievalConfig, "retrieval", values, preset, config, data=data, out=out)
    )


@options_of(configs.NeighboursConfig)
def neighbours(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.NeighboursFields],
) -> Run:
    """Find the nearest videos of each video in feature space.

    Example:
        >>> import muybridge
        >>> run = muybridge.neighbours(data="videos", nearest=2, out="runs")
        >>> run.stage
        'neighbours'
    """
    return run_stage(
        config_of(configs.NeighboursConfig, "neighbours", values, preset, config, data=data, out=out)
    )


@options_of(configs.SimilarityConfig)
def similarity(
    a: Word | None = None,
    b: Word | None = None,
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.SimilarityFields],
) -> Run:
    """Compare what the layers of two networks tell apart on the same clips; ``b`` is ``a`` itself when not given.

    Example:
        >>> import muybridge
        >>> run = muybridge.similarity("r2plus1d-tiny", data="videos", videos=8, out="maps")
        >>> sorted(run.result["similarity"]["measures"])[0]
        'cka'
    """
    return run_similarity(
        config_of(
            configs.SimilarityConfig, "similarity", values, preset, config, a=a, b=b, data=data, out=out
        )
    )


@options_of(configs.DiversityConfig)
def diversity(
    *,
    data: Words | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.DiversityFields],
) -> Run:
    """Measure how diverse auxiliary losses are: their gradients on the way of a training under the equal sum.

    Example:
        >>> import muybridge
        >>> few = {"points": [50], "gradient_batch": 4, "gradient_batches": 3, "redraws": 20}
        >>> run = muybridge.diversity(data="videos", fold=0, auxiliary=["rotnet", "vcop"], epochs=1, out="runs", **few)
        >>> run.stage
        'diversity'
    """
    return run_stage(
        config_of(configs.DiversityConfig, "diversity", values, preset, config, data=data, out=out)
    )


def __getattr__(name: str) -> Callable[..., Run]:
    """The verb of a stage of another package, as ``muybridge.NAME``.

    Raises:
        AttributeError: no stage of that name.
    """
    if name.startswith("_") or not is_known(name):
        raise AttributeError(f"module 'muybridge' has no attribute {name!r}")
    kind = configs.kind_of(name)

    @options_of(kind)
    def run(*, preset: str = "tiny", config: Word | None = None, **values: object) -> Run:
        return run_stage(config_of(kind, name, values, preset, config))

    run.__name__, run.__doc__ = name, kind.__doc__
    return run
