"""Networks of other packages as backbones and as whole classifiers; imported by name when asked for, and only then.

``torchvision:NAME``, ``hf:NAME`` (transformers) and ``module:function``. None of them downloads anything.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.outside.wrapped import TOKENS, Whole, as_features, as_logits
from muybridge.backbones.weights.pretrained import attach, put_weights, take_weights
from muybridge.core.catalogue import imported
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.features import Features


def backbone(name: str) -> nn.Module:
    """The backbone behind a name with a prefix.

    Raises:
        UsageError: a package, folder or function that is not there; a network that is no backbone.
    """
    prefix, _, rest = name.partition(":")
    if prefix == "torchvision":
        from muybridge.backbones.outside.zoo_torchvision import Torchvision

        return Torchvision(rest)
    if prefix == "hf":
        from muybridge.backbones.outside.zoo_transformers import Transformer

        return Transformer(rest)
    return Outside(name, _network(name))


def classifier(
    name: str, weights: str | Path | None = None, key: str | None = None, prefix: str | None = None
) -> nn.Module:
    """A whole network with its own head: frames in [0, 1] to logits ``b k``; ``outputs`` is their number.

    Args:
        name: ``i3d``, or a name with a prefix.
        weights: file with the weights of the network (``pretrained.READABLE``); random where a name brings none. The head of ``i3d`` and
            of a torchvision network gets as many outputs as its weights have. ``pretrained.checkpoint_of`` says what was taken.
        key: of the weights in the file, as ``pretrained.load_pretrained`` takes it.
        prefix: of their names.

    Raises:
        UsageError: as ``backbone``; weights of another network.
    """
    whole = _whole(name)
    if weights is None:
        return whole
    bare = whole.model if isinstance(whole, Whole) else whole
    taken = take_weights(bare, weights, key, prefix)
    outputs = head_outputs(bare, taken.tensors)
    if outputs is not None and (name == "i3d" or name.startswith("torchvision:")):
        whole = _whole(name, outputs)
        bare = whole.model if isinstance(whole, Whole) else whole
    put_weights(bare, dict(taken.tensors), weights)
    attach(whole, taken)
    return whole


def head_outputs(module: nn.Module, weights: Mapping[str, Tensor]) -> int | None:
    """Outputs of a head that was replaced: where nothing but the length of some tensors differs, and all alike; None otherwise."""
    wanted = module.state_dict()
    if wanted.keys() != weights.keys():
        return None
    changed = {
        (wanted[name].shape, found.shape)
        for name, found in weights.items()
        if wanted[name].shape != found.shape
    }
    lengths = {(before[0], after[0]) for before, after in changed if before[1:] == after[1:] and before}
    alike = len(lengths) == 1 and all(before[1:] == after[1:] for before, after in changed)
    return int(next(iter(lengths))[1]) if alike else None


def _whole(name: str, outputs: int = 400) -> nn.Module:
    prefix, _, rest = name.partition(":")
    if name == "i3d":
        from muybridge.backbones.networks.i3d import I3DClassifier

        return I3DClassifier(outputs)
    if prefix == "torchvision":
        from muybridge.backbones.outside import zoo_torchvision

        return zoo_torchvision.whole_model(rest, outputs)
    if prefix == "hf":
        from muybridge.backbones.outside import zoo_transformers

        return zoo_transformers.whole_model(rest)
    if not rest:
        raise UsageError(
            f"no classifier {name!r}. Known: i3d, torchvision:NAME, hf:NAME and module:function."
        )
    model = _network(name)
    return Whole(name, model, _logits_of(name, model))


class Outside(nn.Module):
    """Whatever a function outside returned: frames in [0, 1] go in unchanged, so it owns its statistics.

    It may put out ``Features``, a tensor (``b d``, tokens ``b n d`` or a map ``b d t h w``), or a mapping with one of the keys in
    ``KEYS``. The length of the feature is its attribute ``dim``, else found by one clip of 16x112x112 (or of its ``clip_frames`` and
    ``clip_size``). Capture points are its attribute ``layers``, else its children. What it has of ``TOKENS`` is handed on, so that a
    network with the methods of ``vit.ViT`` can be trained by masking.
    """

    def __init__(self, name: str, model: nn.Module) -> None:
        super().__init__()
        self.name, self.model = name, model
        self.clip_frames = getattr(model, "clip_frames", None)
        self.clip_size = getattr(model, "clip_size", None)
        own = getattr(model, "layers", None)
        children = [child for child, _ in model.named_children()]
        names = own if isinstance(own, tuple | list) else children
        self.layers = tuple(f"model.{layer}" for layer in names)
        known = getattr(model, "dim", None)
        self.dim = (
            known if isinstance(known, int) else as_features(name, _dry_run(name, model)).pooled.shape[1]
        )
        for attribute in TOKENS:
            if hasattr(model, attribute):
                setattr(self, attribute, getattr(model, attribute))

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Features of each clip."""
        return as_features(self.name, self.model(frames))


def called(name: str) -> object:
    """What the function behind ``module:function`` returns; what stands there and cannot be called counts as it is.

    Raises:
        UsageError: it cannot be imported, or raises.
    """
    made = imported(name)
    if isinstance(made, nn.Module) or not callable(made):
        return made
    try:
        return made()
    except MuybridgeError:
        raise
    except Exception as error:  # whatever a foreign function does
        raise UsageError(
            f"{name}() failed ({type(error).__name__}: {error}). Wanted a function that takes nothing and returns an nn.Module."
        ) from error


def _network(name: str) -> nn.Module:
    """The network that ``module:function`` returns."""
    network = called(name)
    if not isinstance(network, nn.Module):
        raise UsageError(f"{name}() returned a {type(network).__name__}; wanted a torch.nn.Module.")
    return network


def _dry_run(name: str, model: nn.Module) -> object:
    frames, size = getattr(model, "clip_frames", None) or 16, getattr(model, "clip_size", None) or 112
    training = model.training
    try:
        with torch.no_grad():
            return model.eval()(torch.zeros(1, 3, frames, size, size))
    except Exception as error:  # whatever a foreign network does with a clip
        raise UsageError(
            f"{name} failed on a clip of 3x{frames}x{size}x{size} ({type(error).__name__}: {error}). "
            "Give the network the attributes clip_frames, clip_size and dim."
        ) from error
    finally:
        model.train(training)


def _logits_of(name: str, model: nn.Module) -> int:
    known = getattr(model, "outputs", None)
    return known if isinstance(known, int) else as_logits(name, _dry_run(name, model)).shape[1]
