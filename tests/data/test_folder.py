"""The user's own videos: folders, lists, and messages that name the line and the way out."""

import os
from pathlib import Path

import pytest

from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset
from muybridge.data.lists import folder

REAL = os.environ.get("MUYBRIDGE_REAL_DATA")
ODD = ["a & b.mp4", "#1.avi", "x;y.mkv", "clip (2).webm", "naïve 视频.mp4", "comma,name.mp4", "&amp;'\".mp4"]


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def _list(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.write_bytes(text.encode())
    return path


def _labels(data: Dataset) -> dict[str, str]:
    return {r.id: data.classes[r.label] if r.label >= 0 else "" for r in data.records}


def _splits(data: Dataset) -> dict[str, str]:
    return {r.id: r.split for r in data.records}


def test_folders_of_classes(tmp_path: Path) -> None:
    data = folder.read(
        _touch(tmp_path / "set", "walk/1.mp4", "run/2.AVI", "run/1.mkv", "run/notes.txt", "list.csv")
    )
    assert data.name == "set"
    assert data.classes == ("run", "walk")
    assert _labels(data) == {"run/1.mkv": "run", "run/2.AVI": "run", "walk/1.mp4": "walk"}
    assert [r.id for r in data.records] == sorted(r.id for r in data.records)
    assert all(r.path == tmp_path / "set" / r.id and r.group == r.id and r.split == "" for r in data.records)


def test_split_folders(tmp_path: Path) -> None:
    data = folder.read(
        _touch(tmp_path, "Train/run/1.mp4", "train/walk/1.mp4", "valid/run/2.mp4", "test/walk/3.mp4")
    )
    assert data.classes == ("run", "walk")
    assert list(_splits(data).values()) == ["train", "test", "train", "val"]
    assert list(_labels(data).values()) == ["run", "walk", "walk", "run"]


def test_split_folders_without_classes(tmp_path: Path) -> None:
    data = folder.read(_touch(tmp_path, "train/1.mp4", "val/2.mp4"))
    assert data.classes == ()
    assert _splits(data) == {"train/1.mp4": "train", "val/2.mp4": "val"}


def test_a_class_called_like_a_split_beside_others_is_a_class(tmp_path: Path) -> None:
    data = folder.read(_touch(tmp_path, "train/1.mp4", "plane/2.mp4"))
    assert data.classes == ("plane", "train")
    assert set(_splits(data).values()) == {""}


@pytest.mark.parametrize(
    "names",
    [
        ("1.mp4", "2.mp4"),
        ("1.mp4", "a/2.mp4"),
        ("a/b/1.mp4", "a/2.mp4"),
        ("a/b/c/1.mp4",),
        ("train/a/1.mp4", "2.mp4"),
    ],
)
def test_a_pile_of_any_depth_is_unlabelled(tmp_path: Path, names: tuple[str, ...]) -> None:
    data = folder.read(_touch(tmp_path, *names))
    assert _labels(data) == dict.fromkeys(names, "")
    assert _splits(data) == dict.fromkeys(names, "")
    assert data.classes == ()


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    data = folder.read(_touch(tmp_path / ".cache", "a/1.mp4", "a/._1.mp4", ".trash/2.mp4", "b/3.mp4"))
    assert list(_labels(data)) == ["a/1.mp4", "b/3.mp4"]


def test_links_to_videos_and_to_classes_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    store = _touch(tmp_path / "store", "deep/1.mp4", "one.mp4")
    root = _touch(tmp_path / "set", "b/2.mp4")
    (root / "a").symlink_to(store / "deep")
    (root / "b" / "3.mp4").symlink_to(store / "one.mp4")
    (root / "b" / "up").symlink_to(root)
    data = folder.read(root, allow_links=True)
    assert _labels(data) == {"a/1.mp4": "a", "b/2.mp4": "b", "b/3.mp4": "b"}


def test_odd_names_come_through(tmp_path: Path) -> None:
    data = folder.read(_touch(tmp_path, *(f"class #{i % 2} é/{name}" for i, name in enumerate(ODD))))
    assert {r.path.name for r in data.records} == set(ODD)
    assert data.classes == ("class #0 é", "class #1 é")
    assert all(r.path.is_file() for r in data.records)


def test_a_name_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    bad = os.fsdecode(b"caf\xe9.mp4")
    (tmp_path / bad).touch()
    with pytest.raises(UsageError, match=r"'caf\\udce9\.mp4' is not UTF-8\. Rename the file"):
        folder.read(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "it is empty"), (("a/x.txt", "b/y.PNG", "z"), r"files of other kinds \(\.png, \.txt, no suffix\)")],
)
def test_a_folder_without_videos_says_what_it_holds(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=f"no videos; .*{message}.* Wanted root/<class>"):
        folder.read(_touch(tmp_path, *names))


def test_nothing_there_suggests_what_lies_beside(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    with pytest.raises(UsageError, match=r"vidoes: no such folder or list\. Did you mean 'videos'\?"):
        folder.read(tmp_path / "vidoes")
    with pytest.raises(UsageError, match=r"gone/x: no such folder or list\.$"):
        folder.read(tmp_path / "gone" / "x")


def test_a_single_video_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"neither a folder nor a list \(\.csv, \.tsv, \.txt, \.json, \.jsonl, \.parquet\)"
    ):
        folder.read(_touch(tmp_path, "a.mp4") / "a.mp4")


def test_a_folder_has_no_group_column(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder has no column 'who'"):
        folder.read(_touch(tmp_path, "a.mp4"), group="who")


LISTS = {
    "a.csv": 'path,label\nx/1.mp4,run\n"x/2, b.mp4",walk\n',
    "a.tsv": "path\tlabel\nx/1.mp4\trun\nx/2, b.mp4\twalk\n",
    "a.txt": "x/1.mp4 run\nx/2, b.mp4   walk\n",
    "a.jsonl": '{"path": "x/1.mp4", "label": "run"}\n{"label": "walk", "path": "x/2, b.mp4"}\n',
    "bare.csv": 'x/1.mp4,run\n"x/2, b.mp4",walk\n',
    "bare.tsv": "x/1.mp4\trun\nx/2, b.mp4\twalk",
    "titled.txt": "path label\nx/1.mp4 run\nx/2, b.mp4 walk\n",
}


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", LISTS)
def test_every_kind_of_list_with_every_end_of_line(tmp_path: Path, name: str, end: str, bom: str) -> None:
    data = folder.read(_list(tmp_path, name, bom + "\n".join(["", LISTS[name], "  "]).replace("\n", end)))
    assert _labels(data) == {"x/1.mp4": "run", "x/2, b.mp4": "walk"}
    assert {r.path for r in data.records} == {tmp_path / "x/1.mp4", tmp_path / "x/2, b.mp4"}


@pytest.mark.parametrize(
    "text", ["1.mp4\nmy clip.mp4\n", "my clip.mp4\n1.mp4\n", "path\n1.mp4\nmy clip.mp4\n"]
)
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv"])
def test_a_list_of_paths_alone_is_unlabelled(tmp_path: Path, name: str, text: str) -> None:
    assert _labels(folder.read(_list(tmp_path, name, text))) == {"1.mp4": "", "my clip.mp4": ""}


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_in_lists(tmp_path: Path, odd: str) -> None:
    import csv
    import io
    import json

    page = io.StringIO()
    csv.writer(page).writerows([["path", "label"], [odd, "a;b #1"], ["z.mp4", ""]])
    jsonl = "\n".join(
        json.dumps({"path": p, "label": c}, ensure_ascii=False) for p, c in ((odd, "a;b #1"), ("z.mp4", ""))
    )
    for name, text in (("a.csv", page.getvalue()), ("a.jsonl", jsonl)):
        assert _labels(folder.read(_list(tmp_path, name, text))) == {odd: "a;b #1", "z.mp4": ""}
    assert _labels(folder.read(_list(tmp_path, "a.txt", f"{odd} 3\nz.mp4"))) == {odd: "3", "z.mp4": ""}


def test_a_line_separator_inside_a_json_text_is_no_end_of_line(tmp_path: Path) -> None:
    path = _list(tmp_path, "a.jsonl", '{"path": "1.mp4", "label": "a", "text": "one\u2028two\x85"}\n')
    assert _labels(folder.read(path)) == {"1.mp4": "a"}


@pytest.mark.parametrize("column", ["label", "class", "cls", "label_name", "Label"])
@pytest.mark.parametrize("path", ["path", "video", "file_name", "File"])
def test_usual_columns_are_found(tmp_path: Path, path: str, column: str) -> None:
    data = folder.read(
        _list(tmp_path, "a.csv", f"id, {column} ,{path},split\n7,run,x.mp4,train\n8,walk,y.mp4,Test\n")
    )
    assert _labels(data) == {"x.mp4": "run", "y.mp4": "walk"}
    assert _splits(data) == {"x.mp4": "train", "y.mp4": "test"}


def test_columns_that_are_asked_for_are_taken(tmp_path: Path) -> None:
    path = _list(tmp_path, "a.csv", "path,label,verb,subject,group\na.mp4,x,run,s1,g1\nb.mp4,y,walk,,g1\n")
    data = folder.read(path, label="verb", group="subject")
    assert _labels(data) == {"a.mp4": "run", "b.mp4": "walk"}
    assert [r.group for r in data.records] == ["s1", "b.mp4"]
    assert [r.group for r in folder.read(path).records] == ["g1", "g1"]


@pytest.mark.parametrize("asked", [{"label": "clas"}, {"group": "clas"}])
def test_an_unknown_column_suggests_the_nearest(tmp_path: Path, asked: dict[str, str]) -> None:
    path = _list(tmp_path, "a.csv", "path,class\na.mp4,x\n")
    with pytest.raises(UsageError, match=r"no column 'clas'\. Did you mean 'class'\? Columns: path, class\."):
        folder.read(path, **asked)


def test_columns_may_begin_in_a_later_line_of_a_jsonl(tmp_path: Path) -> None:
    path = _list(tmp_path, "a.jsonl", '{"path": "a.mp4"}\n{"path": "b.mp4", "label": 3, "group": null}\n')
    assert _labels(folder.read(path)) == {"a.mp4": "", "b.mp4": "3"}


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "1"], ("1", "9", "10")),
        (["1", "01", "2", "-1"], ("-1", "01", "1", "2")),
        (["10", "9", "a"], ("10", "9", "a")),
        (["b", "B", "é"], ("B", "b", "é")),
    ],
)
def test_whole_numbers_are_sorted_by_value(
    tmp_path: Path, labels: list[str], classes: tuple[str, ...]
) -> None:
    text = "".join(f"{i}.mp4,{label}\n" for i, label in enumerate(labels))
    assert folder.read(_list(tmp_path, "a.csv", "path,label\n" + text)).classes == classes


def test_paths_start_from_the_list_or_the_folder_beside_it_or_the_root(tmp_path: Path) -> None:
    path = _list(tmp_path, "clips.csv", "path,label\nrun/1.mp4,run\n")
    assert folder.read(path).records[0].path == tmp_path / "run/1.mp4"
    _touch(tmp_path / "clips", "run/1.mp4")
    assert folder.read(path).records[0].path == tmp_path / "clips/run/1.mp4"
    _touch(tmp_path, "run/1.mp4")
    assert folder.read(path).records[0].path == tmp_path / "run/1.mp4", "the list's own folder goes first"
    assert folder.read(path, root=tmp_path / "else").records[0].path == tmp_path / "else/run/1.mp4"
    assert {r.id for root in (None, tmp_path / "else") for r in folder.read(path, root=root).records} == {
        "run/1.mp4"
    }


def test_full_paths_below_the_root_get_the_same_ids(tmp_path: Path) -> None:
    path = _list(tmp_path, "a.csv", f"path,label\n{tmp_path}/run/1.mp4,run\n/else/2.mp4,run\n./3.mp4,run\n")
    assert [r.id for r in folder.read(path).records] == ["/else/2.mp4", "3.mp4", "run/1.mp4"]


@pytest.mark.parametrize("second", ["a.mp4", "./a.mp4"])
def test_a_video_that_is_listed_twice_is_named(tmp_path: Path, second: str) -> None:
    with pytest.raises(UsageError, match=r"'a\.mp4' is listed twice \(1 such videos\)"):
        folder.read(_list(tmp_path, "a.csv", f"path,label\na.mp4,x\n{second},y\n"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "the list names no videos"),
        ("a.csv", "path,label\n", "the list names no videos"),
        ("a.jsonl", "\n\n", "the list names no videos"),
        ("a.txt", " \n", "the list names no videos"),
        ("a.csv", "path,label\na.mp4,x\n\n,y\n", r"a\.csv, line 4: no path"),
        ("a.tsv", "label\tpath\nx\n", r"a\.tsv, line 2: 1 fields for the columns label, path"),
        ("a.jsonl", '{"path": "a.mp4"}\n{"label": "x"}\n', r"a\.jsonl, line 2: no path"),
        ("a.jsonl", "{}", r"a\.jsonl, line 1: no path"),
        ("a.jsonl", '{"path": "a.mp4"}\n\n{"path": \n', r"a\.jsonl, line 3: not JSON \(Expecting value\)"),
        ("a.jsonl", '["a.mp4"]', r"a\.jsonl, line 1: wanted an object"),
        (
            "a.csv",
            "path,label\na.mp4,x\nb,c.mp4,y\n",
            r"a\.csv, line 3: 3 fields for the columns path, label",
        ),
        (
            "a.csv",
            "a.mp4,30,7\n",
            r"a\.csv, line 1: 3 fields for the columns path, label, apart by commas.* Name all columns",
        ),
        ("a.csv", "path,split\na.mp4,trian\n", r"a\.csv, line 2: split 'trian'; wanted train, val or test"),
    ],
)
def test_a_bad_list_is_refused_with_the_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        folder.read(_list(tmp_path, name, text))


def test_a_list_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("path,label\né.mp4,x\n".encode("utf-16"))
    assert _labels(folder.read(tmp_path / "a.csv")) == {"é.mp4": "x"}, "its mark says what it is"
    (tmp_path / "a.csv").write_bytes("path,label\né.mp4,x\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"a\.csv, line 2: not UTF-8 text .* Save the list as UTF-8"):
        folder.read(tmp_path / "a.csv")


@pytest.mark.skipif(not REAL, reason="MUYBRIDGE_REAL_DATA does not name a folder with real clips")
@pytest.mark.parametrize(("name", "group"), [("adl_clips", "subject"), ("clips", None)])
def test_real_lists(name: str, group: str | None) -> None:
    source = Path(str(REAL)) / f"{name}.csv"
    data = folder.read(source, label="cls", group=group)
    assert all(r.path.is_file() for r in data.records)
    assert _labels(data) == {r.id: r.id.split("/")[0] for r in data.records}
    assert len(data) == len(source.read_text(encoding="utf-8").splitlines()) - 1
    assert (len({r.group for r in data.records}) < len(data)) == (group is not None)
    folders = folder.read(Path(str(REAL)) / name)
    assert _labels(folders) == _labels(data)
