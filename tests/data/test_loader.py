"""Batches as a pure function of the step, with threads or without."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError, VideoError
from muybridge.data import cache, loader
from muybridge.data.decode import video
from muybridge.data.index import VideoRecord
from muybridge.data.loader import Loader, check_broken, collate, evaluation, stream
from muybridge.sampling.frame_numbers import Draw, Sampling, sample


@dataclass
class FakeStore:
    """Frames whose pixels say which video and which frame they are."""

    frames: np.ndarray
    kind: str = "video"
    errors: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def read(self, number: int, frames: np.ndarray) -> np.ndarray:
        if self.errors and self.errors[number]:
            raise VideoError(f"{number}.mp4", None, self.errors[number])
        self.reads.append(threading.current_thread().name)
        pixels = np.zeros((*frames.shape, 2, 2, 3), np.uint8)
        pixels[..., 0] = number
        pixels[..., 1] = frames[..., None, None]
        return pixels


def _records(number: int) -> list[VideoRecord]:
    return [VideoRecord(f"v{i}", f"{i}.mp4", i % 3 - 1, "", f"v{i}") for i in range(number)]


def _loader(
    videos: int = 5, batch: int = 3, seed: int = 0, kind: str = "video", law: Sampling | None = None
) -> Loader:
    store: Any = FakeStore(np.array([20 + i for i in range(videos)]), kind)
    numbers = list(reversed(range(videos)))
    return Loader(store, _records(videos), numbers, law or Sampling(4, 2), batch, seed)


def _same(left: Clip, right: Clip) -> bool:
    return (
        torch.equal(left.frames, right.frames)
        and torch.equal(left.label, right.label)
        and left.video == right.video
    )


def test_a_batch_is_a_pure_function_of_the_step() -> None:
    one, two = _loader(), _loader()
    forwards = [one(step) for step in range(12)]
    backwards = [two(step) for step in reversed(range(12))]
    assert all(_same(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))


def test_golden_batch_that_stored_runs_rest_on() -> None:
    clip = _loader()(2)
    assert clip.video == ("v4", "v3", "v1")
    assert clip.frames[:, 1, :, 0, 0].tolist() == [[3, 5, 7, 9], [6, 8, 10, 12], [3, 5, 7, 9]]


@dataclass(frozen=True)
class Counting:
    """A law that draws one frame and says which."""

    clips: int = 1
    short: Any = "shrink"
    span: int = 1

    def fits(self, total: int) -> bool:
        return True

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        chosen = int(rng.integers(total))
        return Draw(np.array([chosen]), {"frame": chosen})


def test_any_law_may_draw_and_its_facts_go_with_the_clips() -> None:
    loader_ = _loader(law=Counting())  # type: ignore[arg-type]
    for step in range(4):
        clip = loader_(step)
        assert clip.drawn["frame"].tolist() == clip.frames[:, 1, 0, 0, 0].tolist()
    assert _loader()(0).drawn == {}


def test_the_seed_changes_order_and_frames() -> None:
    assert [_loader(seed=0)(step).video for step in range(4)] != [
        _loader(seed=1)(step).video for step in range(4)
    ]
    one, two = (_loader(1, 1, seed, law=Sampling(2))(0) for seed in (0, 1))
    assert not torch.equal(one.frames, two.frames)


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 5))
def test_every_epoch_visits_each_video_once_and_batches_run_over_its_end(
    videos: int, batch: int, seed: int
) -> None:
    load = _loader(videos, batch, seed)
    visits = [name for step in range(videos * 3) for name in load(step).video]
    assert len(visits) == videos * 3 * batch
    for start in range(0, len(visits), videos):
        assert Counter(visits[start : start + videos]) == Counter(f"v{i}" for i in range(videos))


def test_epochs_differ_in_order() -> None:
    load = _loader(8, 8)
    assert len({load(step).video for step in range(6)}) == 6


def test_a_clip_belongs_to_its_record() -> None:
    load = _loader(5, 5)
    clip = load(0)
    for pixels, label, name in zip(clip.frames, clip.label.tolist(), clip.video, strict=True):
        place = int(name[1:])
        assert label == place % 3 - 1
        assert set(pixels[0].ravel().tolist()) == {4 - place}, "numbers says where in the store a record lies"
        assert pixels[1].max() < load.store.frames[4 - place]


def test_the_clips_of_a_tuple_lie_along_time() -> None:
    clip = _loader(1, 1, law=Sampling(3, 2, clips=2, gap=1))(0)
    start = int(clip.frames[0, 1, 0, 0, 0])
    assert clip.frames[0, 1, :, 0, 0].tolist() == [start + t for t in (0, 2, 4, 6, 8, 10)]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("start", [0, 1, 4])
@pytest.mark.parametrize("more", [-1, 0, 1, 2, 3, 5, 6, 7, 13])
def test_threads_give_the_same_batches_in_the_same_order(workers: int, start: int, more: int) -> None:
    load = _loader()
    found = list(stream(load, start, start + more, workers))
    wanted = [load(step) for step in range(start, start + more)]
    assert len(found) == max(more, 0)
    assert all(_same(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("kind", "threads"), [("video", 2), ("memory", 1)])
def test_threads_read_ahead_and_one_is_enough_for_a_memory_map(kind: str, threads: int) -> None:
    load = _loader(kind=kind)
    assert len(list(stream(load, 0, 6, 2))) == 6
    store: Any = load.store
    assert threading.main_thread().name not in store.reads
    assert len(set(store.reads)) <= threads


def test_no_more_batches_are_decoded_ahead_than_are_needed_to_keep_the_threads_busy() -> None:
    load = _loader(batch=1)
    store: Any = load.store
    ahead: Iterator[Clip] = stream(load, 0, 1000, 2)
    assert len(list(islice(ahead, 3))) == 3
    ahead.close()  # type: ignore[attr-defined]
    assert len(store.reads) <= 3 + 4


def test_an_error_comes_at_its_step() -> None:
    load = _loader(5, 1)
    store: Any = load.store
    broken = load(2).video[0]
    store.errors = ["torn" * (f"v{place}" == broken) for place in load.numbers]
    ahead = stream(load, 0, 5, 2)
    assert [next(ahead).video for _ in range(2)] == [load(step).video for step in range(2)]
    with pytest.raises(VideoError, match="torn"):
        next(ahead)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_cross_many_epochs_at_once_agree_with_one_thread(hasty: None) -> None:
    load = _loader(videos=1, batch=40)
    found = list(stream(load, 0, 150, 16))
    loader._order.cache_clear()
    assert all(_same(a, load(step)) for step, a in enumerate(found))


def test_video_caches_stream_the_same_with_threads(tmp_path: Path) -> None:
    records = _records(3)
    for i, record in enumerate(records):
        records[i] = VideoRecord(record.id, str(tmp_path / f"{i}.mp4"), record.label, "", record.id)
        pixels = np.random.default_rng(i).integers(0, 255, (9 + i, 16, 16, 3), np.uint8)
        video.write(records[i].path, pixels, 10.0)
    planned = cache.plan(records, cache.Geometry(16, 16), kind="video", root=tmp_path)
    load = Loader(cache.build(records, planned), records, range(3), Sampling(4), 4, 0)
    alone, beside = list(stream(load, 0, 6)), list(stream(load, 0, 6, 3))
    assert all(_same(a, b) for a, b in zip(alone, beside, strict=True))
    assert alone[0].frames.shape == (4, 3, 4, 16, 16)


def _evaluated(number: int, batch: int, broken: tuple[int, ...] = (), videos: int = 5) -> list[Clip]:
    store: Any = FakeStore(
        np.array([9 + i for i in range(videos)]), errors=["bad" * (i in broken) for i in range(videos)]
    )
    return list(evaluation(store, _records(videos), range(videos), Sampling(4, 2), number, batch))


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 6, 7, 100])
def test_evaluation_shows_every_view_of_every_video_in_order(number: int, batch: int) -> None:
    clips = _evaluated(number, batch)
    shown = [
        (name, *pixels[1, :, 0, 0].tolist())
        for clip in clips
        for name, pixels in zip(clip.video, clip.frames, strict=True)
    ]
    assert shown == [
        (f"v{i}", *view) for i in range(5) for view in Sampling(4, 2).views(9 + i, number).tolist()
    ]
    assert all(len(clip) % number == 0 for clip in clips), "the views of a video stay together"
    assert max(len(clip) for clip in clips) <= max(batch, number)


def test_evaluation_leaves_broken_videos_out() -> None:
    clips = _evaluated(2, 4, broken=(0, 3))
    assert [name for clip in clips for name in clip.video] == ["v1", "v1", "v2", "v2", "v4", "v4"]
    assert _evaluated(2, 4, broken=(0, 1, 2, 3, 4)) == []


def test_collate_turns_pictures_into_channels_first() -> None:
    frames = [np.random.default_rng(i).integers(0, 255, (4, 5, 6, 3), np.uint8) for i in range(2)]
    clip = collate(frames, _records(2))
    assert clip.frames.shape == (2, 3, 4, 5, 6)
    for b, t, y, x, c in [(0, 0, 0, 0, 0), (1, 3, 4, 5, 2), (1, 2, 0, 3, 1)]:
        assert clip.frames[b, c, t, y, x] == frames[b][t, y, x, c]
    assert clip.frames.is_contiguous()
    assert clip.label.dtype == torch.int64
    assert (clip.label.tolist(), clip.video) == ([-1, 0], ("v0", "v1"))


def test_training_draws_are_those_of_the_sampling_law() -> None:
    load = _loader(1, 1)
    drawn = {tuple(load(step).frames[0, 1, :, 0, 0].tolist()) for step in range(200)}
    rng = np.random.default_rng(0)
    assert drawn == {tuple(sample(Sampling(4, 2), 20, rng)[0].tolist()) for _ in range(500)}


def _errors(number: int, broken: int) -> list[str]:
    return ["torn"] * broken + [""] * (number - broken)


@pytest.mark.parametrize(("number", "broken"), [(10, 0), (100, 1), (199, 1), (200, 2), (0, 0)])
def test_up_to_one_in_a_hundred_may_be_broken(number: int, broken: int) -> None:
    listed = check_broken(_records(number), _errors(number, broken), allow=False)
    assert listed == [{"path": f"{i}.mp4", "reason": "torn"} for i in range(broken)]


@pytest.mark.parametrize(("number", "broken"), [(99, 1), (199, 2), (10, 9)])
def test_more_must_be_allowed(number: int, broken: int) -> None:
    with pytest.raises(
        UsageError, match=f"{broken} of {number} videos are broken .*limit 1 %.*--allow-broken"
    ):
        check_broken(_records(number), _errors(number, broken), allow=False)
    assert len(check_broken(_records(number), _errors(number, broken), allow=True)) == broken


@pytest.mark.parametrize(
    ("broken", "listed"),
    [
        (3, "0.mp4: torn; 1.mp4: torn; 2.mp4: torn. Repair"),
        (5, "0.mp4: torn; 1.mp4: torn; 2.mp4: torn and 2 more. Repair"),
    ],
)
def test_the_first_three_are_named(broken: int, listed: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_broken(_records(9), _errors(9, broken), allow=False)
    assert listed in str(caught.value)


def test_paths_that_all_miss_are_told_of_the_root() -> None:
    gone = ["there is no such file"] * 2
    with pytest.raises(UsageError, match=r"all 2 videos are broken; .* --root names the folder"):
        check_broken(_records(2), gone, allow=True)
    with pytest.raises(UsageError) as caught:
        check_broken(_records(2), [gone[0], "torn"], allow=True)
    assert "--root" not in str(caught.value)


@pytest.mark.parametrize("allow", [False, True])
def test_nothing_left_is_never_allowed(allow: bool) -> None:
    with pytest.raises(UsageError, match=r"all 2 videos are broken; the first: 0\.mp4: torn\."):
        check_broken(_records(2), _errors(2, 2), allow)
