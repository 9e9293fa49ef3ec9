"""Embeddings read back, the same from all three kinds of files."""

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.machine.machine_memory import available
from muybridge.core.parquet import read_table
from muybridge.core.plain_names import plain_name
from muybridge.core.text.terminal import visible
from muybridge.embeddings.feature_files import TABLE, TEXTS, column_of, read_facts
from muybridge.runs.seal import sha256


@dataclass(frozen=True)
class Embeddings:
    """Features of videos in a file or folder, and what stands beside them; read when asked for.

    Attributes:
        path: of the file or folder.
    """

    path: Path

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the file says of itself: model, data, protocol, layers with their shapes, versions, notes.

        Raises:
            UsageError: no embeddings, or not finished.
        """
        found = read_facts(self.path)
        if found is None:
            raise UsageError(
                f"{self.path}: holds no embeddings of this program, or is not finished. `muybridge embed --out {self.path}` makes it."
            )
        return found

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in order."""
        return tuple(one["name"] for one in self.facts["layers"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels of the data set in order."""
        return tuple(self.facts["data"]["classes"])

    def __len__(self) -> int:
        return int(self.facts["rows"])

    def features(self, layer: str | None = None) -> np.ndarray:
        """Rows of a layer, ``n *shape`` in the format that they were written in; of the first layer when not named.

        Raises:
            UsageError: no such layer.
            MuybridgeError: damaged.
        """
        name = layer or self.layers[0]
        if name not in self.layers:
            raise UsageError(f"{self.path}: has no layer {name!r}; it has {', '.join(self.layers)}.")
        shape = next(tuple(one["shape"]) for one in self.facts["layers"] if one["name"] == name)
        with _read(self.path):
            found = self._array(column_of(name), len(self) * math.prod(shape)).reshape(len(self), *shape)
            if found.dtype != self.facts["dtype"]:
                raise ValueError(f"{name!r} is {found.dtype}, {self.facts['dtype']} was written")
        return found if found.flags.writeable else found.copy()  # Arrow's own memory, which torch warns of

    @cached_property
    def rows(self) -> Mapping[str, np.ndarray]:
        """``video`` (id), ``label`` and ``split`` (None where there is none), ``group`` of each row; ``view`` where rows are views.

        Raises:
            MuybridgeError: damaged.
        """
        names = [*TEXTS, *(["view"] if self.facts["per"] == "clip" else [])]
        with _read(self.path):
            if self.path.suffix == ".npz" and self.path.is_file():
                found = {name: _member(self.path, name) for name in names}
                return {name: _texts(one.tolist()) if name in TEXTS else one for name, one in found.items()}
            table = _columns(self._table, names)
            return {
                name: _texts(table[name].to_pylist()) if name in TEXTS else table[name].to_numpy()
                for name in names
            }

    @property
    def labels(self) -> np.ndarray:
        """Number of the class of each row, int64; -1 where it has none."""
        number = {name: place for place, name in enumerate(self.classes)}
        return np.array([number.get(one, -1) for one in self.rows["label"]], np.int64)

    @property
    def _table(self) -> Path:
        return self.path / TABLE if self.path.is_dir() else self.path

    def _array(self, column: str, numbers: int) -> np.ndarray:
        if self.path.is_dir():
            return self._shards(column)
        if self.path.suffix == ".npz":
            return _member(self.path, column, numbers)
        table = _columns(self.path, [column])
        flat: np.ndarray = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return flat

    def _shards(self, column: str) -> np.ndarray:
        """The tensors of all shards below each other; every shard is checked.

        Raises:
            ValueError: a shard is not what was written.
        """
        from safetensors.numpy import load

        found = []
        for one in self.facts["shards"]:
            path = self.path / plain_name(one["file"], self.path)
            if sha256(path) != one["sha256"]:
                raise ValueError(f"{path.name} has other content than was written")
            found.append(load(path.read_bytes())[column])
        return np.concatenate(found) if found else np.empty(0, self.facts["dtype"])

    def __repr__(self) -> str:
        told = ", ".join(f"{one['name']} {'x'.join(map(str, one['shape']))}" for one in self.facts["layers"])
        return visible(
            f"{len(self):,} rows ({self.facts['per']}), {told}, {self.facts['dtype']}, in {self.path}"
        )


@contextmanager
def _read(path: Path) -> Iterator[None]:
    """Whatever a torn or made-up file makes of zipfile, zlib, NumPy, Arrow and safetensors is damage."""
    try:
        yield
    except MuybridgeError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise MuybridgeError(f"{path}: damaged ({said}). Make it again with --overwrite.") from error


def _member(path: Path, name: str, numbers: int | None = None) -> np.ndarray:
    """An array of an archive; nothing is unpacked that memory cannot hold, or that has another length than wanted.

    Raises:
        ValueError: it has not ``numbers`` numbers, or is too large.
    """
    with zipfile.ZipFile(path) as packed, packed.open(f"{name}.npy") as file:
        size = packed.getinfo(f"{name}.npy").file_size
        _check_size(size)
        if numbers is not None and size < numbers:
            raise ValueError(f"{name!r} has {size:,} bytes for {numbers:,} numbers")
        found: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return found


def _columns(path: Path, names: list[str]) -> Any:
    """Columns of a table that memory can hold.

    Raises:
        ValueError: too large.
    """
    import pyarrow.parquet as pq

    told = pq.ParquetFile(path, pre_buffer=False).metadata
    _check_size(sum(told.row_group(place).total_byte_size for place in range(told.num_row_groups)))
    return read_table(path, names)


def _check_size(size: int) -> None:
    left = available()
    if left is not None and size > left:
        raise ValueError(f"{size / 1e9:,.1f} GB unpacked, and {left / 1e9:,.1f} GB of memory are free")


def _texts(values: list[object]) -> np.ndarray:
    """Texts, None where there is none."""
    made = np.empty(len(values), dtype=object)
    made[:] = [one or None for one in values]
    return made


def told(facts: Mapping[str, Any]) -> str:
    """What embeddings are of, in one line, for messages."""
    layers = ", ".join(one["name"] for one in facts.get("layers", []))
    model, data = facts.get("model", {}).get("name"), facts.get("data", {}).get("name")
    return f"{model} (videos of {data}; {layers}; {facts.get('dtype')}, a row a {facts.get('per')})"
