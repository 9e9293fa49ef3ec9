"""Files of embeddings: Parquet, NumPy's ``.npz``, or a folder of safetensors with an index; each with its facts, in constant memory.

The bytes depend on the rows and the facts alone: rows are cut into row groups and shards by their size, and no time is written.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.core.errors import UsageError
from muybridge.core.files import TEXT, atomic
from muybridge.core.parse import parse_json
from muybridge.core.plain_data import read_json, write_json
from muybridge.data.index import VideoRecord
from muybridge.embeddings.row_parts import Block, FeatureParts, joined
from muybridge.runs.contents.result import misfit

META = b"muybridge"
GROUP = 32 << 20
"""Bytes of the features of a row group or shard, at most, and of at most ``ROWS`` rows."""
ROWS = 4096
SHARD = 1 << 17
"""Rows of a shard, at most."""
INDEX = "index.json"
TABLE = "rows.parquet"
TEXTS = ("video", "label", "split", "group")
PER_ROW = (*TEXTS, "view")
"""Columns beside the features."""


@dataclass(frozen=True)
class Content:
    """What a file is made of.

    Attributes:
        parts: the rows.
        records: of the videos, by id.
        classes: names of the labels.
        shapes: of a row, by layer in order.
        dtype: of the features.
        views: whether rows are views.
        facts: what the file says of itself.
    """

    parts: FeatureParts
    records: dict[str, VideoRecord]
    classes: Sequence[str]
    shapes: dict[str, tuple[int, ...]]
    dtype: str
    views: bool
    facts: dict[str, object]

    def texts(self, block: Block) -> dict[str, list[str | None]]:
        """Id, label, split and group of each row; None for a label or split that a video has not."""
        found = [self.records[video] for video in block.videos]
        return {
            "video": [one.id for one in found],
            "label": [self.classes[one.label] if one.label >= 0 else None for one in found],
            "split": [one.split or None for one in found],
            "group": [one.group for one in found],
        }

    def regular(self, layers: Sequence[str], most: int = ROWS, limit: int = GROUP) -> Iterator[Block]:
        """The rows in blocks of one size, whatever the parts; the last is smaller."""
        width = sum(int(np.prod(self.shapes[name])) for name in layers) * np.dtype(self.dtype).itemsize
        size = min(most, max(1, limit // max(1, width)))
        pending: list[Block] = []
        for block in self.parts.blocks(layers):
            pending.append(block)
            if sum(map(len, pending)) < size:
                continue
            whole = joined(pending)
            for start in range(0, len(whole) - size + 1, size):
                yield whole.rows(slice(start, start + size))
            pending = [whole.rows(slice(len(whole) // size * size, None))]
        if pending and sum(map(len, pending)):
            yield joined(pending)


def kind_of(out: Path) -> str:
    """``parquet``, ``npz`` or ``folder``, by the name.

    Raises:
        UsageError: another suffix.
    """
    if out.suffix in (".parquet", ".npz") and not out.is_dir():
        return out.suffix[1:]
    if out.is_dir() or not out.suffix:
        return "folder"
    raise UsageError(
        f"--out {out}: nothing is known that ends in {out.suffix}. Wanted FILE.parquet, FILE.npz, or the name of a folder (safetensors)."
    )


def write_parquet(out: Path, content: Content) -> None:
    """One table: a column for each layer, lists of one length, with the shape in its field's metadata; the facts in the schema's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = {"float32": pa.float32(), "float16": pa.float16()}[content.dtype]
    lists = [
        pa.field(column_of(name), pa.list_(number, _length(shape)), metadata={"shape": json.dumps(shape)})
        for name, shape in content.shapes.items()
    ]
    schema = pa.schema(
        [*_plain_fields(content), *lists], metadata={META: json.dumps(content.facts, ensure_ascii=False)}
    )
    with atomic(out, "wb") as file, pq.ParquetWriter(file, schema) as writer:
        for block in content.regular(list(content.shapes)):
            arrays = [
                pa.FixedSizeListArray.from_arrays(pa.array(block.features[name].reshape(-1)), _length(shape))
                for name, shape in content.shapes.items()
            ]
            writer.write_table(pa.table([*_plain_columns(content, block), *arrays], schema=schema), ROWS)


def _length(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _plain_fields(content: Content) -> list[object]:
    import pyarrow as pa

    return [pa.field(name, pa.string()) for name in TEXTS] + (
        [pa.field("view", pa.int32())] if content.views else []
    )


def _plain_columns(content: Content, block: Block) -> list[object]:
    import pyarrow as pa

    texts = [pa.array(values, pa.string()) for values in content.texts(block).values()]
    return texts + ([pa.array(block.views, pa.int32())] if content.views else [])


def write_npz(out: Path, content: Content) -> None:
    """One array for each layer and each column, not compressed, nothing pickled; ``facts`` is a text. A missing label or split is empty."""
    rows = content.parts.facts()
    with atomic(out, "wb") as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name, values in content.texts(rows).items():
            _whole(archive, name, np.array([one or "" for one in values], dtype=str))
        if content.views:
            _whole(archive, "view", np.array(rows.views, np.int32))
        _whole(archive, "facts", np.array(json.dumps(content.facts, ensure_ascii=False)))
        for name, shape in content.shapes.items():
            with _member(archive, column_of(name)) as member:
                header = {
                    "descr": np.lib.format.dtype_to_descr(np.dtype(content.dtype)),
                    "fortran_order": False,
                }
                np.lib.format.write_array_header_2_0(member, header | {"shape": (len(rows), *shape)})
                for block in content.regular([name]):
                    member.write(block.features[name].tobytes())


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    return archive.open(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True)


def _whole(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    with _member(archive, name) as member:
        np.lib.format.write_array(member, values, allow_pickle=False)


def write_folder(out: Path, content: Content) -> None:
    """Shards ``features-N.safetensors`` with a tensor for each layer, and ``rows.parquet``; ``index.json`` last, as the sign of the end."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.numpy import save

    out.mkdir(parents=True, exist_ok=True)
    for old in ours_in(out):
        old.unlink()
    shards: list[dict[str, object]] = []
    schema = pa.schema(_plain_fields(content))
    with atomic(out / TABLE, "wb") as file, pq.ParquetWriter(file, schema) as writer:
        for block in content.regular(list(content.shapes), SHARD, 4 * GROUP):
            writer.write_table(pa.table(_plain_columns(content, block), schema=schema), ROWS)
            name = f"features-{len(shards):05d}.safetensors"
            arrays = {column_of(one): np.ascontiguousarray(block.features[one]) for one in content.shapes}
            data = save(arrays, {"muybridge": json.dumps({"rows": len(block), "shard": len(shards)})})
            with atomic(out / name, "wb") as shard:
                shard.write(data)
            shards.append({"file": name, "rows": len(block), "sha256": hashlib.sha256(data).hexdigest()})
    told = {
        "table": TABLE,
        "table_sha256": hashlib.sha256((out / TABLE).read_bytes()).hexdigest(),
        "shards": shards,
    }
    write_json(out / INDEX, content.facts | told)


def ours_in(folder: Path) -> list[Path]:
    """What a folder holds of embeddings, the index first, so that what is left of it counts as unfinished."""
    names = [INDEX, TABLE]
    found = [folder / name for name in names if (folder / name).is_file()]
    return [*found, *sorted(folder.glob("features-*.safetensors")), *folder.glob(".*.part")]


def _ours(value: object) -> bool:
    return str(value).startswith("muybridge-embeddings")


FACTS: dict[str, Any] = {
    "format!": _ours,
    "rows!": lambda value: isinstance(value, int) and value >= 0,
    "per!": lambda value: value in ("video", "clip"),
    "dtype!": lambda value: value in ("float32", "float16"),
    "layers!": [{"name!": str, "shape!": [lambda value: isinstance(value, int) and 0 <= value < 2**31]}],
    "data!": {"name": (str, None), "classes!": [str]},
    "model": {"name": (str, None)},
    "shards": [{"file!": str, "sha256!": str}],
}
"""Kind of every field that a reader of embeddings takes (``result.misfit``)."""


def column_of(layer: str) -> str:
    """Name of the column of a layer: its own, but where another column is called so."""
    return f"layer.{layer}" if layer in (*PER_ROW, "facts") else layer


WRITERS: dict[str, Callable[[Path, Content], None]] = {
    "parquet": write_parquet, "npz": write_npz, "folder": write_folder,
}  # fmt: skip


def read_facts(out: Path) -> dict[str, object] | None:
    """What a finished file or folder says of itself; None for anything else, or nothing."""
    try:
        if (out / INDEX).is_file():
            found = read_json(out / INDEX, TEXT)
        elif out.suffix == ".npz":
            with zipfile.ZipFile(out) as archive, archive.open("facts.npy") as member:
                raw = np.lib.format.read_array(io.BytesIO(member.read(TEXT)), allow_pickle=False)
            found = parse_json(str(raw).encode())
        elif out.suffix == ".parquet":
            import pyarrow.parquet as pq

            found = parse_json((pq.read_schema(out).metadata or {})[META])
        else:
            return None
    except Exception:  # whatever a torn, foreign or made-up file makes of zipfile, zlib, NumPy and Arrow
        return None
    return dict(found) if isinstance(found, dict) and not misfit(found, FACTS) else None
