"""Published data sets, read from tiny copies of their official files."""

import json
from collections.abc import Callable
from pathlib import Path

import official_sets
import pytest

from muybridge.core.errors import UsageError
from muybridge.data import DATASETS, sources
from muybridge.data.index import Dataset, divide, has_split
from muybridge.data.sets import diving48, kinetics, ssv2, ucf101

MAKERS: dict[str, Callable[[Path], None]] = {
    "ucf101": official_sets.ucf101,
    "hmdb51": official_sets.hmdb51,
    "kinetics400": official_sets.kinetics,
    "ssv2": official_sets.ssv2,
    "diving48": official_sets.diving48,
    "ucf101-ds": official_sets.ucf101ds,
}


def load(name: str, root: Path) -> Dataset:
    MAKERS[name](root)
    return sources.load([name], root=str(root))


def labels(data: Dataset) -> dict[str, str]:
    return {r.id: data.classes[r.label] if r.label >= 0 else "" for r in data.records}


def test_ucf101(tmp_path: Path) -> None:
    data = load("ucf101", tmp_path)
    assert data.classes == ("ApplyEyeMakeup", "HandstandPushups", "NeverSeen")
    assert labels(data)["HandstandPushups/v_HandStandPushups_g08_c02.avi"] == "HandstandPushups"
    train, test = divide(data)
    assert [r.group for r in train] == ["ApplyEyeMakeup_g08", "HandstandPushups_g08"]
    assert [r.group for r in test] == ["ApplyEyeMakeup_g01"]
    assert "train: the lists name 2 videos, the official ones 9,537" in data.notes
    assert (
        "test: 1 of 2 listed videos are missing, the first: HandstandPushups/v_HandStandPushups_g02_c01.avi"
        in data.notes
    )


def test_hmdb51(tmp_path: Path) -> None:
    data = load("hmdb51", tmp_path)
    assert data.classes == ("brush_hair", "wave")
    odd = next(r for r in data.records if "&" in r.id)
    assert (odd.split, odd.group) == ("train", "A_&_B#1;_(2)")
    assert {r.id: r.split for r in data.records}["wave/Film_wave_u_cm_np1_fr_med_0.avi"] == "test"
    assert len(data) == 3


def test_kinetics(tmp_path: Path) -> None:
    data = load("kinetics400", tmp_path)
    assert data.classes == ("abseiling", "tai chi")
    assert labels(data) == {
        "train/tai chi/abc-_d_12345_000001_000011.mp4": "tai chi",
        "val/abseiling/xyz_000020_000030.mp4": "abseiling",
        "test/t_000000_000010.mp4": "",
    }
    assert data.notes[0] == "the lists name 2 classes, not 400"
    assert "train: the lists name 2 videos, the official ones 246,245" in data.notes
    assert (
        "train: 1 of 2 listed videos are missing, the first: train/tai chi/dead_000005_000015.mp4"
        in data.notes
    )


@pytest.mark.parametrize("place", ["tai chi", "train/tai_chi", "tai_chi"])
def test_kinetics_in_the_folders_of_other_releases(tmp_path: Path, place: str) -> None:
    official_sets.kinetics(tmp_path)
    file = tmp_path / "train/tai chi/abc-_d_12345_000001_000011.mp4"
    (tmp_path / place).mkdir(parents=True)
    file.rename(tmp_path / place / file.name)
    assert f"{place}/{file.name}" in labels(sources.load(["kinetics400"], root=str(tmp_path)))


def test_ssv2(tmp_path: Path) -> None:
    data = load("ssv2", tmp_path)
    assert data.classes == ("Approaching something with your camera", "Holding something")
    assert labels(data) == {"1.webm": data.classes[1], "2.webm": data.classes[0], "3.webm": ""}
    assert [r.id for r in divide(data)[1]] == ["2.webm"]
    assert has_split(data)


def test_ssv2_mini_keeps_the_classes_of_its_list(tmp_path: Path) -> None:
    official_sets.ssv2(tmp_path)
    with pytest.raises(UsageError, match=r"mini_classes\.txt"):
        sources.load(["ssv2-mini"], root=str(tmp_path))
    official_sets.write(tmp_path / "mini_classes.txt", "Holding something\n")
    data = sources.load(["ssv2-mini"], root=str(tmp_path))
    assert (data.classes, [r.id for r in data.records]) == (("Holding something",), ["1.webm"])
    assert data.notes == ("mini_classes.txt names 1 classes, not 87",)
    official_sets.write(tmp_path / "mini_classes.txt", "Holding somethin\n")
    with pytest.raises(UsageError, match=r"line 1.*Did you mean 'Holding something'"):
        sources.load(["ssv2-mini"], root=str(tmp_path))


def test_diving48_keeps_the_class_that_never_occurs(tmp_path: Path) -> None:
    data = load("diving48", tmp_path)
    assert data.classes == ("Back 15som 05Twis FREE", "Never", "Front Dive NoTwis PIKE")
    assert {r.label for r in data.records} == {0, 2}
    assert {r.group for r in data.records} == {"-mmq0PT-u8k", "b"}


def test_ucf101_ds_is_spelt_like_ucf101(tmp_path: Path) -> None:
    data = load("ucf101-ds", tmp_path)
    assert data.classes == ("Archery", "BreastStroke")
    assert [r.group for r in data.records] == ["b", "a", "a"]
    assert {r.split for r in data.records} == {"test"}


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_error_for_an_empty_folder_says_where_the_files_come_from(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"expected .* in this folder\. Get "):
        sources.load([name], root=str(tmp_path))


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_lists_without_a_single_video(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path)
    for file in [*tmp_path.rglob("*.avi"), *tmp_path.rglob("*.mp4"), *tmp_path.rglob("*.webm")]:
        file.unlink()
    with pytest.raises(UsageError, match=r"none of the \d+ listed videos is there; expected "):
        sources.load([name], root=str(tmp_path))


def test_the_folder_must_be_named_and_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--root FOLDER"):
        sources.load(["ucf101"])
    with pytest.raises(UsageError, match="no such folder"):
        sources.load(["ucf101"], root=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("ucf101", "ucfTrainTestlist/trainlist01.txt", "ApplyEyeMakeup/x.avi 1\r\n", "line 1: .*wanted"),
        ("ucf101", "ucfTrainTestlist/testlist01.txt", "\nApplyEyMakeup/v_A_g01_c01.avi\n", "line 2.*Did you mean 'ApplyEyeMakeup'"),
        ("ucf101", "ucfTrainTestlist/trainlist01.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 2\n", "label 1 of"),
        ("ucf101", "ucfTrainTestlist/classInd.txt", "ApplyEyeMakeup\n", "line 1"),
        ("hmdb51", "testTrainMulti_7030_splits/wave_test_split1.txt", "a.avi 1\nb.avi 3\n", "line 2"),
        ("kinetics400", "train.csv", "label,youtube_id,time_start,time_end,split\na,b,c,d,train\n", "line 2"),
        ("ssv2", "something-something-v2-train.json", '[{"id": "1"}]', "entry 1.*template"),
        ("ssv2", "something-something-v2-train.json", "[", "not JSON"),
        ("diving48", "Diving48_V2_train.json", '[{"vid_name": "a", "label": 48}]', "entry 1.*below 3"),
        ("kinetics400", "train.csv", 'label,youtube_id,time_start,time_end,split\n"a,b,1,2,train\n', "line 2: not a table"),
        ("ssv2", "something-something-v2-train.json", '{"id": "1"}', "wanted a list of objects"),
        ("ssv2", "something-something-v2-train.json", '["1"]', "entry 1: '1'; wanted an object"),
        ("ssv2", "something-something-v2-test.json", '[{"label": "x"}]', "entry 1.*id"),
        ("ssv2", "something-something-v2-labels.json", '{"Holding something": "x"}', "templates and numbers"),
        ("ssv2", "something-something-v2-labels.json", '{"a": "0", "b": "0"}', "not 0 to 1, each once"),
        ("diving48", "Diving48_V2_train.json", '[{"vid_name": "a", "label": -1}]', "entry 1.*below 3"),
        ("diving48", "Diving48_vocab.json", '[1]', "list of lists of words"),
        ("ucf101-ds", "ucf101-DS_eval.csv", "label,filename\na,b\n", "line 2"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named(tmp_path: Path, name: str, file: str, text: str, message: str) -> None:
    MAKERS[name](tmp_path)
    official_sets.write(tmp_path / file, text)
    with pytest.raises(UsageError, match=message):
        sources.load([name], root=str(tmp_path))


def test_a_video_in_two_splits_is_refused(tmp_path: Path) -> None:
    official_sets.ucf101(tmp_path)
    train = (tmp_path / "ucfTrainTestlist/trainlist01.txt").read_text().split(" ")[0]
    official_sets.write(tmp_path / "ucfTrainTestlist/testlist01.txt", train + "\n")
    with pytest.raises(UsageError, match="listed as train and as test"):
        sources.load(["ucf101"], root=str(tmp_path))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("ucf101", "ucfTrainTestlist/classInd.txt"),
        ("kinetics400", "train.csv"),
        ("ssv2", "something-something-v2-labels.json"),
        ("ucf101-ds", "ucf101-DS_eval.csv"),
    ],
)
def test_lists_that_are_not_text(tmp_path: Path, name: str, file: str) -> None:
    MAKERS[name](tmp_path)
    (tmp_path / file).write_bytes(b"1 A\n2 \xff\n")
    with pytest.raises(UsageError, match=r"line 2: not UTF-8"):
        sources.load([name], root=str(tmp_path))


def test_hmdb51_with_the_lists_flat_beside_the_videos(tmp_path: Path) -> None:
    official_sets.hmdb51(tmp_path)
    for file in (tmp_path / "testTrainMulti_7030_splits").iterdir():
        file.rename(tmp_path / file.name)
    (tmp_path / "testTrainMulti_7030_splits").rmdir()
    assert len(sources.load(["hmdb51"], root=str(tmp_path))) == 3


def test_the_official_numbers_add_up_to_the_published_totals() -> None:
    assert [sum(pair) for pair in ucf101.COUNTS.values()] == [13_320] * 3
    assert sum(ssv2.COUNTS.values()) == 220_847
    assert [sum(diving48.COUNTS[version].values()) for version in (1, 2)] == [18_404, 16_997]
    assert [sum(kinetics.COUNTS[classes].values()) for classes in (400, 700)] == [306_245, 650_317]


@pytest.mark.parametrize("name", sorted(name for name, entry in DATASETS.items() if entry.facts.get("root")))
def test_the_error_without_a_folder_says_where_the_files_come_from(tmp_path: Path, name: str) -> None:
    for root in (None, str(tmp_path / "nowhere")):
        with pytest.raises(UsageError, match=r"--root .*official files.*\. Get "):
            sources.load([name], root=root)


def test_links_out_of_the_folder_are_refused_unless_allowed(tmp_path: Path) -> None:
    official_sets.ucf101(tmp_path / "set")
    (tmp_path / "set/UCF-101").rename(tmp_path / "store")
    (tmp_path / "set/UCF-101").symlink_to(tmp_path / "store")
    with pytest.raises(UsageError, match="--allow-links"):
        sources.load(["ucf101"], root=str(tmp_path / "set"))
    assert len(sources.load(["ucf101"], root=str(tmp_path / "set"), allow_links=True)) == 3


def test_every_set_with_official_files_has_a_test() -> None:
    readers = {entry.target.split(":")[0] for entry in DATASETS.values() if entry.facts.get("root")}
    assert readers == {DATASETS[name].target.split(":")[0] for name in MAKERS}


def test_a_complete_list_has_no_notes(tmp_path: Path) -> None:
    official_sets.files(tmp_path / "rgb", *(f"v_{i:05d}.mp4" for i in range(15_027 + 1_970)))
    official_sets.write(tmp_path / "Diving48_vocab.json", json.dumps([["a"], ["b"]]))
    rows = [{"vid_name": f"v_{i:05d}", "label": i % 2} for i in range(15_027 + 1_970)]
    official_sets.write(tmp_path / "Diving48_V2_train.json", json.dumps(rows[:15_027]))
    official_sets.write(tmp_path / "Diving48_V2_test.json", json.dumps(rows[15_027:]))
    assert sources.load(["diving48"], root=str(tmp_path)).notes == ()


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("hmdb51", "testTrainMulti_7030_splits/*_split1.txt", None, "../../../outside.avi 1\n"),
        (
            "kinetics400",
            "train.csv",
            None,
            "label,youtube_id,time_start,time_end,split\n../../outside,abc,1,11,train\n",
        ),
        ("ssv2", "something-something-v2-train.json", '"id": "', '"id": "../../outside'),
        ("diving48", "Diving48_V2_train.json", '"vid_name": "', '"vid_name": "/outside'),
    ],
)
def test_names_that_lead_out_of_the_folder_are_refused_before_a_file_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str, old: str | None, new: str
) -> None:
    MAKERS[name](tmp_path)
    path = next(one for one in sorted(tmp_path.rglob("*")) if one.match(file))
    text = path.read_text()
    path.write_text(text.replace(old, new, 1) if old else new)
    assert path.read_text() != text
    outside = []
    seen = Path.is_file
    monkeypatch.setattr(
        Path, "is_file", lambda one: (outside.append(one) if "outside" in str(one) else None, seen(one))[1]
    )
    with pytest.raises(UsageError, match="leads out of its folder"):
        sources.load([name], root=str(tmp_path))
    assert outside == []
