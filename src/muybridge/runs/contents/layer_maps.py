"""Maps of layer similarity of a run: arrays in ``maps.safetensors``, their axes and numbers in ``result.json``.

Arrays are called ``MEASURE.value``, ``.null_low``, ``.null_high`` and, where there is an interval, ``.low`` and ``.high``; one row for each
layer of the one network and a column for each of the other, in the order of first firing. Under ``perturbed`` rows are conditions;
``redrawn.value`` has the mean off the diagonal and the block score of ``cka`` in every replicate, a row each.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic, read_bytes

NAME = "maps.safetensors"
MOST = 1 << 29
"""Most bytes of a file of maps."""
PERTURBED, REDRAWN = "perturbed", "redrawn"


def write_maps(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays of a run atomically, in float64."""
    with atomic(folder / NAME, "wb") as file:
        file.write(save({name: np.ascontiguousarray(value, np.float64) for name, value in arrays.items()}))


def read_maps(folder: Path, shapes: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of a run by measure and kind.

    Args:
        folder: of the run.
        shapes: that its ``result.json`` says, by measure; others are left out.

    Raises:
        MuybridgeError: no file of maps, or not of these shapes.
    """
    path = folder / NAME
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in shapes}
    try:
        arrays = load(read_bytes(path, MOST))
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    for name, value in arrays.items():
        measure, _, kind = name.rpartition(".")
        if measure not in shapes:
            continue
        if value.dtype != np.float64 or value.shape != shapes[measure]:
            raise _damaged(path, f"{name!r:.80} is {value.dtype} of shape {value.shape}")
        found[measure][kind] = value
    for measure, kinds in found.items():
        wanted = {"value"} if measure == REDRAWN else {"value", "null_low", "null_high"}
        if not kinds.keys() >= wanted:
            raise _damaged(path, f"{measure} is missing")
    return found


def _damaged(path: Path, why: str) -> MuybridgeError:
    return MuybridgeError(f"{path}: damaged ({why}). Run its command again.")
