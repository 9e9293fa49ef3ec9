"""Temporal perturbations: another order of the frames of the sampled clip, or a mean over neighbours.

Types of Schiappa et al., Large-scale robustness analysis of video action recognition models, CVPR 2023 (arXiv 2207.01398), and of Yi et
al., NeurIPS 2021 datasets track (arXiv 2110.06513). Departs from the papers: they change the whole video before sampling, we the sampled
clip, so that what the model sees changes by the same amount whatever the video's length and the sampler. No type shortens the clip.

All need a clip of two frames at least; with fewer they raise ValueError. Randomness, where there is any, is one draw per clip.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from muybridge.perturb.streams import Streams

Order = Int64[np.ndarray, "t"]


def sampling(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, kept: int, of: int
) -> UInt8[Tensor, "b c t h w"]:
    """Keep ``kept`` evenly spaced frames of every ``of`` and hold each until the next; deterministic."""
    return reordered("sampling", frames, streams, kept=kept, of=of)


def reversal(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, kept: int, of: int
) -> UInt8[Tensor, "b c t h w"]:
    """Sampling, then backwards; deterministic. Changes the label of an action that is the reverse of another."""
    return reordered("reversal", frames, streams, kept=kept, of=of)


def frame_rate(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, fps: int, source: int
) -> UInt8[Tensor, "b c t h w"]:
    """Show a clip of ``source`` frames per second at ``fps``, each frame held until the next; deterministic."""
    return reordered("frame_rate", frames, streams, fps=fps, source=source)


def jumbling(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    length: int | None = None,
    fifths: int | None = None,
) -> UInt8[Tensor, "b c t h w"]:
    """Shuffle frames inside consecutive aligned segments.

    Args:
        frames: clips.
        streams: one per clip.
        length: of a segment, frames; longer ones are cut at the end of the clip.
        fifths: length of a segment in fifths of the clip, at least two frames. Give this or ``length``.
    """
    return reordered("jumbling", frames, streams, length=length, fifths=fifths)


def box_jumbling(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    length: int | None = None,
    moved: int | None = None,
) -> UInt8[Tensor, "b c t h w"]:
    """Shuffle the order of consecutive aligned segments ("boxes"); inside a box the order is kept.

    Args:
        frames: clips.
        streams: one per clip.
        length: of a box, frames; all boxes are shuffled, as published.
        moved: how many of eight boxes change places, in a cycle, so that every one of them moves. Clips of fewer than eight frames have
            boxes of one frame. Give this or ``length``. Departs from the paper, whose mildest severity leaves no order at all.
    """
    return reordered("box_jumbling", frames, streams, length=length, moved=moved)


def freezing(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    probability: float | None = None,
    kept: float | None = None,
    at_least: int = 1,
) -> UInt8[Tensor, "b c t h w"]:
    """Hold frames.

    Args:
        frames: clips.
        streams: one per clip.
        probability: of each frame but the first to repeat its predecessor.
        kept: share of frames drawn to stay, each held until the next; the first of them also stands for what comes before it, where the
            released code drops frames and so shortens the video. Give this or ``probability``.
        at_least: frames that stay with ``kept``.
    """
    return reordered("freezing", frames, streams, probability=probability, kept=kept, at_least=at_least)


def frame_average(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, reach: int
) -> UInt8[Tensor, "b c t h w"]:
    """Mean of ``2 * reach`` frames, from ``reach`` before to ``reach - 1`` after, rounded down as published; deterministic.

    Departs from the paper, which loses ``2 * reach`` frames: at the ends of the clip we average over the frames there are.
    """
    length = _at_least_two("frame_average", frames)
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    total, first, last = torch.zeros_like(frames[:, :, 0], dtype=torch.int32), 0, 0
    for place in range(length):
        for _ in range(last, min(length, place + reach)):
            total += frames[:, :, last]
            last += 1
        for _ in range(first, place - reach):
            total -= frames[:, :, first]
            first += 1
        result[:, :, place] = total // (last - first)
    return result


def order_of(
    type: str, frames: UInt8[Tensor, "b c t h w"], streams: Streams, **parameters: float | None
) -> Int64[Tensor, "b t"]:
    """Which frame of the clip a temporal type puts at each place; pixels are not looked at.

    Args:
        type: a name of ``ORDERS``.
        frames: clips.
        streams: as given to the type itself.
        parameters: of the type.

    Raises:
        ValueError: clips of fewer than two frames, or parameters that do not fit together.
    """
    length = _at_least_two(type, frames)
    orders = [ORDERS[type](length, streams.rng(clip), **parameters) for clip in range(len(frames))]
    return torch.from_numpy(np.stack(orders))


def reordered(
    type: str, frames: UInt8[Tensor, "b c t h w"], streams: Streams, **parameters: float | None
) -> UInt8[Tensor, "b c t h w"]:
    """The frames in the order of ``order_of``."""
    order = order_of(type, frames, streams, **parameters).to(frames.device)
    return torch.stack([clip.index_select(1, index) for clip, index in zip(frames, order, strict=True)])


def _at_least_two(type: str, frames: Tensor) -> int:
    length = frames.shape[2]
    if length < 2:
        raise ValueError(f"{type} changes the order of frames; it needs clips of at least two, got {length}")
    return length


def _held(frames: int, rng: np.random.Generator, *, kept: int, of: int) -> Order:
    return -(np.arange(frames) * kept // of * -of // kept)


def _reversed(frames: int, rng: np.random.Generator, *, kept: int, of: int) -> Order:
    return _held(frames, rng, kept=kept, of=of)[::-1].copy()


def _rated(frames: int, rng: np.random.Generator, *, fps: int, source: int) -> Order:
    return _held(frames, rng, kept=fps, of=source)


def _jumbled(
    frames: int, rng: np.random.Generator, *, length: int | None = None, fifths: int | None = None
) -> Order:
    _one_of("jumbling", length=length, fifths=fifths)
    length = length or max(2, round((fifths or 0) * frames / 5))
    starts = range(0, frames, length)
    return np.concatenate([start + rng.permutation(min(length, frames - start)) for start in starts])


def _boxes_jumbled(
    frames: int, rng: np.random.Generator, *, length: int | None = None, moved: int | None = None
) -> Order:
    _one_of("box_jumbling", length=length, moved=moved)
    if length:
        boxes = np.split(np.arange(frames), range(length, frames, length))
        return np.concatenate([boxes[box] for box in rng.permutation(len(boxes))])
    boxes = np.array_split(np.arange(frames), min(8, frames))
    place, chosen = np.arange(len(boxes)), rng.permutation(len(boxes))[:moved]
    place[chosen] = np.roll(chosen, 1)
    return np.concatenate([boxes[box] for box in place])


def _frozen(
    frames: int,
    rng: np.random.Generator,
    *,
    probability: float | None = None,
    kept: float | None = None,
    at_least: int = 1,
) -> Order:
    _one_of("freezing", probability=probability, kept=kept)
    place = np.arange(frames)
    if probability is not None:
        return np.maximum.accumulate(np.where(rng.random(frames) >= probability, place, 0))
    count = min(frames, max(int((kept or 0) * frames), at_least))
    stay = np.sort(rng.permutation(frames)[:count])
    return stay[np.maximum(np.searchsorted(stay, place, "right") - 1, 0)]


def _one_of(type: str, **values: float | None) -> None:
    if sum(value is not None for value in values.values()) != 1:
        raise ValueError(f"{type} takes exactly one of {' and '.join(values)}, got {values}")


ORDERS: dict[str, Callable[..., Order]] = {
    "sampling": _held,
    "reversal": _reversed,
    "jumbling": _jumbled,
    "box_jumbling": _boxes_jumbled,
    "freezing": _frozen,
    "frame_rate": _rated,
}
