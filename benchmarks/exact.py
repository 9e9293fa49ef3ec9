"""Wrong frames of every reader on every kind of file that trips readers.

    python benchmarks/exact.py [--made 50] [FILE ...]

Asked for 16 frames of each file by number (four in a row, then a stride of 4, over a random range); a frame is wrong if it is not the one
that a plain decode from the first packet to the last shows at that place (compared at 32 x 32 after each library's own scaling: nearest to
another frame, or missing). The first ``--made`` files are those of ``tests/data/make_videos.py``, one for each trap, and FILEs.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from decode_peers import Way, installed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
import make_videos as made

from muybridge.data.decode import video

SIZE = (32, 32)


def sequential(path: Path) -> np.ndarray:
    """A plain decode of everything by PyAV, float32 ``t 32 32 3``."""
    scaler = VideoReformatter()
    with av.open(str(path), metadata_errors="ignore") as container:
        small = [
            scaler.reformat(f, width=SIZE[1], height=SIZE[0], format="rgb24")
            for f in container.decode(video=0)
        ]
    return np.stack([frame.to_ndarray() for frame in small]).astype(np.float32)


def ours(path: Path, frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Our reader, at the same size as the others."""
    return video.read(path, frames, height=size[0], width=size[1], fit="squash")


def wrong(way: Way, path: Path, truth: np.ndarray, frames: np.ndarray) -> str:
    """How many frames are not those asked for; what it raised, where it raised."""
    try:
        pictures = way(path, frames, SIZE)
    except Exception as error:  # whatever a library raises is its answer
        return type(error).__name__
    if len(pictures) != len(frames):
        return "length"
    apart = np.abs(pictures[:, None].astype(np.float32) - truth[None]).mean(axis=(2, 3, 4))
    return str(int((apart.min(axis=1) < apart[np.arange(len(frames)), frames] - 0.5).sum()))


def wanted(total: int) -> np.ndarray:
    """16 frames, rising: some in a row, some apart."""
    spread = np.array([0, 1, 2, 3, *range(7, 55, 4)])
    first = max(0, min(11, total - 1 - spread[-1]))
    return np.unique(np.minimum(first + spread, total - 1))


def main() -> None:
    """Print a row for each file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--made", type=int, default=1000)
    parser.add_argument("files", nargs="*", type=Path)
    words = parser.parse_args()
    ways = {"muybridge": ours} | installed()
    print("\n| file | frames | " + " | ".join(ways) + " |\n|" + " --- |" * (len(ways) + 2))
    sums, asked, files = dict.fromkeys(ways, 0), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        combos = [
            build(Path(folder) / name)
            for name, (encoder, build) in made.COMBOS.items()
            if made.has_encoder(encoder) and name not in ("h264_one.mp4", "h264_rotated.mp4")
        ][: words.made]
        for path in [*combos, *words.files]:
            truth = sequential(path)
            frames = wanted(len(truth))
            found = {name: wrong(way, path, truth, frames) for name, way in ways.items()}
            for name, count in found.items():
                sums[name] += int(count) if count.isdigit() else len(frames)
            asked, files = asked + len(frames), files + 1
            print(f"| {path.name} | {len(truth)} | " + " | ".join(found.values()) + " |")
    print(
        f"\nof {asked} frames in {files} files, wrong or refused: "
        + ", ".join(f"{n} {c}" for n, c in sums.items())
    )


if __name__ == "__main__":
    main()
