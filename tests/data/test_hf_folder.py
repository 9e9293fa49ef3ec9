"""Hugging Face video folders: metadata beside the videos, split folders, class folders."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.index import Dataset

Rows = list[dict[str, Any]]


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def write(path: Path, rows: Rows) -> None:
    """The same rows as csv, jsonl or parquet, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines) + "\n")


def facts(data: Dataset) -> dict[str, tuple[str, str]]:
    return {r.id: (data.classes[r.label] if r.label >= 0 else "", r.split) for r in data.records}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_metadata_in_the_folder(tmp_path: Path, kind: str) -> None:
    touch(tmp_path / "set", "train/1.mp4", "test/2.mp4")
    rows = [
        {"file_name": "train/1.mp4", "label": "run", "fps": 25},
        {"file_name": "test/2.mp4", "label": "walk", "fps": 30},
    ]
    write(tmp_path / "set" / f"metadata.{kind}", rows)
    data = sources.load([str(tmp_path / "set")])
    assert data.name == "set"
    assert facts(data) == {"train/1.mp4": ("run", "train"), "test/2.mp4": ("walk", "test")}
    assert all(r.path == tmp_path / "set" / r.id for r in data.records)
    assert data.notes == ()


@pytest.mark.parametrize("above", ["", "data/"])
def test_metadata_in_each_split_folder_start_from_there(tmp_path: Path, above: str) -> None:
    touch(tmp_path, f"{above}train/a/1.mp4", f"{above}validation/1.mp4")
    write(tmp_path / f"{above}train/metadata.csv", [{"file_name": "a/1.mp4", "label": "run"}])
    write(tmp_path / f"{above}validation/metadata.jsonl", [{"file_name": "1.mp4", "label": "run"}])
    assert facts(sources.load([str(tmp_path)])) == {
        f"{above}train/a/1.mp4": ("run", "train"),
        f"{above}validation/1.mp4": ("run", "val"),
    }


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"), ("training", "train"), ("Train", "train"), ("train-clean", "train"), ("my_train_2", "train"),
        ("val", "val"), ("valid", "val"), ("validation", "val"), ("dev", "val"),
        ("test", "test"), ("testing", "test"), ("eval", "test"), ("evaluation", "test"),
        ("trains", ""), ("train_test", ""), ("clips", ""),
    ],
)  # fmt: skip
def test_split_folders_and_their_synonyms(tmp_path: Path, folder: str, split: str) -> None:
    touch(tmp_path, f"{folder}/1.mp4")
    write(tmp_path / folder / "metadata.csv", [{"file_name": "1.mp4", "label": "x"}])
    assert [r.split for r in sources.load([str(tmp_path)]).records] == [split]


def test_class_folders_are_labels_where_no_column_is(tmp_path: Path) -> None:
    touch(tmp_path, "train/dog/1.mp4", "train/cat/2.mp4", "test/dog/3.mp4")
    rows = [
        {"file_name": name, "caption": "x"}
        for name in ("train/dog/1.mp4", "train/cat/2.mp4", "test/dog/3.mp4")
    ]
    write(tmp_path / "metadata.csv", rows)
    assert facts(sources.load([str(tmp_path)])) == {
        "train/dog/1.mp4": ("dog", "train"),
        "train/cat/2.mp4": ("cat", "train"),
        "test/dog/3.mp4": ("dog", "test"),
    }


@pytest.mark.parametrize("column", ["file_name", "video_file_name", "video"])
def test_columns_by_their_names_and_as_asked(tmp_path: Path, column: str) -> None:
    touch(tmp_path, "1.mp4", "2.mp4")
    rows = [{column: f"{i}.mp4", "label": "x", "verb": f"v{i}", "who": "s1", "split": "dev"} for i in (1, 2)]
    write(tmp_path / "metadata.jsonl", rows)
    data = sources.load([str(tmp_path)], label="verb", group="who", where=["verb!=v2"])
    assert facts(data) == {"1.mp4": ("v1", "val")}
    assert data.records[0].group == "s1"
    with pytest.raises(UsageError, match=r"metadata\.jsonl: no column 'verv'\. Did you mean 'verb'"):
        sources.load([str(tmp_path)], label="verv")


def test_numbers_are_named_by_the_file_of_classes(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4")
    write(tmp_path / "metadata.parquet", [{"file_name": "1.mp4", "label": 1}])
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    assert facts(sources.load([str(tmp_path)])) == {"1.mp4": ("dog", "")}


def test_videos_without_a_line_are_left_out_and_noted_and_missing_ones_stay(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4", "2.mp4", "sub/3.mp4")
    write(
        tmp_path / "metadata.csv",
        [{"file_name": "1.mp4", "label": "a"}, {"file_name": "gone.mp4", "label": "b"}],
    )
    data = sources.load([str(tmp_path)])
    assert [r.id for r in data.records] == ["1.mp4", "gone.mp4"]
    assert data.notes == ("2 videos have no line in the metadata and are left out",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"file_name": "../x.mp4"}], r"metadata\.jsonl, line 1: file_name '\.\./x\.mp4'; wanted a path below"),
        ([{"file_name": "a.mp4"}, {"file_name": "/etc/x.mp4"}], r"line 2: file_name '/etc/x\.mp4'; wanted a path below"),
        ([{"file_name": ""}], r"line 1: file_name '\.'; wanted a path below"),
        ([{"name": "a.mp4"}], r"no column file_name\. Columns: name"),
        ([{"a_file_name": "a.mp4", "b_file_name": "b.mp4"}], r"2 columns name files .*Call that of the videos file_name"),
        ([{"file_name": ["a.mp4"]}], r"line 1: file_name is \['a\.mp4'\]; wanted a text"),
        ([{"file_name": "a.mp4", "split": "trian"}], r"line 1: split 'trian'"),
        ([{"file_name": "a.mp4"}, {"file_name": "a.mp4"}], r"listed twice .*line 1 and metadata\.jsonl, line 2"),
        ([], r"its metadata name no videos"),
    ],
)  # fmt: skip
def test_bad_metadata_are_refused_with_the_line(tmp_path: Path, rows: Rows, message: str) -> None:
    write(tmp_path / "metadata.jsonl", rows)
    with pytest.raises(UsageError, match=message):
        sources.load([str(tmp_path)])


def test_two_metadata_files_in_one_folder_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4")
    for kind in ("csv", "jsonl"):
        write(tmp_path / f"metadata.{kind}", [{"file_name": "1.mp4"}])
    with pytest.raises(UsageError, match=r"metadata\.csv and metadata\.jsonl lie in one folder"):
        sources.load([str(tmp_path)])


def test_a_parquet_with_the_videos_inside_or_that_is_none(tmp_path: Path) -> None:
    write(tmp_path / "metadata.parquet", [{"video": {"bytes": b"x", "path": "1.mp4"}}])
    with pytest.raises(UsageError, match=r"video is \{.*; wanted a text"):
        sources.load([str(tmp_path)])
    (tmp_path / "metadata.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UsageError, match="not a parquet file"):
        sources.load([str(tmp_path)])


def test_a_folder_without_metadata_is_an_ordinary_folder(tmp_path: Path) -> None:
    touch(tmp_path, "train/dog/1.mp4", "dev/cat/2.mp4", "evaluation/cat/3.mp4")
    data = sources.load([str(tmp_path)])
    assert {r.split for r in data.records} == {"train", "val", "test"}
    assert data.classes == ("cat", "dog")
