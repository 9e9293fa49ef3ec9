"""The folder after ``--out``: only an empty one or our own is written to, and only our files are deleted."""

import os
from pathlib import Path

import pytest

from muybridge.core.errors import UsageError
from muybridge.runs import out


def _snapshot(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A folder with results of ours and a note of the user's."""
    folder = tmp_path / "results"
    out.claim(folder)
    for name in ("runs/probe/ab/result.json", "tables/t.csv", "report.html", "study.json", "my notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


@pytest.mark.parametrize("name", ["new", "a/b/c"])
def test_a_new_folder_is_made_and_marked(tmp_path: Path, name: str) -> None:
    out.claim(tmp_path / name)
    assert _snapshot(tmp_path / name) == [out.MARKER]


def test_a_relative_folder_is_made_below_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out.claim(Path("x/y"))
    assert _snapshot(tmp_path) == ["x", "x/y", f"x/y/{out.MARKER}"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    out.claim(tmp_path)
    assert _snapshot(tmp_path) == [out.MARKER]


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_file_in_the_way_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"file is a file; wanted a folder"):
        out.claim(tmp_path / "file" / below)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds files that Muybridge did not write"):
            out.claim(tmp_path, overwrite=overwrite)
    assert _snapshot(tmp_path) == ["runs"]


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match="cannot be written"):
        out.claim(tmp_path / "link")


def test_a_folder_without_the_right_to_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(os, "access", lambda path, mode: asked.append((Path(path), mode)))
    with pytest.raises(UsageError, match="cannot be written"):
        out.claim(tmp_path / "a" / "b")
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]
    assert _snapshot(tmp_path) == []


def test_a_folder_that_may_not_be_looked_into_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(UsageError, match="Permission denied"):
        out.check(tmp_path / "a")


def test_results_are_kept_and_gone_on_from(used: Path) -> None:
    before = _snapshot(used)
    out.claim(used)
    assert _snapshot(used) == before


def test_earlier_results_are_refused_without_resume(used: Path) -> None:
    before = _snapshot(used)
    with pytest.raises(UsageError, match=r"holds earlier results\. Drop --no-resume .* --overwrite"):
        out.claim(used, resume=False)
    assert _snapshot(used) == before


@pytest.mark.parametrize("resume", [True, False])
def test_overwrite_deletes_our_files_only(used: Path, resume: bool) -> None:
    out.claim(used, resume=resume, overwrite=True)
    assert _snapshot(used) == [out.MARKER, "my notes.txt"]


def test_overwrite_unlinks_a_linked_folder_and_spares_what_it_leads_to(used: Path, tmp_path: Path) -> None:
    (used / "runs").rename(tmp_path / "big disk")
    (used / "runs").symlink_to(tmp_path / "big disk")
    out.claim(used, overwrite=True)
    assert _snapshot(used) == [out.MARKER, "my notes.txt"]
    assert (tmp_path / "big disk" / "probe" / "ab" / "result.json").exists()


def test_killed_while_deleting_the_folder_stays_ours(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            out.claim(used, overwrite=True)
    out.claim(used, overwrite=True)
    assert _snapshot(used) == [out.MARKER, "my notes.txt"]


def test_check_touches_nothing(used: Path, tmp_path: Path) -> None:
    before = _snapshot(tmp_path)
    out.check(used, overwrite=True)
    out.check(tmp_path / "new")
    assert _snapshot(tmp_path) == before
