"""The same bits on other processors: encoders against their code without assembler, all perturbations under older instruction sets."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden_clip import golden_clip

from muybridge.data.decode import video
from muybridge.perturb import codec
from muybridge.perturb.profiles import PROFILES
from muybridge.perturb.streams import Streams
from processors import VARIABLE, older

HERE = Path(__file__).parent
REPEATS = 25


def streams(options: dict[str, str], encoder: str = "libx264", times: int = 1) -> set[bytes]:
    """Every stream that an encoder makes of one film."""
    rows, columns = np.mgrid[:96, :112]
    planes = [np.uint8((rows * 3 + columns * 5 + 7 * t) % 256) for t in range(8)]
    pictures = np.stack([np.concatenate([plane, plane[:48]]) for plane in planes])
    found = set()
    for _ in range(times):
        _, packets = codec.encoded(pictures, encoder, options, 25, "yuv420p")
        found.add(b"".join(bytes(packet) for packet in packets))
    return found


def test_x264_writes_one_stream_which_is_that_without_assembler():
    """With AVX-512 and x264's defaults the same picture gave 25 streams in 25 runs."""
    ours = streams(codec.X264, times=REPEATS)
    plain = {"x264-params": f"{codec.X264['x264-params']}:asm=0"}
    assert ours == streams(plain)
    assert len(ours) == 1


def test_x265_writes_the_stream_that_it_writes_without_assembler():
    quiet = "log-level=none:pools=none:frame-threads=1"
    assert streams({"x265-params": quiet}, "libx265", times=5) == streams(
        {"x265-params": f"{quiet}:asm=0"}, "libx265"
    )


def options_given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """What every encoder that is opened is told."""
    seen = []
    plain = codec.encoded

    def looked(pictures, encoder, options, fps, pixels):
        seen.append((encoder, dict(options)))
        return plain(pictures, encoder, options, fps, pixels)

    monkeypatch.setattr(codec, "encoded", looked)
    return seen


def test_every_perturbation_that_opens_x264_makes_it_independent_of_the_processor(
    monkeypatch: pytest.MonkeyPatch,
):
    seen = options_given(monkeypatch)
    for profile in PROFILES.values():
        for one in profile.types.values():
            if one.target.startswith("muybridge.perturb.codec"):
                frames = golden_clip().frames[:1, :, :2, :32, :32]
                one.load()(frames, Streams(np.zeros((1, 2), np.uint64)), **one.severities[0])
    used = [options for encoder, options in seen if encoder == "libx264"]
    assert used
    assert all("cpu-independent=1" in options["x264-params"] for options in used)


def test_a_written_file_has_the_bytes_of_x264_without_assembler(tmp_path: Path):
    frames = (
        np.random.default_rng(0).integers(0, 256, (12, 16, 20, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    )
    ours = video.ENCODER_OPTIONS["libx264"]["x264-params"]
    for name, more in (("ours", {}), ("again", {}), ("plain", {"x264-params": f"{ours}:asm=0"})):
        video.write(tmp_path / f"{name}.mp4", frames, 12, options=more)
    written = {path.stem: video.read_all(path) for path in tmp_path.glob("*.mp4")}
    assert (tmp_path / "ours.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()
    np.testing.assert_array_equal(written["ours"], written["plain"])


def run_golden(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", str(HERE / "test_golden.py")],
        env=os.environ | environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout


def test_golden_values_hold_on_a_processor_without_avx():
    run_golden(older())


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [{"ATEN_CPU_CAPABILITY": "default"}, {"ATEN_CPU_CAPABILITY": "avx2"}, {VARIABLE: "0x3ff"}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}],
    ids=lambda one: "-".join(map(str, *one.items())),
)  # fmt: skip
def test_golden_values_hold_under_each_limit(environment: dict[str, str]):
    run_golden(environment)


READ = """
import hashlib, sys
from processors import limit_ffmpeg
limit_ffmpeg()
from muybridge.data.decode import video
for path in sys.argv[1:]:
    for shape in ({}, {"height": 32, "width": 40}, {"height": 100, "width": 60}):
        print(hashlib.sha256(video.read_all(path, **shape).tobytes()).hexdigest())
"""


def test_pixels_are_read_alike_on_a_processor_without_avx(tmp_path: Path):
    frames = (
        np.random.default_rng(0).integers(0, 256, (6, 16, 20, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    )
    paths = []
    for codec_name, suffix in (
        ("libx264", "mp4"),
        ("mpeg4", "avi"),
        ("mjpeg", "avi"),
        ("libvpx-vp9", "webm"),
        ("libx265", "mkv"),
    ):
        paths.append(tmp_path / f"{codec_name}.{suffix}")
        video.write(paths[-1], frames, 12, codec=codec_name)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", READ, *map(str, paths)], capture_output=True, text=True, check=True, timeout=300,
            env=os.environ | environment | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path])},
        ).stdout
        for environment in ({}, older())
    }  # fmt: skip
    assert len(outputs) == 1


def test_ffmpeg_really_takes_the_limit():
    """Else the tests above would compare a processor with itself: without any assembler MPEG-4's transform rounds otherwise."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from processors import limit_ffmpeg; limit_ffmpeg();"
        "from test_processors import streams; from muybridge.perturb import codec;"
        "import hashlib; print(hashlib.sha256(*streams(codec.fixed(8), 'mpeg4')).hexdigest())"
    )
    found = {
        flags: subprocess.run(
            [sys.executable, "-c", code, str(HERE), str(HERE.parent)], capture_output=True, text=True, check=True, timeout=300,
            env=os.environ | {VARIABLE: flags},
        ).stdout.strip()
        for flags in ("0x3ff", "0x1000000")
    }  # fmt: skip
    [here] = streams(codec.fixed(8), "mpeg4")
    assert hashlib.sha256(here).hexdigest() == found["0x3ff"] != found["0x1000000"]
