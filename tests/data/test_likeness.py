"""Fitting one video to another agrees with its definition, for short ones exactly and for long ones nearly; the hash is what it says."""

import numpy as np
import pytest
from walks import walk

from muybridge.data.doctor import likeness


def by_definition(short: np.ndarray, long: np.ndarray) -> list[float]:
    """Correlation of what moves, at every shift."""
    scores = []
    for shift in range(len(long) - len(short) + 1):
        stretch = long[shift : shift + len(short)].astype(float)
        one, two = short - short.mean(axis=0), stretch - stretch.mean(axis=0)
        scores.append((one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum()))
    return scores


@pytest.mark.parametrize("frames", [(20, 33), (20, 20), (1 + 7, 9), (255, 256)])
def test_compare_agrees_with_the_definition(frames: tuple[int, int]) -> None:
    short, long = walk(3, frames[0]), walk(4, frames[1])
    scores = by_definition(short, long)
    found = likeness.compare(short, long)
    assert (found.score, found.shift) == (pytest.approx(max(scores), abs=1e-5), int(np.argmax(scores)))
    assert not found.still


@pytest.mark.parametrize("most", [5, 8, 24])
@pytest.mark.parametrize("shift", [0, 7, 40])
def test_some_frames_tell_the_shift_and_nearly_the_score(most: int, shift: int) -> None:
    long = walk(5, 110)
    short = np.clip(
        long[shift : shift + 63] + np.random.default_rng(0).normal(0, 6, (63, 16, 16)), 0, 255
    ).astype(np.uint8)
    found = likeness.compare(short, long, most)
    assert found.shift == shift
    assert found.score == pytest.approx(max(by_definition(short, long)), abs=0.05)


@pytest.mark.parametrize("most", [4, 7])
def test_some_frames_are_those_of_the_definition(most: int) -> None:
    short, long = walk(3, 20), walk(4, 33)
    step = -(-20 // most)
    scores = [
        by_definition(short[::step], long[shift : shift + 20][::step])[0]
        for shift in range(len(long) - len(short) + 1)
    ]
    found = likeness.compare(short, long, most)
    assert (found.score, found.shift) == (pytest.approx(max(scores), abs=1e-5), int(np.argmax(scores)))


def test_still_videos_are_compared_by_their_picture() -> None:
    still, other = (np.repeat(walk(1, background=b)[:1], 20, axis=0) for b in (0, 9))
    assert likeness.compare(still[:10], still) == likeness.Likeness(1.0, still=True)
    assert likeness.compare(other, still).score == 0
    assert likeness.compare(still, walk(1)).score == 0


def test_an_hour_of_video_fits_into_memory() -> None:
    rng = np.random.default_rng(0)
    long = rng.integers(0, 256, (60_000, 16, 16), dtype=np.uint8)
    found = likeness.compare(long[:50_000], long)
    assert (found.shift, found.score) == (0, pytest.approx(1, abs=1e-3))


def test_a_bit_says_which_of_two_neighbouring_cells_is_brighter() -> None:
    ramp = np.broadcast_to(np.arange(16, dtype=np.uint8) * 10, (1, 16, 16))
    assert likeness.hashes(ramp).tolist() == [2**64 - 1]
    assert likeness.hashes(likeness.mirrored(ramp)).tolist() == [0]


def test_the_hash_of_a_mirrored_picture_mirrors_its_comparisons() -> None:
    video = walk(1, 5)
    bits = np.unpackbits(likeness.hashes(video).view(np.uint8)).reshape(5, 8, 8)
    turned = np.unpackbits(likeness.hashes(likeness.mirrored(video)).view(np.uint8)).reshape(5, 8, 8)
    assert (bits[:, :, ::-1] != turned).mean() > 0.95


def test_bands_in_different_places_differ() -> None:
    rows = likeness.bands(walk(2, 9))
    assert rows.shape == (9, 4)
    assert (rows >> 16 == np.arange(4)).all()
    assert (rows.astype(np.uint16).ravel() == likeness.hashes(walk(2, 9)).view(np.uint16)).all()
