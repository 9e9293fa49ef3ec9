"""What a video file says that changes how its pictures look or are timed, and that a reader of numbers should know.

Nothing of it is put right on the way: the pictures are what a plain decode gives. It is found, counted and said.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from muybridge.data import video_streams

HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 whose light levels are not those of an ordinary screen (ITU-R BT.2100)."""
WORDS = {
    "hdr": (
        "in high dynamic range (HDR): read as if they were ordinary, they look dim and pale. Convert them "
        "(ffmpeg -vf zscale=t=linear,tonemap=hable,zscale=t=bt709:m=bt709,format=yuv420p)"
    ),
    "pixels": "with pixels that are not square: people look squeezed or wide. Convert them (ffmpeg -vf scale=iw*sar:ih,setsar=1)",
    "streams": "with several video streams: FFmpeg's choice is read unless one is named: --stream N, or FILE#stream=N in a list",
    "varying": "of a varying frame rate: clips are cut by frame numbers, steps in time differ. Convert them (ffmpeg -fps_mode cfr -r 25)",
}
"""What each trait means, behind "3 videos", and the way out."""


def traits(container: InputContainer, stream: VideoStream) -> dict[str, str]:
    """Traits of an open video, but for the rate, which only its time stamps tell, with a few words each."""
    found = {}
    if name := HDR.get(int(stream.codec_context.color_trc or 0)):
        found["hdr"] = name
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    if aspect > 0 and aspect != 1:
        found["pixels"] = f"{aspect.numerator}:{aspect.denominator}"
    if words := video_streams.described(container, stream):
        found["streams"] = words
    return found


def notes(all_of: Iterable[Mapping[str, str]]) -> list[str]:
    """One sentence a trait, with how many videos have it."""
    counts = Counter(name for one in all_of for name in one)
    return [
        f"{counts[name]} video{'s' if counts[name] > 1 else ''} {words}"
        for name, words in WORDS.items()
        if counts[name]
    ]
