"""Chunks of test clips: the same from wherever one starts, broken videos said once, from the cache and straight from the files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from muybridge.core.errors import UsageError
from muybridge.data import cache
from muybridge.data.clips import Views
from muybridge.data.index import Dataset, VideoRecord
from muybridge.data.lists import folder
from muybridge.sampling.frame_numbers import Sampling
from muybridge.stages.testing.clip_protocol import Protocol, picks
from muybridge.stages.testing.predict import View
from muybridge.stages.testing.tested import Cached, Chunk, direct, fitting, held_out
from muybridge.stages.training.material import Material

SQUARE = Protocol(name="square", frames=4, stride=2, temporal=2, short_side=20, crop=16)


@pytest.fixture(scope="module")
def dataset(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    import shutil

    root = tmp_path_factory.mktemp("tested") / "data"
    shutil.copytree(videos, root)
    (root / "left" / "3b.mp4").write_text("no video")
    return folder.read(root)


@pytest.fixture(scope="module")
def cached(dataset: Dataset) -> Cached:
    records = dataset.records
    store = cache.build(records, cache.plan(records, cache.Geometry(20, 20)))
    material = Material({"test": records}, store, {r.id: i for i, r in enumerate(records)}, [])
    return Cached(View(Sampling(4, 2), 2, 16, 6), material)


@pytest.fixture(scope="module")
def straight(dataset: Dataset) -> Any:
    return direct(dataset.records, SQUARE, 6, 2, True)[0]


def content(chunk: Chunk) -> tuple[Any, ...]:
    names = tuple(record.id for record in chunk.records)
    return (
        names,
        chunk.views,
        chunk.clip.frames.numpy().tobytes(),
        tuple(record.id for record, _ in chunk.broken),
    )


@pytest.mark.parametrize("source", ["cached", "straight"])
def test_chunks_do_not_depend_on_where_reading_starts(source: str, request: pytest.FixtureRequest) -> None:
    tested = request.getfixturevalue(source)
    whole = [content(chunk) for chunk in tested.read()]
    assert len(whole) == tested.chunks
    assert tested.videos == 17
    for start in range(tested.chunks + 1):
        assert [content(chunk) for chunk in tested.read(start)] == whole[start:]


def test_both_ways_show_the_same_clips_and_the_same_broken_video(cached: Cached, straight: Any) -> None:
    """Square pictures are scaled and cropped alike by both, so that files and cache must agree to the bit."""
    found = []
    for tested in (cached, straight):
        chunks = list(tested.read())
        assert [record.id for chunk in chunks for record, _ in chunk.broken] == ["left/3b.mp4"]
        names = [(r.id, view) for chunk in chunks for r, view in zip(chunk.records, chunk.views, strict=True)]
        pixels = [frames for chunk in chunks for frames in chunk.clip.frames]
        found.append(dict(zip(names, pixels, strict=True)))
    assert found[0].keys() == found[1].keys()
    assert len(found[0]) == 32
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_chunk_of_broken_videos_alone_has_no_clips(dataset: Dataset) -> None:
    broken = [record for record in dataset.records if "3b" in record.id]
    whole = list(dataset.records[:1])
    chunks = list(direct(whole + broken, SQUARE, 1, 1, True)[0].read())
    assert [len(chunk.clip) for chunk in chunks] == [2, 0]
    assert [len(chunk.broken) for chunk in chunks] == [0, 1]


def test_too_many_broken_videos_are_refused_before_anything_is_shown(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="1 of 17 videos are broken"):
        direct(dataset.records, SQUARE, 6, 2, False)


def test_short_videos_are_noted_at_the_rate_of_the_protocol(dataset: Dataset) -> None:
    good = [record for record in dataset.records if "3b" not in record.id]
    long = Protocol(name="long", frames=24, fps=12.0, short_side=20, crop=16)
    slow = Protocol(name="slow", frames=24, fps=6.0, short_side=20, crop=16)
    assert direct(good, long, 6, 1, True)[1] == []
    assert "16 videos are shorter than the 24 frames" in direct(good, slow, 6, 1, True)[1][0]


def data(*rows: tuple[str, int]) -> Dataset:
    records = tuple(VideoRecord(str(i), str(i), label, split, "") for i, (split, label) in enumerate(rows))
    return Dataset("d", records, ("x", "y"))


def test_the_test_split_is_tested_else_validation_else_everything() -> None:
    def chosen(*rows: tuple[str, int]) -> list[str]:
        return [record.id for record in held_out(data(*rows), None)[0]]

    assert chosen(("train", 0), ("val", 0), ("test", 1)) == ["2"]
    assert chosen(("train", 0), ("val", 0)) == ["1"]
    assert chosen(("", 0), ("", 1)) == ["0", "1"]


def test_unlabelled_videos_are_left_out_and_counted() -> None:
    records, notes = held_out(data(("", 0), ("", -1), ("", 1)), None)
    assert [record.id for record in records] == ["0", "2"]
    assert notes == ["1 videos without a label are left out"]
    with pytest.raises(UsageError, match="no labelled videos"):
        held_out(data(("", -1)), None)


@pytest.mark.parametrize(("frames", "crop", "clips"), [(16, 112, 1), (64, 224, 1), (8, 32, 24), (4, 16, 64)])
def test_forward_passes_on_a_cpu_stay_in_its_caches(frames: int, crop: int, clips: int) -> None:
    one = Protocol(name="one", frames=frames, crop=crop)
    assert fitting(one, torch.device("cpu")) == clips


def test_a_segment_of_a_video_is_what_a_model_that_is_no_run_sees(videos: Path, tmp_path: Path) -> None:
    """As the frames of a list with start and end, not those of the whole file."""
    path = videos / "left" / "0.mp4"
    (tmp_path / "list.csv").write_text(
        f"path,label,start_frame,end_frame\n{path},left,10,20\n{path},left,0,10\n"
    )
    records = folder.read(tmp_path / "list.csv").records
    tested, _ = direct(records, SQUARE, 6, 1, True)
    (chunk,) = tested.read()
    numbers = picks(SQUARE, 10, 12.0)
    starts = [int(record.segment.start) for record in records if record.segment]
    expected = [Views(path, numbers + start, 20, 16).read() for start in starts]
    shown = chunk.clip.frames.permute(0, 2, 3, 4, 1).numpy()
    assert sorted(starts) == [0, 10]
    assert (shown == np.concatenate(expected)).all()
    assert (expected[0] != expected[1]).any()
