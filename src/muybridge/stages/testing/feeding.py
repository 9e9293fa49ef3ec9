"""How frames go into a model of somebody else, and how its answer comes out: layout, range, statistics, order of colours, number format."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.core.errors import UsageError

Layout = Literal["bcthw", "btchw", "list"]
Range = Literal["0-1", "0-255", "-1-1"]
Channels = Literal["rgb", "bgr"]
WORDS = {"0-1": "0 to 1", "0-255": "0 to 255", "-1-1": "-1 to 1"}
WAY_OUT = (
    "Say what it takes with --layout btchw or list, --range 0-255 or -1-1, --mean R G B --std R G B and --channels bgr (layout=, range=, "
    "mean=, std=, channels= in Python), the size of a clip with --frames and --crop; or wrap it in a module of yours. --debug shows where."
)


@dataclass(frozen=True)
class Feed:
    """What a model is fed.

    Attributes:
        layout: ``bcthw``; ``btchw``: time in front of colour; ``list``: ``bcthw`` alone in a list, as networks with pathways take one.
        range: of the frames, in front of ``mean`` and ``std``.
        mean: subtracted from frames in ``range``, by colour in the order of ``channels``; nothing where empty.
        std: divided by afterwards; with ``mean`` or not at all.
        channels: order of the colours.

    Raises:
        UsageError: an unknown word, or numbers that are no mean and std; says the option.
    """

    layout: str = "bcthw"
    range: str = "0-1"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    channels: str = "rgb"

    def __post_init__(self) -> None:
        for name, known in (("layout", Layout), ("range", Range), ("channels", Channels)):
            if getattr(self, name) not in get_args(known):
                raise UsageError(
                    f"--{name} {getattr(self, name)}: unknown. Wanted {', '.join(get_args(known))}."
                )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values and (len(values) not in (1, 3) or not all(map(math.isfinite, values))):
                raise UsageError(f"--{name} {_numbers(values)}: wanted one number, or three, of each colour.")
        if bool(self.mean) != bool(self.std):
            lacking = "std" if self.mean else "mean"
            raise UsageError(
                f"--{lacking}: --mean and --std go together; --mean 0 and --std 1 change nothing."
            )
        if self.std and min(self.std) <= 0:
            raise UsageError(f"--std {_numbers(self.std)}: wanted numbers above 0.")

    def prepared(self, frames: Float[Tensor, "b 3 t h w"], dtype: torch.dtype | None = None) -> object:
        """What goes into the model.

        Args:
            frames: float, 0 to 1, red first.
            dtype: of the model's own parameters, where they are no float32.
        """
        x = frames.flip(1) if self.channels == "bgr" else frames
        x = x * 255 if self.range == "0-255" else x * 2 - 1 if self.range == "-1-1" else x
        if self.mean:
            mean, std = (
                torch.tensor(one, device=x.device, dtype=x.dtype).view(1, -1, 1, 1, 1)
                for one in (self.mean, self.std)
            )
            x = (x - mean) / std
        if dtype is not None:
            x = x.to(dtype)
        x = x.transpose(1, 2).contiguous() if self.layout == "btchw" else x
        return [x] if self.layout == "list" else x

    def said(self, fed: Any) -> str:
        """What a model was fed, in words: ``float32 1x3x8x224x224, 0 to 1``."""
        frames = fed[0] if isinstance(fed, list) else fed
        shape = "x".join(map(str, frames.shape))
        words = f"{str(frames.dtype).removeprefix('torch.')} {shape}, {WORDS[self.range]}"
        if self.mean:
            words += f" less {_numbers(self.mean)} over {_numbers(self.std)}"
        words += ", blue first" if self.channels == "bgr" else ""
        return f"a list of one tensor, {words}" if isinstance(fed, list) else words

    def facts(self) -> dict[str, object]:
        """What ``result.json`` says of it."""
        return {
            "layout": self.layout, "range": self.range, "mean": list(self.mean), "std": list(self.std), "channels": self.channels,
            "source": "as asked for; what the model does by itself is not known",
        }  # fmt: skip


FIELDS = ("layout", "range", "mean", "std", "channels")
"""Of a config: what a ``Feed`` is made of."""


def feed_of(config: object) -> Feed:
    """The feed that the fields of a config ask for; what is not given is as usual."""
    return Feed(**{name: value for name in FIELDS if (value := getattr(config, name)) not in (None, ())})


def own_dtype(model: object) -> torch.dtype | None:
    """Number format of a module's parameters; None where it is float32 or there are none."""
    if not isinstance(model, nn.Module):
        return None
    first = next((one.dtype for one in model.parameters() if one.is_floating_point()), None)
    return None if first is torch.float32 else first


def failure(name: str, feed: Feed, fed: object, error: Exception) -> UsageError:
    """What to say when a model raised."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
    return UsageError(f"model {name}: failed when fed {feed.said(fed)}. Its error: {said}. {WAY_OUT}")


def logits_in(output: object, clips: int) -> object:
    """The logits in what a model returned, as far as they can be told; anything else comes back as it is.

    Taken are a tensor or NumPy array ``b k``; ``k`` alone of a single clip; the attribute or key ``logits`` (as of ``ModelOutput``); the
    only tensor ``b k`` of another mapping; the first of a tuple or list, as of ``(logits, features)`` and ``(loss, logits)``.
    """
    if isinstance(output, Tensor | np.ndarray):
        tensor = torch.as_tensor(output)
        return tensor[None] if tensor.ndim == 1 and clips == 1 and len(tensor) > 1 else tensor
    known = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if known is not None:
        return logits_in(known, clips)
    if isinstance(output, Mapping | tuple | list):
        values = list(output.values() if isinstance(output, Mapping) else output)
        found = [one for one in values if _is_row_per_clip(one, clips)]
        if len(found) == 1 or (found and not isinstance(output, Mapping)):
            return torch.as_tensor(found[0])
    return output


def _is_row_per_clip(value: object, clips: int) -> bool:
    return (
        isinstance(value, Tensor | np.ndarray)
        and value.ndim == 2
        and len(value) == clips
        and torch.as_tensor(value).is_floating_point()
    )


def described(value: object) -> str:
    """A value in words, for messages."""
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor"
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(map(str, value)) or 'nothing'}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(_shape(one) for one in value[:4])}"
    return f"a {type(value).__name__}"


def _shape(value: object) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{type(value).__name__} {'x'.join(map(str, shape))}"


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{one:g}" for one in values)
