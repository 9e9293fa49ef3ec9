"""Lists without a line of names: suffixless paths beside class folders, segments, and numbers in front of labels."""

from itertools import product
from pathlib import Path

import pytest

from muybridge.core.errors import UsageError
from muybridge.data.lists import delimited, folder

TRUTH = {"run/1": "run", "run/2": "run", "walk/3": "walk fast"}
SEGMENTS = ("", "#t=0,5", "#t=2", "#frames=0,5", "#stream=0")
SIGNS = {"csv": ",", "tsv": "\t", "txt": " "}


def read(root: Path, text: str, suffix: str = "txt", names: tuple[str, ...] = tuple(TRUTH)) -> dict[str, str]:
    """Labels of the videos of a list by the path that stands in it; files have a suffix that the list leaves out."""
    for name in names:
        (root / f"{name}.mp4").parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.mp4").write_bytes(name.encode())
    file = root / f"list.{suffix}"
    file.write_text(text)
    data = folder.read(file)
    assert all(record.path.is_file() for record in data.records)
    return {record.id: data.classes[record.label] for record in data.records}


@pytest.mark.parametrize(("suffix", "behind", "first"), list(product(SIGNS, SEGMENTS, (True, False))))
def test_a_path_without_suffix_is_told_from_the_class_folder_of_its_label(
    tmp_path: Path, suffix: str, behind: str, first: bool
):
    sign = SIGNS[suffix]
    lines = []
    for name, label in TRUTH.items():
        path = name + behind
        path = f'"{path}"' if sign in path else path
        # a label with blanks in front of a path without suffix can only be told where something else parts them
        label = label if first or sign != " " else label.split()[0]
        lines.append(sign.join((path, label) if first else (label, path)))
    got = read(tmp_path, "\n".join(lines), suffix)
    wanted = {name + behind: label for name, label in TRUTH.items()}
    if not first and suffix == "txt":
        wanted["walk/3" + behind] = "walk"
    assert got == wanted


def test_a_file_that_is_called_like_a_column_does_not_make_a_line_of_names_a_video(tmp_path: Path):
    (tmp_path / "video.mp4").write_bytes(b"")
    assert read(tmp_path, "video label\nrun/1 a\n") == {"run/1": "a"}


def test_a_column_of_class_folders_is_no_column_of_videos(tmp_path: Path):
    got = read(tmp_path, "which,scene,class\nrun/1,run,a\nwalk/3,walk,b\n", "csv")
    assert got == {"run/1": "a", "walk/3": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "run/1.mp4 0 5 run\nrun/2.mp4 0 5 run\n",  # start and end
        "run/1.mp4 1.5 5 run\nwalk/3.mp4 0 5 walk fast\n",
        "run/1.mp4 120 run\nrun/2.mp4 98 run\n",  # a number of frames
        "run/1 120 run\nrun/2 98 run\n",
        "run/1.mp4 -1 4 run\n",
    ],
)
def test_numbers_between_path_and_label_are_no_part_of_the_label(tmp_path: Path, text: str):
    with pytest.raises(UsageError, match=r"numbers and words.*path start end label, or path label"):
        read(tmp_path, text)
    titled = "path start end label\n" if len(text.splitlines()[0].split()) > 3 and "-1" not in text else ""
    if titled and "fast" not in text:
        assert set(read(tmp_path, titled + text).values()) == {"run"}


@pytest.mark.parametrize("labels", [("0 run", "1 walk"), ("100 meters", "hurdles"), ("4 legs", "2 arms")])
def test_labels_that_begin_with_a_number_of_their_own_are_kept(tmp_path: Path, labels: tuple[str, str]):
    text = f"run/1.mp4 {labels[0]}\nwalk/3.mp4 {labels[1]}\n"
    assert tuple(read(tmp_path, text).values()) == labels


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ("0 run\n1 walk\n", ("run", "walk")),
        ("1 walk\n0 run\n", ("run", "walk")),
        ("1 run\n2 walk\n", ("1", "2")),
        ("0 run\n1 walk\n", ("0", "1")),
        ("run\nwalk\n", ("0", "1")),
        ("# classes\n0: run\n1: walk\n", ("run", "walk")),
    ],
)
def test_a_file_of_classes_may_number_them(tmp_path: Path, classes: str, labels: tuple[str, str]):
    (tmp_path / "classes.txt").write_text(classes)
    text = f"path,label\nrun/1,{labels[0]}\nwalk/3,{labels[1]}\n"
    assert read(tmp_path, text, "csv") == {"run/1": "run", "walk/3": "walk"}


def test_class_folders_that_bear_the_numbers_keep_their_names(tmp_path: Path):
    (tmp_path / "classes.txt").write_text("0 run\n1 walk\n2 sit\n")
    for name in ("0 run", "1 walk"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mp4").write_bytes(name.encode())
    assert folder.read(tmp_path).classes == ("0 run", "1 walk", "2 sit")


def test_a_number_that_the_file_of_classes_does_not_have_is_refused(tmp_path: Path):
    (tmp_path / "classes.txt").write_text("1 run\n2 walk\n")
    with pytest.raises(UsageError, match=r"label '0' is not in .*classes\.txt"):
        read(tmp_path, "path,label\nrun/1,0\nwalk/3,1\n", "csv")


def test_lines_are_looked_for_only_where_a_message_names_one():
    """A search through the list for every label is a square: with 2,800 labels it took 26 times as long as the rest of the reading."""

    class Unasked(list[int]):
        def __getitem__(self, place):
            raise AssertionError(f"line {place} was asked for")

    labels = [f"c{i:04d}" for i in range(50)]
    fields = [[f"{label}/1.mp4" for label in labels], labels]
    delimited._check_meant(Path("list.csv"), Unasked(range(50)), fields, ["path", "label"], ",")
    with pytest.raises(AssertionError, match="was asked for"):
        delimited._check_meant(
            Path("list.csv"), Unasked(range(2)), [["a.mp4"], ["0 5"]], ["path", "label"], ","
        )
