"""Video compression: every clip is encoded and decoded in memory, in this process.

Codecs and severities: Schiappa et al., CVPR 2023, run the mpeg2video and mpeg4 encoders of FFmpeg at quantisers 15 to 100, of which all
above 31 are the same; Yi et al., NeurIPS 2021, use H.264 and H.265 at constant rate factors and FFmpeg's noise filter. They change whole
files; here the sampled clip is one film at ``fps`` frames per second.

Colours go to YUV 4:2:0 and back (``yuv``). Odd sizes are made even by repeating the last row or column, and cut back. One thread, so that
runs repeat; other builds of the libraries may give other bits, see ``versions``. Codecs run on the CPU whatever the device of the frames.
With one build the bits are the same on every x86-64 processor (``tests/perturb/test_processors.py``); on others the transforms of FFmpeg's
own MPEG encoders, which have no bit-exact form, may round differently.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, TypeAlias

import av
import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from muybridge.core.errors import MuybridgeError
from muybridge.perturb import yuv
from muybridge.perturb.streams import Streams

Pictures: TypeAlias = UInt8[np.ndarray, "t ..."]
Picture: TypeAlias = UInt8[np.ndarray, "..."]
Damage: TypeAlias = Callable[[bytes], bytes]
COARSEST = 31
SMALL = 128
"""x265 writes past its buffers in pictures with a side of 34 to 64 pixels; those below this side are enlarged to it and cut back."""

X264 = {"x264-params": "cpu-independent=1"}
"""Without it x264 takes shortcuts that depend on the processor; with AVX-512 the same picture gave 25 streams in 25 runs."""

DECODERS = {"libx264": "h264", "libx265": "hevc"}
"""Decoder of an encoder where the names differ."""


def mpeg2(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, quantiser: int, fps: int = 25
) -> UInt8[Tensor, "b c t h w"]:
    """MPEG-2 video at a fixed quantiser, 2 to 31; higher ones are taken as 31, as FFmpeg does."""
    return recoded(frames, "mpeg2video", fixed(quantiser), fps)


def mpeg4(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, quantiser: int, fps: int = 25
) -> UInt8[Tensor, "b c t h w"]:
    """MPEG-4 part 2 video at a fixed quantiser, 2 to 31; higher ones are taken as 31, as FFmpeg does."""
    return recoded(frames, "mpeg4", fixed(quantiser), fps)


def h264_crf(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, crf: int, fps: int = 25
) -> UInt8[Tensor, "b c t h w"]:
    """H.264 by x264, preset medium, at a constant rate factor, 0 to 51."""
    return recoded(frames, "libx264", X264 | {"crf": str(crf)}, fps)


def h265_crf(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, crf: int, fps: int = 25
) -> UInt8[Tensor, "b c t h w"]:
    """H.265 by x265, preset medium, at a constant rate factor, 0 to 51."""
    h, w = frames.shape[-2:]
    quiet = {"crf": str(crf), "x265-params": "log-level=none:pools=none:frame-threads=1"}
    return recoded(enlarged(frames, max(h, SMALL), max(w, SMALL)), "libx265", quiet, fps)[
        ..., :h, :w
    ].contiguous()


def bit_error(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, amount: int, crf: int = 23, fps: int = 25
) -> UInt8[Tensor, "b c t h w"]:
    """H.264 in which about one byte in ``amount`` is wrong, by the law of FFmpeg's noise filter; headers stay whole.

    The filter's running sum starts at a random number, as if the clip lay somewhere in a longer film. A frame that cannot be decoded
    repeats the last one that could, a clip without any is grey.
    """
    clips = [
        recoded(frames[i : i + 1], "libx264", X264 | {"crf": str(crf)}, fps, Noise(amount, streams.rng(i)))
        for i in range(len(frames))
    ]
    return torch.cat(clips) if clips else frames


def lossless(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, fps: int = 25
) -> UInt8[Tensor, "b c t h w"]:
    """The control: FFmpeg's HuffYUV through the same code, red, green and blue as its three planes; returns the frames bit by bit."""
    planes = frames.transpose(1, 2).contiguous().cpu().numpy()
    films = [film(clip, "ffvhuff", {}, fps, "yuv444p", bytes) for clip in planes]
    return _batch(films, frames).transpose(1, 2).contiguous()


class Noise:
    """The law of FFmpeg's noise bit-stream filter, packet after packet.

    Bytes plus one are summed up; where ``amount`` divides the sum, the lowest byte of the sum is written instead.
    """

    def __init__(self, amount: int, rng: np.random.Generator | None = None) -> None:
        self.amount = amount
        self.sum = int(rng.integers(1 << 31)) if rng else 0

    def __call__(self, packet: bytes) -> bytes:
        """A packet with wrong bytes; goes on from the packet before."""
        data = np.frombuffer(packet, np.uint8)
        sums = (self.sum + np.cumsum(data.astype(np.int64) + 1)) % (1 << 32)
        self.sum = int(sums[-1]) if len(sums) else self.sum
        return np.where(sums % self.amount == 0, sums % 256, data).astype(np.uint8).tobytes()


def recoded(
    frames: UInt8[Tensor, "b c t h w"],
    encoder: str,
    options: Mapping[str, str],
    fps: int,
    damage: Damage = bytes,
) -> UInt8[Tensor, "b c t h w"]:
    """Every clip as YUV 4:2:0, encoded, its packets passed through ``damage``, decoded, and as RGB.

    Raises:
        MuybridgeError: this build of PyAV has no such encoder.
    """
    h, w = frames.shape[-2:]
    planes = yuv.packed(enlarged(frames, h + h % 2, w + w % 2)).cpu().numpy()
    films = [film(clip, encoder, options, fps, "yuv420p", damage) for clip in planes]
    return yuv.unpacked(_batch(films, frames))[..., :h, :w].contiguous()


def enlarged(
    frames: UInt8[Tensor, "b c t h w"], height: int, width: int
) -> UInt8[Tensor, "b c t {height} {width}"]:
    """Pictures that go on below and to the right with their last row and column."""
    h, w = frames.shape[-2:]
    rows, columns = (
        torch.arange(n, device=frames.device).clamp(max=m - 1) for n, m in ((height, h), (width, w))
    )
    return frames if (h, w) == (height, width) else frames[..., rows[:, None], columns]


def film(
    pictures: Pictures, encoder: str, options: Mapping[str, str], fps: int, pixels: str, damage: Damage
) -> Pictures:
    """One clip encoded and decoded; ``pictures`` are laid out as PyAV does for the pixel format ``pixels``."""
    source, packets = encoded(pictures, encoder, options, fps, pixels)
    decoder: Any = av.CodecContext.create(DECODERS.get(encoder, encoder), "r")
    decoder.width, decoder.height, decoder.pix_fmt = source.width, source.height, pixels
    decoder.extradata, decoder.thread_count = source.extradata, 1
    decoder.options = {"flags": "+bitexact+output_corrupt"}
    shown: dict[int, Picture] = {}
    for packet in [*packets, None]:
        with suppress(av.error.FFmpegError):
            for frame in decoder.decode(packet and _changed(packet, damage)):
                shown[frame.pts] = frame.to_ndarray()
    return held(shown, pictures)


def encoded(
    pictures: Pictures, encoder: str, options: Mapping[str, str], fps: int, pixels: str
) -> tuple[Any, list[Any]]:
    """The encoder after its work, and the packets in coding order."""
    try:
        context: Any = av.CodecContext.create(encoder, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise MuybridgeError(
            f"this build of PyAV {av.__version__} has no encoder {encoder}. Install the av wheel of PyPI or leave the type out."
        ) from error
    films = [av.VideoFrame.from_ndarray(picture, pixels) for picture in pictures]
    context.width, context.height, context.pix_fmt = films[0].width, films[0].height, pixels
    context.time_base, context.framerate, context.thread_count = Fraction(1, fps), Fraction(fps), 1
    context.options = {"flags": "+bitexact+global_header", **options}
    packets = []
    for i, frame in enumerate(films):
        frame.pts, frame.time_base = i, Fraction(1, fps)
        packets += context.encode(frame)
    return context, packets + context.encode(None)


def held(shown: Mapping[int, Picture], pictures: Pictures) -> Pictures:
    """Decoded frames in order; a missing one repeats the one before, or the first that follows, or is grey."""
    result = np.full_like(pictures, 128)
    found = sorted(i for i, picture in shown.items() if picture.shape == pictures.shape[1:])
    for i in range(len(pictures) if found else 0):
        result[i] = shown[max((j for j in found if j <= i), default=found[0])]
    return result


def _batch(films: list[Pictures], frames: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(films)).to(frames.device)


def versions() -> dict[str, str]:
    """Versions that decide the bits: PyAV, whose wheels carry the encoders, and the libraries of FFmpeg."""
    used = {name: av.library_versions[name] for name in ("libavcodec", "libswscale")}
    return {"av": av.__version__, **{name: ".".join(map(str, number)) for name, number in used.items()}}


def fixed(quantiser: int) -> dict[str, str]:
    """Options that leave the rate control one quantiser to choose."""
    step = min(quantiser, COARSEST)
    return {"qmin": str(step), "qmax": str(step), "lmin": f"{step}*QP2LAMBDA", "lmax": f"{step}*QP2LAMBDA"}


def _changed(packet: Any, damage: Damage) -> Any:
    """A packet with other bytes and the same times; made by size, since decoders read into the padding that only such packets have."""
    data = damage(bytes(packet))
    changed = av.Packet(len(data))
    changed.update(data)
    changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
    changed.is_keyframe = packet.is_keyframe
    return changed
