"""A model as a user's own code takes it: a module with its mean and std, its clips, and the way from a file to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from muybridge.config.config_fields import ConfigFields
from muybridge.core.clip import to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Features
from muybridge.embeddings.clip_reader import ClipReader
from muybridge.stages.testing.clip_protocol import Protocol
from muybridge.stages.testing.feeding import Feed, described, logits_in, own_dtype

Statistics = tuple[float, float, float]


@dataclass(frozen=True)
class Origin:
    """Where a model comes from.

    Attributes:
        name: for people.
        key: hash of its name, its weights and its code where that is the user's; of a run its signature.
        facts: what files say of it: stage, data, preprocessing.
        untrained: whether its weights are drawn at random.
        channels_last: of its maps (``b t h w c``).
        data: of a run, its config, which names its data set.
    """

    name: str
    key: str
    facts: Mapping[str, object] = field(default_factory=dict)
    untrained: bool = False
    channels_last: bool = False
    data: ConfigFields = field(default_factory=lambda: ConfigFields())


class LoadedModel(nn.Module):
    """A network in evaluation mode and the clips that it is tested on; ``muybridge.load`` makes it.

    Attributes:
        network: the network itself, on frames in [0, 1] (fed otherwise where that was asked for).
        classes: names of its scores in order; None where it has no head or does not say.
        clip_protocol: frames, stride, sizes and views of its clips.
        origin: its name, its key, where it comes from.
        prefix: name of the backbone below ``network``; empty where that is the backbone; None where none can be told from its head.
    """

    def __init__(
        self,
        network: nn.Module,
        reader: ClipReader,
        origin: Origin,
        *,
        classes: tuple[str, ...] | None = None,
        prefix: str | None = "",
        feed: Feed | None = None,
    ) -> None:
        super().__init__()
        self.network, self.reader, self.origin = network, reader, origin
        self.classes, self.prefix, self.feed = classes, prefix, feed or Feed()

    @property
    def clip_protocol(self) -> Protocol:
        """How clips are cut."""
        return self.reader.protocol

    @property
    def mean(self) -> Statistics | None:
        """Mean of red, green and blue that the network subtracts from frames in [0, 1] by itself; None where it does not say."""
        found = statistics(self.network, self.feed)
        return found and found[0]

    @property
    def std(self) -> Statistics | None:
        """What it divides by then."""
        found = statistics(self.network, self.feed)
        return found and found[1]

    @property
    def backbone(self) -> nn.Module:
        """The part that makes features, to build on: frames in [0, 1] to ``Features``, whose ``pooled`` is ``b d``.

        Raises:
            UsageError: no such part is known.
        """
        if self.prefix is None:
            raise UsageError(
                f"{self.origin.name}: which part of it makes features is not known. Load it with head=False."
            )
        return self.network.get_submodule(self.prefix)

    def read(self, path: str | Path) -> UInt8[Tensor, "v 3 t h w"]:
        """All views of a video, as the model is tested on them: RGB, 0 to 255; this is what a call takes.

        Raises:
            VideoError: it cannot be read.
        """
        return self.reader.read(path)

    def forward(self, clips: UInt8[Tensor, "b 3 t h w"] | Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Logits of clips; pooled features of a model without a head. Gradients flow.

        Args:
            clips: as ``read`` gives them; or float, 0 to 1.

        Raises:
            UsageError: the network gives neither.
        """
        return self.answer(self.network(self.fed(clips)), len(clips))

    def features(
        self, clips: UInt8[Tensor, "b 3 t h w"] | Float[Tensor, "b 3 t h w"]
    ) -> Float[Tensor, "b d"]:
        """Pooled features of clips. Gradients flow.

        Raises:
            UsageError: which part makes them is not known.
        """
        return self.answer(self.backbone(self.fed(clips)), len(clips))

    def fed(self, clips: Tensor) -> object:
        """What goes into the network: on its device, in its number format, in the layout and range that were asked for.

        Raises:
            UsageError: no clips.
        """
        if clips.ndim != 5 or clips.shape[1] != 3:
            raise UsageError(
                f"{self.origin.name}: wanted clips 'b 3 t h w', uint8 or float in 0 to 1, as read(path) gives them; got"
                f" {str(clips.dtype).removeprefix('torch.')} {tuple(clips.shape)}."
            )
        place = next(self.network.parameters(), clips).device
        unit = clips.to(place) if clips.is_floating_point() else to_unit(clips.to(place))
        return self.feed.prepared(unit, own_dtype(self.network))

    def answer(self, output: object, clips: int) -> Tensor:
        """One row a clip of what the network, or its backbone, put out.

        Raises:
            UsageError: it has none.
        """
        found = output.pooled if isinstance(output, Features) else logits_in(output, clips)
        if not isinstance(found, Tensor) or not found.is_floating_point() or len(found) != clips:
            raise UsageError(
                f"{self.origin.name}: returned {described(found)}; wanted one row of numbers a clip."
            )
        return found

    def extra_repr(self) -> str:
        """Its name and its clips."""
        return f"{self.origin.name}; {self.clip_protocol}"


def statistics(network: nn.Module, feed: Feed) -> tuple[Statistics, Statistics] | None:
    """Mean and std of red, green and blue in [0, 1] that are applied to frames; None where nothing says them."""
    if feed.mean:
        scale, offset = {"0-1": (1.0, 0.0), "0-255": (255.0, 0.0), "-1-1": (2.0, 1.0)}[feed.range]
        mean = tuple((one + offset) / scale for one in feed.mean)
        return _ordered(mean, tuple(one / scale for one in feed.std), feed.channels == "bgr")
    for part in (network, *(getattr(network, name, None) for name in ("backbone", "prepare", "model"))):
        mean, std = _numbers(getattr(part, "mean", None)), _numbers(getattr(part, "std", None))
        if mean and std:
            return _ordered(mean, std, bool(getattr(part, "bgr", False)))
    return None


def _numbers(values: object) -> tuple[float, ...]:
    """One number or three, of a tensor or a sequence; empty for anything else."""
    if not isinstance(values, Tensor | tuple | list):
        return ()
    flat = torch.as_tensor(values, dtype=torch.float32).flatten().numpy()
    return tuple(float(str(one)) for one in flat) if len(flat) in (1, 3) else ()  # 0.45, and not 0.4499999881


def _ordered(mean: tuple[float, ...], std: tuple[float, ...], flipped: bool) -> tuple[Statistics, Statistics]:
    def three(values: tuple[float, ...]) -> Statistics:
        red, green, blue = values * (3 // len(values))
        return (blue, green, red) if flipped else (red, green, blue)

    return three(mean), three(std)
