"""Result tables of others: rows with source, commit, number of videos and protocol, or refused.

A file of rows (CSV) is read with a file of facts (YAML) that says, once for all its rows, where they come from, and for each task what was
measured on what::

    source: https://github.com/owner/repository
    commit: f4cc6c8
    licence: CC0-1.0
    columns: {model: model, task: task, value: acc, path: f}     # names of the columns; path is optional
    tasks:
      UCF101VideoZeroShotClassification:
        {data: ucf101, classes: 51, n: 1944, unit: videos, metric: accuracy, protocol: "zero-shot, ..."}
    where: {metric: Top 1 Accuracy}                                # optional: rows that count, by column
    scale: 0.01                                                    # optional: what values are multiplied with, for per cent
    trained_on: {xclip: [kinetics400]}                           # label sets by a part of the model's name
    elsewhere: [{model: ..., task: ..., value: 0.748, source: ...}]

What is kept lies in ``OUT/published/NAME.csv``; it is never mixed with runs.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from muybridge.core.errors import UsageError
from muybridge.core.files import atomic, open_plain
from muybridge.core.parse import CONFIG, UnreadableError, parse_json, parse_yaml
from muybridge.core.plain_names import short_name
from muybridge.core.text.csv_text import as_written, csv_text

FOLDER = "published"
MOST = 100_000
"""Rows of a file."""
BYTES = 1 << 26
COMMIT = re.compile(r"[0-9a-f]{7,40}")
TASK = ("data", "classes", "n", "metric", "protocol")


@dataclass(frozen=True)
class Outside:
    """One number that others measured.

    Attributes:
        model: as its source calls it.
        task: as its source calls it.
        data: the data set, by its name of ``muybridge list datasets`` where it has one.
        classes: to choose from.
        n: things that were judged.
        unit: what these are: ``videos``, or ``frames``.
        metric: ``accuracy`` unless it says something else.
        value: fraction for accuracies.
        protocol: how it was measured, in words.
        trained_on: label sets that the model was trained on, as far as known; empty for none known.
        source: where it stands.
        commit: of that repository.
        path: file in it.
        licence: of the table.
    """

    model: str
    task: str
    data: str
    classes: int
    n: int
    unit: str
    metric: str
    value: float
    protocol: str
    trained_on: str
    source: str
    commit: str
    path: str
    licence: str


@dataclass(frozen=True)
class Taken:
    """What became of a file.

    Attributes:
        rows: that are kept.
        refused: reasons and how many rows each of them cost.
        elsewhere: other values that the facts name, for the doctor.
    """

    rows: list[Outside]
    refused: dict[str, int]
    elsewhere: list[dict[str, object]]


def take(table: Path, facts: Path) -> Taken:
    """Read a table with its facts.

    Raises:
        UsageError: a file that cannot be read; facts without source or commit; columns that the table does not have.
    """
    told = _facts(facts)
    columns = told["columns"]
    kept: list[Outside] = []
    refused: dict[str, int] = {}
    for line in _lines(table, columns):
        why, row = _row(line, columns, told)
        if row is not None:
            kept.append(row)
        else:
            refused[why] = refused.get(why, 0) + 1
    return Taken(
        kept, dict(sorted(refused.items(), key=lambda one: -one[1])), list(told.get("elsewhere") or [])
    )


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        with open_plain(path, CONFIG) as file:
            told: object = parse_yaml(file.read())
    except (OSError, UnreadableError) as error:
        raise UsageError(f"--facts {path}: cannot be read ({error}).") from error
    if (
        not isinstance(told, dict)
        or not told.get("source")
        or not COMMIT.fullmatch(str(told.get("commit", "")))
    ):
        raise UsageError(
            f"--facts {path}: wanted source (an address) and commit (7 to 40 hexadecimal digits); rows without are refused."
        )
    columns = told.get("columns") or {}
    if (
        not isinstance(columns, dict)
        or not {"model", "task", "value"} <= columns.keys()
        or not isinstance(told.get("tasks"), dict)
    ):
        raise UsageError(
            f"--facts {path}: wanted columns with model, task and value, and tasks with what each of them measured."
        )
    return told


def _lines(path: Path, columns: Mapping[str, object]) -> Iterator[dict[str, str]]:
    try:
        with open_plain(path, BYTES) as file:
            text = file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}). Wanted a CSV file.") from error
    reader = csv.DictReader(io.StringIO(text))
    lacking = [str(name) for name in columns.values() if name not in (reader.fieldnames or ())]
    if lacking:
        raise UsageError(
            f"{path}: has no column {lacking[0]!r}; columns: {', '.join(reader.fieldnames or ())}."
        )
    for number, line in enumerate(reader):
        if number >= MOST:
            raise UsageError(f"{path}: over {MOST:,} rows; cut it into files.")
        yield {key: value or "" for key, value in line.items() if key is not None}


def _row(
    line: Mapping[str, str], columns: Mapping[str, Any], told: Mapping[str, Any]
) -> tuple[str, Outside | None]:
    """A row, or why it is refused."""
    model, task = line[columns["model"]].strip(), line[columns["task"]].strip()
    for column, wanted in (told.get("where") or {}).items():
        if line.get(str(column), "").strip() != str(wanted):
            return f"{column} is not {wanted}", None
    facts = told["tasks"].get(task)
    if not isinstance(facts, dict):
        return f"task {task}: nothing is said of it, so neither n nor protocol", None
    lacking = [name for name in TASK if not facts.get(name)]
    if lacking:
        return f"task {task}: the facts lack {', '.join(lacking)}", None
    try:
        value = float(Decimal(line[columns["value"]]) * Decimal(str(told.get("scale") or 1)))
        numbers = int(facts["classes"]), int(facts["n"])
    except (TypeError, ValueError, InvalidOperation):
        return f"task {task}: a value, n or classes that is no number", None
    if not model or min(numbers) < 1:
        return f"task {task}: no model, or n or classes below 1", None
    seen = [
        labels
        for part, labels in (told.get("trained_on") or {}).items()
        if str(part).lower() in model.lower()
    ]
    return "", Outside(
        model, task, str(facts["data"]), *numbers, str(facts.get("unit", "videos")), str(facts["metric"]), value, str(facts["protocol"]),
        " ".join(sorted({str(label) for labels in seen for label in labels})), str(told["source"]), str(told["commit"]),
        line.get(str(columns.get("path", "")), ""), str(told.get("licence", "")),
    )  # fmt: skip


def store(
    out: Path, name: str, rows: Sequence[Outside], elsewhere: Sequence[Mapping[str, object]] = ()
) -> Path:
    """Write the rows to ``OUT/published/NAME.csv``, in the place of an earlier one, and other values of them beside it."""
    path = out / FOLDER / f"{short_name(name)}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path, below=out) as file:
        file.write(csv_text([field.name for field in fields(Outside)], map(asdict, rows)))
    with atomic(path.with_suffix(".json"), below=out) as file:
        json.dump(list(elsewhere), file, indent=2, ensure_ascii=False, allow_nan=False)
    return path


def stored(out: Path) -> dict[str, Taken]:
    """The tables in a folder, by name; what is no such table is left out."""
    found = {}
    for path in sorted((out / FOLDER).glob("*.csv")):
        try:
            columns = {field.name: field.name for field in fields(Outside)}
            rows = [_typed(line) for line in _lines(path, columns)]
            with open_plain(path.with_suffix(".json"), CONFIG) as file:
                elsewhere = parse_json(file.read())
        except (OSError, UnreadableError, UsageError, ValueError):
            continue
        told = elsewhere if isinstance(elsewhere, list) else []
        found[path.stem] = Taken(rows, {}, [{**one} for one in told if isinstance(one, dict)])
    return found


def _typed(line: Mapping[str, str]) -> Outside:
    """A stored row.

    Raises:
        ValueError: numbers that are none.
    """
    told: dict[str, Any] = {field.name: as_written(line[field.name]) for field in fields(Outside)}
    return Outside(
        **told | {"classes": int(told["classes"]), "n": int(told["n"]), "value": float(told["value"])}
    )
