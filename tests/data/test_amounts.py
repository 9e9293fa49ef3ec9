"""``NAME@N``: a part of the training videos, the same as a written subset."""

import pytest

from muybridge.core.errors import UsageError
from muybridge.data.lists.amounts import parse
from muybridge.data.sources import absolute, load


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("ucf101@30", ("ucf101", 30)),
        ("ucf101", ("ucf101", None)),
        ("a@b", ("a@b", None)),
        ("@3", ("@3", None)),
        ("a@1@2", ("a@1", 2)),
    ],
)
def test_parse(source, told):
    assert parse(source) == told


def test_a_part_is_even_over_the_classes_and_inside_larger_parts(videos):
    few, more, every = (load([f"{videos}@{number}"]) for number in (4, 8, 16))
    assert few.name == f"{videos.name}@4"
    assert [sum(r.label == label for r in few.records) for label in (0, 1)] == [2, 2]
    assert {r.id for r in few.records} < {r.id for r in more.records}
    assert every.records == load([str(videos)]).records
    assert len({few.fingerprint, more.fingerprint, every.fingerprint}) == 3


def test_a_part_is_what_data_subset_writes(run, videos, tmp_path):
    assert run("data", "subset", videos, "--number", 6, "--out", tmp_path / "list.csv")[0] == 0
    written = {str(r.path) for r in load([str(tmp_path / "list.csv")]).records}
    assert {str(r.path) for r in load([f"{videos}@6"]).records} == written


def test_test_videos_stay(tmp_path, videos):
    rows = [
        f"{videos}/{label}/{i}.mp4,{label},{'test' if i > 5 else 'train'}"
        for label in ("left", "right")
        for i in range(8)
    ]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *rows]))
    part = load([f"{tmp_path / 'list.csv'}@2"])
    assert [sum(r.split == split for r in part.records) for split in ("train", "test")] == [2, 4]


@pytest.mark.parametrize("number", [0, 17])
def test_more_than_there_are_is_refused(videos, number):
    with pytest.raises(UsageError, match=f"@{number}: wanted 1 to 16"):
        load([f"{videos}@{number}"])


def test_a_relative_path_with_an_amount_becomes_a_full_one(videos, monkeypatch):
    monkeypatch.chdir(videos.parent)
    assert absolute(f"{videos.name}@4") == f"{videos}@4"
    assert absolute("ucf101@4") == "ucf101@4"
