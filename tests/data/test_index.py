"""Rows of a data set: fingerprints, folds, subsets and what cannot be tested."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.core.errors import UsageError
from muybridge.data.index import (
    Dataset,
    VideoRecord,
    assign_folds,
    check_classes,
    divide,
    few,
    fingerprint,
    has_split,
)


def _record(
    video: str, label: int = 0, split: str = "", group: str = "", folder: Path = Path()
) -> VideoRecord:
    return VideoRecord(video, str(folder / video), label, split, group or video)


def _dataset(*records: VideoRecord, classes: int = 3) -> Dataset:
    return Dataset("data", records, tuple("abc"[:classes]))


def _on_disk(folder: Path) -> Dataset:
    folder.mkdir()
    records = [_record(f"{i}.mp4", i % 2, "train", f"g{i // 2}", folder) for i in range(4)]
    for i, record in enumerate(records):
        record.path.write_bytes(bytes([i]) * 200_000)
    return _dataset(*records)


def test_the_fingerprint_does_not_depend_on_place_name_or_order(tmp_path: Path) -> None:
    one, two = _on_disk(tmp_path / "one"), _on_disk(tmp_path / "two")
    turned = Dataset("other", tuple(reversed(two.records)), two.classes)
    assert one.fingerprint == two.fingerprint == turned.fingerprint


@pytest.mark.parametrize(
    "change", [{"id": "x.mp4"}, {"label": 2}, {"label": -1}, {"split": "test"}, {"group": "g9"}]
)
def test_the_fingerprint_depends_on_every_row(tmp_path: Path, change: dict[str, object]) -> None:
    data = _on_disk(tmp_path / "one")
    changed = replace(data.records[0], **change)  # type: ignore[arg-type]
    assert replace(data, records=(changed, *data.records[1:])).fingerprint != data.fingerprint


def test_the_fingerprint_depends_on_class_names_and_on_missing_videos(tmp_path: Path) -> None:
    data = _on_disk(tmp_path / "one")
    others = [replace(data, classes=("a", "x", "c")), replace(data, records=data.records[1:])]
    assert len({data.fingerprint, *(other.fingerprint for other in others)}) == 3


@pytest.mark.parametrize("place", [0, 65_535, 100_000, 134_464, 199_999])
def test_the_fingerprint_depends_on_content(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.mp4"
    content = bytearray(200_000)
    path.write_bytes(content)
    before = fingerprint(path)
    content[place] = 1
    (tmp_path / "b.mp4").write_bytes(content)
    assert fingerprint(tmp_path / "b.mp4") != before


def test_a_file_that_changes_gets_another_fingerprint_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    before = fingerprint(path)
    path.write_bytes(b"more")
    assert fingerprint(path) != before


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_has_a_fingerprint_of_its_name(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "gone.mp4")
    found = fingerprint(tmp_path / "gone.mp4")
    assert found == fingerprint(tmp_path / "elsewhere" / "gone.mp4")
    assert found != fingerprint(tmp_path / "lost.mp4")


@pytest.mark.parametrize(("held", "other"), [("test", "val"), ("val", "")])
def test_the_own_split_is_taken_and_test_goes_before_val(held: str, other: str) -> None:
    data = _dataset(
        _record("a", 0, "train"), _record("b", 1, held), _record("c", 1, other), _record("d", 0, "train")
    )
    train, test = divide(data)
    assert ([r.id for r in train], [r.id for r in test]) == (["a", "d"], ["b"])
    assert has_split(data)


@pytest.mark.parametrize("splits", ["train", "test", ""])
def test_without_both_sides_folds_are_made(splits: str) -> None:
    data = _dataset(*(_record(f"{i}", i % 2, splits) for i in range(4)))
    assert not has_split(data)
    train, test = divide(data)
    assert (len(train), len(test)) == (3, 1)


def test_a_fold_that_is_asked_for_goes_before_the_own_split() -> None:
    data = _dataset(
        _record("a", 0, "train"), _record("b", 0, "test"), _record("c", 1, "train"), _record("d", 1, "test")
    )
    sides = [divide(data, fold, 2) for fold in (0, 1)]
    assert sorted(r.id for _, test in sides for r in test) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("split", ["", "own"])
def test_videos_without_a_label_train_but_are_never_tested(split: str) -> None:
    rows = [_record(f"{i}", (0, 1, -1)[i % 3], ("train", "test")[i % 2] if split else "") for i in range(12)]
    train, test = divide(_dataset(*rows))
    assert {r.label for r in test} <= {0, 1}
    assert -1 in {r.label for r in train}


@st.composite
def grouped(draw: st.DrawFn) -> Dataset:
    groups = draw(st.integers(2, 14))
    records = [
        _record(f"v{group}-{i}", draw(st.integers(-1, 2)), "", f"g{group}")
        for group in range(groups)
        for i in range(draw(st.integers(1, 4)))
    ]
    return _dataset(*records)


@settings(deadline=None, derandomize=True)
@given(grouped(), st.randoms(use_true_random=False))
def test_folds_part_the_groups_whatever_the_order_of_files(data: Dataset, random: object) -> None:
    folds = assign_folds(data)
    groups = {record.group for record in data.records}
    assert folds.keys() == groups
    assert set(folds.values()) == set(range(len(groups) if len(groups) <= 10 else 5)), "no fold is empty"
    shuffled = list(data.records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign_folds(replace(data, records=tuple(shuffled))) == folds


@settings(deadline=None, derandomize=True)
@given(grouped(), st.integers(2, 5))
def test_no_group_straddles_and_every_video_is_tested_once(data: Dataset, folds: int) -> None:
    folds = min(folds, len({r.group for r in data.records}))
    tested: list[str] = []
    for fold in range(folds):
        train, test = divide(data, fold, folds)
        assert not {r.group for r in train} & {r.group for r in test}
        tested += [r.id for r in test]
    assert sorted(tested) == sorted(r.id for r in data.records if r.label >= 0)


def test_folds_are_as_even_as_they_can_be() -> None:
    data = _dataset(*(_record(f"v{i:03}", i % 3, "", f"g{i}") for i in range(60)))
    folds = assign_folds(data, 5)
    counts = Counter((folds[r.group], r.label) for r in data.records)
    assert set(counts.values()) == {4}
    assert len(counts) == 15


def test_large_groups_are_spread_first() -> None:
    sizes = {"a": 6, "b": 5, "c": 4, "d": 3, "e": 2, "f": 2}
    data = _dataset(*(_record(f"{g}{i}", 0, "", g) for g, n in sizes.items() for i in range(n)))
    folds = assign_folds(data, 2)
    assert sorted(sum(n for g, n in sizes.items() if folds[g] == fold) for fold in (0, 1)) == [11, 11]


@pytest.mark.parametrize("fold", [-1, 3, 99])
def test_a_fold_out_of_range_is_answered_with_the_range(fold: int) -> None:
    data = _dataset(*(_record(f"{i}") for i in range(3)))
    with pytest.raises(UsageError, match=f"fold {fold} does not exist; there are 3, from 0 to 2"):
        divide(data, fold)


@pytest.mark.parametrize("folds", [-2, 0, 1, 4])
def test_folds_that_cannot_be_made_are_refused(folds: int) -> None:
    data = _dataset(*(_record(f"{i}") for i in range(3)))
    with pytest.raises(UsageError, match=f"3 groups cannot make {folds} folds; wanted 2 to 3 folds"):
        assign_folds(data, folds)


def test_a_single_group_cannot_be_divided() -> None:
    data = _dataset(*(_record(f"{i}", group="one") for i in range(3)))
    with pytest.raises(UsageError, match="all videos are of one group"):
        divide(data)


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9))
def test_smaller_subsets_lie_inside_larger_ones(small: int, more: int, seed: int) -> None:
    records = [_record(f"{i:02}", i % 3) for i in range(24)]
    inner, outer = few(records, small, seed), few(reversed(records), small + more, seed)
    assert {r.id for r in inner} <= {r.id for r in outer}
    assert Counter(r.label for r in outer) == Counter(
        {label: min(small + more, 8) for label in range(3) if small + more}
    )
    assert [r.id for r in outer] == sorted(r.id for r in outer)


def test_subsets_differ_by_seed_and_hold_all_of_a_small_class() -> None:
    records = [_record(f"{i:02}", min(i, 1)) for i in range(24)]
    drawn = [tuple(r.id for r in few(records, 5, seed)) for seed in range(4)]
    assert len(set(drawn)) == 4
    assert all("00" in ids for ids in drawn)
    assert few(records, None, 0) == records


def _check(labels: list[int], train: int) -> list[str]:
    records = [_record(f"{i}", label) for i, label in enumerate(labels)]
    return check_classes(_dataset(*records), records[:train], records[train:])


def test_a_fair_split_has_no_notes() -> None:
    assert _check([0, 1, 0, 1], 2) == []


def test_a_class_that_is_never_trained_is_noted() -> None:
    assert _check([0, 1, 0, 1, 2, 2], 4) == [
        "class 'c' is in the test videos but never in the training videos"
    ]


@pytest.mark.parametrize(
    ("labels", "train", "message"),
    [
        ([-1, -1], 1, "0 labelled classes; wanted at least 2"),
        ([1, 1, -1], 1, "1 labelled classes; wanted at least 2"),
        ([0, 0, 1], 2, r"class 'b' has one video, .*\(1 such classes\)"),
        ([0, 0, 1, 1], 0, "0 training and 4 test videos; wanted some of each"),
        ([0, 0, 1, 1], 4, "4 training and 0 test videos; wanted some of each"),
    ],
)
def test_what_cannot_be_tested_is_refused(labels: list[int], train: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _check(labels, train)
