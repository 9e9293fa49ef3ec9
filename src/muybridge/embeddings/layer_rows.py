"""What the wanted layers of a model put out for a batch, as rows of numbers, taken while the network runs."""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor, nn

from muybridge.core.errors import MuybridgeError, UsageError, explained
from muybridge.core.networks.firing import firing
from muybridge.embeddings.loaded_model import LoadedModel
from muybridge.stages.features.layer_grams import Network, out_of_memory
from muybridge.stages.features.layer_pool import Pool, grid_of, is_last, pooled_map
from muybridge.stages.testing.feeding import failure
from muybridge.train.precision import Compute

POOLED = "pooled"
"""Stands for the pooled feature among the names of layers."""
Rows = dict[str, Float32[np.ndarray, "b *shape"]]


class LayerRows:
    """Runs a model and keeps what layers put out.

    Args:
        model: on its device.
        layers: ``pooled``; names as ``similarity`` shows them; ``stages``, ``all``.
        pool: what is averaged in all but the pooled feature.
        compute: where and in which format.

    Attributes:
        whole: layers whose axes are not known, so that they were not averaged.
        odd: layers that put out no numbers with one row a clip, or never fired; of ``all`` they are left out.

    Raises:
        UsageError: a layer that is not there, with the nearest; one twice; none.
    """

    def __init__(self, model: LoadedModel, layers: Sequence[str], pool: Pool, compute: Compute) -> None:
        self.model, self.pool, self.compute = model, pool, compute
        self.whole, self.odd = set[str](), set[str]()
        self._network = Network(
            model.origin.name, model.network, None, model.origin.channels_last, model.prefix or ""
        )
        self.names = self._chosen(tuple(layers))
        self._lenient = "all" in layers
        self._found: dict[str, Tensor] = {}
        self._clips = 0
        self._grid: tuple[int, int, int] | None = None
        self._shapes: dict[str, tuple[int, ...]] = {}

    def _chosen(self, layers: tuple[str, ...]) -> dict[str, str | None]:
        """Shown names and those of modules; None for the pooled feature."""
        if not layers:
            raise UsageError("--layers: wanted pooled, stages, all, or names of modules.")
        if POOLED in layers and self.model.prefix is None:
            raise UsageError(
                f"--layers pooled: which part of {self._network.name} makes features is not known; name modules, or load it with"
                " head=False."
            )
        found: dict[str, str | None] = {}
        real = {self._network.shown(name): name for name, _ in self.model.network.named_modules()}
        for word in layers:
            more: dict[str, str | None]
            if word == "all":
                more = {**real}
            elif word == "stages":
                more = {self._network.shown(name): name for name in self._stages()}
            elif word in real or word == POOLED:
                more = {word: None if word == POOLED else real[word]}
            else:
                near = difflib.get_close_matches(word, [POOLED, *real], n=3, cutoff=0)
                raise UsageError(
                    f"--layers {word}: {self._network.name} has no such module; the nearest are {', '.join(near)}. `all` and `stages` stand"
                    " for many."
                )
            twice = next((name for name in more if name in found), None)
            if twice is not None:
                raise UsageError(f"--layers {' '.join(layers)}: {twice} stands there twice.")
            found |= more
        return found

    @property
    def _body(self) -> nn.Module:
        """The backbone; the whole network where none can be told from its head."""
        return self.model.network if self.model.prefix is None else self.model.backbone

    def _stages(self) -> tuple[str, ...]:
        """Modules where the stages of the network end.

        Raises:
            UsageError: it does not say.
        """
        said = getattr(self._body, "layers", ())
        if not said:
            raise UsageError(
                f"--layers stages: {self._network.name} does not say where its stages end; name modules, or all."
            )
        start = f"{self.model.prefix}." if self.model.prefix else ""
        return tuple(start + name for name in said)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold while batches are asked for."""
        hooked = [name for name in self.names.values() if name is not None]
        if not hooked:
            yield
            return
        if POOLED in self.names:
            hooked = [*hooked, self.model.prefix or ""]
        with firing(self.model.network, dict.fromkeys(hooked), self._take):
            yield

    def of(self, frames: UInt8[Tensor, "b 3 t h w"]) -> Rows:
        """Rows by layer, in the order in which they were asked for.

        Raises:
            UsageError: a layer that puts out nothing that could be a row, or rows of another shape than before; a model that raises.
        """
        self._found, self._clips = {}, len(frames)
        self._grid = grid_of(self._body, frames.shape[2], frames.shape[3])
        with torch.inference_mode():
            fed = self.model.fed(frames.to(self.compute.device))
            with self.compute.autocast():
                self._run(fed, len(frames))
        return {name: self._row(name, len(frames)) for name in self._kept()}

    def _run(self, fed: object, clips: int) -> None:
        alone = list(self.names) == [POOLED]
        asked = self.model.backbone if alone else self.model.network
        try:
            output = asked(fed)
        except MuybridgeError:
            raise
        except Exception as error:
            if explained(error):
                raise
            raise failure(self.model.origin.name, self.model.feed, fed, error) from error
        if alone:
            self._found[POOLED] = self.model.answer(output, clips)

    def _take(self, name: str, module: nn.Module, output: Tensor | None) -> None:
        """Keep what a module put out, before what comes behind it works in place."""
        if POOLED in self.names and name == (self.model.prefix or "") and output is not None:
            self._found[POOLED] = output.clone()
        shown = next((one for one, real in self.names.items() if real == name), None)
        if shown is None or output is None or not output.is_floating_point() or not output.ndim:
            return
        if self._lenient and len(output) != self._clips:
            return
        made = pooled_map(output, self.pool, self._grid, is_last(module, self._network.last))
        if made is None:
            self.whole.add(shown)
        try:
            self._found[shown] = (output if made is None else made).clone()
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(self._network.name, shown, output) from error

    def _kept(self) -> list[str]:
        if not self._lenient:
            return list(self.names)
        wanted = [name for name in self.names if name in self._shapes or not self._shapes]
        kept = [name for name in wanted if name in self._found]
        self.odd = {*self.names} - {*kept}
        return kept

    def _row(self, name: str, clips: int) -> Float32[np.ndarray, "b *shape"]:
        found = self._found.get(name)
        if found is None or len(found) != clips:
            what = "never fires" if found is None else f"puts out {tuple(found.shape)} for {clips} clips"
            raise UsageError(
                f"--layers {name}: {self._network.name}: {what}; wanted numbers with one row a clip."
            )
        found = found.unsqueeze(1) if found.ndim == 1 else found
        shape = tuple(found.shape[1:])
        if self._shapes.setdefault(name, shape) != shape:
            raise UsageError(
                f"--layers {name}: {self._network.name} puts out {shape} where it put out {self._shapes[name]} before. Give --pool all."
            )
        made: np.ndarray = found.float().cpu().numpy()
        return made
