"""Rows of the index as a table, and one run with all it starts from as an archive that names no place of this machine."""

import json
import shlex
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import TEXT, atomic, open_plain
from muybridge.core.plain_data import read_json, read_yaml, write_json, write_yaml
from muybridge.core.text.csv_text import csv_text
from muybridge.core.text.redact import redact
from muybridge.runs.contents.result import RESULT, read_result
from muybridge.runs.query import spelt
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow
from muybridge.runs.seal import damage, seal, sealed_names

KINDS = (".csv", ".jsonl", ".parquet", ".zip")
MACHINE = ("argv",)
"""Facts of ``env.json`` that are command lines of this machine."""


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as ``.csv``, ``.jsonl`` or ``.parquet``, atomically; what a row does not say stays empty.

    Raises:
        UsageError: another kind of file.
    """
    kind = path.suffix
    if kind not in KINDS[:3]:
        raise UsageError(
            f"{path}: cannot write {kind or 'a file without ending'}.{suggestion(kind, KINDS)} Known: {', '.join(KINDS)}."
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    if kind == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        with atomic(path, "wb") as file:
            pq.write_table(pa.table({name: _column([row.get(name) for row in rows]) for name in names}), file)
        return
    with atomic(path) as file:
        file.write(
            _csv(names, rows)
            if kind == ".csv"
            else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        )


def _csv(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    return csv_text(
        names, ({name: "" if row.get(name) is None else spelt(row[name]) for name in names} for row in rows)
    )


def _column(values: list[Any]) -> list[object]:
    """Values of one kind, as Parquet wants them: all of it text where kinds are mixed."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        whole = kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values)
        return values if whole else [None if value is None else float(value) for value in values]
    if len(kinds) == 1 and kinds <= {str, bool}:
        return values
    return [None if value is None else spelt(value) for value in values]


def archive(path: Path, index: Index, row: RunRow, rows: Sequence[RunRow]) -> list[str]:
    """Write a finished run and every run it starts from as ``runs/STAGE/SIGNATURE/...`` of a zip; unpacked it is an ``--out`` folder.

    Paths are stripped: those of the folder become relative, of all others the last part is kept; command lines of processes are left out.

    Returns:
        Names of the files in the archive.

    Raises:
        UsageError: a run of it is not finished, or not there.
    """
    wanted = _with_inputs(row, {one.name: one for one in rows})
    with TemporaryDirectory() as place, atomic(path, "wb") as file:
        copy = Path(place)
        write_json(copy / "muybridge.json", {"made by": "muybridge", "layout": 1})
        for one in wanted:
            _copy(index.run(one).path, copy / "runs" / one.name, index.folder.absolute())
        sources = sorted(source for source in copy.rglob("*") if source.is_file())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for source in sources:
                packed.write(source, source.relative_to(copy))
    return [source.relative_to(copy).as_posix() for source in sources]


def _with_inputs(row: RunRow, rows: Mapping[str, RunRow]) -> list[RunRow]:
    found, waiting = {row.name: row}, [row]
    while waiting:
        one = waiting.pop()
        if one.status != "done":
            raise UsageError(f"{one.name}: is {one.status}; only finished runs are exported.")
        for name in one.inputs.values():
            if name not in rows:
                raise UsageError(
                    f"{one.name}: its input {name} is not in this folder; export it from where that lies."
                )
            if name not in found:
                found[name] = rows[name]
                waiting.append(rows[name])
    return list(found.values())


def _copy(folder: Path, copy: Path, out: Path) -> None:
    """Copy a run folder without the paths of this machine; its checksums are those of the copy.

    Raises:
        MuybridgeError: the run is not what was written, so that its new checksums would be a lie.
    """
    copy.mkdir(parents=True)
    result = read_result(folder)
    if wrong := damage(folder, thorough=True):
        raise MuybridgeError(f"{folder}: damaged ({wrong}). Run its command again.")
    for name in sealed_names(folder, result):
        _pack(folder / name, copy / name, out)
    content = stripped(redact(result), out)
    told = {name: value for name, value in content.items() if name not in ("files", "sha256")}
    write_json(copy / RESULT, seal(copy, told) if "sha256" in content else content)


def _pack(source: Path, target: Path, out: Path) -> None:
    """Copy a file of a run, with no path of this machine in it."""
    if source.name == "config.yaml":
        write_yaml(target, stripped(redact(read_yaml(source)), out))
    elif source.name == "env.json":
        told = read_json(source, TEXT)
        if not isinstance(told, dict):
            raise MuybridgeError(f"{source}: damaged (not a JSON object). Run its command again.")
        write_json(
            target,
            stripped(redact({name: value for name, value in told.items() if name not in MACHINE}), out),
        )
    else:
        with open_plain(source) as file, target.open("xb") as copy:
            shutil.copyfileobj(file, copy)


def stripped(content: object, out: Path) -> Any:
    """The content with paths below ``out`` made relative to it, and only the last part of every other absolute path."""
    if isinstance(content, dict):
        return {
            key: _command(value, out) if key == "command" and isinstance(value, str) else stripped(value, out)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [stripped(value, out) for value in content]
    return _short(content, out) if isinstance(content, str) else content


def _command(words: str, out: Path) -> str:
    try:
        return shlex.join(_short(word, out) for word in shlex.split(words))
    except ValueError:  # no command line
        return ""


def _short(word: str, out: Path) -> str:
    path = Path(word)
    if not path.is_absolute():
        return word
    return str(path.relative_to(out)) if path.is_relative_to(out) else path.name
