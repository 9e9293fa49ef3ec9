"""Models whose robustness is measured: own runs, public weights, and whatever else maps frames to logits."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from muybridge.backbones.exported import exported_classifier
from muybridge.backbones.outside.exported_folder import is_exported
from muybridge.backbones.outside.model_folder import folder_of
from muybridge.backbones.outside.preprocessor import Preprocessing
from muybridge.backbones.outside.zoo import called, classifier
from muybridge.backbones.weights import elsewhere
from muybridge.backbones.weights.checkpoint_fit import Taken
from muybridge.backbones.weights.kinetics_classes import FILE as KINETICS400
from muybridge.backbones.weights.pretrained import attach, checkpoint_of, load_pretrained
from muybridge.config.names import ZOO
from muybridge.config.stage_configs import RobustnessConfig
from muybridge.core import seeding
from muybridge.core.catalogue import names_code
from muybridge.core.clip import to_unit
from muybridge.core.errors import MuybridgeError, UsageError, explained
from muybridge.data.class_file import read_classes
from muybridge.stages.testing import own_code
from muybridge.stages.testing.feeding import FIELDS, Feed, described, failure, feed_of, logits_in, own_dtype
from muybridge.stages.testing.model_key import key_of as key_of
from muybridge.train.precision import Compute

Frames = Float[Tensor, "b 3 t h w"]
Call = Callable[[Frames], Float[Tensor, "b k"]]


@dataclass(frozen=True)
class TestedModel:
    """A model under test.

    Attributes:
        name: for tables.
        call: turns frames (float, 0 to 1) into logits; owns its mean and std.
        classes: names of its classes in the order of its scores; None where it does not say.
        key: hash of its name, its weights and its code where that is the user's.
        protocol: preset that it is tested with unless told otherwise.
        clip: ``frames``, ``stride``, ``sampling``, ``crop`` and ``short_side`` of that preset that the model knows better.
        preprocessing: what it does to frames by itself, as far as it is known; for ``result.json``.
        feed: how frames are put in.
        is_foreign: whether somebody else wrote it, so that what it raises is no bug of ours.
        checkpoint: what was taken of its file of weights.
    """

    name: str
    call: Call
    classes: tuple[str, ...] | None
    key: str
    protocol: str = "kinetics"
    clip: Mapping[str, int | str] = field(default_factory=dict)
    preprocessing: Mapping[str, object] = field(default_factory=dict)
    feed: Feed = field(default_factory=Feed)
    is_foreign: bool = False
    checkpoint: Taken | None = None

    def logits(
        self, frames: UInt8[Tensor, "b 3 t h w"], classes: int, compute: Compute
    ) -> Float[Tensor, "b k"]:
        """Scores of a batch in float32 on the CPU.

        Raises:
            UsageError: not one row of ``classes`` numbers per clip.
        """
        unit = to_unit(frames.to(compute.device))
        scores = (
            logits_in(self._asked(unit, compute), len(frames))
            if self.is_foreign
            else self._called(unit, compute)
        )
        if not isinstance(scores, Tensor) or not scores.is_floating_point():
            raise UsageError(
                f"model {self.name}: returned {described(scores)}; wanted a float tensor of logits, b x k, alone,"
                " first in a tuple, or as 'logits'."
            )
        if scores.shape != (len(frames), classes):
            raise UsageError(
                f"model {self.name}: returned {tuple(scores.shape)} for {len(frames)} clips; wanted"
                f" {(len(frames), classes)}, one score per class. Name the classes of the model with --classes FILE,"
                " one per line in the order of its scores (class_names= in Python)."
            )
        return scores.float().cpu()

    def _called(self, fed: Any, compute: Compute) -> object:
        with torch.inference_mode(), compute.autocast():
            return self.call(fed)

    def _asked(self, frames: Frames, compute: Compute) -> object:
        """What a model of somebody else returns; whatever it raises is said with what it was fed."""
        fed = self.feed.prepared(frames, own_dtype(self.call))
        try:
            return self._called(fed, compute)
        except MuybridgeError:
            raise
        except Exception as error:
            if explained(error):
                raise
            raise failure(self.name, self.feed, fed, error) from error


def own_folder(name: str) -> Path | None:
    """What ``hf:FOLDER``, or a name in the local Hugging Face cache, stands for; None for a model type and every other name."""
    return folder_of(name.removeprefix("hf:")) if name.startswith("hf:") else None


def load(config: RobustnessConfig) -> TestedModel:
    """The external model that a config names; nothing is downloaded, and what a function draws at random is drawn from the seed.

    Raises:
        UsageError: no such model, or weights that do not fit.
    """
    name, weights = config.model, Path(config.weights) if config.weights else None
    if weights is None and any(_where(config)):
        raise UsageError("--weights-key, --weights-prefix: go with --weights and its file.")
    if name.startswith("torchvision:") and (words := elsewhere.by_name(name)):
        raise UsageError(f"--model {name}: {words}.")
    if weights is None and (name == "i3d" or name.startswith("torchvision:")):
        raise UsageError(f"--model {name}: wanted --weights with its file of weights (.safetensors or .pt).")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.key(config.seed, "model"))
        folder = own_folder(name)
        if folder and is_exported(folder):
            model = _exported(folder, weights)
        else:
            model = (
                _called(name, weights, config)
                if names_code(name)
                else classifier(name, weights, *_where(config))
            )
    if weights is None and getattr(model, "is_random", False):
        raise UsageError(
            f"--model {name}: names no weights, so its answers would be drawn at random. Give a folder with config.json and"
            " *.safetensors (hf:FOLDER), or --weights."
        )
    subject = given(model, name, getattr(model, "classes", None))
    subject = replace(subject, checkpoint=checkpoint_of(model))
    if name == "i3d":
        return replace(subject, classes=read_classes(KINETICS400), protocol="i3d-kinetics")
    prepared: Preprocessing | None = getattr(model, "preprocessing", None)
    clip = {
        "frames": getattr(model, "clip_frames", None),
        "stride": getattr(model, "clip_stride", None),
        "sampling": getattr(model, "clip_sampling", None),
        "crop": getattr(model, "clip_size", None),
        "short_side": prepared.short_side if prepared else None,
    }
    return replace(
        subject,
        clip={field: value for field, value in clip.items() if value is not None},
        preprocessing=prepared.facts() if prepared else {},
        key=subject.key + ("-bgr" if prepared and prepared.bgr else ""),
    )


def given(
    model: object, name: str | None = None, classes: tuple[str, ...] | None = None, kept: bool = False
) -> TestedModel:
    """A model handed over as an object.

    Args:
        model: an ``nn.Module`` or a callable: frames (float, 0 to 1, ``b 3 t h w``) to logits ``b k``.
        name: for tables; the name of its class when not given. Names a callable without weights, too.
        classes: names of its classes; those of the data set when not given.
        kept: whether its results will be found again by its name and weights.

    Raises:
        UsageError: not callable; or to be kept, with neither weights nor a name.
    """
    if not callable(model):
        raise UsageError(
            f"model: {described(model)} cannot be called; wanted an nn.Module or a function of frames. A state dict is no model: load it"
            " into its network."
        )
    if kept and name is None and not has_weights(model):
        raise UsageError(
            f"model {model!r}: has no weights that would name its results. Give it a name=, or leave out= away."
        )
    kind = type(model) if isinstance(model, nn.Module) else model
    qualified = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', type(model).__name__)}"
    shown = name or str(getattr(kind, "__name__", type(model).__name__))
    key = key_of(model, f"{qualified} {name or ''}{own_code.held(model)}")
    return TestedModel(shown, model, classes, key, preprocessing=Feed().facts(), is_foreign=True)


def fed(subject: TestedModel, config: RobustnessConfig) -> TestedModel:
    """A model of others that is fed as a config asks for.

    Raises:
        UsageError: options that make no sense, or for a model that prepares frames itself.
    """
    named = [name for name in FIELDS if getattr(config, name) not in (None, ())]
    if not named:
        return subject
    if config.model == "i3d" or config.model.startswith(ZOO):
        raise UsageError(
            f"--{named[0]}: {config.model} knows by itself what it wants. For another preparation, build it in a module of yours."
        )
    feed = feed_of(config)
    return replace(subject, feed=feed, preprocessing=feed.facts())


def has_weights(model: object) -> bool:
    """Whether its state tells one model from another."""
    return isinstance(model, nn.Module) and bool(model.state_dict())


@contextmanager
def evaluating(call: object, compute: Compute) -> Iterator[None]:
    """A module on the device in evaluation mode; every part goes back to its own mode afterwards."""
    if not isinstance(call, nn.Module):
        yield
        return
    modes = [(part, part.training) for part in call.modules()]
    compute.place(call).eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _exported(folder: Path, weights: Path | None) -> nn.Module:
    """The classifier of a folder of ``muybridge export --format hf``, which has its weights."""
    if weights:
        raise UsageError(f"--weights {weights}: {folder} has weights of its own. Leave --weights out.")
    return exported_classifier(folder)


def _where(config: RobustnessConfig) -> tuple[str | None, str | None]:
    return config.weights_key, config.weights_prefix


def _called(name: str, weights: Path | None, config: RobustnessConfig) -> Any:
    """The module or function of frames that ``module:function`` returns."""
    made = called(name)
    if weights:
        if not isinstance(made, nn.Module):
            raise UsageError(f"--weights {weights}: {name} returns no nn.Module that could take them.")
        attach(made, load_pretrained(made, weights, *_where(config)))
    return made
