"""The files that stand for traps really hold them: what their headers and packets say is not what is shown."""

from itertools import pairwise
from pathlib import Path

import av
import make_videos as make
import pytest


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory):
    """What a reader that believes a combo's headers and packets would say."""
    folder = tmp_path_factory.mktemp("traps")

    def look(name: str) -> dict[str, object]:
        encoder, build = make.COMBOS[name]
        if not make.has_encoder(encoder):
            pytest.skip(f"this build of PyAV has no encoder {encoder}")
        path = build(folder / name)
        with av.open(str(path), metadata_errors="ignore") as container:
            stream = container.streams.video[0]
            said = {
                "frames": stream.frames,
                "tag": stream.codec_context.codec_tag,
                "start": stream.start_time,
            }
            said |= {"sound": len(container.streams.audio), "format": stream.format.name, "path": path}
            packets = [p for p in container.demux(stream) if p.size]
        said |= {"pts": [p.pts for p in packets], "hidden": sum(p.is_discard for p in packets)}
        return said

    return look


def test_headers_that_promise_more_frames(facts) -> None:
    assert facts("mpeg4_boastful.avi")["frames"] == make.FRAMES + 25
    cut = facts("h264_cut.mp4")
    assert cut["frames"] > make.FRAMES - 31
    assert cut["hidden"] > 0


def test_text_that_is_not_utf8_makes_a_naive_reader_raise(facts) -> None:
    path: Path = facts("mpeg4_latin1.avi")["path"]
    with pytest.raises(UnicodeDecodeError):
        av.open(str(path))


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mp4", "h264_vfr.mkv", "mpeg4_b.mp4", "h264_negative.mp4"])
def test_presentation_order_is_not_file_order(name: str, facts) -> None:
    assert facts(name)["pts"] != sorted(facts(name)["pts"])


def test_xvid_avi_does_not_say_when_b_frames_are_shown(facts) -> None:
    assert facts("xvid_b.avi")["start"] == 0 != min(facts("xvid_b.avi")["pts"]), "times are guessed, and late"
    assert facts("xvid_b.avi")["tag"] == "XVID"
    assert b"XviD0050" in facts("xvid_b.avi")["path"].read_bytes()


def test_pixels_sound_and_start(facts) -> None:
    formats = {
        "h264_10bit.mp4": "yuv420p10le",
        "hevc_10bit.mp4": "yuv420p10le",
        "h264_422_10bit.mkv": "yuv422p10le",
        "h264_444.mp4": "yuv444p",
        "vp9_444.webm": "yuv444p",
    }
    assert {name: facts(name)["format"] for name in formats} == formats
    assert all(facts(name)["sound"] for name in ("mpeg2_audio.mpg", "mpeg4_audio.avi", "h264_audio.mp4"))
    assert facts("h264_late.mp4")["pts"][0] > 0 or facts("h264_late.mp4")["start"] > 0
    steps = sorted(facts("h264_vfr.mp4")["pts"])
    assert len({b - a for a, b in pairwise(steps)}) > 2
