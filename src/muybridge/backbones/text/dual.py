"""Dual encoders: one tower for a clip and one for a text, compared by cosine; and a classifier made of one and the names of classes.

Whatever has ``video(frames) -> b d`` and ``text(prompts) -> n d`` is one. The scores are ours: the similarity heads of the libraries are
missing, normalised over the videos or conditioned otherwise in some classes, and their tests are in ``tests/backbones/test_dual*.py``.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.features import average
from muybridge.core.networks.gather import wide

Order = Literal["normalise-first", "mean-first"]
"""Of an average of embeddings: of those of length one (CLIP's notebook), or of those that the network put out (open_clip)."""
TOGETHER = 256
"""Prompts of a forward pass."""


def unit(rows: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
    """Rows of length one, in float32 or wider."""
    return F.normalize(wide(rows), dim=-1)


def mean_of(rows: Float[Tensor, "*n m d"], order: Order) -> Float[Tensor, "*n d"]:
    """Mean over the last axis but one, of length one: CLIP's and open_clip's ways of averaging embeddings."""
    return unit(average(unit(rows) if order == "normalise-first" else wide(rows), -2))


class DualEncoder(nn.Module):
    """A tower for clips and one for texts; owns its mean and std and what its tokenizer wants.

    Attributes:
        name: for tables.
        clip_frames: the only number of frames it takes, None for any.
        clip_size: the only height and width it takes, None for any.
        clip_short_side: pixels that the short side is scaled to before that size is cut from the middle; None for the size itself.
        scale: what cosines are multiplied with; 1 where the model has none.
        bias: what is added to them then.
        order_free: whether every order of the frames gives the same bits.
        seen: set of action labels that the published weights of its kind were trained on; empty for none.
        facts: what a protocol says of it besides.
        notes: what is done otherwise than its authors do it, for every result.
    """

    name: str = "dual encoder"
    clip_frames: int | None = None
    clip_size: int | None = None
    clip_short_side: int | None = None
    order_free: bool = False
    seen: str = ""
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, object] = {}

    @property
    def scale(self) -> float:
        """Of the cosines."""
        return 1.0

    @property
    def bias(self) -> float:
        """Added to the scaled cosines."""
        return 0.0

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> object:
        """What the clip tower makes of frames in [0, 1]: ``b d``, or whatever ``compare`` takes."""
        raise NotImplementedError

    def text(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings of prompts, of any length."""
        raise NotImplementedError

    def tokens(self, prompts: Sequence[str]) -> list[tuple[int, ...]] | None:
        """What the text tower sees of each prompt, as numbers; None where it does not say."""
        return None

    def bank(self, text: Float[Tensor, "t k d"], order: Order) -> tuple[Tensor, ...]:
        """What of the texts can be computed once, for ``compare``: the mean over the templates of a class, and all of them, of length one.

        Args:
            text: embeddings by template and class.
            order: of averaging over the templates.
        """
        return mean_of(text.transpose(0, 1), order), unit(text)

    def compare(
        self, video: Any, bank: tuple[Tensor, ...], order: Order
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b t k"]]:
        """Cosines of clips with classes, each the mean over t templates; and with the prompts of every template alone."""
        whole, single = bank
        clips = unit(video)
        return clips @ whole.T, (clips @ single.flatten(0, 1).T).view(len(clips), *single.shape[:2])


class Given(DualEncoder):
    """An object of the user's with ``video(frames)`` and ``text(prompts)``; its ``logit_scale`` if it has one."""

    def __init__(self, model: Any, name: str) -> None:
        super().__init__()
        if not (callable(getattr(model, "video", None)) and callable(getattr(model, "text", None))):
            raise UsageError(
                f"model {name}: wanted methods video(frames: b 3 t h w in 0..1) -> b d and text(list of strings) -> n d."
            )
        self.model, self.name = model, name
        self.clip_frames = getattr(model, "clip_frames", None)
        self.clip_size = getattr(model, "clip_size", None)

    @property
    def scale(self) -> float:
        """The object's ``logit_scale``, 1 where it has none."""
        return float(getattr(self.model, "logit_scale", 1.0))

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """Embeddings of clips."""
        return _rows(self.model.video(frames), len(frames), f"model {self.name}: video()")

    def text(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings of prompts."""
        return _rows(self.model.text(list(prompts)), len(prompts), f"model {self.name}: text()")


class ZeroShot(nn.Module):
    """A classifier whose classes are given in words: frames in [0, 1] to logits ``b k``; texts are encoded once, here.

    Args:
        model: the dual encoder; set to evaluation mode.
        classes: names of the classes, for tables.
        prompts: sentences by template and class.
        order: in which the templates of a class are averaged and normalised.
        scale: of the cosines, over the model's own.

    Raises:
        UsageError: prompts that the text tower cannot tell apart or cannot read.
        MuybridgeError: embeddings that are no numbers.
    """

    def __init__(
        self,
        model: DualEncoder,
        classes: Sequence[str],
        prompts: Sequence[Sequence[str]],
        order: Order = "normalise-first",
        scale: float | None = None,
    ) -> None:
        super().__init__()
        self.model, self.order = model.eval(), order
        self.name, self.classes, self.outputs = model.name, tuple(classes), len(classes)
        self.clip_frames, self.clip_size = model.clip_frames, model.clip_size
        self.scale, self.bias = (model.scale if scale is None else scale), model.bias
        _check_apart(model, classes, prompts[0])
        flat = [prompt for row in prompts for prompt in row]
        with torch.inference_mode():
            parts = [model.text(flat[i : i + TOGETHER]) for i in range(0, len(flat), TOGETHER)]
        text = wide(torch.cat(parts)).clone()
        if not bool(torch.isfinite(text).all()) or bool((text.norm(dim=1) == 0).any()):
            raise MuybridgeError(
                f"model {model.name}: the embeddings of its texts are no numbers, or zero. Its weights are damaged."
            )
        with torch.inference_mode(False):
            bank = model.bank(text.view(len(prompts), len(classes), -1), order)
            self.parts = [f"bank{place}" for place in range(len(bank))]
            for name, part in zip(self.parts, bank, strict=True):
                self.register_buffer(name, part.detach().clone(), persistent=False)

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Logits of the ensemble of templates."""
        return self.both(frames)[0]

    def both(self, frames: Float[Tensor, "b 3 t h w"]) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b t k"]]:
        """Logits of the ensemble, and of every template alone."""
        return self.scored(self.model.video(frames))

    def scored(self, video: object) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b t k"]]:
        """The same from what the clip tower made of the frames."""
        bank = tuple(map(self.get_buffer, self.parts))
        with torch.autocast(bank[0].device.type, enabled=False):
            whole, single = self.model.compare(video, bank, self.order)
        return self.scale * whole + self.bias, self.scale * single + self.bias


def _check_apart(model: DualEncoder, classes: Sequence[str], prompts: Sequence[str]) -> None:
    """Refuse classes whose prompts are the same to the text tower: words in an alphabet that its tokenizer does not know.

    Raises:
        UsageError: names two of them.
    """
    seen: dict[tuple[int, ...], str] = {}
    for name, row in zip(classes, model.tokens(prompts) or (), strict=False):
        other = seen.setdefault(row, name)
        if other != name:
            raise UsageError(
                f"model {model.name}: its tokenizer makes the same of {other!r} and {name!r}, so it cannot tell them apart. Say the classes"
                " in words that it was trained on: --names FILE with lines of class, tab, words."
            )


def _rows(found: object, number: int, what: str) -> Tensor:
    """A tensor ``n d``.

    Raises:
        UsageError: something else.
    """
    if isinstance(found, Tensor) and found.ndim == 2 and len(found) == number and found.is_floating_point():
        return found
    said = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
    raise UsageError(f"{what} returned {said}; wanted a float tensor of {number} rows.")
