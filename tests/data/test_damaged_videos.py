"""A damaged video gives the frames of a sequential decode or a typed error that names it: no other frame, no crash, no hang."""

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from damaged_videos import damaged, sources

from muybridge.core.errors import VideoError
from muybridge.data.decode import video

PATIENCE = 60.0
"""Seconds for one file of 40 small frames: far above what any needs, so that only a hang fails."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sources(tmp_path_factory.mktemp("sound"))


def in_order(path: Path) -> tuple[list[bytes], VideoError | None]:
    """Every frame of one pass, and the error that ended it."""
    found: list[bytes] = []
    try:
        video.watch(path, lambda picture: found.append(np.array(picture).tobytes()))
    except VideoError as error:
        return found, error
    return found, None


def look(path: Path) -> str:
    """What is wrong with how a damaged file is read; empty for nothing. What lies behind the damage may be read alone or refused."""
    began = time.monotonic()
    frames, _ = in_order(path)
    with suppress(VideoError):
        video.probe(path)
    for place in {0, 1, len(frames) // 3, len(frames) // 2, len(frames) - 2, len(frames) - 1}:
        if 0 <= place < len(frames):
            found = reads(path, place)
            if found is not None and found != frames[place]:
                return f"frame {place} is another one alone than in a pass"
    return "took too long" if time.monotonic() - began > PATIENCE else ""


def reads(path: Path, place: int) -> bytes | None:
    try:
        return video.read(path, [place])[0].tobytes()
    except VideoError:
        return None


def check(sound: list[Path], numbers: range, folder: Path) -> dict[str, str]:
    """What was wrong, by name of the damaged file."""
    wrong = {}
    for number in numbers:
        name, content = damaged(sound, number)
        path = folder / name
        path.write_bytes(content)
        try:
            words = look(path)
        except Exception as error:  # all that is no VideoError
            words = f"{type(error).__name__}: {error}"
        if words:
            wrong[name] = words
        path.unlink()
    return wrong


def test_some_damaged_videos(sound: list[Path], tmp_path: Path):
    assert check(sound, range(80), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(4))
def test_a_thousand_damaged_videos(part: int, sound: list[Path], tmp_path: Path):
    assert check(sound, range(250 * part, 250 * part + 250), tmp_path) == {}
