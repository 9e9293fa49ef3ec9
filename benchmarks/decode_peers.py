"""How other libraries read a clip by frame numbers, as their manuals say: one open per call, one thread.

Each way takes a file, rising frame numbers and a size, and gives uint8 pictures ``t h w 3``. A library that is not installed, or cannot be
loaded, is left out with the reason.
"""

import importlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

Size = tuple[int, int]
Way = Callable[[Path, np.ndarray, Size], np.ndarray]


def pyav(path: Path, frames: np.ndarray, size: Size) -> np.ndarray:
    """The cookbook's way: seek, number the frames by the mean rate, convert the wanted ones."""
    wanted, found, scaler = set(frames.tolist()), {}, VideoReformatter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count, stream.thread_type = 1, "NONE"
        tick = 1 / (Fraction(stream.average_rate) * stream.time_base)
        begin = stream.start_time or 0
        container.seek(begin + int(min(wanted) * tick), stream=stream)
        for frame in container.decode(stream):
            index = round((frame.pts - begin) / tick)
            if index in wanted:
                small = scaler.reformat(frame, width=size[1], height=size[0], format="rgb24")
                found[index] = small.to_ndarray()
            if index >= max(wanted):
                break
    return np.stack([found[i] for i in frames.tolist()])


def torchcodec(path: Path, frames: np.ndarray, size: Size) -> np.ndarray:
    """Exact seeking, resized by its own transform."""
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    decoder = VideoDecoder(str(path), num_ffmpeg_threads=1, dimension_order="NHWC", transforms=[Resize(size)])
    return decoder.get_frames_at(frames.tolist()).data.numpy()


def torchcodec_native(path: Path, frames: np.ndarray, size: Size) -> np.ndarray:
    """Exact seeking at native size, resized by torch."""
    from torch.nn.functional import interpolate
    from torchcodec.decoders import VideoDecoder

    pictures = VideoDecoder(str(path), num_ffmpeg_threads=1).get_frames_at(frames.tolist()).data
    small = interpolate(pictures.float(), size, mode="bilinear").round_().byte()
    return small.permute(0, 2, 3, 1).numpy()


def decord(path: Path, frames: np.ndarray, size: Size) -> np.ndarray:
    """One reader at the wanted size, one batch."""
    from decord import VideoReader

    return VideoReader(str(path), width=size[1], height=size[0], num_threads=1).get_batch(frames).asnumpy()


def opencv(path: Path, frames: np.ndarray, size: Size) -> np.ndarray:
    """Seek to the first frame, grab those between, retrieve the wanted ones."""
    import cv2

    film = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    film.set(cv2.CAP_PROP_POS_FRAMES, int(frames[0]))
    wanted, pictures = set(frames.tolist()), []
    for frame in range(frames[0], frames[-1] + 1):
        if not film.grab():
            raise OSError(f"no frame {frame}")
        if frame in wanted:
            picture = cv2.resize(film.retrieve()[1], size[::-1])
            pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    return np.stack(pictures)


WAYS: dict[str, tuple[str, Way]] = {
    "PyAV, cookbook": ("av", pyav),
    "torchcodec, Resize": ("torchcodec.decoders", torchcodec),
    "torchcodec, interpolate": ("torchcodec.decoders", torchcodec_native),
    "decord2": ("decord", decord),
    "OpenCV, seek and grab": ("cv2", opencv),
}


def installed() -> dict[str, Way]:
    """The ways that can be gone here; one thread each."""
    ways = {}
    for name, (module, way) in WAYS.items():
        try:
            importlib.import_module(module)
        except (ImportError, OSError, RuntimeError) as error:
            print(f"{name}: left out ({type(error).__name__}: {str(error).splitlines()[0]})")
        else:
            ways[name] = way
    for module, setter in (("cv2", "setNumThreads"), ("torch", "set_num_threads")):
        with suppress(ImportError):
            getattr(importlib.import_module(module), setter)(1)
    return ways
