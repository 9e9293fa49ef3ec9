"""Copies are found however they were changed and in whatever order; clips of one scene are not copies."""

from pathlib import Path

import numpy as np
import pytest
from walks import noisy, walk

from muybridge.core.machine.processes import pool
from muybridge.data.doctor import likeness, lookalikes
from muybridge.data.doctor.lookalikes import Pair, pairs


@pytest.fixture
def found(tmp_path: Path):
    """Pairs among videos given as small pictures."""

    def search(*videos: np.ndarray, **options: object) -> list[Pair]:
        kept = [tmp_path / f"{i}.npz" for i in range(len(videos))]
        for path, thumbs in zip(kept, videos, strict=True):
            np.savez(path, thumbs=thumbs, bands=np.unique(likeness.bands(thumbs)))
        return pairs(kept, **options)

    return search


@pytest.mark.parametrize("cut", [slice(None), slice(11, 48), slice(3, None)])
@pytest.mark.parametrize("flip", [False, True])
def test_a_changed_copy_is_found_and_described(cut: slice, flip: bool, found) -> None:
    video = walk(1)
    copy = noisy(video[cut])
    pair, *rest = found(video, walk(2), likeness.mirrored(copy) if flip else copy)
    assert not rest
    assert {pair.a, pair.b} == {0, 2}
    assert (pair.mirrored, pair.likeness.shift) == (flip, cut.start or 0)
    assert likeness.ALIKE < pair.likeness.score < 1


def test_other_clips_of_the_same_scene_are_no_copies(found) -> None:
    assert not found(*(walk(seed, background=5) for seed in range(6)))


def test_still_videos_are_compared_by_their_picture(found) -> None:
    still = np.repeat(walk(1)[:1], 20, axis=0)
    other = np.repeat(walk(1, background=9)[:1], 20, axis=0)
    pair, *rest = found(still, other, still[:10])
    assert not rest
    assert (pair.a, pair.b, pair.likeness.still) == (2, 0, True)


def test_videos_without_frames_are_passed_over(found) -> None:
    nothing = np.zeros((0, 16, 16), np.uint8)
    assert not found(nothing, walk(1), nothing)
    assert not found()
    assert not found(nothing)


def test_every_copy_among_many_videos_is_found_by_any_number_of_processes(found) -> None:
    videos = [walk(seed, 30, background=seed) for seed in range(40)]
    videos += [noisy(video[4:26]) for video in videos[:12]]
    alone = found(*videos)
    assert [(pair.a, pair.b) for pair in alone] == [(40 + i, i) for i in range(12)]
    with pool(2) as mapped:
        assert found(*videos, mapped=mapped) == alone


def test_the_index_names_the_videos_of_every_band(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kept = [tmp_path / f"{i}.npz" for i in range(7)]
    own = [np.unique(rng.integers(0, 40, 9, dtype=np.int32)) for _ in kept]
    for path, bands in zip(kept, own, strict=True):
        np.savez(path, bands=bands)
    lookalikes._index(kept, tmp_path)
    for band in range(40):
        row = np.array([band] * 4, np.int32)
        assert lookalikes._near(row, tmp_path, 7) == {i for i in range(7) if band in own[i]}


def test_a_band_that_many_videos_have_says_nothing(found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookalikes, "isqrt", lambda _: 0)
    videos = [walk(1)] * 12
    assert not found(*videos)
    assert len(found(*videos[:5])) == 10
