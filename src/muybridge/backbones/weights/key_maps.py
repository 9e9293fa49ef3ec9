"""Names of public video checkpoints, in the programs that trained them, to the names of torchvision and transformers.

Only names, shapes of the same numbers, and joint projections change; every number stays. Sources of the names on both sides: the module
attributes of VideoMAE (MCG-NJU), V-JEPA 2 (Meta), SlowFast and PyTorchVideo (MViT), mmaction2 (Video Swin, VideoMAE), torchvision 0.15 and
transformers 4.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from muybridge.core.errors import UsageError

Rules = tuple[tuple[str, str], ...]
FRONTS = ("module.", "backbone.", "model.", "encoder.", "_orig_mod.")
"""Wrappers whose names stand in front of a network's own."""


@dataclass(frozen=True)
class KeyMap:
    """How one kind of checkpoint is renamed.

    Attributes:
        title: what it is.
        target: what its result is for, as an option of a verb.
        rules: pattern of a whole name and what it becomes, the first that fits counts; an empty text leaves the tensor out; ``{}`` splits a
            joint projection into query, key and value, ``@q`` and its like join them.
        first: a name that every such checkpoint has, behind its wrappers; what stands in front of it is taken off.
        reshape: what is done to tensors whose shape differs, by the end of their new name.
    """

    title: str
    target: str
    rules: Rules
    first: tuple[str, ...]
    reshape: Mapping[str, Callable[[Tensor], Tensor]] | None = None


_NORMS = r"\.(weight|bias)"
VIDEOMAE = KeyMap(
    "VideoMAE as its authors publish it, or mmaction2, fine-tuned or pretrained",
    "--model hf:FOLDER --weights OUT, FOLDER with the config.json of the network",
    (
        (r"patch_embed\.(?:proj|projection)" + _NORMS, r"videomae.embeddings.patch_embeddings.projection.\1"),
        (r"blocks\.(\d+)\.norm1" + _NORMS, r"videomae.encoder.layer.\1.layernorm_before.\2"),
        (r"blocks\.(\d+)\.norm2" + _NORMS, r"videomae.encoder.layer.\1.layernorm_after.\2"),
        (r"blocks\.(\d+)\.attn\.q_bias", r"videomae.encoder.layer.\1.attention.attention.query.bias"),
        (r"blocks\.(\d+)\.attn\.v_bias", r"videomae.encoder.layer.\1.attention.attention.value.bias"),
        (r"blocks\.(\d+)\.attn\.qkv\.weight", r"videomae.encoder.layer.\1.attention.attention.{}.weight"),
        (r"blocks\.(\d+)\.attn\.proj" + _NORMS, r"videomae.encoder.layer.\1.attention.output.dense.\2"),
        (r"blocks\.(\d+)\.mlp\.(?:fc1|layers\.0\.0)" + _NORMS, r"videomae.encoder.layer.\1.intermediate.dense.\2"),
        (r"blocks\.(\d+)\.mlp\.(?:fc2|layers\.1)" + _NORMS, r"videomae.encoder.layer.\1.output.dense.\2"),
        (r"norm" + _NORMS, r"videomae.layernorm.\1"),
        (r"fc_norm" + _NORMS, r"fc_norm.\1"),
        (r"(?:head|cls_head\.fc_cls)" + _NORMS, r"classifier.\1"),
        (r"(?:pos_embed|mask_token|encoder_to_decoder\..*|decoder\..*)", ""),
    ),
    ("patch_embed.proj.weight", "patch_embed.projection.weight"),
)  # fmt: skip
VJEPA2 = KeyMap(
    "V-JEPA 2 as its authors publish it: the encoder",
    "--backbone hf:FOLDER --init OUT, FOLDER with the config.json of the network",
    (
        (r"patch_embed\.proj" + _NORMS, r"encoder.embeddings.patch_embeddings.proj.\1"),
        (r"blocks\.(\d+)\.(norm1|norm2|mlp\.fc1|mlp\.fc2)" + _NORMS, r"encoder.layer.\1.\2.\3"),
        (r"blocks\.(\d+)\.attn\.qkv" + _NORMS, r"encoder.layer.\1.attention.{}.\2"),
        (r"blocks\.(\d+)\.attn\.proj" + _NORMS, r"encoder.layer.\1.attention.proj.\2"),
        (r"norm" + _NORMS, r"encoder.layernorm.\1"),
        (r"pos_embed", ""),
    ),
    ("patch_embed.proj.weight",),
)
SWIN = KeyMap(
    "Video Swin of mmaction2",
    "--model torchvision:swin3d_t (or _s, _b) --weights OUT",
    (
        (r"patch_embed\.(proj|norm)" + _NORMS, r"patch_embed.\1.\2"),
        (r"layers\.(\d+)\.blocks\.(\d+)\.attn\.relative_position_index", ""),
        (r"layers\.(\d+)\.blocks\.(\d+)\.mlp\.fc1" + _NORMS, r"features.<\1>.\2.mlp.0.\3"),
        (r"layers\.(\d+)\.blocks\.(\d+)\.mlp\.fc2" + _NORMS, r"features.<\1>.\2.mlp.3.\3"),
        (r"layers\.(\d+)\.blocks\.(\d+)\.(norm[12]\..*|attn\..*)", r"features.<\1>.\2.\3"),
        (r"layers\.(\d+)\.downsample\.(.*)", r"features.<\1+>.\2"),
        (r"norm" + _NORMS, r"norm.\1"),
        (r"(?:head|cls_head\.fc_cls)" + _NORMS, r"head.\1"),
    ),
    ("patch_embed.proj.weight",),
)
MVIT = KeyMap(
    "MViT of SlowFast or PyTorchVideo",
    "--model torchvision:mvit_v1_b (or mvit_v2_s) --weights OUT",
    (
        (r"patch_embed\.(?:proj|patch_model)" + _NORMS, r"conv_proj.\1"),
        (r"(?:cls_positional_encoding\.)?cls_token", "pos_encoding.class_token"),
        (r"(?:cls_positional_encoding\.)?pos_embed_(spatial|temporal|class)", r"pos_encoding.\1_pos"),
        (r"blocks\.(\d+)\.attn\.([qkv])" + _NORMS, r"blocks.\1.attn.qkv.\3@\2"),
        (r"blocks\.(\d+)\.attn\.pool_([qkv])\.weight", r"blocks.\1.attn.pool_\2.pool.weight"),
        (r"blocks\.(\d+)\.attn\.norm_([qkv])" + _NORMS, r"blocks.\1.attn.pool_\2.norm_act.0.\3"),
        (r"blocks\.(\d+)\.attn\.proj" + _NORMS, r"blocks.\1.attn.project.0.\2"),
        (r"blocks\.(\d+)\.mlp\.fc1" + _NORMS, r"blocks.\1.mlp.0.\2"),
        (r"blocks\.(\d+)\.mlp\.fc2" + _NORMS, r"blocks.\1.mlp.3.\2"),
        (r"blocks\.(\d+)\.proj" + _NORMS, r"blocks.\1.project.\2"),
        (r"blocks\.(\d+)\.(norm1|norm2|attn\.qkv)" + _NORMS, r"blocks.\1.\2.\3"),
        (r"blocks\.(\d+)\.attn\.rel_pos_([hwt])", r"blocks.\1.attn.rel_pos_\2"),
        (r"(?:norm|norm_embed)" + _NORMS, r"norm.\1"),
        (r"head\.(?:proj|projection)" + _NORMS, r"head.1.\1"),
    ),
    ("patch_embed.proj.weight", "patch_embed.patch_model.weight"),
    reshape={
        "class_token": lambda one: one.flatten(), "class_pos": lambda one: one.flatten(),
        "spatial_pos": lambda one: one.squeeze(0), "temporal_pos": lambda one: one.squeeze(0),
    },
)  # fmt: skip
MAPS: Mapping[str, KeyMap] = {"videomae": VIDEOMAE, "vjepa2": VJEPA2, "swin3d": SWIN, "mvit": MVIT}
"""By the word of ``weights convert``."""


def renamed(kind: KeyMap, state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Tensors under their new names, in float32 or whole numbers, and the names that were left out.

    Raises:
        UsageError: another kind of checkpoint; a tensor that the map does not know; names the first.
    """
    front = _front(kind, state)
    tensors: dict[str, Tensor] = {}
    left: list[str] = []
    for name, value in state.items():
        new = _name(kind, name.removeprefix(front), name)
        if not new:
            left.append(name)
            continue
        for one, part in _parts(new, value):
            if one in tensors:
                raise UsageError(f"{name!r} and another tensor both become {one!r}: these are two networks.")
            shaped = _shaped(kind, one, part)
            tensors[one] = shaped.float().contiguous() if shaped.is_floating_point() else shaped
    return _joined(tensors), left


def _joined(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """With the projections of query, key and value that belong together as one."""
    whole = {name: value for name, value in tensors.items() if "@" not in name}
    for name in dict.fromkeys(name.partition("@")[0] for name in tensors if "@" in name):
        if lacking := [one for one in "qkv" if f"{name}@{one}" not in tensors]:
            raise UsageError(f"{name!r}: its {lacking[0]} is not in the file.")
        whole[name] = torch.cat([tensors[f"{name}@{one}"] for one in "qkv"])
    return whole


def _front(kind: KeyMap, state: Mapping[str, Tensor]) -> str:
    for first in kind.first:
        for name in state:
            front = name.removesuffix(first)
            if front != name and re.fullmatch(f"(?:{'|'.join(map(re.escape, FRONTS))})*", front):
                return front
    raise UsageError(
        f"no tensor is called {' or '.join(kind.first)}, as in {kind.title}; the first is {next(iter(state), None)!r}."
    )


def _name(kind: KeyMap, name: str, whole: str) -> str:
    for pattern, new in kind.rules:
        if found := re.fullmatch(pattern, name):
            return re.sub(r"<(\d+)(\+?)>", _stage, found.expand(new)) if new else ""
    raise UsageError(f"tensor {whole!r} is none of {kind.title}.")


def _stage(found: "re.Match[str]") -> str:
    """Torchvision counts the stages and the mergers between them in one row."""
    return str(2 * int(found[1]) + bool(found[2]))


def _parts(name: str, value: Tensor) -> list[tuple[str, Tensor]]:
    if "{}" not in name:
        return [(name, value)]
    if len(value) % 3:
        raise UsageError(f"a joint projection of {len(value)} rows is no query, key and value.")
    parts: Sequence[Tensor] = torch.chunk(value, 3)
    return [(name.format(one), part) for one, part in zip(("query", "key", "value"), parts, strict=True)]


def _shaped(kind: KeyMap, name: str, value: Tensor) -> Tensor:
    change = (kind.reshape or {}).get(name.rpartition(".")[2])
    return change(value) if change else value
