"""Folders of results that somebody made to do harm, or that a disk has spoilt.

``CASES`` maps a name to what is done to a sound folder. Nothing here is random: a case that fails can be looked at by its name.
"""

import io
import json
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from result_folder import VIDEOS, Farm, answers, resealed, swapped
from safetensors.numpy import save_file

from muybridge.runs.contents.predictions import Predictions, as_table, write_predictions

Case = Callable[[Farm], object]
CASES: dict[str, Case] = {}
"""Name to what is done; after it the run that was changed is damaged, and the others are sound."""
SOUND: set[str] = set()
"""Cases that leave every run sound."""


def case(name: str, sound: bool = False) -> Callable[[Case], Case]:
    """Note a case under a name."""

    def note(do: Case) -> Case:
        assert name not in CASES
        CASES[name] = do
        if sound:
            SOUND.add(name)
        return do

    return note


def each(prefix: str, values: dict[str, Any], do: Callable[[Farm, Any], object], sound: bool = False) -> None:
    """Note a case for each of several values."""
    for name, value in values.items():
        case(f"{prefix}: {name}", sound)(lambda farm, value=value: do(farm, value))


NAMES = {
    "up": "../../../../outside/.bashrc", "far up": "./" + "../" * 9 + "outside/.bashrc", "absolute": "/tmp/muybridge-hostile",
    "backslash": "..\\..\\outside\\.bashrc", "drive": "C:x.parquet",
    "device": "NUL.parquet", "zero": "a\0b", "empty": "", "dot": ".",
    "dots": "..",
    "hidden": ".bashrc", "folder": "state/last.pt", "long": "x" * 4000, "look-alike": "predictions\u2024parquet",
    "full width": "\uff0e\uff0e\uff0foutside", "new line": "a\nb",
    "blank at the end": "a ", "dot at the end": "a.", "no text": "\N{GRINNING FACE}",
    "stream": "a.parquet:zone", "marks": "a*?.parquet", "lock": ".lock", "turned": "\u202egpj.x",
}  # fmt: skip
FACTS = {"bytes": 9, "mtime_ns": 0, "sha256": "0" * 64}
each("name in files", NAMES, lambda farm, name: resealed(farm.runs["probe"], files={name: FACTS}))
each(
    "files is",
    {"a list": ["a"], "text": "a", "a number": 3, "nothing": None, "facts a list": {"a": [1]}, "facts text": {"a": "x"},
     "no bytes": {"a": {"sha256": "0" * 64, "mtime_ns": 0}}, "bytes negative": {"a": FACTS | {"bytes": -1}},
     "bytes text": {"a": FACTS | {"bytes": "9"}}, "time beyond range": {"a": FACTS | {"mtime_ns": 10**30}},
     "hash short": {"a": FACTS | {"sha256": "0"}}, "two of one name": {"A.json": FACTS, "a.json": FACTS}},
    lambda farm, files: resealed(farm.runs["probe"], files=files),
)  # fmt: skip


LINKS = {
    "a file": lambda outside: outside / ".bashrc", "a folder": lambda outside: outside / "project",
    "nothing": lambda outside: outside / "new", "itself": lambda outside: None, "zero": lambda outside: Path("/dev/zero"),
    "terminal": lambda outside: Path("/dev/tty"),
}  # fmt: skip
FILES = ("result.json", "predictions.parquet", "env.json", "config.yaml", "strips.npz")


def _link(farm: Farm, path: Path, target: Path | None) -> None:
    swapped(path, lambda place: place.symlink_to(target or place.name))


for file in FILES:
    each(
        f"{file} is a link to",
        LINKS,
        lambda farm, to, file=file: _link(farm, farm.path("probe", file), to(farm.outside)),
    )
each(
    "metrics.jsonl is a link to",
    LINKS,
    lambda farm, to: _link(farm, farm.path("pretrain", "metrics.jsonl"), to(farm.outside)),
)
each(
    "weights are a link to",
    LINKS,
    lambda farm, to: _link(farm, farm.path("pretrain", "weights.safetensors"), to(farm.outside)),
)
for file in ("journal.jsonl", "error.log", ".lock", ".lease.0", "state"):
    each(
        f"{file} is a link to",
        LINKS,
        lambda farm, to, file=file: _link(farm, farm.path("probe", file), to(farm.outside)),
        sound=True,
    )


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # paths of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _hard_link(farm: Farm, path: Path, target: Path) -> None:
    swapped(path, lambda place: os.link(target, place))


KINDS_OF_FILES = {"a pipe": os.mkfifo, "a folder": Path.mkdir, "a socket": _socket}
for file in FILES:
    each(f"{file} is", KINDS_OF_FILES, lambda farm, put, file=file: swapped(farm.path("probe", file), put))
for file in ("journal.jsonl", "error.log", ".lease.3"):
    each(
        f"{file} is",
        KINDS_OF_FILES,
        lambda farm, put, file=file: swapped(farm.path("probe", file), put),
        sound=True,
    )
case("journal is a second name of a file outside", sound=True)(
    lambda farm: _hard_link(farm, farm.path("probe", "journal.jsonl"), farm.outside / ".bashrc")
)
case("config is a second name of a file outside")(
    lambda farm: _hard_link(farm, farm.path("probe", "config.yaml"), farm.outside / ".bashrc")
)


def _moved(farm: Farm, path: Path) -> None:
    target = farm.outside.parent / "moved"
    path.rename(target)
    path.symlink_to(target)


case("run folder is a link")(lambda farm: _moved(farm, farm.runs["probe"].path))
case("stage folder is a link")(lambda farm: _moved(farm, farm.runs["probe"].path.parent))


@case("runs is a link")
def _(farm: Farm) -> None:
    _moved(farm, farm.out / "runs")


@case("tables is a link", sound=True)
def _(farm: Farm) -> None:
    (farm.out / "tables").symlink_to(farm.outside / "project")


@case("pages are links", sound=True)
def _(farm: Farm) -> None:
    for name in ("report.html", "report.md"):
        (farm.out / name).symlink_to(farm.outside / ".bashrc")


@case("tables hold links", sound=True)
def _(farm: Farm) -> None:
    (farm.out / "tables").mkdir()
    for name in ("runs.csv", "accuracy.csv", "data.tex"):
        (farm.out / "tables" / name).symlink_to(farm.outside / ".bashrc")
    os.mkfifo(farm.out / "tables" / "old.tex")


@case("signature of another run")
def _(farm: Farm) -> None:
    path = farm.runs["probe"].path
    path.rename(path.with_name("0" * 16))


@case("run of another stage")
def _(farm: Farm) -> None:
    path = farm.runs["retrieval"].path
    path.rename(farm.runs["probe"].path.parent / path.name)


@case("forged predictions")
def _(farm: Farm) -> None:
    path = farm.path("probe", "predictions.parquet")
    rows = answers(1)
    write_predictions(path, Predictions(**{**vars(rows), "scores": np.eye(3, dtype=np.float32)[rows.label]}))


@case("forged predictions of the old length and time")
def _(farm: Farm) -> None:
    path = farm.path("probe", "predictions.parquet")
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@case("forged number")
def _(farm: Farm) -> None:
    path = farm.path("probe", "result.json")
    path.write_text(path.read_text().replace('"accuracy": 0.5', '"accuracy": 0.9'))


@case("forged weights")
def _(farm: Farm) -> None:
    save_file({"backbone.a": np.ones((2, 2), np.float32)}, farm.path("probe", "weights.safetensors"))


@case("checksum left out")
def _(farm: Farm) -> None:
    path = farm.path("probe", "result.json")
    told = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in told.items() if key != "sha256"}))


@case("file added")
def _(farm: Farm) -> None:
    write_predictions(farm.path("finetune", "predictions-last.parquet"), answers(9))


for file in ("predictions.parquet", "config.yaml", "env.json", "strips.npz", "weights.safetensors"):
    case(f"{file} is gone")(lambda farm, file=file: farm.path("probe", file).unlink())
case("curve is gone")(lambda farm: farm.path("pretrain", "metrics.jsonl").unlink())
for file in (*FILES, "weights.safetensors"):
    case(f"{file} is cut")(
        lambda farm, file=file: os.truncate(
            farm.path("probe", file), farm.path("probe", file).stat().st_size // 2
        )
    )
    case(f"{file} is empty")(lambda farm, file=file: os.truncate(farm.path("probe", file), 0))


def deep(opening: str, closing: str, levels: int = 100_000) -> str:
    """Brackets in brackets."""
    return opening * levels + closing * levels


TEXTS = {
    "deep lists": deep("[", "]"), "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000, "deep but parsed": deep("[", "]", 500),
    "digits": '{"a": ' + "9" * 5000 + "}", "many digits": '{"a": ' + "9" * 4000 + "}", "beyond range": '{"a": 1e999}',
    "not a number": '{"a": NaN}', "infinite": '{"a": -Infinity}', "half a letter": '{"a": "\\ud800"}', "a list": "[1]", "text": '"x"',
    "null": "null", "nothing": "", "two objects": "{}{}", "mark": "\ufeff{}",
}  # fmt: skip
each("result.json", TEXTS, lambda farm, text: farm.path("probe", "result.json").write_text(text))
OLD = {name: text.replace("{", '{"version": 1, ', 1) for name, text in TEXTS.items() if text[:4] == '{"a"'}
each("result.json of version 1", OLD, lambda farm, text: farm.path("probe", "result.json").write_text(text))
case("result.json is no text")(lambda farm: farm.path("probe", "result.json").write_bytes(b"\xff\xfe\x00"))
case("result.json is huge")(lambda farm: os.truncate(farm.path("probe", "result.json"), 1 << 36))


def _sealed_text(farm: Farm, stage: str, name: str, content: str | bytes) -> None:
    path = farm.path(stage, name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    resealed(farm.runs[stage])


each("env.json, sealed", TEXTS,
     lambda farm, text: _sealed_text(farm, "probe", "env.json", text))  # fmt: skip
case("env.json, sealed: lists for words", sound=True)(
    lambda farm: _sealed_text(farm, "probe", "env.json", '{"started": {"a": [1]}, "cpu": [[]]}')
)
LINES = {
    "deep": deep("[", "]") + "\n", "digits": '{"step": 1, "loss": ' + "9" * 5000 + "}\n", "no object": "3\n", "no step": '{"loss": 1}\n',
    "step is text": '{"step": "1"}\n', "loss is text": '{"step": 1, "loss": "x"}\n', "loss is a list": '{"step": 1, "loss": [1]}\n',
    "clips are text": '{"step": 1, "clips": "x", "loss": 1.0}\n', "half a letter": '{"step": 1, "note": "\\ud800"}\n',
    "health deep": '{"step": 1, "health": ' + deep("[", "]", 500) + "}\n", "chance is text": '{"step": 1, "chance": "x"}\n',
}  # fmt: skip
each("metrics.jsonl, sealed", LINES, lambda farm, text: _sealed_text(farm, "pretrain", "metrics.jsonl", text))
case("metrics.jsonl, sealed: no text")(
    lambda farm: _sealed_text(farm, "pretrain", "metrics.jsonl", b"\xff\n")
)
ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [*{a}, *{a}]}}\n"
    for a, b in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
)
YAMLS = {
    "aliases": ALIASES, "merges": MERGES, "itself": "a: &a [*a]\n", "deep": deep("[", "]", 300_000),
    "code": "a: !!python/object/apply:os.abort []\n",
    "digits": "seed: " + "9" * 5000 + "\n", "month 13": "a: 2001-13-45\n", "date": "a: 2001-01-01\n", "infinite": "lr: .inf\n",
    "set": "a: !!set {x}\n",
    "binary": "a: !!binary aGVsbG8=\n", "a list": "[1, 2]\n", "text": "hello\n", "nothing": "", "number for a key": "1: 2\n",
    "broken tag": 'a: !!bool ""\n',
}  # fmt: skip
each(
    "config.yaml of an unfinished run",
    YAMLS,
    lambda farm, text: _unfinished(farm, "config.yaml", text),
    sound=True,
)


def _unfinished(farm: Farm, name: str, content: str) -> None:
    path = farm.out / "runs" / "probe" / ("f" * 16)
    path.mkdir()
    (path / name).write_text(content)


case("error.log of an unfinished run is huge", sound=True)(lambda farm: (_unfinished(farm, "error.log", "x"), os.truncate(
    farm.out / "runs" / "probe" / ("f" * 16) / "error.log", 1 << 36)))  # fmt: skip
case("error.log of an unfinished run steers the terminal", sound=True)(
    lambda farm: _unfinished(farm, "error.log", "\x1b]0;owned\x07\x1b[2J\x9bmoved\u202e")
)


def _rows(farm: Farm, change: Callable[[Any], Any], stage: str = "probe", **how: Any) -> None:
    pq.write_table(change(as_table(answers(1))), farm.path(stage, "predictions.parquet"), **how)
    resealed(farm.runs[stage])


def _with(name: str, values: Any) -> Callable[[Any], Any]:
    return lambda table: table.set_column(table.column_names.index(name), name, values)


def _bomb(table: Any) -> Any:
    rows = 30_000_000
    columns = {name: pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["v"])).cast(pa.string())
               for name in ("video", "group")}  # fmt: skip
    kinds = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["clean"])).cast(
        pa.string()
    )
    zeros = pa.array(np.zeros(rows, np.int64))
    scores = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(rows * 3, np.float32)), 3)
    return pa.table(
        {**columns, "label": zeros, "view": zeros, "perturbation": kinds, "severity": zeros, "scores": scores}
    )


N = len(VIDEOS)
TABLES: dict[str, Callable[[Any], Any]] = {
    "no scores": lambda table: table.drop_columns(["scores"]),
    "scores are a number": _with("scores", pa.array([1.0] * N)),
    "scores are lists": _with("scores", pa.array([[1.0]] * N)),
    "scores are doubles": _with("scores", pa.array([[1.0, 2.0]] * N, pa.list_(pa.float64(), 2))),
    "scores have gaps": _with(
        "scores", pa.array([None, *[[1.0, 2.0, 3.0]] * (N - 1)], pa.list_(pa.float32(), 3))
    ),
    "no classes": _with("scores", pa.array([[]] * N, pa.list_(pa.float32(), 0))),
    "labels are text": _with("label", pa.array(["x"] * N)),
    "labels are fractions": _with("label", pa.array([0.5] * N)),
    "labels beyond the classes": _with("label", pa.array([10**12] * N)),
    "labels below": _with("label", pa.array([-5] * N)),
    "labels have gaps": _with("label", pa.array([None, *[0] * (N - 1)], pa.int64())),
    "videos have gaps": _with("video", pa.array([None, *["v"] * (N - 1)])),
    "videos are numbers": _with("video", pa.array(range(N))),
    "a name without end": _with("video", pa.array(["v" * 10**6] * N)),
    "one video, two labels": _with("video", pa.array(["v"] * N)),
    "severity beyond": _with("severity", pa.array([2**62] * N)),
    "views are negative": _with("view", pa.array([-1] * N)),
    "no rows": lambda table: table.slice(0, 0),
    "a column twice": lambda table: table.append_column("label", table["label"]),
    "dates": _with("severity", pa.array([0] * N, pa.timestamp("ns"))),
    "rows without end": _bomb,
}
each("predictions, sealed", TABLES, lambda farm, change: _rows(farm, change))
case("predictions, sealed: no Parquet")(
    lambda farm: _sealed_text(farm, "probe", "predictions.parquet", b"PAR1" * 50)
)


@case("predictions, sealed: the tail lies")
def _(farm: Farm) -> None:
    content = farm.path("probe", "predictions.parquet").read_bytes()
    _sealed_text(farm, "probe", "predictions.parquet", content[:-8] + struct.pack("<I", 2**31) + b"PAR1")


def npy(shape: str, kind: str = "|u1", body: bytes = b"\0" * 192) -> bytes:
    """An ``.npy`` with a header of one's own."""
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def archive(members: dict[str, bytes]) -> bytes:
    """A zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


STRIPS = {
    "no zip": b"PK\x03\x04" + b"x" * 50, "objects": archive({"a.npy": npy("(1,)", "|O", b"\x80\x04cos\nabort\n(tR.")}),
    "a shape that lies": archive({"a.npy": npy("(1000000, 100000, 1000, 3)")}), "a shape of nothing": archive({"a.npy": npy("()")}),
    "a negative shape": archive({"a.npy": npy("(-1, 8, 8, 3)")}), "numbers": archive({"a.npy": npy("(1, 2, 2, 3)", "<f8")}),
    "no picture": archive({"a.npy": npy("(192,)")}),
    "a bomb": archive({"a.npy": npy("(1, 10000, 10000, 3)", body=b"\0" * (3 * 10**8))}),
    "no array": archive({"a.npy": b"hello"}), "other names": archive({"../../outside/.bashrc": b"x"}),
    "a long name": archive({"a" * 60000 + ".npy": npy("(1, 8, 8, 3)")}),
    "code in its head": archive({"a.npy": npy("__import__('os').abort()")}),
}  # fmt: skip
each("strips, sealed", STRIPS, lambda farm, content: _sealed_text(farm, "probe", "strips.npz", content))
case("strips, sealed: names of no perturbation", sound=True)(
    lambda farm: _sealed_text(
        farm,
        "robustness",
        "strips.npz",
        archive({"jpeg x.npy": npy("(1, 8, 8, 3)"), "y.npy": npy("(1, 8, 8, 3)")}),
    )
)
case("study.json is a link to a file", sound=True)(
    lambda farm: _link(farm, farm.out / "study.json", farm.outside / ".bashrc")
)
case("study.json is a pipe", sound=True)(lambda farm: swapped(farm.out / "study.json", os.mkfifo))
each("study.json", TEXTS, lambda farm, text: (farm.out / "study.json").write_text(text), sound=True)
each("muybridge.json", TEXTS, lambda farm, text: (farm.out / "muybridge.json").write_text(text), sound=True)
