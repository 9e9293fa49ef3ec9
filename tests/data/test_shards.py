"""Tar shards as a data set: samples, labels, splits, patterns, and the same pixels as from files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from make_shards import pack, sample
from make_videos import encode

from muybridge.core.errors import UsageError, VideoError
from muybridge.data import cache, sources
from muybridge.data.decode import video
from muybridge.data.doctor import examine
from muybridge.data.index import Dataset
from muybridge.data.lists import shards


def labels(data: Dataset) -> dict[str, str]:
    return {r.id: data.classes[r.label] if r.label >= 0 else "" for r in data.records}


def test_a_folder_of_shards(tmp_path: Path) -> None:
    pack(
        tmp_path / "s" / "train-000000.tar",
        [*sample("00001", cls="run"), *sample("00002", b"2", cls=" walk\n")],
    )
    pack(tmp_path / "s" / "val-000000.tar", [*sample("00001", b"3", cls="run")])
    data = sources.load([str(tmp_path / "s")])
    assert data.name == "s"
    assert labels(data) == {
        "train-000000.tar::00001.mp4": "run",
        "train-000000.tar::00002.mp4": "walk",
        "val-000000.tar::00001.mp4": "run",
    }
    assert [r.split for r in data.records] == ["train", "train", "val"]
    assert all(str(r.path) == f"{tmp_path}/s/{r.id}" and r.group == r.id for r in data.records)
    assert data.notes == ()


def test_the_same_samples_elsewhere_have_the_same_fingerprint(tmp_path: Path) -> None:
    files = [*sample("1", cls="a"), *sample("2", b"other", cls="b")]
    one, two = (pack(tmp_path / place / "s" / "x.tar", files).parent for place in ("here", "there"))
    assert sources.load([str(one)]).fingerprint == sources.load([str(two)]).fingerprint


@pytest.mark.parametrize(
    ("said", "label", "wanted"),
    [
        ({"cls": "run"}, None, "run"),
        ({"json": {"label": "run"}}, None, "run"),
        ({"json": {"verb": "run", "label": "x"}}, "verb", "run"),
        ({"cls": "x", "json": {"verb": "run"}}, "verb", "run"),
        ({"cls": "run", "json": {"cls": "x"}}, None, "run"),
        ({"json": {"cls": "x"}, "cls": "run"}, "cls", "run"),
        ({"txt": "a person runs", "json": {"class": "run"}}, None, "run"),
        ({"txt": "run"}, "txt", "run"),
        ({"txt": "a person runs"}, None, ""),
        ({"cls": 7}, None, "7"),
    ],
)  # fmt: skip
def test_where_labels_come_from(
    tmp_path: Path, said: dict[str, object], label: str | None, wanted: str
) -> None:
    path = pack(tmp_path / "x.tar", sample("1", **said))
    assert list(labels(shards.read(str(path), label=label)).values()) == [wanted]


def test_numbers_count_in_the_file_of_classes(tmp_path: Path) -> None:
    pack(tmp_path / "x.tar", [*sample("1", cls=2), *sample("2", cls=0)])
    assert shards.read(str(tmp_path)).classes == ("0", "2")
    (tmp_path / "classes.txt").write_text("run\nnever\nwalk\n")
    data = shards.read(str(tmp_path))
    assert data.classes == ("run", "never", "walk")
    assert labels(data) == {"x.tar::1.mp4": "walk", "x.tar::2.mp4": "run"}
    (tmp_path / "classes.txt").write_text("run\nwalk\n")
    with pytest.raises(UsageError, match=r"x\.tar::1\.mp4: label '2' is not in .*classes\.txt \(2 classes\)"):
        shards.read(str(tmp_path))


def test_groups_conditions_and_splits_come_from_the_json(tmp_path: Path) -> None:
    pack(tmp_path / "x.tar", [
        *sample("1", json={"label": "a", "who": "s1", "split": "training", "ok": 1}),
        *sample("2", json={"label": "b", "who": "s2", "split": "eval", "ok": 1}),
        *sample("3", json={"label": "c", "who": "s2", "split": "eval", "ok": 0}),
    ])  # fmt: skip
    data = shards.read(str(tmp_path), group="who", where=["ok=1"])
    assert [(r.group, r.split) for r in data.records] == [("s1", "train"), ("s2", "test")]
    assert data.classes == ("a", "b")
    with pytest.raises(UsageError, match=r"no column 'hwo'\. Did you mean 'who'"):
        shards.read(str(tmp_path), group="hwo")
    with pytest.raises(UsageError, match=r"no sample of which ok=2 holds"):
        shards.read(str(tmp_path), where=["ok=2"])


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("train/0.tar", "validation/0.tar"), ["train", "val"]),
        (("train-0.tar", "val-0.tar", "test_0.tar"), ["train", "val", "test"]),
        (("kinetics-train-000.tar", "kinetics-dev-000.tar"), ["train", "val"]),
        (("a.tar", "b.tar"), ["", ""]),
        (("trained.tar", "b.tar"), ["", ""]),
    ],
)
def test_splits_come_from_folders_and_names(
    tmp_path: Path, names: tuple[str, ...], wanted: list[str]
) -> None:
    for i, name in enumerate(names):
        pack(tmp_path / name, sample("1", bytes([i])))
    data = shards.read(str(tmp_path))
    by_shard = {r.id.partition("::")[0]: r.split for r in data.records}
    assert [by_shard[name] for name in names] == wanted


def test_shards_of_which_only_some_say_a_split_are_refused(tmp_path: Path) -> None:
    for name in ("train-0.tar", "more-0.tar"):
        pack(tmp_path / name, sample("1"))
    with pytest.raises(UsageError, match=r"1 shards say a split and those of 1 do not, as more-0\.tar"):
        shards.read(str(tmp_path))


def test_keys_end_at_the_first_dot_and_keep_their_folder(tmp_path: Path) -> None:
    pack(
        tmp_path / "x.tar",
        [
            ("a/1.left.mp4", b"v"),
            ("b/1.mp4", b"w"),
            ("a/1.cls", b"run"),
            ("b/1.cls", b"walk"),
            ("README", b""),
        ],
    )
    assert labels(shards.read(str(tmp_path))) == {"x.tar::a/1.left.mp4": "run", "x.tar::b/1.mp4": "walk"}
    pack(tmp_path / "x.tar", [("clip_1.5s.mp4", b"v"), ("clip_1.8s.mp4", b"w")])
    with pytest.raises(UsageError, match=r"sample 'clip_1' has 2 videos.*up to the first dot"):
        shards.read(str(tmp_path))


def test_samples_without_a_video_are_noted(tmp_path: Path) -> None:
    pack(tmp_path / "x.tar", [*sample("1", cls="a"), ("2.cls", b"b"), ("3.jpg", b"")])
    assert shards.read(str(tmp_path)).notes == ("2 samples of the shards have no video and are left out",)
    pack(tmp_path / "x.tar", [("2.cls", b"b")])
    with pytest.raises(UsageError, match="no videos in 1 shards"):
        shards.read(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("1.json", b"{", r"x\.tar::1\.json: not JSON"),
        ("1.json", b"[" * 200_000, r"x\.tar::1\.json: not JSON"),
        ("1.json", b"[]", r"x\.tar::1\.json: wanted an object"),
        ("1.json", b'{"label": ["a"]}', r"x\.tar::1\.mp4: label is \['a'\]; wanted a text or a number"),
        ("1.json", b'{"split": "trian"}', r"x\.tar::1\.mp4: split 'trian'; wanted train, val or test"),
        ("1.json", b'{"label": "\\ud800"}', r"x\.tar::1\.mp4: the label .* is not UTF-8"),
        ("1.cls", b"caf\xe9", r"x\.tar::1\.cls: not UTF-8 text"),
        ("1.cls", b"a\nb", r"x\.tar::1\.mp4: the label 'a\\nb' holds a line break"),
        ("1.txt", b"x" * (shards.TEXT + 1), r"x\.tar::1\.txt: 1,048,577 bytes of text"),
    ],
)  # fmt: skip
def test_bad_texts_are_refused_with_their_member(
    tmp_path: Path, name: str, text: bytes, message: str
) -> None:
    pack(tmp_path / "x.tar", [("1.mp4", b"v"), (name, text)])
    with pytest.raises(UsageError, match=message):
        shards.read(str(tmp_path))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a-{000..002}.tar", ["a-000.tar", "a-001.tar", "a-002.tar"]),
        ("a-{9..11}.tar", ["a-9.tar", "a-10.tar", "a-11.tar"]),
        ("{train,val}-{0..1}.tar", ["train-0.tar", "train-1.tar", "val-0.tar", "val-1.tar"]),
        ("plain.tar", ["plain.tar"]),
    ],
)
def test_patterns(pattern: str, names: list[str]) -> None:
    assert shards.expand(pattern) == names


@pytest.mark.parametrize(
    "pattern", ["a-{5..3}.tar", "a-{x}.tar", "a-{}.tar", "a-{0..999999999}.tar", "a-{0..9999}{0..9999}.tar"]
)
def test_patterns_that_name_nothing_sensible_are_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="wanted"):
        shards.expand(pattern)


def test_a_pattern_is_a_source_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(3):
        pack(tmp_path / f"train-00{i}.tar", sample(str(i), bytes([i])))
    monkeypatch.chdir(tmp_path)
    data = sources.load(["train-{000..001}.tar"])
    assert [r.id for r in data.records] == ["train-000.tar::0.mp4", "train-001.tar::1.mp4"]
    assert sources.absolute("train-{000..001}.tar") == f"{tmp_path}/train-{{000..001}}.tar"
    with pytest.raises(UsageError, match=r"1 of 4 shards are not there, the first: .*train-003\.tar"):
        sources.load(["train-{000..003}.tar"])
    assert len(sources.load([str(tmp_path / "train-002.tar")])) == 1
    assert sources.absolute("train-{000..002}.tar@2") == f"{tmp_path}/train-{{000..002}}.tar@2"
    assert len(sources.load(["train-{000..002}.tar@2"])) == 2


def test_videos_beside_tars_win_and_the_tars_are_noted(tmp_path: Path) -> None:
    pack(tmp_path / "backup.tar", sample("1"))
    (tmp_path / "1.mp4").write_bytes(b"v")
    data = sources.load([str(tmp_path)])
    assert [r.id for r in data.records] == ["1.mp4"]
    assert "1 tar files are left out" in data.notes[0]


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz", "x.tar"])
def test_compressed_shards_are_refused_by_name_and_by_content(tmp_path: Path, name: str) -> None:
    import gzip

    plain = pack(tmp_path / "plain" / "x.tar", sample("1")).read_bytes()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_bytes(gzip.compress(plain))
    for source in (tmp_path / "set", tmp_path / "set" / name):
        with pytest.raises(UsageError, match=r"compressed \(gzip\)"):
            sources.load([str(source)])


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    """Videos of several containers, and a folder with a shard of them."""
    root = tmp_path_factory.mktemp("packed")
    files = [
        encode(root / "0.mp4", "libx264", frames=20, bframes=2),
        encode(root / "1.mkv", "libx264", frames=20),
        encode(root / "2.avi", "mpeg4", frames=20),
        encode(root / "3.ts", "mpeg2video", frames=20),
        encode(root / "4.webm", "libvpx-vp9", frames=12),
        encode(root / "5.mp4", "libx264", frames=20, muxer={"movflags": "faststart"}),
    ]
    pack(root / "s" / "x.tar", [(file.name, file.read_bytes()) for file in files])
    return files, root / "s"


def test_pixels_of_every_container_are_those_of_the_file(packed: tuple[list[Path], Path]) -> None:
    files, folder = packed
    for file, record in zip(files, sources.load([str(folder)]).records, strict=True):
        assert record.path.name == f"x.tar::{file.name}"
        assert vars(video.probe(record.path)) | {"path": file} == vars(video.probe(file))
        places = [7, 0, 11, 7]
        np.testing.assert_array_equal(video.read(record.path, places), video.read(file, places))
        np.testing.assert_array_equal(video.read_all(record.path), video.read_all(file))


def test_a_cut_member_is_broken_like_a_cut_file(packed: tuple[list[Path], Path], tmp_path: Path) -> None:
    for file in packed[0][:3]:
        data = file.read_bytes()
        half = tmp_path / file.name
        half.write_bytes(data[: len(data) // 2])
        pack(tmp_path / "x.tar", [(file.name, half.read_bytes()), ("after.mp4", data)])
        with pytest.raises(VideoError) as alone:
            video.read_all(half)
        with pytest.raises(VideoError) as inside:
            video.read_all(Path(f"{tmp_path}/x.tar::{file.name}"))
        assert (inside.value.frame, inside.value.reason) == (alone.value.frame, alone.value.reason)


def test_the_cache_is_shared_with_the_same_files(packed: tuple[list[Path], Path], tmp_path: Path) -> None:
    files, folder = packed
    (tmp_path / "plain").mkdir()
    for file in files:
        shutil.copy(file, tmp_path / "plain")
    inside, plain = (sources.load([str(place)]).records for place in (folder, tmp_path / "plain"))
    one = cache.plan(inside, cache.Geometry(24, 32), root=tmp_path)
    assert one.folder == cache.plan(plain, cache.Geometry(24, 32), root=tmp_path).folder
    store = cache.build(inside, one)
    assert not any(store.errors)
    np.testing.assert_array_equal(
        store.read(0, np.arange(5)), video.read(files[0], range(5), height=24, width=32)
    )


def test_the_doctor_reads_members_and_finds_a_leak(packed: tuple[list[Path], Path], tmp_path: Path) -> None:
    data = packed[0][0].read_bytes()
    pack(tmp_path / "train-0.tar", [("1.mp4", data), ("2.mp4", b"no video")])
    pack(tmp_path / "test-0.tar", [("9.mp4", data)])
    found = examine.survey(sources.load([str(tmp_path)]), root=tmp_path / "kept", workers=1)
    leak, broken = found.findings
    assert (broken.kind, broken.video) == ("broken", "train-0.tar::2.mp4")
    assert leak.kind == "leak"
    assert all(name in f"{leak.video} {leak.detail}" for name in ("train-0.tar::1.mp4", "test-0.tar::9.mp4"))
    assert found.frames == 40


def test_a_written_list_of_members_reads_back(packed: tuple[list[Path], Path], tmp_path: Path) -> None:
    records = sources.load([str(packed[1])]).records
    (tmp_path / "some.csv").write_text("path,label\n" + "".join(f"{r.path},x\n" for r in records[:2]))
    assert [r.path for r in sources.load([str(tmp_path / "some.csv")]).records] == [
        r.path for r in records[:2]
    ]
