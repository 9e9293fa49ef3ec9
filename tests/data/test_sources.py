"""From what a user wrote after ``--data`` to one data set."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from muybridge.core import catalogue
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.index import Dataset


def _videos(root: Path, *names: str) -> str:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(f"{root.name}{name}".encode())
    return str(root)


def test_a_folder_and_a_list_of_it_name_the_same_videos(tmp_path: Path) -> None:
    root = _videos(tmp_path / "set", "run/1.mp4", "walk/2.mp4")
    (tmp_path / "set.csv").write_text("path,label\nwalk/2.mp4,walk\nrun/1.mp4,run\n")
    by_list = sources.load([str(tmp_path / "set.csv")])
    assert by_list == sources.load([root])
    assert by_list.fingerprint == sources.load([root]).fingerprint


def test_paths_are_full_whatever_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _videos(tmp_path / "set", "run/1.mp4")
    monkeypatch.chdir(tmp_path)
    assert sources.load(["set"]).records[0].path == tmp_path / "set/run/1.mp4"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sources.load(["~/set"]).records[0].path == tmp_path / "set/run/1.mp4"


def test_root_and_columns_reach_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("path,label,verb,who\n1.mp4,x,run,s1\n")
    monkeypatch.chdir(tmp_path)
    data = sources.load(["a.csv"], label="verb", group="who", root="clips")
    assert data.classes == ("run",)
    assert (data.records[0].group, data.records[0].path) == ("s1", tmp_path / "clips/1.mp4")


def test_joined_sets_are_numbered_anew(tmp_path: Path) -> None:
    one, two = _videos(tmp_path / "a", "10/1.mp4", "9/1.mp4"), _videos(tmp_path / "b", "10/1.mp4", "11/x.mp4")
    data = sources.load([one, two])
    assert data.name == "a+b"
    assert data.classes == ("9", "10", "11")
    assert {r.id: data.classes[r.label] for r in data.records} == {
        "a/10/1.mp4": "10",
        "a/9/1.mp4": "9",
        "b/10/1.mp4": "10",
        "b/11/x.mp4": "11",
    }
    assert all(r.group == r.id and r.path == tmp_path / r.id for r in data.records)


def test_unlabelled_videos_stay_unlabelled_when_joined(tmp_path: Path) -> None:
    data = sources.load([_videos(tmp_path / "a", "1.mp4"), _videos(tmp_path / "b", "run/1.mp4")])
    assert {r.id: r.label for r in data.records} == {"a/1.mp4": -1, "b/run/1.mp4": 0}


def test_folders_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    parts = [_videos(tmp_path / place / "videos", "1.mp4") for place in ("x", "y", "z")]
    data = sources.load(parts)
    assert [r.id for r in data.records] == ["videos-2/1.mp4", "videos-3/1.mp4", "videos/1.mp4"]
    assert len({r.path for r in data.records}) == len({r.group for r in data.records}) == 3


def test_no_data_is_refused() -> None:
    with pytest.raises(UsageError, match="no data given"):
        sources.load([])


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("builtin-motion", "builtin-motions"),
        ("vidoes", "videos"),
        ("./vidoes", "videos"),
        ("qqqq", None),
        ("rows.jsonl", None),
    ],
)
def test_an_unknown_source_suggests_names_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, near: str | None
) -> None:
    (tmp_path / "videos").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        sources.load([source])
    hint = f" Did you mean {near!r}?" if near else ""
    assert str(caught.value) == (
        f"{source}: no such folder, list or data set.{hint} `muybridge list datasets` lists the names."
    )


def _ucf() -> Dataset:
    return Dataset("ucf", (), ())


def test_data_sets_of_other_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = EntryPoints([EntryPoint("ucf/split.1", f"{__name__}:_ucf", "muybridge.datasets")])
    monkeypatch.setattr(catalogue, "entry_points", offered.select)
    assert sources.load(["ucf/split.1"]).name == "ucf"
