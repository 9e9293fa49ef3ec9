"""Clips straight from files: the same pixels as a plain decode, scaled and cropped by hand; errors where they belong."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import VideoError
from muybridge.data.clips import Views, stream
from muybridge.data.decode import video

FRAMES = np.array([[0, 3, 6], [6, 9, 11]])


def textured(frames: int, height: int, width: int) -> np.ndarray:
    """Slow waves with a grain that a codec keeps; every frame and column differs."""
    t, y, x = np.ogrid[:frames, :height, :width]
    planes = [127 + 90 * np.sin((x + 3 * c + 2 * t) / 5) * np.cos((y - t) / (4 + c)) for c in range(3)]
    return np.stack(planes, -1).astype(np.uint8)


@pytest.fixture(scope="module", params=[(36, 60), (60, 36), (48, 48)], ids=["wide", "tall", "square"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clips") / "one.mp4"
    video.write(made, textured(12, *request.param), 12.0)
    return made


def by_hand(path: Path, short_side: int, crop: int, place: float) -> np.ndarray:
    """Decode everything, scale it, and cut the crop out of all frames before any is chosen."""
    native = video.read_all(path).shape[1:3]
    size = [short_side if edge == min(native) else round(edge * short_side / min(native)) for edge in native]
    scaled = video.read_all(path, height=size[0], width=size[1], fit="squash")
    longer = int(size[1] >= size[0])
    corner = [(edge - crop) // 2 for edge in size]
    corner[longer] = int((size[longer] - crop) * place)
    cut = scaled[:, corner[0] : corner[0] + crop, corner[1] : corner[1] + crop]
    return cut[FRAMES]


def test_centre_crops_are_those_of_a_plain_decode(path: Path) -> None:
    clips = Views(path, FRAMES, 24, 20).read()
    assert clips.shape == (2, 3, 20, 20, 3)
    assert (clips == by_hand(path, 24, 20, 0.5)).all()


def test_three_crops_are_both_ends_and_the_middle_of_the_long_side_view_by_view(path: Path) -> None:
    clips = Views(path, FRAMES, 24, 20, spatial=3).read()
    assert clips.shape == (6, 3, 20, 20, 3)
    for i, place in enumerate((0.0, 0.5, 1.0)):
        assert (clips[i::3] == by_hand(path, 24, 20, place)).all()


def test_a_video_is_decoded_in_one_pass_whatever_the_views(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read = video.read

    def counted(*args: object, **kwargs: object) -> np.ndarray:
        pictures = read(*args, **kwargs)  # type: ignore[arg-type]
        asked.append(pictures.ndim)
        return pictures

    monkeypatch.setattr(video, "read", counted)
    Views(path, FRAMES, 24, 20, spatial=3).read()
    assert asked == [3, 5], "one picture for the size, one pass for both views"


@pytest.mark.parametrize("threads", [1, 3])
def test_videos_come_in_order_and_an_error_stands_in_its_place(
    path: Path, tmp_path: Path, threads: int
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    paths = [path, tmp_path / "text.mp4", path, tmp_path / "gone.mp4", path]
    wanted = [Views(one, FRAMES, 24, 20) for one in paths]
    wanted[2] = Views(path, FRAMES[::-1], 24, 20)
    wanted[4] = Views(path, FRAMES + 5, 24, 20)
    found = list(stream(wanted, threads))
    assert [isinstance(one, VideoError) for one in found] == [False, True, False, True, True]
    assert (found[2] == found[0][::-1]).all()  # type: ignore[index]
    assert found[4].frame == 14  # type: ignore[union-attr]


def test_few_videos_are_decoded_ahead(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []
    read = Views.read
    monkeypatch.setattr(Views, "read", lambda one: begun.append(one.path) or read(one))
    clips = stream([Views(path, FRAMES, 24, 20)] * 20, threads=2)
    next(clips)
    next(clips)
    assert len(begun) <= 2 + 2
    clips.close()
    assert len(begun) <= 2 + 2
