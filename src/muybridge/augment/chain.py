"""Chains of augmentations, as a stage's config spells them: words become steps here."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from muybridge.augment.colouring import identity, recolour
from muybridge.augment.steps import (
    Blur,
    CentreCrop,
    Crop,
    Drawn,
    Flip,
    Folding,
    Gamma,
    Geometric,
    Gray,
    Jitter,
    Photometric,
    Pointed,
    Resize,
    ResizedCrop,
    Rotate,
    Solarise,
    Step,
    Tone,
)
from muybridge.core.catalogue import suggestion
from muybridge.core.clip import as_bytes
from muybridge.core.errors import UsageError

Chain = tuple[Step, ...]

STEPS: dict[str, Step] = {
    "centre-crop": CentreCrop(), "crop": Crop(), "resized-crop": ResizedCrop(), "resize": Resize(), "flip": Flip(), "rotate": Rotate(),
    "jitter": Jitter(), "gray": Gray(), "gamma": Gamma(), "blur": Blur(), "solarise": Solarise(),
}  # fmt: skip
"""Single steps with their usual strength."""

_COMMON: Chain = (Rotate(10), Resize(), Crop(), Jitter(0.4, 0.4, 0.4, 0.1), Flip(0.5))
_CVRL: Chain = (
    ResizedCrop((0.3, 1), (0.5, 2)), Flip(0.5), Jitter(0.8, 0.8, 0.8, 0.2, p=0.8), Gray(0.2), Blur((0.1, 2), p=1.0),
)  # fmt: skip
_MILD = tuple(replace(step, p=0.1) if isinstance(step, Blur) else step for step in _CVRL)

CHAINS: dict[str, Chain] = {
    "benchmark": _COMMON,
    "benchmark-cvrl": (*_COMMON, Gray(0.2), Gamma((0.7, 1.5), p=0.5)),
    "vcop": (Resize(), Crop()),
    "prp": (Resize(), CentreCrop()),
    "cvrl": _CVRL,
    "cvrl-2": (*_MILD, Solarise(0.5, p=0.2)),
    "tdl": (Rotate(10), Resize(), Crop(), Jitter(0.5, 0.5, 0.25, 0.5)),
    "rspnet": (ResizedCrop((0.4, 1), (3 / 4, 4 / 3)), Gray(0.2), Jitter(0.4, 0.4, 0.4, 0.4), Flip(0.5)),
    "rspnet-finetune": (ResizedCrop((0.25, 1), (3 / 4, 4 / 3)), Flip(0.5)),
    "severe": (ResizedCrop((0.08, 1), (3 / 4, 4 / 3)), Flip(0.5), Jitter(0.4, 0.4, 0.4, 0.2)),
}
"""Whole lists by task: ``benchmark`` and ``benchmark-cvrl`` as in Kumar et al. (arXiv 2306.06010, sec. 3.4; it states no strengths: those
of ``rotate``, ``jitter`` and ``gamma`` are marked choices), the others as in the code of each paper. ``cvrl-2`` is the list of CVRL's
second clip; ``rspnet-finetune`` and ``severe`` are those of RSPNet's and SEVERE's fine-tuning."""

CHUNK = 2**20
"""Values that pass through the float steps at once on a CPU: what its caches hold."""


def augment(
    frames: UInt8[Tensor, "b c t h w"], steps: Sequence[str], size: int, rng: Generator
) -> UInt8[Tensor, "b c t size size"]:
    """Apply steps in the order given; parameters are drawn once per clip and are the same for all its frames.

    Args:
        frames: clips, 0 to 255.
        steps: words of ``STEPS`` and ``CHAINS``; without a crop the middle window is taken first.
        size: height and width of the result, pixels.
        rng: draws step by step, in the order of the clips, on its own device.

    Raises:
        UsageError: unknown word.
        ValueError: a crop larger than the frame.
    """
    for geometric, group in groupby(spell(steps), key=lambda step: isinstance(step, Geometric)):
        if geometric:
            for step in group:
                frames = step.place(frames, size, rng)  # type: ignore[union-attr]
        else:
            frames = _change(frames, list(group), rng)  # type: ignore[arg-type]
    return frames


def spell(steps: Sequence[str]) -> Chain:
    """The steps that words stand for.

    Raises:
        UsageError: unknown word.
    """
    known = {**{word: (step,) for word, step in STEPS.items()}, **CHAINS}
    for word in steps:
        if word not in known:
            raise UsageError(
                f"--augment {word}: unknown.{suggestion(word, known)} Known: {', '.join(known)}."
            )
    chain = tuple(step for word in steps for step in known[word])
    cut = any(isinstance(step, Crop | CentreCrop | ResizedCrop) for step in chain)
    return chain if cut else (CentreCrop(), *chain)


def _change(
    frames: UInt8[Tensor, "b c t h w"], steps: Sequence[Photometric], rng: Generator
) -> UInt8[Tensor, "b c t h w"]:
    """One float pass over the pixels of the clips that are changed, for steps that change values only; rounded once, at its end."""
    drawn = [step.draw(len(frames), rng) for step in steps]
    moved = torch.stack([step.moves(values) for step, values in zip(steps, drawn, strict=True)]).any(0)
    changed = torch.empty(frames.shape, dtype=torch.uint8, device=frames.device)
    clips = max(1, CHUNK // frames[0].numel()) if frames.is_cpu else len(frames)
    by_value = all(isinstance(step, Tone) for step in steps)
    for row in (~moved).nonzero().flatten().tolist():
        changed[row] = frames[row]
    chosen = moved.nonzero().flatten()
    for start in range(0, len(chosen), clips):
        rows = chosen[start : start + clips]
        own = [tuple(values[rows] for values in each) for each in drawn]
        some = frames.index_select(0, rows.to(frames.device))
        made = (
            _looked_up(some, steps, own) if by_value else as_bytes(_pass(some.float(), steps, own).round_())
        )
        for row, clip in zip(
            rows.tolist(), made, strict=True
        ):  # clip by clip: ten times as fast as all by their numbers
            changed[row] = clip
    return changed


def _looked_up(
    frames: UInt8[Tensor, "n c t h w"], steps: Sequence[Photometric], drawn: Sequence[Drawn]
) -> list[UInt8[Tensor, "c t h w"]]:
    """Steps that look at each value alone, which is one of 256: they are asked about these, and every pixel is looked up."""
    ramp = torch.arange(256.0, device=frames.device).expand(len(frames), 1, 1, 1, 256)
    tables = as_bytes(_pass(ramp.clone(), steps, drawn).round_()).view(-1, 256)
    return [
        table.index_select(0, clip.flatten().int()).view(clip.shape)
        for table, clip in zip(tables, frames, strict=True)
    ]


def _pass(pixels: Tensor, steps: Sequence[Photometric], drawn: Sequence[Drawn]) -> Tensor:
    pairs = zip(steps, drawn, strict=True)
    for folding, group in groupby(pairs, key=lambda pair: isinstance(pair[0], Folding)):
        if folding:
            flat = pixels.expand(-1, 3, -1, -1, -1).flatten(2)
            affine = identity(flat)
            for step, values in group:
                affine = step.fold(affine, tuple(x.to(pixels.device) for x in values))  # type: ignore[union-attr]
            pixels = recolour(flat, affine).view(len(pixels), -1, *pixels.shape[2:])
        else:
            for step, values in group:
                pixels = _some(pixels, step, values)  # type: ignore[arg-type]
    return pixels


def _some(pixels: Tensor, step: Pointed, drawn: Drawn) -> Tensor:
    """Let a step change the clips that were drawn for it."""
    rows = drawn[0].nonzero().flatten()
    own = tuple(values[rows].to(pixels.device) for values in drawn)
    if len(rows) == len(pixels):
        return step.change(pixels, own)
    if len(rows):
        rows = rows.to(pixels.device)
        pixels[rows] = step.change(pixels[rows], own)
    return pixels
