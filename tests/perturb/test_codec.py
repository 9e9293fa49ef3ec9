import subprocess
import sys
from io import BytesIO

import av
import numpy as np
import pytest
import torch
from golden_clip import golden_clip
from torch import Tensor

from muybridge.core.errors import MuybridgeError
from muybridge.perturb import codec, yuv
from muybridge.perturb.profiles import PROFILES
from muybridge.perturb.streams import Streams, streams

CODECS = {
    "mpeg2": (codec.mpeg2, "quantiser", 12),
    "mpeg4": (codec.mpeg4, "quantiser", 12),
    "h264": (codec.h264_crf, "crf", 37),
    "h265": (codec.h265_crf, "crf", 39),
    "bit_error": (codec.bit_error, "amount", 400),
}


def drawn(count: int = 2) -> Streams:
    return streams("p/1", "d", [str(i) for i in range(count)], [0] * count, "t", 1)


def psnr(a: Tensor, b: Tensor) -> float:
    return float(10 * torch.log10(255**2 / (a.double() - b.double()).square().mean()))


@pytest.fixture(params=CODECS)
def call(request: pytest.FixtureRequest):
    function, name, value = CODECS[request.param]
    return lambda frames, streams: function(frames, streams, **{name: value})


@pytest.mark.parametrize("size", [(48, 64), (37, 51), (2, 2), (5, 130)])
@pytest.mark.parametrize("t", [1, 7])
def test_the_control_is_exact(size: tuple[int, int], t: int):
    frames = torch.randint(
        0, 256, (2, 3, t, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    assert torch.equal(codec.lossless(frames, drawn()), frames)


def test_runs_repeat_and_clips_do_not_depend_on_their_batch(call):
    frames = golden_clip(6).frames
    both = call(frames, drawn())
    assert torch.equal(call(frames, drawn()), both)
    turned = call(frames.flip(0), Streams(drawn().keys[::-1]))
    assert torch.equal(turned.flip(0), both)
    assert torch.equal(call(frames[:1], Streams(drawn().keys[:1]))[0], both[0])
    assert torch.equal(frames, golden_clip(6).frames)


@pytest.mark.parametrize("size", [(35, 49), (34, 48), (33, 64)])
@pytest.mark.parametrize("t", [1, 5])
def test_odd_sizes_and_single_frames_are_served(call, size: tuple[int, int], t: int):
    frames = golden_clip(t, *size).frames
    result = call(frames, drawn())
    assert (result.shape, result.dtype) == (frames.shape, torch.uint8)


def test_odd_sizes_are_the_even_size_with_the_edge_repeated():
    frames = golden_clip(4, 35, 49).frames
    even = torch.nn.functional.pad(frames.float(), (0, 1, 0, 1, 0, 0), mode="replicate").to(torch.uint8)
    assert torch.equal(
        codec.mpeg2(frames, drawn(), quantiser=8), codec.mpeg2(even, drawn(), quantiser=8)[..., :35, :49]
    )


@pytest.mark.parametrize("type", ["mpeg2", "mpeg4"])
def test_every_real_severity_is_worse_than_the_one_before(type: str):
    frames = golden_clip(8, 64, 96).frames
    ladder = PROFILES["muybridge-1"].types[type]
    quality = [psnr(ladder.load()(frames, drawn(), **row), frames) for row in ladder.severities]
    assert quality == sorted(quality, reverse=True)
    assert len(set(quality)) == 5


@pytest.mark.parametrize("type", ["mpeg2", "mpeg4"])
def test_published_quantisers_above_31_are_one_perturbation(type: str):
    frames, ladder = golden_clip(4).frames, PROFILES["samples-2022"].types[type]
    assert [row["quantiser"] > 31 for row in ladder.severities].count(True) >= 3
    results = [ladder.load()(frames, drawn(), **row) for row in ladder.severities]
    assert all(torch.equal(one, results[-1]) for one in results[2:])
    assert not torch.equal(results[0], results[-1])


@pytest.mark.parametrize(("name", "low", "high"), [("h264", 23, 51), ("h265", 27, 51)])
def test_rate_factors_order_quality(name: str, low: int, high: int):
    function, parameter, _ = CODECS[name]
    frames = golden_clip(4, 64, 64).frames
    quality = [psnr(function(frames, drawn(), **{parameter: crf}), frames) for crf in (low, high)]
    assert quality[0] > quality[1] + 3


def through_ffmpegs_filter(packets: list[bytes], amount: int) -> list[bytes]:
    """The noise filter of the FFmpeg that PyAV carries."""
    noise = av.bitstream.BitStreamFilterContext(f"noise=amount={amount}", "h264")
    changed = []
    for packet in packets:
        changed += [bytes(one) for one in noise.filter(av.Packet(bytearray(packet)))]
    return changed


def test_wrong_bytes_follow_the_law_of_ffmpegs_filter():
    rng = np.random.default_rng(0)
    packets = [rng.bytes(n) for n in (1000, 1, 20_000, 7)]
    law = codec.Noise(300)
    ours = [law(packet) for packet in packets]
    assert ours == through_ffmpegs_filter(packets, 300)
    assert ours != packets


def test_about_one_byte_in_amount_is_wrong():
    packet = np.random.default_rng(1).bytes(200_000)
    wrong = np.frombuffer(codec.Noise(500, np.random.default_rng(2))(packet), np.uint8) != np.frombuffer(
        packet, np.uint8
    )
    assert wrong.sum() == pytest.approx(400, abs=5 * 20)


def test_bit_errors_depend_on_the_stream_and_rare_ones_leave_plain_h264():
    frames = golden_clip(8).frames
    first = codec.bit_error(frames, drawn(), amount=400)
    other = codec.bit_error(frames, Streams(drawn().keys + np.uint64(1)), amount=400)
    assert not torch.equal(first, other)
    rare = codec.bit_error(frames, drawn(), amount=10**9)
    assert torch.equal(rare, codec.h264_crf(frames, drawn(), crf=23))


def test_a_destroyed_film_is_grey_and_a_lost_frame_repeats_the_one_before():
    pictures = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6, 1)
    assert (codec.held({}, pictures) == 128).all()
    shown = {1: pictures[1], 2: np.zeros((2, 2), np.uint8)}
    assert [row[0, 0] for row in codec.held(shown, pictures)] == [6, 6, 6, 6]
    wiped = codec.recoded(golden_clip(4).frames, "mpeg4", {}, 25, lambda packet: b"\0" * len(packet))
    assert wiped.unique().tolist() == [130]


def test_a_missing_encoder_is_said():
    with pytest.raises(MuybridgeError, match=r"no encoder libnothing.*Install the av wheel"):
        codec.recoded(golden_clip(2).frames, "libnothing", {}, 25)


def test_versions_name_the_libraries():
    found = codec.versions()
    assert found["av"] == av.__version__
    assert found["libavcodec"].split(".")[0].isdigit()


def test_small_pictures_do_not_break_x265():
    code = (
        "import torch\nfrom muybridge.perturb import codec\n"
        "for n in (34, 40, 48):\n"
        "    for _ in range(6):\n"
        "        codec.h265_crf(torch.randint(0, 256, (1, 3, 16, n, n), dtype=torch.uint8), None, crf=33)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_quantiser_is_the_one_ffmpegs_fixed_quantiser_writes():
    """A stream at quantiser q holds q in every MPEG-2 slice header: five bits after each slice start code."""
    planes = yuv.packed(golden_clip(3).frames).numpy()[0]
    for quantiser in (4, 12, 31):
        _, packets = codec.encoded(planes, "mpeg2video", codec.fixed(quantiser), 25, "yuv420p")
        assert slice_quantisers(b"".join(bytes(packet) for packet in packets)) == {quantiser}


def slice_quantisers(stream: bytes) -> set[int]:
    found, reader = set(), BytesIO(stream).getvalue()
    at = reader.find(b"\0\0\1")
    while at >= 0:
        if 1 <= reader[at + 3] <= 0xAF:
            found.add(reader[at + 4] >> 3)
        at = reader.find(b"\0\0\1", at + 3)
    return found
