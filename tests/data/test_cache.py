"""The frame cache: the frames that the reader gives, built once, whatever happens on the way."""

import json
import multiprocessing
import shutil
from collections import Counter, namedtuple
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import MuybridgeError, VideoError
from muybridge.data import cache
from muybridge.data.decode import video
from muybridge.data.index import VideoRecord

SIZE = cache.Geometry(24, 32)
LENGTHS = (5, 12, 1, 8, 3)
Usage = namedtuple("Usage", "total used free")


def _pixels(frames: int, seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Soft waves that move, so that compression has something to lose and neighbours differ."""
    t, y, x = np.meshgrid(np.arange(frames), np.arange(height), np.arange(width), indexing="ij")
    waves = [np.sin(x / (9 + seed) + c + t / 3) + np.cos(y / (7 + c) - t / 2) for c in range(3)]
    return (127 + 60 * np.stack(waves, -1)).astype(np.uint8)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[VideoRecord]:
    """Videos of several lengths."""
    folder = tmp_path_factory.mktemp("clips")
    records = [
        VideoRecord(f"{i}.mp4", str(folder / f"{i}.mp4"), i % 2, "", f"{i}") for i in range(len(LENGTHS))
    ]
    for i, record in enumerate(records):
        video.write(record.path, _pixels(LENGTHS[i], i), 10.0)
    return records


def _built(
    clips: Sequence[VideoRecord], root: Path, kind: cache.Kind = "auto", geometry: cache.Geometry = SIZE
) -> cache.FrameStore:
    return cache.build(clips, cache.plan(clips, geometry, kind=kind, root=root))


def _frames(store: cache.FrameStore) -> list[np.ndarray]:
    return [store.read(i, np.arange(store.frames[i])) for i in range(len(store))]


def _names(root: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in (root / "frames").iterdir())


@pytest.mark.parametrize(
    "geometry", [SIZE, cache.Geometry(20, 20), cache.Geometry(20, 20, "squash")], ids=str
)
def test_memory_gives_the_frames_that_the_reader_gives(
    clips: list[VideoRecord], tmp_path: Path, geometry: cache.Geometry
) -> None:
    store = _built(clips, tmp_path, "memory", geometry)
    assert store.frames.tolist() == list(LENGTHS)
    for record, frames in zip(clips, _frames(store), strict=True):
        np.testing.assert_array_equal(frames, video.read_all(record.path, **vars(geometry)))


@pytest.mark.parametrize("size", [(24, 32), (25, 31)])
def test_video_gives_the_frames_of_the_reader_up_to_compression(
    clips: list[VideoRecord], tmp_path: Path, size: tuple[int, int]
) -> None:
    geometry = cache.Geometry(*size)
    store = _built(clips, tmp_path, "video", geometry)
    assert store.kind == "video"
    for record, frames in zip(clips, _frames(store), strict=True):
        exact = video.read_all(record.path, **vars(geometry))
        assert frames.shape == exact.shape
        error = np.square(frames.astype(float) - exact).mean(axis=(1, 2, 3))
        assert (10 * np.log10(255**2 / error)).min() > 30, "PSNR of every frame, decibels"


@pytest.mark.parametrize("kind", ["memory", "video"])
def test_any_frames_in_any_order(clips: list[VideoRecord], tmp_path: Path, kind: cache.Kind) -> None:
    store = _built(clips, tmp_path, kind)
    wanted = np.array([[7, 0], [3, 3]])
    np.testing.assert_array_equal(store.read(3, wanted), store.read(3, np.arange(8))[wanted])


@pytest.mark.parametrize("kind", ["memory", "video"])
@pytest.mark.parametrize("frame", [-1, 5, 6])
def test_a_frame_beyond_the_video_is_refused_not_taken_from_its_neighbour(
    clips: list[VideoRecord], tmp_path: Path, kind: cache.Kind, frame: int
) -> None:
    store = _built(clips, tmp_path, kind)
    with pytest.raises(VideoError, match=f"cannot give frame {frame}: it has 5 frames"):
        store.read(0, np.array([0, frame]))


def test_the_same_videos_in_another_order_folder_or_list_share_a_cache(
    clips: list[VideoRecord], tmp_path: Path
) -> None:
    moved = []
    for record in reversed(clips):
        path = tmp_path / "else" / f"renamed {record.id}"
        path.parent.mkdir(exist_ok=True)
        shutil.copy(record.path, path)
        moved.append(VideoRecord(path.name, str(path), 7, "train", "g"))
    store, again = _built(clips, tmp_path), _built(moved, tmp_path)
    assert again.folder == store.folder
    for one, two in zip(_frames(store), reversed(_frames(again)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_other_geometry_or_other_videos_make_another_cache(clips: list[VideoRecord], tmp_path: Path) -> None:
    plans = [
        cache.plan(clips, SIZE, root=tmp_path),
        cache.plan(clips, cache.Geometry(32, 24), root=tmp_path),
        cache.plan(clips, cache.Geometry(24, 32, "squash"), root=tmp_path),
        cache.plan(clips[1:], SIZE, root=tmp_path),
    ]
    assert len({planned.folder for planned in plans}) == 4


def test_a_video_that_is_listed_twice_is_stored_once(clips: list[VideoRecord], tmp_path: Path) -> None:
    store = _built([clips[1], clips[0], clips[1]], tmp_path)
    np.testing.assert_array_equal(store.read(0, np.arange(12)), store.read(2, np.arange(12)))
    assert (store.folder / "frames.u8").stat().st_size == (12 + 5) * 24 * 32 * 3


def test_the_size_is_said_before_anything_is_decoded(
    clips: list[VideoRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(video, "read_all")
        planned = cache.plan(clips, cache.Geometry(480, 640), root=tmp_path)
    assert planned.bytes == 29 * 480 * 640 * 3
    assert str(planned) == f"5 videos, 29 frames at 480x640: 27 MB (memory), to be built in {planned.folder}"
    _built(clips, tmp_path)
    assert str(cache.plan(clips, SIZE, root=tmp_path)).endswith(
        f"0 MB (memory), ready in {cache.plan(clips, SIZE, root=tmp_path).folder}"
    )


def test_large_sets_are_kept_as_video(
    clips: list[VideoRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = 29 * 24 * 32 * 3
    for limit, kind in ((raw, "memory"), (raw - 1, "video")):
        monkeypatch.setattr(cache, "MEMORY_LIMIT", limit)
        assert cache.plan(clips, SIZE, root=tmp_path).kind == kind
    assert cache.plan(clips, SIZE, root=tmp_path).bytes == raw // 50


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each video was decoded whole."""
    count: Counter[str] = Counter()
    honest = video.read_all

    def counting(path: Path, **size: object) -> np.ndarray:
        count[Path(path).name] += 1
        return honest(path, **size)  # type: ignore[arg-type]

    monkeypatch.setattr(video, "read_all", counting)
    return count


def test_a_finished_cache_is_not_built_again(
    clips: list[VideoRecord], tmp_path: Path, decoded: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(clips, tmp_path)
    monkeypatch.delattr(video, "probe")
    again = _built(clips, tmp_path)
    assert set(decoded.values()) == {1}
    assert len(decoded) == len(again) == 5


def _interrupt_after(videos: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        assert total == 5
        if done == videos:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("kind", ["memory", "video"])
@pytest.mark.parametrize("videos", [1, 3, 5])
def test_killed_on_the_way_finished_videos_are_kept(
    clips: list[VideoRecord], tmp_path: Path, decoded: Counter[str], kind: cache.Kind, videos: int
) -> None:
    whole = _built(clips, tmp_path / "undisturbed", kind)
    decoded.clear()
    planned = cache.plan(clips, SIZE, kind=kind, root=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.build(clips, planned, progress=_interrupt_after(videos))
    assert not planned.folder.exists(), "it has its name only when complete"
    seen: list[tuple[int, int]] = []
    store = cache.build(clips, cache.plan(clips, SIZE, root=tmp_path), progress=lambda *at: seen.append(at))
    assert decoded == Counter({record.path.name: 1 for record in clips})
    assert seen == [(done, 5) for done in range(videos + 1, 6)]
    assert store.kind == kind, "the kind that was begun is kept"
    for one, two in zip(_frames(store), _frames(whole), strict=True):
        np.testing.assert_array_equal(one, two)
    assert sorted(p.name for p in store.folder.iterdir()) == sorted(p.name for p in whole.folder.iterdir())
    assert _names(tmp_path) == _names(tmp_path / "undisturbed") == ["", "json", "lock"]


def test_killed_while_writing_the_journal_the_rest_of_it_counts(
    clips: list[VideoRecord], tmp_path: Path, decoded: Counter[str]
) -> None:
    planned = cache.plan(clips, SIZE, root=tmp_path)
    for stop in (2, 4):
        with pytest.raises(KeyboardInterrupt):
            cache.build(clips, planned, progress=_interrupt_after(stop))
        journal = planned.folder.with_suffix(".memory.part") / "done.jsonl"
        journal.write_bytes(journal.read_bytes()[:-9])
    cache.build(clips, planned)
    assert max(decoded.values()) == 2
    assert decoded.total() == 7, "only the two whose lines were torn are decoded again"


def test_a_cache_that_was_begun_as_another_kind_is_not_mixed_up(
    clips: list[VideoRecord], tmp_path: Path
) -> None:
    as_memory = cache.plan(clips, SIZE, kind="memory", root=tmp_path)
    as_video = cache.plan(clips, SIZE, kind="video", root=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.build(clips, as_video, progress=_interrupt_after(2))
    assert cache.plan(clips, SIZE, root=tmp_path).kind == "video"
    store = cache.build(clips, as_memory)
    assert store.kind == "video"
    assert min(frames.std() for frames in _frames(store)) > 10, "no frame is left empty"


def _break(record: VideoRecord, folder: Path, how: str) -> VideoRecord:
    path = folder / f"{how}.mp4"
    content = bytearray(record.path.read_bytes())
    at = content.index(b"mdat") + 4
    if how == "cut":
        content = content[: at + 40]
    elif how == "noise":
        content[at + 700 : at + 1500] = bytes(800)
    else:
        content = bytearray(b"no video at all")
    path.write_bytes(content)
    return VideoRecord(path.name, str(path), 0, "", path.name)


@pytest.mark.parametrize("how", ["cut", "noise", "text"])
@pytest.mark.parametrize("kind", ["memory", "video"])
def test_a_broken_video_is_recorded_and_the_others_are_whole(
    clips: list[VideoRecord], tmp_path: Path, how: str, kind: cache.Kind
) -> None:
    records = [clips[0], _break(clips[1], tmp_path, how), clips[2]]
    store = _built(records, tmp_path, kind)
    assert [bool(error) for error in store.errors] == [False, True, False]
    assert "\n" not in store.errors[1]
    with pytest.raises(VideoError) as caught:
        store.read(1, np.array([0]))
    assert caught.value.reason == store.errors[1]
    assert store.read(2, np.array([0])).std() > 10


def test_nothing_but_broken_videos_is_no_crash(clips: list[VideoRecord], tmp_path: Path) -> None:
    store = _built([_break(clips[0], tmp_path, "text")], tmp_path)
    assert store.errors[0]
    assert store.frames.tolist() == [0]


@pytest.mark.parametrize("kind", ["memory", "video"])
def test_a_full_disk_is_told_before_decoding(
    clips: list[VideoRecord],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: cache.Kind,
    decoded: Counter[str],
) -> None:
    planned = cache.plan(clips, cache.Geometry(2400, 3200), kind=kind, root=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1000))
        with pytest.raises(
            MuybridgeError, match=r"needs 0\.\d GB and the disk has 0\.0 GB.* MUYBRIDGE_CACHE"
        ):
            cache.build(clips, planned)
    assert not decoded


def test_going_on_asks_only_for_the_room_that_is_still_missing(
    clips: list[VideoRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = cache.plan(clips, cache.Geometry(240, 320), root=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.build(clips, planned, progress=_interrupt_after(5))
    part = planned.folder.with_suffix(".memory.part")
    held = (part / "frames.u8").stat().st_blocks * 512
    assert held >= planned.bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 0))
    cache.build(clips, planned)


def test_room_is_reserved_before_decoding(
    clips: list[VideoRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = cache.plan(clips, cache.Geometry(240, 320), root=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.build(clips, planned, progress=_interrupt_after(1))
    raw = next(tmp_path.rglob("frames.u8")).stat()
    assert raw.st_blocks * 512 >= raw.st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1000))
    assert len(cache.build(clips, planned)) == len(clips)


def test_remove_frees_what_it_says_and_spares_the_rest(clips: list[VideoRecord], tmp_path: Path) -> None:
    store = _built(clips, tmp_path)
    (tmp_path / "mine.txt").write_bytes(bytes(1000))
    (tmp_path / "builtin").mkdir()
    (tmp_path / "builtin" / "a.mp4").write_bytes(bytes(70))
    held = sum(path.stat().st_size for path in (tmp_path / "frames").rglob("*") if path.is_file())
    assert held > 29 * 24 * 32 * 3
    assert cache.remove(tmp_path) == held + 70
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert cache.remove(tmp_path) == cache.remove(tmp_path / "nothing") == 0
    assert not store.folder.exists()


def _build_beside(clips: list[VideoRecord], root: Path, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    store = _built(clips, root)
    (root / f"{multiprocessing.current_process().name}.json").write_text(
        json.dumps([int(frames.sum()) for frames in _frames(store)])
    )


def test_two_processes_at_once_end_with_one_cache(clips: list[VideoRecord], tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    both = [
        context.Process(target=_build_beside, args=(clips, tmp_path, barrier), name=f"p{i}") for i in (0, 1)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    sums = [int(video.read_all(r.path, **vars(SIZE)).sum()) for r in clips]
    assert [json.loads((tmp_path / f"p{i}.json").read_text()) for i in (0, 1)] == [sums, sums]
    assert _names(tmp_path) == ["", "json", "lock"]


def test_several_workers_give_the_same_cache(clips: list[VideoRecord], tmp_path: Path) -> None:
    alone = _built(clips, tmp_path / "alone")
    planned = cache.plan(clips, SIZE, root=tmp_path, workers=2)
    seen: list[int] = []
    cache.build(clips, planned, workers=2, progress=lambda done, _: seen.append(done))
    assert seen == [1, 2, 3, 4, 5]
    for name in ("frames.u8", "index.json"):
        assert (planned.folder / name).read_bytes() == (alone.folder / name).read_bytes()
