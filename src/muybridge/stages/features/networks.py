"""Building the networks that are compared layer by layer."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from muybridge.backbones import check_clip
from muybridge.backbones.weights.pretrained import put_weights
from muybridge.core.clip import to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Classifier
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.stages.features import compared
from muybridge.stages.features.compared import NetworkFacts
from muybridge.stages.features.layer_grams import Network
from muybridge.stages.testing.clip_protocol import Protocol
from muybridge.stages.training.material import build_backbone
from muybridge.train.checkpoint import load_weights
from muybridge.train.precision import Compute

BODY = "backbone"
"""Where a classifier keeps its backbone."""


def build(
    word: str, run: Run | None, backbone: str, seed: int, protocol: Protocol
) -> tuple[nn.Module, str, bool]:
    """The module that a word names, the prefix of its backbone in it, and whether it is untrained.

    Args:
        word: as typed.
        run: that it names, finished.
        backbone: name of the network.
        seed: of the weights of an untrained one.
        protocol: clips that it must take.

    Raises:
        UsageError: weights that do not fit, or clips that it cannot take.
    """
    if run is None:
        _, file = compared.file_of(word)
        body = build_backbone(backbone, seed, file)
    elif run.stage == "pretrain":
        body = build_backbone(backbone, seed, Path(word) if snapshots.split(word)[1] else run)
    else:
        body = build_backbone(backbone, seed)
    check_clip(body, protocol.frames, protocol.crop)
    if run is None or run.stage == "pretrain":
        untrained = run is None and compared.foreign_facts(word)["arm"] == "random"
        return body, "", untrained
    whole = Classifier(body, body.dim, len(run.result["data"]["classes"]))
    path = run.path / "weights.safetensors"
    put_weights(whole, load_weights(path), path)
    return whole, BODY, False


def network(
    module: nn.Module, prefix: str, facts: NetworkFacts, layers: tuple[str, ...], flag: str
) -> Network:
    """A built network with the layers that were asked for: ``all``, ``stages``, or names as they are shown.

    Raises:
        UsageError: a layer that is not there; names the nearest.
    """
    last = str(facts["backbone"]).startswith("torchvision:swin3d")
    found = Network(compared.named(facts), module, None, last, prefix)
    return Network(found.name, module, _wanted(found, layers, flag), last, prefix)


def _wanted(found: Network, layers: tuple[str, ...], flag: str) -> tuple[str, ...] | None:
    """Real names of the layers that were asked for by their shown names."""
    if layers == ("all",):
        return None
    real = {found.shown(name): name for name, _ in found.module.named_modules()}
    if layers == ("stages",):
        body: Any = getattr(found.module, found.prefix) if found.prefix else found.module
        start = f"{found.prefix}." if found.prefix else ""
        return tuple(start + name for name in body.layers)
    for layer in layers:
        if layer not in real:
            near = difflib.get_close_matches(layer, list(real), n=3, cutoff=0)
            raise UsageError(
                f"--layers {layer}: {found.name} (--{flag}) has no such module; the nearest are {', '.join(near)}."
                " `all` and `stages` stand for many."
            )
    return tuple(real[layer] for layer in layers)


@torch.no_grad()
def calibrate(module: nn.Module, batches: Iterable[UInt8[Tensor, "b 3 t h w"]], compute: Compute) -> None:
    """Set the batch-norm statistics of an untrained network to those of the clips, as every stage does with random weights."""
    norms = [one for one in module.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for frames in batches:
        module(to_unit(frames.to(compute.device)))
    for norm in norms:
        norm.momentum = 0.1
        norm.eval()
