"""Weights, features and maps that somebody made to do harm: every reader refuses them in words, calls no code and takes no memory."""

import io
import json
import os
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hostile_runs import archive, deep, npy
from safetensors.numpy import save

from muybridge.backbones.exported import exported_classifier
from muybridge.backbones.weights.checkpoint_file import read_states
from muybridge.core.errors import MuybridgeError
from muybridge.embeddings.read_embeddings import Embeddings
from muybridge.runs.contents.layer_maps import read_maps
from muybridge.train.checkpoint import load_weights

MORE = 1 << 30
"""Bytes that a reader may take beyond what the process has."""


def tensors(header: Any, body: bytes = b"\0" * 16, length: int | None = None) -> bytes:
    """A safetensors file with a header of one's own."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def one(shape: Any = (2, 2), kind: Any = "F32", offsets: Any = (0, 16)) -> dict[str, Any]:
    """What a header says of a tensor."""
    return {"a": {"dtype": kind, "shape": shape, "data_offsets": offsets}}


SAFE: dict[str, bytes] = {
    "nothing": b"",
    "short": b"\x10",
    "length of all": tensors({}, length=2**64 - 1),
    "length beyond": tensors({}, length=10**6),
    "no json": tensors("}{"),
    "a list": tensors([1]),
    "deep": tensors(deep("[", "]", 50_000)),
    "deep objects": tensors('{"a":' * 50_000),
    "digits": tensors('{"a": {"dtype": "F32", "shape": [' + "9" * 5000 + '], "data_offsets": [0, 16]}}'),
    "huge": tensors(one([2**40, 2**40])),
    "huge that wraps": tensors(one([2**32, 2**32], offsets=(0, 0)), b""),
    "huge zero": tensors(one([0, 2**62], offsets=(0, 0)), b""),
    "negative": tensors(one([-2, -2])),
    "fraction": tensors(one([1.5, 2])),
    "text": tensors(one("ab")),
    "unknown kind": tensors(one(kind="O8")),
    "offsets beyond": tensors(one(offsets=(0, 2**60))),
    "offsets back": tensors(one(offsets=(16, 0))),
    "offsets three": tensors(one(offsets=(0, 8, 16))),
    "overlap": tensors({**one(), "b": one()["a"]}),
    "hole": tensors(one(offsets=(8, 24)), b"\0" * 24),
    "half a letter": tensors('{"\\ud800": 1}'),
    "twice": tensors(
        '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
    ),
    "facts of numbers": tensors({"__metadata__": {"x": 1}, **one()}),
    "name leads out": tensors({"../../outside/x": one()["a"]}),
    "other": save({"x": np.zeros(3)}),
    "not a number": save({"a": np.full((2, 2), np.nan, np.float32)}),
    "pickle": pickle.dumps({"a": 1}),
}


class Calls:
    """Pickled as a call of a function that leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def saved(content: Any) -> bytes:
    """A file of ``torch.save``."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def packed(inside: bytes, storage: bytes, times: int = 1) -> bytes:
    """An archive of torch with a pickle of one's own; its storage is repeated, and packed where it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED if times == 1 else zipfile.ZIP_DEFLATED) as made:
        for name, content in (("data.pkl", inside), ("version", b"3\n"), ("byteorder", b"little")):
            made.writestr(f"archive/{name}", content)
        with made.open("archive/data/0", "w", force_zip64=True) as member:
            for _ in range(times):
                member.write(storage)
    return file.getvalue()


def inside(content: bytes, old: bytes, new: bytes) -> bytes:
    """The pickle of a file of ``torch.save``, with some of its bytes exchanged."""
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        name = next(name for name in made.namelist() if name.endswith("data.pkl"))
        told = made.read(name)
    assert old in told
    return told.replace(old, new)


FOUR = saved({"a": torch.zeros(2, 2)})
MILLIONS = saved({"a": torch.zeros(70_000)})
TORCH: dict[str, Callable[[Path], bytes]] = {
    "code": lambda mark: saved({"a": Calls(mark)}),
    "code, plain pickle": lambda mark: pickle.dumps({"a": Calls(mark)}),
    "code in the head": lambda mark: pickle.dumps(Calls(mark)),
    "nothing": lambda _: b"",
    "cut": lambda _: FOUR[: len(FOUR) // 2],
    "an empty archive": lambda _: archive({}),
    "other names": lambda _: archive({"../../outside/data.pkl": b"x", "version": b"3"}),
    "a storage that is short": lambda _: packed(
        inside(MILLIONS, b"J\x70\x11\x01\x00", b"J\xff\xff\xff\x7f"), b"\0" * 16
    ),
    "a bomb": lambda _: packed(inside(FOUR, b"K\x04", b"K\x04"), b"\0" * (1 << 20), 1200),
    "a view without end": lambda _: packed(
        inside(FOUR, b"K\x02K\x02\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"), b"\0" * 16
    ),
    "a view beyond": lambda _: packed(inside(FOUR, b"K\x02K\x02\x86", b"K\x09K\x09\x86"), b"\0" * 16),
    "deep": lambda _: packed(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", b""),
    "digits": lambda _: packed(b"\x80\x02\x8b" + struct.pack("<i", 10**8) + b"\xff" * 100 + b".", b""),
}


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """No more memory than ``MORE``: what tries to take it fails as it would on a machine that has no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGESIZE") + MORE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def refused(read: Callable[[], object]) -> bool:
    """Whether it was refused in words; anything but an answer or a typed error fails."""
    try:
        read()
    except MuybridgeError as error:
        return len(str(error)) < 2000
    return False


SOUND_TENSORS = {"other", "twice", "not a number", "hole", "name leads out", "facts of numbers", "huge zero"}
"""Files that hold tensors after all, or that some versions of the library take: others than are asked for."""


@pytest.mark.parametrize("name", SAFE)
def test_hostile_safetensors(name: str, tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    for file in ("weights.safetensors", "maps.safetensors"):
        (folder / file).write_bytes(SAFE[name])
    for read in (
        lambda: load_weights(folder / "weights.safetensors"),
        lambda: read_states(folder / "weights.safetensors"),
    ):
        assert refused(read) or name in SOUND_TENSORS
    assert refused(lambda: read_maps(folder, {"cka": (2, 2)}))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "a bomb" else name for name in TORCH]
)
@pytest.mark.timeout(120)
def test_hostile_files_of_torch(name: str, tmp_path: Path):
    mark = tmp_path / "CALLED"
    path = tmp_path / "weights.pt"
    path.write_bytes(TORCH[name](mark))
    assert refused(lambda: read_states(path))
    assert not mark.exists()


FACTS = {
    "format": "muybridge-embeddings/1",
    "rows": 4,
    "per": "video",
    "dtype": "float32",
    "layers": [{"name": "pooled", "shape": [3]}],
    "data": {"name": "clips", "classes": ["left", "right"]},
    "model": {"name": "vcop"},
}
TEXTS = {name: np.array(["left"] * 4) for name in ("video", "label", "split", "group")}
SAID: dict[str, Any] = {
    "nothing": "",
    "no json": "{",
    "deep": deep("[", "]"),
    "digits": '{"rows": ' + "9" * 5000 + "}",
    "a list": "[1]",
    "half a letter": '{"a": "\\ud800"}',
    **{
        f"{field} is {words}": FACTS | {field: value}
        for field in FACTS
        for words, value in {
            "a number": -3,
            "text": "../../x",
            "a list": [[1]],
            "null": None,
            "an object": {"../x": {}},
        }.items()
        if field != "model" or words == "a number"
    },
    "rows beyond": FACTS | {"rows": 2**60},
    "shape beyond": FACTS | {"layers": [{"name": "pooled", "shape": [2**30, 2**30]}]},
    "shape negative": FACTS | {"layers": [{"name": "pooled", "shape": [-1]}]},
    "a layer that leads out": FACTS | {"layers": [{"name": "../../x", "shape": [3]}]},
}
ARRAYS = {
    "objects": npy("(4, 3)", "|O", b"\x80\x04cos\nabort\n(tR."),
    "a shape that lies": npy("(1000000, 1000000)", "<f4"),
    "no array": b"x",
    "a bomb": npy("(1000000000,)", "<f4", b"\0" * (4 * 10**7)),
    "code in its head": npy("__import__('os').abort()"),
    "short": npy("(4, 3)", "<f4", b"\0" * 4),
    "words": npy("(12,)", "<U4", b"\0" * 192),
    "gone": None,
}


def embeddings(
    path: Path, said: Any, features: bytes | None = npy("(4, 3)", "<f4", b"\0" * 48)
) -> Embeddings:
    """A file of embeddings that says something of itself."""
    text = said if isinstance(said, str) else json.dumps(said)
    if path.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, facts=np.array(text), **TEXTS)
        with zipfile.ZipFile(buffer) as made:
            members = {name: made.read(name) for name in made.namelist()}
        path.write_bytes(archive(members | ({} if features is None else {"pooled.npy": features})))
    elif path.suffix == ".parquet":
        rows = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(12, np.float32)), 3)
        table = pa.table({**{name: one.tolist() for name, one in TEXTS.items()}, "pooled": rows})
        pq.write_table(
            table.replace_schema_metadata({b"muybridge": text.encode("utf-8", "surrogatepass")}), path
        )
    else:
        path.mkdir()
        pq.write_table(pa.table({name: one.tolist() for name, one in TEXTS.items()}), path / "rows.parquet")
        (path / "index.json").write_text(text, errors="surrogatepass")
    return Embeddings(path)


@pytest.mark.parametrize("kind", ["rows.npz", "rows.parquet", "rows"])
@pytest.mark.parametrize("said", SAID)
def test_hostile_facts_of_embeddings(kind: str, said: str, tmp_path: Path):
    found = embeddings(tmp_path / kind, SAID[said])
    refused(lambda: found.rows)
    refused(lambda: found.labels)
    assert refused(found.features) or said == "model is a number"


@pytest.mark.parametrize("name", ARRAYS)
def test_hostile_arrays_of_embeddings(name: str, tmp_path: Path):
    assert refused(embeddings(tmp_path / "rows.npz", FACTS, ARRAYS[name]).features)


@pytest.mark.parametrize("name", [*SAFE, "leads out"])
def test_hostile_shards_of_embeddings(name: str, tmp_path: Path):
    import hashlib

    content = SAFE.get(name, b"")
    (tmp_path / "secret.safetensors").write_bytes(save({"pooled": np.zeros((4, 3), np.float32)}))
    shard = {
        "file": "features-0.safetensors" if name in SAFE else "../secret.safetensors",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    found = embeddings(tmp_path / "rows", FACTS | {"shards": [shard]})
    (tmp_path / "rows" / "features-0.safetensors").write_bytes(content)
    assert refused(found.features)


@pytest.mark.parametrize("name", SAFE)
def test_hostile_weights_of_an_exported_folder(name: str, tmp_path: Path):
    facts = {
        "format": 1,
        "backbone": "r3d-tiny",
        "dim": 64,
        "classes": ["a", "b"],
        "clip": {"frames": 4, "stride": 1, "short_side": 36, "crop": 32},
    }
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "muybridge", "muybridge": facts}))
    for file in ("model.safetensors", "head.safetensors"):
        (tmp_path / file).write_bytes(SAFE[name])
    assert refused(lambda: exported_classifier(tmp_path))
