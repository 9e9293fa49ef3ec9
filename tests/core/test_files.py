"""Files of run folders: links, pipes and second names never lead to a file elsewhere, not even when they come in between."""

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from muybridge.core import files
from muybridge.core.files import NotPlainError
from muybridge.core.plain_data import read_json, write_json
from muybridge.runs.metrics import append_metrics, read_metrics
from muybridge.store.place import Folder

RUN = Path("runs") / "probe" / ("a" * 16)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out" / RUN).mkdir(parents=True)
    return tmp_path / "out"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "notes.txt"
    path.parent.mkdir()
    path.write_text("years")
    return path


WRITERS: dict[str, Callable[[Path], object]] = {
    "json": lambda path: write_json(path, {"a": 1}),
    "append": lambda path: append_metrics(path, {"step": 1}),
    "create": lambda path: files.create(path, b"x"),
    "rewrite": lambda path: files.rewrite(path, b"x"),
    "lease": lambda path: Folder(path.parent).create(path.name, b"x"),
    "beat": lambda path: Folder(path.parent).renew(path.name, b"x"),
}


@pytest.mark.parametrize("how", WRITERS)
@pytest.mark.parametrize("link", ["file", "run", "stage", "runs", "hard"])
def test_nothing_is_written_through_a_link(out: Path, mine: Path, how: str, link: str):
    path = out / RUN / "a.json"
    if link == "file":
        path.symlink_to(mine)
    elif link == "hard":
        os.link(mine, path)
    else:
        place = {"run": path.parent, "stage": path.parent.parent, "runs": out / "runs"}[link]
        target = mine.parent / "target"
        place.rename(target)
        place.symlink_to(target)
        (next(target.parent.rglob("a" * 16)) if link != "run" else target).joinpath("a.json").write_text(
            "old"
        )
    before = {one: one.read_text() for one in mine.parent.rglob("*") if one.is_file()}
    with suppress(NotPlainError, FileExistsError):
        WRITERS[how](path)
    assert {one: one.read_text() for one in mine.parent.rglob("*") if one.is_file()} == before


def test_a_dangling_link_makes_no_file_elsewhere(out: Path, mine: Path):
    for number, (how, write) in enumerate(WRITERS.items()):
        path = out / RUN / f"{number}.json"
        path.symlink_to(mine.parent / f"new-{how}")
        try:
            write(path)
        except NotPlainError:
            continue
    assert [one.name for one in mine.parent.iterdir()] == ["notes.txt"]


def test_a_line_is_added_to_a_copy_of_a_file_with_a_second_name(out: Path, mine: Path):
    mine.write_text('{"step": 1}\n')
    os.link(mine, out / RUN / "metrics.jsonl")
    append_metrics(out / RUN / "metrics.jsonl", {"step": 2})
    assert [row["step"] for row in read_metrics(out / RUN / "metrics.jsonl")] == [1, 2]
    assert mine.read_text() == '{"step": 1}\n'


@pytest.mark.parametrize(
    "put",
    [
        os.mkfifo,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path.name),
    ],
)
def test_what_is_no_file_is_not_opened(out: Path, put: Callable[[Path], object]):
    path = out / RUN / "a.json"
    put(path)
    with pytest.raises(NotPlainError, match=r"is a (pipe|folder|link)"):
        read_json(path)
    with pytest.raises(NotPlainError):
        append_metrics(path, {})
    assert Folder(path.parent).names() == []


def test_a_long_file_is_not_read(out: Path):
    path = out / RUN / "a.json"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(NotPlainError, match="1,099,511,627,776 bytes; wanted at most"):
        files.read_bytes(path)


def test_the_folder_after_out_may_be_a_link_itself(out: Path, tmp_path: Path):
    (tmp_path / "results").symlink_to(out)
    write_json(tmp_path / "results" / RUN / "a.json", {"a": 1})
    assert read_json(out / RUN / "a.json") == {"a": 1}


def test_a_link_put_in_the_place_of_a_folder_meanwhile_is_not_followed(tmp_path: Path):
    """A thread swaps ``tables`` and a link to the user's folder while tables are written 500 times."""
    out, mine = tmp_path / "out", tmp_path / "mine"
    (out / "tables").mkdir(parents=True)
    mine.mkdir()
    (out / "link").symlink_to(mine)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            shutil.rmtree(out / "aside", ignore_errors=True)
            for one, other in (
                ("tables", "aside"),
                ("link", "tables"),
                ("tables", "link"),
                ("aside", "tables"),
            ):
                with suppress(OSError):  # the writer has made the folder anew
                    (out / one).rename(out / other)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(500):
            with (
                suppress(NotPlainError, OSError),
                files.atomic(out / "tables" / f"{number}.csv", below=out) as file,
            ):
                file.write("x")
    finally:
        stop.set()
        thread.join()
    assert list(mine.iterdir()) == []
    if (out / "tables").is_symlink():  # where the thread left it
        (out / "tables").unlink()
    with files.atomic(out / "tables" / "last.csv", below=out) as file:
        file.write("x")
    assert (out / "tables" / "last.csv").read_text() == "x"
