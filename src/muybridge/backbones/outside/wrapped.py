"""What networks of other packages share: statistics in front, a whole classifier, what answers look like, the package itself."""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.outside.preprocessor import Preprocessing
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Features, average


class Normalise(nn.Module):
    """Frames in [0, 1] to the statistics a network was trained with; ``b t 3 h w`` where it wants time in front of colour."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, mean: tuple[float, ...], std: tuple[float, ...], time_first: bool = False, bgr: bool = False
    ) -> None:
        super().__init__()
        self.time_first, self.bgr = time_first, bgr
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1, 1))

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b _ _ h w"]:
        """Normalise."""
        x = ((frames.flip(1) if self.bgr else frames) - self.mean).div_(self.std)
        return x.transpose(1, 2) if self.time_first else x


class Whole(nn.Module):
    """A network with its own head and its own statistics; random weights or those it came with.

    Attributes:
        name: how it was asked for.
        outputs: number of logits.
        classes: their names in order, None where the network does not say.
        clip_frames: the only number of frames it takes, None for any.
        clip_size: the only height and width it takes, None for any.
        preprocessing: what it does to frames in [0, 1]; None where it does not say.
        is_random: whether the name brought no weights.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        outputs: int,
        prepare: nn.Module | None = None,
        clip_frames: int | None = None,
        clip_size: int | None = None,
        classes: tuple[str, ...] | None = None,
        preprocessing: Preprocessing | None = None,
        is_random: bool = False,
    ) -> None:
        super().__init__()
        self.name, self.outputs, self.classes = name, outputs, classes
        self.preprocessing, self.is_random = preprocessing, is_random
        self.clip_frames, self.clip_size = clip_frames, clip_size
        self.prepare, self.model = prepare or nn.Identity(), model

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Logits of each clip."""
        return as_logits(self.name, self.model(self.prepare(frames)))


def library(name: str, asked: str) -> ModuleType:
    """Import a package of the extra ``zoo``.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UsageError(f"{asked} needs {package} ({error}): pip install 'muybridge[zoo]'.") from error


TOKENS = ("tube", "grid", "tokens", "masks")
KEYS = ("pooled", "pooler_output", "features", "last_hidden_state")


def as_features(name: str, output: object) -> Features:
    """What a foreign network put out, as ``Features``.

    Raises:
        UsageError: nothing that could be a feature.
    """
    if isinstance(output, Features):
        return output
    if isinstance(output, Mapping):
        output = next((output[key] for key in KEYS if isinstance(output.get(key), Tensor)), output)
    if isinstance(output, Tensor) and output.ndim == 2:
        return Features(output)
    if isinstance(output, Tensor) and output.ndim == 3:
        return Features(average(output, 1))
    if isinstance(output, Tensor) and output.ndim == 5:
        return Features(average(output, (2, 3, 4)), {"last": output})
    raise UsageError(
        f"{name} put out {_said(output)}; wanted Features, a tensor b d, b n d or b d t h w, or a mapping with {', '.join(KEYS)}."
    )


def as_logits(name: str, output: object) -> Float[Tensor, "b k"]:
    """What a foreign classifier put out, as logits.

    Raises:
        UsageError: no tensor ``b k``, neither itself nor under ``logits``.
    """
    found = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", output)
    if isinstance(found, Tensor) and found.ndim == 2:
        return found
    raise UsageError(
        f"{name} put out {_said(output)}; wanted logits of shape b k, or a mapping with 'logits'."
    )


def _said(output: object) -> str:
    if isinstance(output, Mapping):
        return f"a mapping with {', '.join(map(str, output)) or 'nothing'}"
    return (
        f"a tensor of shape {tuple(output.shape)}"
        if isinstance(output, Tensor)
        else f"a {type(output).__name__}"
    )
