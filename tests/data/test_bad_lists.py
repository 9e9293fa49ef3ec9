"""What is wrong with lists and folders of users: each refused with file, line, what was wanted and the way out, or noted, or read right."""

import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data import cache, sources
from muybridge.data.decode import video
from muybridge.data.doctor import examine, likeness
from muybridge.data.index import Dataset, check_same, fingerprint
from muybridge.data.lists import folder
from muybridge.data.lists.rows import Row, number


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))
    return root


def listed(root: Path, text: str | bytes, name: str = "a.csv") -> Path:
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root / name


def labels(data: Dataset) -> dict[str, str]:
    return {r.id: data.classes[r.label] if r.label >= 0 else "" for r in data.records}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "path,label\na.mp4,x\nb.mp4\n", r"a\.csv, line 3: 1 fields for the columns path, label"),
        ("a.csv", "a.mp4,x\nb.mp4\n", r"a\.csv, line 2: 1 fields for the columns path, label"),
        ("a.csv", "a.mp4\nb.mp4,x\n", r"a\.csv, line 2: 2 fields for the columns path"),
        ("a.tsv", "path\tlabel\na.mp4\tx\ty\n", r"a\.tsv, line 2: 3 fields"),
        ("a.txt", "path label\nb.mp4 x\nmy b.mp4 x y\n", None),
        ("a.csv", 'path,label\na.mp4,x\n"b.mp4,x\nc.mp4,x\nd.mp4,x\n', r"line 3: not a table .*a quote opens there"),
        ("a.csv", 'path,label\n"b.mp4,x\n"c.mp4",x\n', r"line 2: not a table .*a quote opens there"),
        ("a.csv", 'path,label\n"b.mp4"x,y\n', r"line 2: not a table"),
        ("a.csv", 'path,label\n"a\nb.mp4",x\nc.mp4,x\n', r"line 2: the file name 'a\\nb\.mp4' holds a line break"),
        ("a.csv", "path,label\na.mp4,x\n\0.mp4,x\n", r"line 3: the file name .* holds a line break or a zero byte"),
        ("a.csv", "path,label,label\na.mp4,x,y\n", r"line 1: two columns are called 'label'"),
        ("a.jsonl", '{"path": "a.mp4"}\n{"path": "b.mp4"\n', r"line 2: not JSON"),
        ("a.jsonl", '{"path": "a.mp4"}\n{"path": ["b.mp4"]}\n', r"line 2: path is \['b\.mp4'\]; wanted a text"),
        ("a.jsonl", '{"path": ["a.mp4"]}\n{"path": "b.mp4"}\n', r"a\.jsonl, line 1: path is \['a\.mp4'\]; wanted a text"),
        ("a.json", '[{"path": ["a.mp4"]}]', r"a\.json, entry 1: path is \['a\.mp4'\]; wanted a text"),
        ("a.jsonl", '{"path": "a.mp4", "label": {"x": 1}}\n', r"line 1: label is \{'x': 1\}; wanted a text"),
        ("a.jsonl", '{"path": "\\ud800.mp4"}\n', r"line 1: the file name .* is not UTF-8"),
        ("a.jsonl", '{"path": "a.mp4", "label": "\\ud800"}\n', r"line 1: the label .* is not UTF-8"),
        ("a.jsonl", "[" * 100_000 + "\n", r"line 1: not JSON"),
        ("a.jsonl", '{"path": "a.mp4", "n": ' + "9" * 5000 + "}\n", r"line 1: not JSON"),
        ("a.jsonl", '{"path": "a.mp4", "split": "trian"}\n', r"line 1: split 'trian'; wanted train, val or test"),
        ("a.csv", b"path,label\na.mp4,x\ncaf\xe9.mp4,x\n", r"a\.csv, line 3: not UTF-8 text .*Save the list as UTF-8"),
        ("a.txt", b"a.mp4 1\r\nb.mp4 \xff\r\n", r"a\.txt, line 2: not UTF-8 text"),
    ],
)  # fmt: skip
def test_malformed_lines(tmp_path: Path, name: str, text: str | bytes, message: str | None) -> None:
    path = listed(tmp_path, text, name)
    if message is None:
        assert set(labels(folder.read(path))) == {"b.mp4", "my b.mp4"}
        return
    with pytest.raises(UsageError, match=message):
        folder.read(path)


def test_lines_are_counted_through_quoted_line_breaks_and_empty_lines(tmp_path: Path) -> None:
    path = listed(tmp_path, 'path,label,text\r\na.mp4,x,"one\r\ntwo"\r\n\r\nb.mp4,y\r\n')
    with pytest.raises(UsageError, match=r"line 5: 2 fields"):
        folder.read(path)


def test_a_label_that_is_not_in_the_file_of_classes(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("run\nwalk\nnever\n")
    path = listed(tmp_path, "path,label\na.mp4,walk\nb.mp4,run\n")
    data = folder.read(path)
    assert data.classes == ("run", "walk", "never")
    assert labels(data) == {"a.mp4": "walk", "b.mp4": "run"}
    listed(tmp_path, "path,label\na.mp4,walk\nb.mp4,rum\n")
    with pytest.raises(
        UsageError, match=r"a\.csv, line 3: label 'rum' is not in .*classes\.txt .*Did you mean 'run'"
    ):
        folder.read(path)
    listed(tmp_path, "path,label\na.mp4,2\nb.mp4,0\n")
    assert labels(folder.read(path)) == {"a.mp4": "never", "b.mp4": "run"}
    listed(tmp_path, "path,label\na.mp4,2\nb.mp4,3\n")
    with pytest.raises(UsageError, match=r"line 3: label '3' is not in .*\(3 classes\)"):
        folder.read(path)


def test_class_folders_follow_the_file_of_classes(tmp_path: Path) -> None:
    touch(tmp_path, "walk/1.mp4", "run/2.mp4")
    (tmp_path / "classes.txt").write_text("walk\nrun\n")
    assert folder.read(tmp_path).classes == ("walk", "run")
    (tmp_path / "classes.txt").write_text("walk\n")
    with pytest.raises(UsageError, match=r"run/2\.mp4: label 'run' is not in"):
        folder.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("a\nb\na\n", "'a' stands there twice"), ("\n", "no names"), (b"\xff", "cannot be read")],
)
def test_a_bad_file_of_classes(tmp_path: Path, text: str | bytes, said: str) -> None:
    listed(tmp_path, text, "classes.txt")
    with pytest.raises(UsageError, match=rf"classes\.txt: {said}"):
        folder.read(listed(tmp_path, "path,label\na.mp4,a\n"))


def test_a_video_in_two_splits_by_its_path(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label,split\na.mp4,x,train\nb.mp4,x,test\n./a.mp4,x,test\n")
    with pytest.raises(
        UsageError, match=r"'a\.mp4' is in two splits, train \(a\.csv, line 2\) and test \(a\.csv, line 4\)"
    ):
        folder.read(path)
    path = listed(tmp_path, "path,label\na.mp4,x\nb.mp4,x\nc/../a.mp4,x\n")
    with pytest.raises(
        UsageError, match=r"listed twice \(1 such videos\): a\.csv, line 2 and a\.csv, line 4"
    ):
        folder.read(path)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_video_in_two_splits_under_two_names(tmp_path: Path, link: object) -> None:
    touch(tmp_path, "train/a/1.mp4", "test/a/2.mp4")
    link(tmp_path / "train/a/1.mp4", tmp_path / "test/a/9.mp4")  # type: ignore[operator]
    with pytest.raises(
        UsageError, match=r"'test/a/9\.mp4' and 'train/a/1\.mp4' are one file and in two splits"
    ):
        folder.read(tmp_path)
    path = listed(tmp_path, "path,split\ntrain/a/1.mp4,train\ntest/a/2.mp4,test\ntest/a/9.mp4,test\n")
    with pytest.raises(
        UsageError, match=r"one file and in two splits, train \(a\.csv, line 2\) and test \(a\.csv, line 4\)"
    ):
        folder.read(path)


def test_one_file_under_two_names_on_one_side_is_left_to_the_doctor(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.mp4", "test/a/2.mp4")
    (tmp_path / "train/a/3.mp4").symlink_to(tmp_path / "train/a/1.mp4")
    assert len(folder.read(tmp_path)) == 3


def test_full_and_short_paths_may_be_mixed(tmp_path: Path) -> None:
    here, there = touch(tmp_path / "here", "a.mp4", "b.mp4"), touch(tmp_path / "there", "c.mp4")
    path = listed(here, f"path,label\na.mp4,x\n{here}/b.mp4,x\n{there}/c.mp4,x\n../there/d.mp4,x\n")
    data = folder.read(path)
    assert [r.id for r in data.records] == ["../there/d.mp4", f"{there}/c.mp4", "a.mp4", "b.mp4"]
    assert [r.path.is_file() for r in data.records] == [False, True, True, True]


def test_links_that_stay_below_the_root_are_read(tmp_path: Path) -> None:
    root = touch(tmp_path / "set", "a/1.mp4", "b/2.mp4")
    (root / "c").symlink_to(root / "a")
    (root / "b" / "3.mp4").symlink_to("../a/1.mp4")
    (tmp_path / "other").symlink_to(root)
    for place in (root, tmp_path / "other"):
        assert set(labels(folder.read(place))) == {"a/1.mp4", "b/2.mp4", "b/3.mp4", "c/1.mp4"}


@pytest.mark.parametrize("kind", ["video", "folder", "broken", "shard"])
def test_links_that_leave_the_root_are_refused_unless_allowed(tmp_path: Path, kind: str) -> None:
    outside = touch(tmp_path / "outside", "a/1.mp4")
    root = touch(tmp_path / "set", "a/2.mp4")
    name, target = {
        "video": ("a/1.mp4", outside / "a/1.mp4"), "folder": ("b", outside / "a"),
        "broken": ("a/1.mp4", tmp_path / "gone.mp4"), "shard": ("x.tar", outside / "x.tar"),
    }[kind]  # fmt: skip
    (root / name).symlink_to(target)
    with pytest.raises(UsageError, match=rf"set/{name}: a link leads out of .*set, to .*--allow-links"):
        sources.load([str(root)])
    assert len(sources.load([str(root)], allow_links=True)) == (1 if kind == "shard" else 2)
    (root / name).unlink()
    touch(root, {"folder": "b/1.mp4"}.get(kind, "a/1.mp4"))
    assert len(sources.load([str(root)])) == 2, "what was refused is looked at anew"


def test_links_of_lists_and_metadata_are_held_to_the_same(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside", "1.mp4")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1.mp4").symlink_to(outside / "1.mp4")
    path = listed(tmp_path / "set", "path\n1.mp4\n")
    with pytest.raises(UsageError, match="--allow-links"):
        folder.read(path)
    assert folder.read(path, allow_links=True).records[0].path.is_file()
    assert folder.read(listed(tmp_path, f"path\n{outside}/1.mp4\n")).records[0].path.is_file()
    path.rename(tmp_path / "set" / "metadata.csv")
    with pytest.raises(UsageError, match="--allow-links"):
        sources.load([str(tmp_path / "set")])


def test_links_that_are_no_videos_do_not_matter(tmp_path: Path) -> None:
    root = touch(tmp_path / "set", "a/2.mp4")
    (root / "README").symlink_to(touch(tmp_path, "notes.txt") / "notes.txt")
    assert len(folder.read(root)) == 1


@pytest.mark.parametrize("place", ["set/caf\udce9/1.mp4", "set/a/caf\udce9.mp4", "caf\udce9/a/1.mp4"])
def test_names_that_are_not_utf8_are_refused_wherever_they_stand(tmp_path: Path, place: str) -> None:
    touch(tmp_path, place)
    with pytest.raises(UsageError, match=r"(file name|path) '.*\\udce9.*' is not UTF-8\. Rename the file"):
        sources.load([str(tmp_path / place.partition("/")[0])])


def test_a_file_that_is_no_video_may_be_called_anything(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "a/caf\udce9.txt")
    assert len(folder.read(tmp_path)) == 1


def test_names_that_differ_in_capitals_are_noted(tmp_path: Path) -> None:
    touch(tmp_path, "Run/1.mp4", "run/1.mp4", "walk/2.mp4")
    data = folder.read(tmp_path)
    assert len(data) == 3
    assert data.notes == (
        "2 videos have names that differ only in capitals, as 'Run/1.mp4' and 'run/1.mp4'",
        "2 classes have names that differ only in capitals, as 'Run' and 'run'",
    )


def test_a_folder_that_is_named_like_a_video_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "a/2.mp4/frame1.jpg")
    with pytest.raises(UsageError, match=r"a/2\.mp4: a folder that is named like a video\. Rename it"):
        folder.read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/2.mp4")
    path = listed(tmp_path, "path\na/1.mp4\n")
    for place in (tmp_path / "a", path):
        place.chmod(0)
        with pytest.raises(UsageError, match="cannot be read"):
            folder.read(path if place == path else tmp_path)
        place.chmod(0o700)


def test_a_folder_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/1.mp4")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\)"):
        folder.read(tmp_path)


def test_files_that_are_empty_or_no_files_are_broken_and_block_nothing(tmp_path: Path) -> None:
    """A pipe or a socket named like a video must not be opened: that would wait for ever."""
    touch(tmp_path, "a/1.mp4")
    (tmp_path / "a/0.mp4").touch()
    os.mkfifo(tmp_path / "a/2.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "a/3.mp4"))
    (tmp_path / "a/4.mp4").symlink_to("gone.mp4")
    records = folder.read(tmp_path).records
    planned = cache.plan(records, cache.Geometry(8, 8), root=tmp_path / "cache")
    assert [planned.errors[name].partition(":")[0] for name in planned.files] == [
        "the file is empty", "Invalid data found when processing input", "it is not a file", "it is not a file", "there is no such file",
    ]  # fmt: skip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "v").mkdir()
    video.write(tmp_path / "v/1.mp4", np.zeros((8, 16, 16, 3), np.uint8), 25)
    return tmp_path / "v/1.mp4"


def white(path: Path) -> None:
    """Another video of as many frames in the same place."""
    video.write(path, np.full((8, 16, 16, 3), 255, np.uint8), 25)


def test_a_file_that_changes_before_it_is_cached_never_gives_its_pixels(clip: Path, tmp_path: Path) -> None:
    records = folder.read(clip.parent).records
    old = shutil.copy2(clip, tmp_path / "old.mp4")
    planned = cache.plan(records, cache.Geometry(16, 16), root=tmp_path)
    white(clip)
    with pytest.raises(MuybridgeError, match=r"v/1\.mp4: the file changed while it was read"):
        cache.build(records, planned)
    shutil.copy2(old, clip)
    store = cache.build(records, planned)
    assert store.read(0, np.arange(8)).max() < 32, "black, as when it was planned"


def test_a_file_that_changes_while_it_is_probed_is_not_kept(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = folder.read(clip.parent).records
    probe = video.probe
    monkeypatch.setattr(video, "probe", lambda path: (probe(path), white(path))[0])
    with pytest.raises(MuybridgeError, match="changed while it was read"):
        cache.plan(records, cache.Geometry(16, 16), root=tmp_path)
    assert not list((tmp_path / "frames").glob("*.json"))


def test_the_doctor_keeps_nothing_of_a_file_that_changes(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thumb = likeness.thumb
    monkeypatch.setattr(likeness, "thumb", lambda picture: (thumb(picture), white(clip))[0])
    with pytest.raises(MuybridgeError, match="changed while it was read"):
        examine.survey(folder.read(clip.parent), root=tmp_path)
    assert not list(tmp_path.rglob("*.npz"))


def test_a_file_that_changes_after_the_data_set_was_signed_is_noticed(clip: Path) -> None:
    data = folder.read(clip.parent)
    before = data.fingerprint
    check_same(data, data.records, [fingerprint(clip)])
    white(clip)
    with pytest.raises(MuybridgeError, match="changed since the data set was read"):
        check_same(data, data.records, [fingerprint(clip)])
    assert folder.read(clip.parent).fingerprint != before


def test_notes_of_parts_are_kept_when_joined(tmp_path: Path) -> None:
    one, two = touch(tmp_path / "one", "A/1.mp4", "a/1.mp4"), touch(tmp_path / "two", "b/1.mp4")
    assert sources.load([str(one), str(two)]).notes[0].startswith("one: 2 videos have names that differ")


def test_rows_may_lack_places() -> None:
    rows = [Row("a.mp4", "a.mp4", "", split, "") for split in ("train", "test")]
    with pytest.raises(
        UsageError, match=r"x: 'a\.mp4' is in two splits, train and test\. Keep it on one side"
    ):
        number("x", rows)
