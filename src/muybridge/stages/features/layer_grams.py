"""Gram matrices of every layer of a network for one batch, made while it runs: features are gone when the next layer comes.

Only the last layer leaves a vector per clip.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor, nn

from muybridge.core.clip import to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.firing import firing
from muybridge.measure.similarity.cka import gram
from muybridge.stages.features.layer_pool import Pool, grid_of, is_last, pooled_map, pooled_vectors
from muybridge.train.precision import Compute

Repeats = Literal["last", "all"]


@dataclass(frozen=True)
class Network:
    """A network whose layers are looked at.

    Attributes:
        name: for people.
        module: the network, on frames in [0, 1].
        layers: names of submodules that are wanted; None for all.
        last: channels lie last in its maps (``b t h w c``), as in VideoSwin.
        prefix: of submodules, left out of shown names.
    """

    name: str
    module: nn.Module
    layers: tuple[str, ...] | None = None
    last: bool = False
    prefix: str = ""

    def shown(self, name: str) -> str:
        """Name of a layer for people: without the prefix; the whole network is ``network``, what lies below the prefix ``backbone``."""
        bare = name.removeprefix(self.prefix + ".") if self.prefix else name
        return "backbone" if self.prefix and bare == self.prefix else bare or "network"


@dataclass
class LayerGrams:
    """Runs a network and keeps one Gram matrix for every layer that fired.

    Args:
        network: whose layers.
        compute: where and in which format; products are float32 and sums float64 in any case.
        pool: what is averaged before features are compared.
        repeats: of a module that fires several times: its last output, or all (``name#2`` for the second).

    Attributes:
        odd: layers that put out no tensor with one row per clip.
        whole: layers with tokens whose places are not known, so that they were not pooled over space or time.
        last: the last layer in the order of first firing; empty before the first batch.
        vectors: of the last layer, averaged over all places and frames, for the clips of the last batch; None where its axes are not known.
    """

    network: Network
    compute: Compute
    pool: Pool = "none"
    repeats: Repeats = "last"
    odd: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    last: str = ""
    vectors: Float32[Tensor, "b c"] | None = None
    _found: dict[str, Tensor] = field(default_factory=dict)
    _fired: dict[str, int] = field(default_factory=dict)
    _before: tuple[Tensor, int, Tensor] | None = None
    _clips: int = 0
    _grid: tuple[int, int, int] | None = None

    def of(self, frames: UInt8[Tensor, "b 3 t h w"]) -> dict[str, Float64[Tensor, "b b"]]:
        """Gram matrices by layer, in the order of first firing.

        Raises:
            UsageError: features that are not finite; out of memory.
        """
        self._found, self._fired, self._before, self._clips = {}, {}, None, len(frames)
        self.vectors = None
        self._grid = grid_of(self.network.module, frames.shape[2], frames.shape[3])
        take = firing(self.network.module, self.network.layers, self._take)
        with torch.no_grad(), self.compute.autocast(), take:
            self.network.module(to_unit(frames.to(self.compute.device)))
        self._before = None
        self.last = self.last or next(reversed(self._found), "")
        return self._found

    def _take(self, name: str, module: nn.Module, output: Tensor | None) -> None:
        shown = self.network.shown(name)
        self._fired[shown] = self._fired.get(shown, 0) + 1
        if self.repeats == "all" and self._fired[shown] > 1:
            shown = f"{shown}#{self._fired[shown]}"
        if output is None or not output.is_floating_point() or not output.ndim or len(output) != self._clips:
            self.odd.add(shown)
            return
        made = self._made(shown, module, output)
        first = shown not in self._found
        self._found[shown] = made
        if first:
            self.odd.discard(shown)
        # which layer is the last is known when the first batch is through; until then the newest takes the place of the one before
        if shown == (self.last or next(reversed(self._found))):
            self.vectors = pooled_vectors(output, self._grid, is_last(module, self.network.last))

    def _made(self, shown: str, module: nn.Module, output: Tensor) -> Float64[Tensor, "b b"]:
        """The Gram matrix; that of the layer before where a container hands its output on."""
        if self._before is not None:
            tensor, version, made = self._before
            if tensor is output and version == output._version:
                return made
        try:
            made = gram(self._pooled(shown, module, output))
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(self.network.name, shown, output) from error
        if not torch.isfinite(made).all():
            bad = int((~torch.isfinite(output.flatten(1).float())).any(1).sum())
            raise UsageError(
                f"{self.network.name}: layer {shown} puts out numbers that are not finite for {bad} of {self._clips} clips. "
                "Give --precision fp32, or look at the weights."
            )
        self._before = (output, output._version, made)
        return made

    def _pooled(self, shown: str, module: nn.Module, x: Float[Tensor, "b *d"]) -> Tensor:
        made = pooled_map(x, self.pool, self._grid, is_last(module, self.network.last))
        if made is None:
            self.whole.add(shown)
        return x if made is None else made


def out_of_memory(name: str, layer: str, output: Tensor) -> UsageError:
    """What to say where a layer is too large."""
    size = "x".join(map(str, output.shape))
    return UsageError(
        f"{name}: out of memory at layer {layer} ({size}). Give --pool space (or time, or all), fewer --layers, or a smaller --batch."
    )
