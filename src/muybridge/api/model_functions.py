"""The verbs that test a model, which may be an object in Python: ``robustness`` and ``zeroshot``."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Unpack

from muybridge.api.running import in_place, run_stage
from muybridge.api.stage_functions import config_of, options_of
from muybridge.config import keywords
from muybridge.config import stage_configs as configs
from muybridge.config.keywords import Word, Words
from muybridge.config.stage_configs import Control
from muybridge.runs.records import Run

if TYPE_CHECKING:
    from torch import Tensor

    from muybridge.stages.job.measured import RobustnessRun, ZeroshotRun
    from muybridge.stages.testing.models import TestedModel

R = TypeVar("R", bound=Run)


@options_of(configs.RobustnessConfig)
def robustness(
    model: "Word | Callable[[Tensor], Tensor] | None" = None,
    data: Words | None = None,
    *,
    name: str | None = None,
    class_names: Sequence[str] | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.RobustnessFields],
) -> "RobustnessRun":
    """Measure a classifier on perturbed clips.

    Args:
        model: what `muybridge robustness --model` takes; or an ``nn.Module`` or callable that turns frames (float, 0 to 1, ``b 3 t h w``)
            into logits ``b k`` and owns its normalisation. ``layout``, ``range``, ``mean``, ``std`` and ``channels`` feed it otherwise.
        data: folders, lists or names of data sets.
        name: of a model that is an object, in tables; names its results too, and is needed for those of a callable without weights.
        class_names: classes of such a model in the order of its scores; those of the data set when not given.
        out: folder of the results; those of an object lie in a temporary folder, and go with what is returned, when not given.
        preset: values to start from.
        config: a YAML file of values over those of the preset.
        values: the other arguments are those of `muybridge robustness --help`.

    Returns:
        The finished run with its ``rows`` and ``scores()``.

    Raises:
        UsageError: a callable without weights and name cannot have its results kept in ``out``.

    Example:
        >>> import muybridge
        >>> def always_left(frames):
        ...     return frames.new_tensor([1.0, 0.0]).expand(len(frames), 2)
        >>> run = muybridge.robustness(
        ...     always_left, "videos", types=["jumbling"], severities=[3], frames=4, stride=1, short_side=32, crop=32
        ... )
        >>> run.scores(replicates=100).clean.value
        0.5
    """
    from muybridge.stages.job.measured import RobustnessRun
    from muybridge.stages.testing.models import given

    if model is None or isinstance(model, str | os.PathLike):
        named = {"model": model, "data": data, "out": out}
        made = config_of(configs.RobustnessConfig, "robustness", values, preset, config, **named)
        return RobustnessRun(run_stage(made).path)
    subject = given(model, name, tuple(class_names) if class_names else None, kept=out is not None)
    base = partial(config_of, configs.RobustnessConfig, "robustness", values, preset, config)
    return _of_object(base, RobustnessRun, subject, data, out)


@options_of(configs.ZeroshotConfig)
def zeroshot(
    model: Word | object | None = None,
    data: Words | None = None,
    *,
    name: str | None = None,
    out: Word | None = None,
    preset: str = "tiny",
    config: Word | None = None,
    **values: Unpack[keywords.ZeroshotFields],
) -> "ZeroshotRun":
    """Classify videos by the names of classes, said in words.

    Args:
        model: what `muybridge zeroshot --model` takes; or an object with ``video(frames) -> b d`` (float, 0 to 1, ``b 3 t h w``) and
            ``text(list of strings) -> n d``, which owns its normalisation; its ``logit_scale``, ``clip_frames`` and ``clip_size`` count.
        data: folders, lists or names of data sets.
        name: of a model that is an object, in tables; names its results too.
        out: folder of the results; those of an object lie in a temporary folder, and go with what is returned, when not given.
        preset: values to start from.
        config: a YAML file of values over those of the preset.
        values: the other arguments are those of `muybridge zeroshot --help`.

    Returns:
        The finished run with its ``rows`` and ``scores()``.

    Raises:
        UsageError: an object without both methods, or without weights and name whose results are to be kept in ``out``.

    Example:
        >>> import muybridge, torch
        >>> class Bright:
        ...     clip_frames, clip_size = 4, 32
        ...     def video(self, frames):
        ...         mean = frames.mean((1, 2, 3, 4))
        ...         return torch.stack([mean, 1 - mean], 1)
        ...     def text(self, sentences):
        ...         return torch.tensor([[float("left" in one), float("right" in one)] for one in sentences])
        >>> run = muybridge.zeroshot(Bright(), "videos")
        >>> run.result["data"]["name"]
        'videos'
    """
    from muybridge.stages.job.measured import ZeroshotRun
    from muybridge.stages.texts.text_scored import given

    if model is None or isinstance(model, str | os.PathLike):
        named = {"model": model, "data": data, "out": out}
        made = config_of(configs.ZeroshotConfig, "zeroshot", values, preset, config, **named)
        return ZeroshotRun(run_stage(made).path)
    subject = given(model, name, kept=out is not None)
    base = partial(config_of, configs.ZeroshotConfig, "zeroshot", values, preset, config)
    return _of_object(base, ZeroshotRun, subject, data, out)


def _of_object(
    base: Callable[..., Control],
    made: Callable[[Path], R],
    subject: "TestedModel",
    data: Words | None,
    out: Word | None,
) -> R:
    """Run a stage on a model that is an object; without ``out`` its results go with what is returned."""
    return in_place(
        out,
        lambda place: made(run_stage(base(model=subject.name, data=data, out=place), subject=subject).path),
    )
