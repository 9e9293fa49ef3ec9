"""Folders that ``muybridge export --format hf`` writes: what they say, read as from anybody. No code in them is ever run.

``config.json`` has what is ours under ``muybridge``; where the network is one of transformers the rest is its own config, so that
``hf:FOLDER`` reads it too. ``model.safetensors`` is the backbone, ``head.safetensors`` the linear layer where there is one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import facts as stat_of
from muybridge.core.files import read_bytes
from muybridge.core.parse import Json, UnreadableError, parse_json

CONFIG, WEIGHTS, HEAD = "config.json", "model.safetensors", "head.safetensors"
PREPROCESSOR, CARD = "preprocessor_config.json", "README.md"
OURS = "muybridge"
"""Key of ``config.json``, and the model type of networks that are no transformers'."""
FORMAT = 1
LARGEST = 1 << 20
"""Bytes of a ``config.json``: 100,000 names of classes."""
CLIP = {"frames": (1, 4096), "stride": (0, 4096), "short_side": (1, 8192), "crop": (1, 8192)}
"""Facts of a clip, and between what they lie."""
SAMPLINGS = ("dense", "uniform")


@dataclass(frozen=True)
class ExportedFolder:
    """What a folder says of itself.

    Attributes:
        folder: where it lies, in full.
        backbone: how to build its network: a name of the catalogue, ``torchvision:NAME``, or ``hf:`` and the folder itself.
        dim: length of the feature.
        classes: names in the order of its logits; none where it holds a backbone alone.
        clip: ``frames``, ``stride``, ``short_side`` and ``crop`` that it was trained on.
        sampling: ``dense`` or ``uniform``.
    """

    folder: Path
    backbone: str
    dim: int
    classes: tuple[str, ...]
    clip: Mapping[str, int]
    sampling: str = "dense"


def is_exported(word: object) -> bool:
    """Whether a word after ``--init`` or ``--model`` is such a folder; whether that is sound shows when it is read."""
    folder = Path(str(word)).expanduser()
    if not (folder / CONFIG).is_file():
        return False
    try:
        return isinstance(_content(folder).get(OURS), dict)
    except MuybridgeError:
        return False


def holds_export_alone(folder: Path) -> bool:
    """Whether a folder is such a one and nobody put other files into it."""
    return is_exported(folder) and {one.name for one in folder.iterdir()} <= {
        CONFIG,
        WEIGHTS,
        HEAD,
        PREPROCESSOR,
        CARD,
    }


def read_exported(folder: Path) -> ExportedFolder:
    """The facts of a folder, every one of its type and within its bounds.

    Raises:
        UsageError: of a newer version, or a network that is not in the catalogue.
        MuybridgeError: damaged.
    """
    folder = folder.expanduser().absolute()
    content = _content(folder)
    told = content.get(OURS)
    if not isinstance(told, dict):
        raise UsageError(
            f"{folder}: was not written by `muybridge export --format hf`. Folders of transformers are hf:FOLDER."
        )
    path = folder / CONFIG
    version, dim = told.get("format"), told.get("dim")
    if not _is_whole(version, 1, 1 << 20):
        raise _damaged(path, "format")
    if version > FORMAT:
        raise UsageError(
            f"{path}: format {version} of a newer Muybridge; this one reads {FORMAT}. Update muybridge to read it."
        )
    clip, classes, name = told.get("clip"), told.get("classes"), told.get("backbone")
    sizes = clip if isinstance(clip, dict) else {}
    whole = {one: size for one, ends in CLIP.items() if _is_whole(size := sizes.get(one), *ends)}
    if len(whole) < len(CLIP):
        raise _damaged(path, "clip")
    if not isinstance(classes, list):
        raise _damaged(path, "classes")
    names = tuple(one for one in classes if isinstance(one, str) and 0 < len(one) <= 1000)
    if len(names) < len(classes):
        raise _damaged(path, "classes")
    sampling = sizes.get("sampling", "dense")  # older folders have no such fact
    if not isinstance(sampling, str) or sampling not in SAMPLINGS:
        raise _damaged(path, "clip")
    if not _is_whole(dim, 1, 1 << 20):
        raise _damaged(path, "dim")
    if not isinstance(name, str):
        raise _damaged(path, "backbone")
    for file in (WEIGHTS, *([HEAD] if classes else [])):
        _check_file(folder / file)
    ours = content.get("model_type") == OURS
    backbone = name if ours else f"hf:{folder}"
    return ExportedFolder(folder, backbone, dim, names, whole, sampling)


def _content(folder: Path) -> dict[str, Json]:
    path = folder / CONFIG
    try:
        content = parse_json(read_bytes(path, LARGEST))
    except (OSError, UnreadableError) as error:
        raise MuybridgeError(f"{path}: cannot be read as JSON ({str(error)[:200]}).") from error
    if not isinstance(content, dict):
        raise MuybridgeError(f"{path}: wanted a JSON object.")
    return content


def _check_file(path: Path) -> None:
    """See that weights are there, as a file and no link.

    Raises:
        MuybridgeError: they are not.
    """
    try:
        stat_of(path)
    except FileNotFoundError as error:
        raise MuybridgeError(f"{path}: is missing. Export or pull the folder again.") from error
    except OSError as error:
        raise MuybridgeError(f"{path}: cannot be read ({os.strerror(error.errno or 0)}).") from error


def _is_whole(value: object, least: int, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _damaged(path: Path, field: str) -> MuybridgeError:
    return MuybridgeError(f"{path}: damaged: its {OURS}.{field} is none. Export or pull the folder again.")
