"""Lists as people write them are read as they meant it, or refused with the reason; damaged ones are refused and never crash."""

import random
from pathlib import Path

import numpy as np
import pytest
from list_variants import TRUTH, Variant, variants

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data import cache, sources
from muybridge.data.decode import video
from muybridge.data.index import check_there
from muybridge.data.lists import folder

ALL = list(variants())


def files(root: Path) -> Path:
    for name in TRUTH:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def wrong(root: Path, variant: Variant) -> str:
    """What was read otherwise than meant; empty where nothing was, ``refused`` in front of a reason."""
    file = root / f"list{variant.suffix}"
    file.write_bytes(variant.text(root))
    try:
        data = folder.read(file)
    except UsageError as error:
        return f"refused: {error}"
    labelled, parted = "label" in variant.columns, "split" in variant.columns
    wanted = {
        name: (label if labelled else "", split if parted else "") for name, (label, split) in TRUTH.items()
    }
    read = {r.id: (data.classes[r.label] if r.label >= 0 else "", r.split) for r in data.records}
    absent = [r.id for r in data.records if not r.path.is_file()]
    return "" if read == wanted and not absent else f"wrong: {read} {absent}"


def check(root: Path, chosen: list[Variant]) -> None:
    files(root)
    said = [(variant, wrong(root, variant)) for variant in chosen]
    assert not [one for one in said if one[1].startswith("wrong")]
    refused = [one for one in said if one[1]]
    assert len(refused) < 0.15 * len(said), refused[:5]
    assert all("path" in reason for _, reason in refused)


def test_a_sample_of_all_variants(tmp_path: Path) -> None:
    check(tmp_path, random.Random(1).sample(ALL, 120))


@pytest.mark.slow
def test_every_variant(tmp_path: Path) -> None:
    assert len(ALL) > 1000
    check(tmp_path, ALL)


def damaged(rng: random.Random, text: bytes) -> bytes:
    """A list with something wrong."""
    nine = b"9" * 5000
    spot = rng.randrange(len(text))
    lines = text.split(b"\n")
    line = rng.randrange(len(lines))
    kinds = [
        lambda: bytes(b ^ (1 << rng.randrange(8)) if rng.random() < 0.02 else b for b in text),
        lambda: text[:spot],
        lambda: text[:spot] + rng.choice([b"\0", b'"', b"\x1b[31m", b"\xff", b"1e999", nine, b"#", b"'"]) + text[spot:],
        lambda: text[:spot] + b"x" * rng.choice([300, 5000, 200_000]) + text[spot:],
        lambda: text.replace(b",", rng.choice([b";", b"\t", b" ", b"|", b",,"])),
        lambda: text.replace(b"run", rng.choice([nine, b"1e999", b"nan", b"=1+1", b"", b"-1", "٣".encode()])),
        lambda: b"\n".join([*lines[:line], b",".join(reversed(lines[line].split(b","))), *lines[line + 1 :]]),
        lambda: b"\n".join([*lines[:line], *lines[line + 1 :]]),
        lambda: b"\n".join([*lines, lines[line]]),
        lambda: rng.choice([b"", b"\n\n", b"{}", b"[]", b"null", b"[" * 100_000, b"path", b"#", b'"', b"\xff\xfe\x00"]),
        lambda: rng.randbytes(rng.randrange(400)),
    ]  # fmt: skip
    return rng.choice(kinds)()


SOUND = {
    ".csv": b"path,label,split,start,end\nrun/1.mp4,run,train,0,1\nrun/2.mp4,run,test,1,2\nwalk/4.avi,walk,train,,\n",
    ".tsv": b"path\tlabel\nrun/1.mp4\trun\nrun/2.mp4\twalk\n",
    ".txt": b"run/1.mp4 run\nwalk/my clip.mp4 walk\n",
    ".json": b'{"database": {"1": {"subset": "training", "annotations": [{"segment": [0, 1.5], "label": "run"}]}}}',
    ".jsonl": b'{"path": "run/1.mp4", "label": "run"}\n{"path": "run/2.mp4", "label": 1}\n',
}


def fuzz(root: Path, seeds: range) -> None:
    """Only typed errors, with messages that a screen holds."""
    files(root)
    for seed in seeds:
        rng = random.Random(seed)
        suffix = rng.choice(sorted(SOUND))
        (root / f"list{suffix}").write_bytes(damaged(rng, SOUND[suffix]))
        try:
            assert sources.load([str(root / f"list{suffix}")]).fingerprint
        except MuybridgeError as error:
            said = str(error)
            assert len(said) < 3000, seed


def test_some_damaged_lists_end_in_typed_errors(tmp_path: Path) -> None:
    fuzz(tmp_path, range(150))


@pytest.mark.slow
def test_many_damaged_lists_end_in_typed_errors(tmp_path: Path) -> None:
    fuzz(tmp_path, range(150, 2150))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """50 frames, two seconds, each of its own grey."""
    pictures = np.arange(50, dtype=np.uint8).reshape(-1, 1, 1, 1) * np.full((1, 32, 32, 3), 5, np.uint8)
    video.write(tmp_path / "v.mp4", pictures, 25)
    return tmp_path / "v.mp4"


@pytest.mark.parametrize(
    ("columns", "cells", "frames"),
    [
        ("start,end", "0,1", range(25)),
        ("start,end", "1,2", range(25, 50)),
        ("start,end", "0.5,", range(13, 50)),
        ("start_time,end_time", "0:00:01,00:01.2", range(25, 30)),
        ("start,end", "1,2.5", range(25, 50)),
        ("start_frame,end_frame", "10,20", range(10, 20)),
        ("start_frame,end_frame", ",3", range(3)),
    ],
)
def test_segments_are_their_frames(clip: Path, columns: str, cells: str, frames: range) -> None:
    (clip.parent / "a.csv").write_text(f"path,label,{columns}\nv.mp4,x,{cells}\n")
    data = folder.read(clip.parent / "a.csv")
    record = data.records[0]
    whole = video.read_all(clip)
    assert record.path == clip
    assert record.group == "v.mp4"
    assert video.probe(record.video).frames == len(frames)
    assert np.array_equal(video.read_all(record.video), whole[frames.start : frames.stop])
    assert np.array_equal(video.read(record.video, [2, 0]), whole[[frames.start + 2, frames.start]])
    store = cache.build(
        data.records, cache.plan(data.records, cache.Geometry(32, 32), root=clip.parent / "c")
    )
    assert np.array_equal(store.read(0, np.arange(len(frames))), whole[frames.start : frames.stop])
    with pytest.raises(MuybridgeError, match="frames in this segment"):
        video.read(record.video, [len(frames)])


def test_segments_of_one_video_are_videos_of_one_group(clip: Path) -> None:
    path = clip.parent / "a.csv"
    path.write_text("path,label,start,end\nv.mp4,x,0,1\nv.mp4,y,1,2\n")
    data = folder.read(path)
    assert [r.id for r in data.records] == ["v.mp4#t=0,1", "v.mp4#t=1,2"]
    assert {r.group for r in data.records} == {"v.mp4"}
    assert len(set(data.files.values())) == 2
    path.write_text("path,split,start,end\nv.mp4,train,0,1\nv.mp4,test,0.9,2\n")
    with pytest.raises(UsageError, match="one file and in two splits"):
        folder.read(path)
    path.write_text("path,split,start,end\nv.mp4,train,0,1\nv.mp4,test,1,2\n")
    assert any("segments in several splits" in note for note in folder.read(path).notes)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0,24", "does not lie in the video, which is 2.00 s long.*start_frame and end_frame"),
        ("5,6", "does not lie in the video"),
    ],
)
def test_a_segment_behind_its_video_is_broken(clip: Path, line: str, message: str) -> None:
    (clip.parent / "a.csv").write_text(f"path,label,start,end\nv.mp4,x,{line}\n")
    with pytest.raises(MuybridgeError, match=message):
        video.probe(folder.read(clip.parent / "a.csv").records[0].video)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("2,1", "an end behind the start"),
        *((cells, "wanted seconds") for cells in ("a,b", "-1,2", "1e999,2", "0," + "9" * 5000)),
    ],
)
def test_ends_that_are_none(clip: Path, cells: str, message: str) -> None:
    (clip.parent / "a.csv").write_text(f"path,label,start,end\nv.mp4,x,{cells}\n")
    with pytest.raises(UsageError, match=message):
        folder.read(clip.parent / "a.csv")


def test_kinetics_and_activitynet_lists(tmp_path: Path) -> None:
    for name in ("abc_000001_000011.webm", "def.mkv", "v_ghi.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "k.csv").write_text(
        "label,youtube_id,time_start,time_end,split\nrun,abc,1,11,train\nwalk,def,3,13,validate\n"
    )
    rows = {r.id: (r.path.name, r.split) for r in folder.read(tmp_path / "k.csv").records}
    assert rows == {
        "abc_000001_000011.webm": ("abc_000001_000011.webm", "train"),
        "def.mkv#t=3,13": ("def.mkv", "val"),
    }
    (tmp_path / "a.json").write_text(
        '{"database": {"ghi": {"subset": "training", "annotations": [{"segment": [1.5, 4], "label": "run"}]},'
        ' "def": {"subset": "testing", "annotations": []}}}'
    )
    data = folder.read(tmp_path / "a.json")
    assert {r.id: (r.label, r.split) for r in data.records} == {
        "def.mkv": (-1, "test"),
        "v_ghi.mp4#t=1.5,4": (0, "train"),
    }


def test_paths_of_another_machine(tmp_path: Path) -> None:
    files(tmp_path / "here")
    path = tmp_path / "a.csv"
    path.write_text(
        "path,label\n" + "".join(f"/gone/data/{name},{label}\n" for name, (label, _) in TRUTH.items())
    )
    with pytest.raises(UsageError, match=r"4 of 4 videos are not there.*"):
        check_there(folder.read(path), allow=True)
    (tmp_path / "here" / "a.csv").write_text(path.read_text())
    with pytest.raises(UsageError, match=rf"begin with /gone/data, .*--root {tmp_path}/here would"):
        check_there(folder.read(tmp_path / "here" / "a.csv"), allow=False)
    data = folder.read(path, root=tmp_path / "here")
    assert {r.id for r in data.records} == set(TRUTH)
    assert any("are read below" in note for note in data.notes)


def test_segments_of_another_machine_keep_what_their_lines_say(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "1.mp4").write_bytes(b"1")
    path = tmp_path / "a.csv"
    path.write_text(
        "path,label,split,start,end,group,video_stream\n"
        "/gone/1.mp4,run,train,0,1,r,0\n/gone/1.mp4,walk,test,1,2,w,1\n/gone/1.mp4,,val,2,3,,\n"
    )
    data = folder.read(path, root=tmp_path / "here")
    assert {r.file for r in data.records} == {str(tmp_path / "here" / "1.mp4")}
    assert {(str(r.segment), r.label, r.split, r.group, r.stream) for r in data.records} == {
        ("#t=0,1", 0, "train", "r", 0),
        ("#t=1,2", 1, "test", "w", 1),
        ("#t=2,3", -1, "val", "1.mp4", None),
    }


def test_a_video_of_another_machine_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "1.mp4").write_bytes(b"1")
    path = tmp_path / "a.csv"
    path.write_text("path,label,split\n/gone/1.mp4,run,train\n/gone/1.mp4,run,test\n")
    with pytest.raises(
        UsageError, match=r"in two splits, train \(a\.csv, line 2\) and test \(a\.csv, line 3\)"
    ):
        folder.read(path, root=tmp_path / "here")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "clip_of,what\nrun/1.mp4,run\n", "no known column name"),
        ("a.csv", "0,run/1.mp4\n1,run/2.mp4\n", "the first column counts the lines"),
        ("a.txt", "run/1.mp4 0 1 5\n", "several numbers, '0 1 5'"),
        ("a.csv", "path,label\nrun/1.mp4,0 1 5\nrun/2.mp4,1\n", "names several classes"),
        ("a.csv", 'path,label\nrun/1.mp4,"run,walk"\nrun/2.mp4,run\nwalk/4.avi,walk\n', "names several classes"),
        ("a.txt", "run/1.mp4 run # odd\n", "holds a #"),
        ("a.csv", "path,label\nhttps://x.org/1.mp4,a\n", "nothing is downloaded"),
        ("a.csv", "path,label\n" + "x" * 300 + ".mp4,a\n", "longer than a name can be"),
        ("a.csv", "path,label,start,end,start_frame,end_frame\nrun/1.mp4,a,0,1,0,25\n", "in seconds and in frames"),
        ("a.json", '{"images": []}', "wanted a list of objects"),
    ],
)  # fmt: skip
def test_what_is_neither_is_refused_with_a_way_out(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (files(tmp_path) / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        folder.read(tmp_path / name)


def test_labels_as_they_were_meant(tmp_path: Path) -> None:
    path = files(tmp_path) / "a.csv"
    path.write_text("path,label\nrun/1.mp4,0.0\nrun/2.mp4,10.0\nwalk/4.avi,\n")
    data = folder.read(path)
    assert data.classes == ("0", "10")
    assert data.notes == ("labels such as 0.0 are read as 0",)
    path.write_text("path,label\nrun/1.mp4," + "9" * 5000 + "\nrun/2.mp4,1\n")
    assert len(folder.read(path).classes) == 2
    path.write_text("path,label\nrun/1.mp4,1\nrun/2.mp4,01\n")
    assert folder.read(path).notes == ("labels 01 and 1 differ only in zeros and are two classes",)


def test_three_folders_deep_without_a_known_split_is_noted(tmp_path: Path) -> None:
    for name in ("first/a/1.mp4", "second/b/2.mp4"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(name.encode())
    assert "first, second is no known split" in folder.read(tmp_path).notes[0]
    (tmp_path / "first").rename(tmp_path / "train")
    (tmp_path / "second").rename(tmp_path / "validate")
    assert [r.split for r in folder.read(tmp_path).records] == ["train", "val"]


def test_nanoseconds_in_parquet(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    times = pyarrow.array([2**62], pyarrow.timestamp("ns"))
    parquet.write_table(pyarrow.table({"path": ["run/1.mp4"], "label": times}), files(tmp_path) / "a.parquet")
    assert folder.read(tmp_path / "a.parquet").classes[0].startswith("2116")


@pytest.mark.parametrize("between", [" ", "\t", ";", "|"])
@pytest.mark.parametrize("named", ["#t=0,0.5", "#t=3", "#frames=2,6", "#stream=0", "#stream=1#t=0,1"])
def test_segments_and_streams_of_a_list_without_names(tmp_path: Path, between: str, named: str) -> None:
    path = files(tmp_path) / "a.txt"
    path.write_text(f"run/1.mp4{named}{between}run\nwalk/4.avi{between}walk\n")
    data = folder.read(path)
    assert [(r.id, data.classes[r.label]) for r in data.records] == [
        (f"run/1.mp4{named}", "run"),
        ("walk/4.avi", "walk"),
    ]


def test_a_segment_s_comma_in_a_csv_without_names_wants_quotes(tmp_path: Path) -> None:
    path = files(tmp_path) / "a.csv"
    path.write_text("run/1.mp4#t=0,0.5,run\n")
    with pytest.raises(UsageError, match="put quotes around names that hold ','"):
        folder.read(path)
    path.write_text('"run/1.mp4#t=0,0.5",run\n')
    assert [r.id for r in folder.read(path).records] == ["run/1.mp4#t=0,0.5"]
