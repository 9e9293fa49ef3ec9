"""Files of weights as people have them: what is read of them, and the state dicts that lie in them. Nothing is unpickled.

Training programs put settings beside the weights (``args``, ``cfg``, ``hyper_parameters``), objects of classes that ``weights_only=True``
refuses. Those of a fixed list of settings (``SETTINGS``) are read as nothing: an empty object stands for each, their own class is neither
imported nor called. Every other name in a file is refused as before.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_names import READABLE

SETTINGS = (
    "argparse.Namespace", "collections.defaultdict", "builtins.list", "builtins.dict", "builtins.set", "builtins.int", "builtins.float",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
    "numpy.dtypes.", "_codecs.encode", "pathlib.", "omegaconf.", "yacs.config.", "fvcore.common.config.", "mmengine.config.",
    "mmcv.utils.config.",
    "mmengine.logging.history_buffer.", "pytorch_lightning.utilities.", "lightning.pytorch.utilities.", "lightning_fabric.utilities.",
)  # fmt: skip
"""Names of settings, whole or with a dot behind a package."""
DEPTH = 4
"""Mappings in mappings that are looked into."""
NO_WEIGHTS = ("optim", "scaler", "scheduler", "amp", "rng")
"""Beginnings of keys below which no weights of a network lie."""


class Left:
    """Stands for an object of settings: takes whatever it is given and keeps nothing."""

    def __new__(cls, *_: object, **__: object) -> "Left":
        """Ignore what would make the object."""
        return object.__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        """Ignore what would fill it."""


def read_states(path: Path) -> tuple[dict[str, dict[str, Tensor]], tuple[str, ...]]:
    """State dicts of a file by dotted key, that of the file itself under the empty key; and the keys below which there are none.

    Raises:
        UsageError: another kind of file; no state dict inside.
        MuybridgeError: the file is missing or damaged, or would have to be run.
    """
    content = read_content(path)
    found = dict(_states(content, "", DEPTH))
    if not found:
        inside = (
            f" It holds {', '.join(map(str, list(content)[:8]))}." if isinstance(content, Mapping) else ""
        )
        raise UsageError(f"{path}: holds no plain state dict of tensors by name.{inside}")
    tops = {key.split(".")[0] for key in found}
    others = tuple(str(key) for key in content if key not in tops) if "" not in found else ()
    return found, others


def read_content(path: Path) -> Any:
    """What lies in a file, without any code from it.

    Raises:
        UsageError: another kind of file.
        MuybridgeError: the file is missing or damaged, or would have to be run.
    """
    if not path.name.endswith(READABLE):
        raise UsageError(f"{path}: wanted a file that ends in {', '.join(READABLE)}.")
    try:
        if path.suffix == READABLE[0]:
            return load_file(path)
        with torch.serialization.safe_globals([(Left, name) for name in _settings(path)]):
            return torch.load(path, "cpu", weights_only=True)
    except FileNotFoundError as error:
        raise MuybridgeError(f"{path}: no such file.") from error
    except (OSError, SafetensorError) as error:
        raise MuybridgeError(f"{path}: cannot be read as weights ({error}).") from error
    except Exception as error:  # whatever a torn or foreign file makes of torch's reader
        raise MuybridgeError(
            f"{path}: cannot be read as weights without running code from it ({_why(path, error)}). "
            "Save its state dict as safetensors."
        ) from error


def _settings(path: Path) -> list[str]:
    """Names of settings that a file asks for."""
    return [name for name in _names(path) if name.startswith(SETTINGS)]


def _names(path: Path) -> list[str]:
    """Names that torch would not resolve by itself; none where the file is no archive of torch."""
    with contextlib.suppress(Exception):  # the reader proper says what is wrong with the file
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    return []


def _why(path: Path, error: Exception) -> str:
    names = [name for name in _names(path) if not name.startswith(SETTINGS)]
    return f"it asks for {', '.join(names[:4])}" if names else str(error).partition(".")[0]


def _states(content: object, key: str, depth: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if not isinstance(content, Mapping) or not content or depth == 0:
        return
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    if len(named) < len(content):
        return
    tensors = {name: value.detach() for name, value in named.items() if isinstance(value, Tensor)}
    if len(tensors) == len(named) or (len(tensors) > 1 and 2 * len(tensors) > len(named)):
        yield key, tensors
        return
    for name, value in named.items():
        if not name.lower().startswith(NO_WEIGHTS):
            yield from _states(value, f"{key}.{name}" if key else name, depth - 1)
