"""Evaluation protocol: which clips of a video a model is asked about, frames x stride x views x crops x resolution.

Normalisation is not part of it: every model owns its mean and std. The hash names everything that decides the pixels.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Int64

from muybridge.config.embed_config import ModelConfig
from muybridge.config.stage_configs import Data, PretrainConfig, RobustnessConfig, Transfer, ZeroshotConfig
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import canonical
from muybridge.sampling.frame_numbers import ClipLaw, Short
from muybridge.sampling.whole_video import clip_law


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How test clips are cut out of a video.

    Attributes:
        name: preset it comes from; not part of the hash.
        frames: frames per clip.
        stride: step between the frames of a clip, at the rate below; ``uniform`` sampling has none.
        fps: rate to which videos are resampled first (each tick shows the nearest frame), frames per second; None keeps their own.
        sampling: ``dense`` clips of ``frames`` x ``stride``; ``uniform``: the middle frame of each of ``frames`` equal parts; ``ends``:
            from the first frame to the last in equal steps, rounded down (as Perception Encoder).
        temporal: clips per video; dense ones are spread evenly from first to last, a single one is taken from the middle.
        spatial: crops per clip: 1 (centre) or 3 (both ends and the middle of the long side).
        short_side: to which pictures are scaled, pixels; 0 for pictures squeezed out of a cache of ``crop`` pixels.
        crop: height and width of what the model sees, pixels.
        short: what to do with a video shorter than a clip, see ``sampling``.

    Raises:
        ValueError: numbers that make no clip.
    """

    name: str
    frames: int
    stride: int = 1
    fps: float | None = None
    sampling: Literal["dense", "uniform", "ends"] = "dense"
    temporal: int = 1
    spatial: int = 1
    short_side: int = 256
    crop: int = 224
    short: Short = "shrink"

    def __post_init__(self) -> None:
        if min(self.frames, self.temporal, self.crop) < 1 or self.stride < 0 or self.spatial not in (1, 3):
            raise ValueError(
                "wanted frames, views and crop of at least 1, stride >= 0 and 1 or 3 spatial views"
            )
        if self.short_side < self.crop:
            raise ValueError(f"a crop of {self.crop} does not fit into a short side of {self.short_side}")
        if self.fps is not None and not 0 < self.fps < float("inf"):
            raise ValueError(f"{self.fps} frames per second; wanted a number above 0")

    @property
    def views(self) -> int:
        """Clips per video."""
        return self.temporal * self.spatial

    @property
    def hash(self) -> str:
        """Name of everything but the name."""
        content = {name: value for name, value in asdict(self).items() if name != "name"}
        if self.fps is not None:
            content["nearest"] = "by time stamp"  # before 0.2 by the mean rate
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:12]

    @property
    def span(self) -> int:
        """Frames, at the rate of the protocol, that one clip covers."""
        return self.frames if self.sampling != "dense" else (self.frames - 1) * self.stride + 1

    @property
    def law(self) -> ClipLaw:
        """Which frames its clips are, but for ``ends``."""
        assert self.sampling != "ends", "no law: its clips are all the same"
        return clip_law(self.sampling, self.frames, self.stride, self.short)

    def facts(self) -> dict[str, object]:
        """What ``result.json`` says of it."""
        return asdict(self) | {"hash": self.hash}

    def __str__(self) -> str:
        how = f"x{self.stride}" if self.sampling == "dense" else self.sampling
        rate = f" at {self.fps:g} fps" if self.fps else ""
        return f"{self.name}: {self.frames} {how}{rate}, {self.temporal}x{self.spatial} views, {self.crop} px"


PROTOCOLS = {
    one.name: one
    for one in (
        Protocol(name="kinetics", frames=16, stride=4, temporal=10),
        Protocol(name="ucf101", frames=16, stride=4, temporal=5),
        Protocol(name="hmdb51", frames=16, stride=4, temporal=5),
        Protocol(name="ssv2", frames=16, sampling="uniform"),
        Protocol(name="zeroshot", frames=8, sampling="uniform", short_side=224),
        Protocol(name="i3d-kinetics", frames=64, fps=25.0),
    )
}
"""Presets. Views and crops as the data sets are usually tested; 16 x 4 is a common clip length, not a rule: override it per model."""

OVERRIDES = ("frames", "stride", "fps", "short_side", "crop", "sampling")


def chosen(
    config: RobustnessConfig | ZeroshotConfig | ModelConfig,
    default: str,
    clip: Mapping[str, int | str] | None = None,
) -> Protocol:
    """The protocol of a config: its preset, or the model's own, with the overrides put over it.

    Args:
        config: names the preset and the overrides.
        default: preset where none is named.
        clip: ``frames``, ``stride``, ``sampling``, ``crop`` and ``short_side`` that the model wants, over those of any preset.

    Raises:
        UsageError: unknown preset or numbers that make no clip.
    """
    name = config.protocol or default
    preset_of(name)
    changes: dict[str, Any] = dict(clip or {})
    changes |= {field: value for field in OVERRIDES if (value := getattr(config, field, None)) is not None}
    side = changes.get("short_side", PROTOCOLS[name].short_side)
    if changes.get("crop", 0) > side and config.short_side is None:
        changes["short_side"] = changes["crop"]
    if config.views is not None:
        changes |= dict(zip(("temporal", "spatial"), parse_views(config.views), strict=True))
    try:
        protocol = replace(PROTOCOLS[name], **changes)
    except ValueError as error:
        raise UsageError(f"--protocol {name} with {changes or 'no changes'}: {error}.") from error
    return protocol if protocol == PROTOCOLS[name] else replace(protocol, name=f"{name}, changed")


def preset_of(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: unknown.
    """
    if name not in PROTOCOLS:
        raise UsageError(
            f"--protocol {name}: unknown.{suggestion(name, PROTOCOLS)} Known: {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[name]


def parse_views(text: str) -> tuple[int, int]:
    """``10x3`` to 10 temporal and 3 spatial views; ``10`` is ``10x1``.

    Raises:
        UsageError: anything else.
    """
    words = text.lower().split("x")
    if len(words) > 2 or not all(word.isdecimal() and int(word) for word in words):
        raise UsageError(f"--views {text}: wanted temporal x spatial views such as 10x1 or 10x3.")
    return int(words[0]), int(words[1]) if len(words) == 2 else 1


def of_pretraining(config: PretrainConfig) -> Protocol:
    """The clips that a network was pretrained on, one from the middle of a video."""
    return Protocol(
        name="own run",
        frames=config.frames,
        stride=_stride(config),
        sampling=config.sampling,
        short_side=config.size,
        crop=config.crop,
        short=config.short,
    )


def of_run(config: Transfer) -> Protocol:
    """The protocol that an own run is tested with: the middle of square pictures of ``size``, or three crops of whole ones."""
    return Protocol(
        name="own run", frames=config.frames, stride=_stride(config), sampling=config.sampling,
        temporal=config.views, spatial=config.crops, short_side=config.size, crop=config.crop, short=config.short,
    )  # fmt: skip


def _stride(config: Data) -> int:
    """That of dense clips; of others one number, so that a value nobody uses names no other protocol."""
    return config.stride if config.sampling == "dense" else 1


def picks(
    protocol: Protocol, total: int, fps: float, times: Sequence[float] | None = None
) -> Int64[np.ndarray, "temporal frames"]:
    """Frame numbers of the temporal views of a video of ``total`` frames at ``fps`` frames per second, or shown at ``times``."""
    ticks = resampled(total, fps, protocol.fps, times)
    if protocol.sampling == "ends":
        step = np.arange(protocol.frames) * (len(ticks) - 1) / max(1, protocol.frames - 1)
        return np.repeat(ticks[None, step.astype(np.int64)], protocol.temporal, axis=0)
    clips: np.ndarray = ticks[protocol.law.views(len(ticks), protocol.temporal)]
    return clips


def resampled(
    total: int, fps: float, wanted: float | None, times: Sequence[float] | None = None
) -> Int64[np.ndarray, "ticks"]:
    """The nearest frame at each tick of another rate; all frames where no rate is wanted or the video's is unknown.

    Args:
        total: frames of the video.
        fps: its mean rate, frames per second.
        wanted: rate to come to.
        times: seconds from the first frame to each, rising, where the rate varies: the nearest is found by them.
    """
    if wanted is None or not fps > 0:
        return np.arange(total)
    if times is None or total < 2:
        ticks = max(1, round(total * wanted / fps))
        return np.minimum(np.round(np.arange(ticks) * fps / wanted).astype(np.int64), total - 1)
    shown = np.asarray(times, np.float64)
    ticks = max(1, round((shown[-1] + 1 / fps) * wanted))
    middles = (shown[1:] + shown[:-1]) / 2
    return np.searchsorted(middles, np.arange(ticks) / wanted).astype(np.int64)
