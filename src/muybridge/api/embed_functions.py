"""A model in one's own code: ``load`` gives the module, ``embed`` writes its features of many videos."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from muybridge.api.running import memory_words
from muybridge.api.stage_functions import options_of
from muybridge.config import keywords
from muybridge.config import stage_configs as configs
from muybridge.config.embed_config import EmbedConfig, ModelConfig
from muybridge.config.keywords import Word, Words
from muybridge.core.text.forecast import Forecast
from muybridge.core.text.screen import Screen, screen

if TYPE_CHECKING:
    from torch import nn

    from muybridge.embeddings.embed_request import Request
    from muybridge.embeddings.loaded_model import LoadedModel
    from muybridge.embeddings.read_embeddings import Embeddings


@options_of(ModelConfig)
def load(model: Word, *, head: bool = True, **values: Unpack[keywords.ModelFields]) -> "LoadedModel":
    """A model as a ``torch.nn.Module`` in evaluation mode, with its mean and std, its clips, and the way from a file to them.

    Args:
        model: folder of a pretrain, finetune or probe run, or such a run; a snapshot of a pretraining; ``i3d``, ``torchvision:NAME``,
            ``hf:NAME_OR_FOLDER``, ``module:function``; a backbone of `muybridge list backbones` (untrained); ``NAME=FILE``.
        head: False for a model that is no run without its head: a call gives pooled features in the place of logits. A run keeps its
            head and has ``features`` and ``backbone`` besides.
        values: the weights of a model that is no run, how it is fed, and how clips are cut, as `muybridge embed --help` says.

    Returns:
        The module, on the CPU and in float32: ``model(model.read("video.mp4"))`` are the logits of all views as the model was tested
        (``v k``), pooled features where it has no head. ``clip_protocol`` has frames, sizes and views; ``features`` and ``backbone`` lie
        before the head.

    Raises:
        UsageError: no such model, or none with weights of its own.
        MuybridgeError: a run that is not finished, or damaged.

    Example:
        >>> import muybridge
        >>> run = muybridge.finetune(data="videos", epochs=1, fold=0, out="runs")
        >>> model = muybridge.load(run)
        >>> clips = model.read("videos/left/0.mp4")
        >>> clips.shape, model(clips).shape, model.features(clips).shape
        (torch.Size([1, 3, 8, 32, 32]), torch.Size([1, 2]), torch.Size([1, 128]))
        >>> model.classes, model.clip_protocol.stride
        (('left', 'right'), 3)
    """
    from muybridge.embeddings.load_model import load_model

    named = dict(values) | {"model": os.fspath(model)}
    return load_model(configs.change(ModelConfig(), named, "muybridge.load"), head)


@options_of(EmbedConfig)
def embed(
    model: "Word | nn.Module",
    data: Words | None = None,
    *,
    out: Word,
    **values: Unpack[keywords.EmbedFields],
) -> "Embeddings":
    """Write what a model makes of videos into one file: a row a video or a clip, in the order of the data set, with ids and labels.

    Args:
        model: what ``load`` takes, or what it gives; or an ``nn.Module`` of your own: frames (float, 0 to 1, ``b 3 t h w``) to features
            (``b d``, tokens ``b n d``, a map ``b d t h w``), its ``layers``, ``clip_frames`` and ``clip_size`` count.
        data: folders, lists or names of data sets; that of the run when not given.
        out: ``FILE.parquet``, ``FILE.npz``, or a folder. What is there of the same request is not computed again.
        values: the other options of `muybridge embed --help`.

    Returns:
        What was written: ``features()``, ``rows``, ``labels``, ``facts``.

    Raises:
        UsageError: no such model, layer or data; ``out`` holds something else.
        MuybridgeError: a full disk; what was computed is kept, and the same call goes on.

    Example:
        >>> import muybridge
        >>> run = muybridge.pretrain(data="videos", objective="rotnet", budget=96, out="runs")
        >>> found = muybridge.embed(run, "videos", out="features.parquet", layers=["pooled", "stages.0"])
        >>> found.features().shape, found.features("stages.0").shape, found.rows["label"][0]
        ((16, 128), (16, 16), 'left')
    """
    named = dict(values) | {"out": os.fspath(out)} | ({} if data is None else {"data": data})
    is_word = isinstance(model, str | os.PathLike)
    named["model"] = os.fspath(model) if is_word else type(model).__name__  # type: ignore[arg-type]
    config = configs.change(EmbedConfig(), named, "muybridge.embed")
    return run_embed(config, None if is_word else model)  # type: ignore[arg-type]


def run_embed(
    config: EmbedConfig,
    module: "nn.Module | None" = None,
    show: Screen | None = None,
    announce: "Callable[[Request], None] | None" = None,
) -> "Embeddings":
    """Embed as a config says: videos are decoded with all workers, progress is shown.

    Args:
        config: what to do; with ``dry_run`` nothing is written.
        module: a model that was handed over as an object.
        show: where progress goes.
        announce: told what was asked for, resolved, before work starts.
    """
    from muybridge.core.machine.cores import worker_count
    from muybridge.data.index import check_there
    from muybridge.embeddings.embed_request import request_of
    from muybridge.embeddings.embed_videos import embed_videos
    from muybridge.embeddings.load_model import given_model, load_model
    from muybridge.embeddings.read_embeddings import Embeddings
    from muybridge.stages.job.resolve_cache import ResolveCache
    from muybridge.studies.study import decode, render

    workers = worker_count(config.workers)
    with show or screen() as bars:
        model = load_model(config, head=False) if module is None else given_model(module, config)
        request = request_of(config, model, ResolveCache(lambda: render(workers, bars)))
        check_there(request.dataset, config.allow_broken)
        if announce:
            announce(request)
        if config.dry_run:
            return Embeddings(request.out)
        forecast = Forecast("embed", "--views or --limit", bars.say, memory_words)

        def progress(done: int, total: int) -> None:
            bars.update("embed", done, total)
            forecast(done, total)

        made = embed_videos(
            request,
            lambda records, size: decode(records, size, workers, bars, config.allow_broken),
            bars.say,
            progress,
        )
        bars.finish("embed")
        return made
