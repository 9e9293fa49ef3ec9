"""Reading published weights into a network: safetensors, or PyTorch files without pickled code."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from muybridge.backbones.weights.checkpoint_file import read_states
from muybridge.backbones.weights.checkpoint_fit import COUNTED, Taken, choose, trimmed
from muybridge.core.errors import UsageError

SPELT = {".q_bias": ".query.bias", ".v_bias": ".value.bias"}
"""Ends of names as transformers writes its VideoMAE to files, all public ones among them, and as its network has them since version 5."""
FC_CLS = "cls_head.fc_cls."
"""Last layer of mmaction's networks, which stands beside the ``backbone.`` that it belongs to."""


def load_pretrained(
    module: nn.Module, path: str | Path, key: str | None = None, prefix: str | None = None
) -> Taken:
    """Load all weights of a module from a file: every name and shape of the network has to be there (``checkpoint_fit``).

    Args:
        module: network that gets the weights.
        path: a file that ends in one of ``READABLE``; read with ``weights_only=True``.
        key: under which the state dict lies, dotted; found where not given.
        prefix: of the names of the network in it; found where not given.

    Returns:
        What was taken and what was left.

    Raises:
        UsageError: another kind of file, several sets of weights that fit alike, or the weights of another network: says which names are
            missing, unexpected or of another shape, and the nearest names.
        MuybridgeError: the file is missing or damaged.
    """
    taken = take_weights(module, path, key, prefix)
    put_weights(module, dict(taken.tensors), path)
    return taken


def take_weights(
    module: nn.Module,
    path: str | Path,
    key: str | None = None,
    prefix: str | None = None,
    heads: tuple[str, ...] = (),
) -> Taken:
    """The tensors of a file that are a module's, not put in yet; parts in ``heads`` that the module has not are left.

    Raises:
        UsageError, MuybridgeError: as ``load_pretrained``; names and shapes are not compared.
    """
    states, others = read_states(Path(path))
    wanted = module.state_dict()
    # a network that has the old ends itself takes them as they are
    ends = {old: new for old, new in SPELT.items() if _has(wanted, new) and not _has(wanted, old)}
    spelt = {name: _respelt(state, ends) for name, state in states.items()}
    taken = choose(wanted, spelt, Path(path), key, prefix)
    told = (f"*{old} as *{new}" for old, new in ends.items() if _has(states[taken.key], old))
    taken = replace(taken, renamed=(*taken.renamed, *told))
    taken = trimmed(_with_head(taken, spelt[taken.key], wanted), wanted, heads)
    beside = (*others, *(one for one in states if one != taken.key))
    return replace(taken, left={**taken.left, "keys beside": beside}) if beside else taken


def _has(names: Iterable[str], end: str) -> bool:
    return any(name.endswith(end) for name in names)


def _respelt(state: dict[str, Tensor], ends: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors under the names of the network, where a file spells the ends of some otherwise."""
    found = {}
    for name, tensor in state.items():
        old = next((one for one in ends if name.endswith(one)), "")
        found[name.removesuffix(old) + ends[old] if old else name] = tensor
    return found


def attach(module: nn.Module, taken: Taken) -> None:
    """Keep with a network what was taken of its file of weights, beside its parameters and parts."""
    module.__dict__["checkpoint"] = taken


def checkpoint_of(module: object) -> Taken | None:
    """What was taken of the file of a network's weights; None where there was none."""
    found = vars(module).get("checkpoint") if isinstance(module, nn.Module) else None
    return found if isinstance(found, Taken) else None


def _with_head(taken: Taken, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Taken:
    """Where a network lacks its last layer alone, and mmaction's ``cls_head.fc_cls`` stands beside it: that one."""
    missing = [name for name in wanted if name not in taken.tensors and not name.endswith(COUNTED)]
    fronts = {name.rpartition(".")[0] for name in missing}
    if len(missing) != 2 or len(fronts) != 1 or not all(FC_CLS + one in state for one in ("weight", "bias")):
        return taken
    head = fronts.pop()
    found = {f"{head}.{one}": state[FC_CLS + one] for one in ("weight", "bias")}
    left = {
        why: tuple(name for name in names if not name.startswith(FC_CLS)) for why, names in taken.left.items()
    }
    return replace(
        taken,
        tensors={**taken.tensors, **found},
        left={why: names for why, names in left.items() if names},
        renamed=(*taken.renamed, f"{FC_CLS}* as {head}.*"),
    )


def put_weights(module: nn.Module, tensors: dict[str, Tensor], path: str | Path) -> None:
    """Load all weights of a module from tensors by name; ``path`` says where they come from, for messages.

    Raises:
        UsageError: as ``load_pretrained``.
    """
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if wanted != found:
        raise UsageError(
            f"{path}: not the weights of {type(module).__name__}. {_difference(wanted, found)} Wanted a file made for this network."
        )
    module.load_state_dict(tensors)


HEADS = ("logits.", "fc.", "head.", "classifier.", "cls_head.", "fc_norm.")
"""Where published networks keep the layers that a backbone has not."""


def load_backbone(
    backbone: nn.Module, path: str | Path, key: str | None = None, prefix: str | None = None
) -> Taken:
    """Load the weights of a whole published network into a backbone; those of its classifier (``HEADS``) are left out.

    Raises:
        UsageError: as ``load_pretrained``.
        MuybridgeError: as ``load_pretrained``.
    """
    inner = getattr(backbone, "model", backbone)
    taken = take_weights(inner, path, key, prefix, HEADS)
    put_weights(inner, dict(taken.tensors), path)
    return taken


def _difference(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> str:
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    sentences = []
    for word, names, others in (("Missing", missing, unexpected), ("Unexpected", unexpected, missing)):
        if names:
            near = difflib.get_close_matches(names[0], others, n=1, cutoff=0.5)
            hint = (
                f"; nearest in the {'file' if word == 'Missing' else 'network'}: {near[0]!r}" if near else ""
            )
            sentences.append(
                f"{word}: {len(names)} of {len(wanted if word == 'Missing' else found)}, as {names[0]!r}{hint}."
            )
    for name in wanted.keys() & found.keys():
        if wanted[name] != found[name]:
            sentences.append(f"{name!r} has shape {found[name]} instead of {wanted[name]}.")
            break
    return " ".join(sentences)
