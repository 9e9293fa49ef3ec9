"""Choosing lines of a list by the values of its columns."""

from pathlib import Path

import pytest

from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.lists import folder

LIST = "path,label,source\na.mp4,x,told\nb.mp4,y,seen in frames\nc.mp4,x, told\nd.mp4,y,\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text(LIST)
    return tmp_path / "list.csv"


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ((), "abcd"),
        (("source=told",), "ac"),
        (("source!=seen in frames",), "acd"),
        (("source=",), "d"),
        (("source!=told", "label=y"), "bd"),
        (("source!=told", "source!=", "label!=x"), "b"),
    ],
)
def test_all_conditions_must_hold(path: Path, where: tuple[str, ...], left: str) -> None:
    found = sources.load([str(path)], where=where)
    assert [record.id for record in found.records] == [f"{name}.mp4" for name in left]


def test_classes_are_those_of_the_lines_that_are_left(path: Path) -> None:
    assert folder.read(path, where=["label=y"]).classes == ("y",)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (["source"], "wanted COLUMN=VALUE"),
        (["sorce=told"], "no column 'sorce'. Did you mean 'source'"),
        (["label=z"], "names no videos of which label=z holds"),
        (["label=z", "source=told"], "of which label=z and source=told holds"),
    ],
)
def test_what_cannot_choose_says_why(path: Path, where: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        folder.read(path, where=where)


def test_folders_have_no_columns(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.mp4").touch()
    with pytest.raises(UsageError, match="a folder has no column 'label=x'"):
        folder.read(tmp_path, where=["label=x"])
