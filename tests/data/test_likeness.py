"""Copies are found however they were changed; clips of one scene are not copies."""

import numpy as np
import pytest

from muybridge.data import likeness


def walk(seed: int, frames: int = 60, background: int = 0) -> likeness.Thumbs:
    """A bright square on a random path over a fixed textured background."""
    rng = np.random.default_rng(seed)
    scene = np.random.default_rng(1000 + background).integers(30, 120, (likeness.SIDE, likeness.SIDE))
    path = np.cumsum(rng.normal(0, 0.8, (frames, 2)), axis=0) + 8
    video = np.repeat(scene[None], frames, axis=0)
    for frame, (y, x) in enumerate(path % 12):
        video[frame, int(y) : int(y) + 4, int(x) : int(x) + 4] = 230
    return video.astype(np.uint8)


def noisy(video: likeness.Thumbs) -> likeness.Thumbs:
    return np.clip(video + np.random.default_rng(0).normal(0, 3, video.shape), 0, 255).astype(np.uint8)


def found(*videos: likeness.Thumbs) -> list[likeness.Pair]:
    return likeness.pairs(len(videos), videos.__getitem__)


@pytest.mark.parametrize("cut", [slice(None), slice(11, 48), slice(3, None)])
@pytest.mark.parametrize("flip", [False, True])
def test_a_changed_copy_is_found_and_described(cut: slice, flip: bool) -> None:
    video = walk(1)
    copy = noisy(video[cut])
    pair, *rest = found(video, walk(2), likeness.mirrored(copy) if flip else copy)
    assert not rest
    assert {pair.a, pair.b} == {0, 2}
    assert (pair.mirrored, pair.shift) == (flip, cut.start or 0)
    assert likeness.ALIKE < pair.score < 1


def test_other_clips_of_the_same_scene_are_no_copies() -> None:
    assert not found(*(walk(seed, background=5) for seed in range(6)))


def test_still_videos_are_compared_by_their_picture() -> None:
    still = np.repeat(walk(1)[:1], 20, axis=0)
    other = np.repeat(walk(1, background=9)[:1], 20, axis=0)
    pair, *rest = found(still, other, still[:10])
    assert not rest
    assert (pair.a, pair.b, pair.still) == (2, 0, True)
    assert not found(still, walk(1))


def test_videos_without_frames_are_passed_over() -> None:
    nothing = np.zeros((0, likeness.SIDE, likeness.SIDE), np.uint8)
    assert not found(nothing, walk(1), nothing)
    assert not found()


def test_compare_agrees_with_the_definition() -> None:
    short, long = walk(3, 20), walk(4, 33)
    scores = []
    for shift in range(len(long) - len(short) + 1):
        stretch = long[shift : shift + len(short)].astype(float)
        one, two = short - short.mean(axis=0), stretch - stretch.mean(axis=0)
        scores.append((one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum()))
    score, shift = likeness.compare(short, long)
    assert (score, shift) == (pytest.approx(max(scores)), int(np.argmax(scores)))


def test_the_hash_of_a_mirrored_picture_mirrors_its_comparisons() -> None:
    video = walk(1, 5)
    bits = np.unpackbits(likeness.hashes(video).view(np.uint8)).reshape(5, 8, 8)
    turned = np.unpackbits(likeness.hashes(likeness.mirrored(video)).view(np.uint8)).reshape(5, 8, 8)
    assert (bits[:, :, ::-1] != turned).mean() > 0.95
