"""Folders of transformers: ``config.json`` beside ``*.safetensors``. They are read as data; no code that lies in them is run."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError, UsageError

CONFIG = "config.json"
CODE = ("AutoConfig", "AutoModel", "AutoModelForVideoClassification")
"""Classes that an ``auto_map`` may put code of the folder in the place of."""
KERNELS = ("eager", "sdpa")
"""Implementations of attention that are torch's own; any other name may be one of a package that is fetched and run."""


def folder_of(name: str) -> Path | None:
    """The folder that ``hf:NAME`` means: one with a ``config.json``, else a snapshot in the local Hugging Face cache; None for neither."""
    folder = Path(name).expanduser()
    if (folder / CONFIG).is_file():
        return folder
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(name, CONFIG)
    except (ImportError, ValueError):  # a name that cannot be one of the hub
        return None
    return Path(found).parent if isinstance(found, str) else None


def read_facts(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        MuybridgeError: none is in it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MuybridgeError(f"{path}: cannot be read as JSON ({str(error)[:200]}).") from error
    if not isinstance(content, dict):
        raise MuybridgeError(f"{path}: wanted a JSON object.")
    return content


def read_config(folder: Path, known: Collection[str]) -> dict[str, Any]:
    """The ``config.json`` of a folder that needs nothing but the library.

    Args:
        folder: where it lies.
        known: model types that we can take.

    Raises:
        UsageError: another model type; code, kernels, quantised weights or adapters that it wants; says which.
        MuybridgeError: damaged.
    """
    path = folder / CONFIG
    content = read_facts(path)
    named = content.get("auto_map")
    code = [str(named[key]) for key in CODE if key in named] if isinstance(named, dict) else []
    if code:
        raise UsageError(
            f"{path}: its auto_map wants Python of its own to be run ({', '.join(code)}). Code in a folder of weights is never run here."
            " Build the network in a module of yours and give it as module:function."
        )
    kind = content.get("model_type")
    if kind == "muybridge":
        raise UsageError(
            f"{path}: a network of Muybridge itself: --init {folder} starts from it, --model {folder} tests it."
        )
    if kind not in list(known):
        raise UsageError(f"{path}: model type {kind!r} is not known here. Known: {', '.join(known)}.")
    for key in ("attn_implementation", "_attn_implementation", "experts_implementation"):
        if content.get(key) not in (None, *KERNELS):
            raise UsageError(
                f"{path}: its {key} is {content[key]!r}, which may be fetched and run. Wanted {' or '.join(KERNELS)}; remove the line."
            )
    for key, what in (
        ("quantization_config", "quantised weights"),
        ("transformers_weights", "a file of weights by name"),
    ):
        if content.get(key) is not None:
            raise UsageError(
                f"{path}: its {key} asks for {what}, which are not read here. Save plain safetensors."
            )
    if (folder / "adapter_config.json").is_file():
        raise UsageError(
            f"{folder}: holds an adapter of another model (adapter_config.json). Merge it into its model and save that."
        )
    return content
