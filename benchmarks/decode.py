"""What exact reading costs: strided clips beside other libraries, ten clips in one pass, and the two caches.

    python benchmarks/decode.py [--rounds 7] [--frames 300] [FILE ...]

Processor time of one thread, variants interleaved in shuffled order; ratios are of medians, how many times faster than the first row of
its group. Films are made (10 s of H.264 as x264 writes it by default, 320x240 and 640x360); FILEs are read beside them. Libraries that
are not installed are left out and named. An item is a clip of 16 frames, every fourth, at 128 x 170, from a file that is opened for it;
the clips start at several places, from the first possible to the last.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from decode_peers import Way, installed
from films import make, report

from muybridge.data import cache
from muybridge.data.decode import video
from muybridge.data.index import VideoRecord

SIZE = (128, 170)
CLIP = np.arange(16) * 4


def starts(path: Path, number: int) -> np.ndarray:
    """First frames of clips, evenly spread over a video."""
    return np.linspace(0, video.probe(path).frames - 1 - CLIP[-1], number).astype(int)


def ours(path: Path, frames: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Our reader, at the same size as the others."""
    return video.read(path, frames, height=size[0], width=size[1], fit="squash")


def strided(title: str, paths: list[Path], ways: dict[str, Way], rounds: int) -> None:
    """One clip per open, each library beside the others."""
    items = [(path, start + CLIP) for path in paths for start in starts(path, 5)]
    usable = {name: way for name, way in ({"muybridge": ours} | ways).items() if runs(name, way, items)}
    work = {name: lambda item, w=way: w(*item, SIZE) for name, way in usable.items()}
    found = report(f"strided clip, {title}", work, items, rounds)
    others = [name for name in found if name not in ("muybridge", "PyAV, cookbook")]
    if others:
        best = min(others, key=found.__getitem__)
        print(f"muybridge is {found[best] / found['muybridge']:.2f} times as fast as the best other, {best}")


def runs(name: str, way: Way, items: list[tuple[Path, np.ndarray]]) -> bool:
    """Whether a library reads all the items at all."""
    try:
        return all(len(way(path, clip, SIZE)) == len(clip) for path, clip in items)
    except Exception as error:  # a benchmark goes on without a library that fails, whatever it raises
        print(f"{name}: left out ({type(error).__name__}: {str(error).splitlines()[0]})")
        return False


def one_pass(title: str, path: Path, ways: dict[str, Way], rounds: int) -> None:
    """Ten clips of one video: a call for each, by us and by others, and one call for all."""
    clips = starts(path, 10)[:, None] + CLIP
    opens = {f"{name}, ten opens": way for name, way in ({"muybridge": ours} | ways).items()}
    work = {name: lambda item, w=way: [w(path, clip, SIZE) for clip in item] for name, way in opens.items()}
    report(
        f"ten clips, {title}", work | {"muybridge, one pass": lambda item: ours(path, item)}, [clips], rounds
    )


def caches(title: str, path: Path, folder: Path, rounds: int) -> None:
    """A clip from the original, from the short-GOP cache and from the memory map, all at 128 x 128."""
    records = [VideoRecord(path.name, str(path), 0, "", path.name)]
    work = {"original": lambda clip: video.read(path, clip, height=128, width=128)}
    for kind in ("video", "memory"):
        planned = cache.plan(
            records, cache.Geometry(128, 128), kind=kind, root=folder / f"{path.stem}-{kind}"
        )
        store = cache.build(records, planned)
        work[f"cache: {kind}"] = lambda clip, s=store: s.read(0, clip)
        size = sum(file.stat().st_size for file in store.folder.iterdir() if file.suffix in (".mp4", ".u8"))
        print(f"\n{title}: cache {kind} takes {size / path.stat().st_size:.2f} times the original")
    report(f"cache, {title}", work, [start + CLIP for start in starts(path, 5)], rounds)


def main() -> None:
    """Make the films and run every group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("files", nargs="*", type=Path)
    words = parser.parse_args()
    ways = installed()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for height, width in ((240, 320), (360, 640)):
            title = f"H.264 {width}x{height}, GOP 250"
            films = [
                make(folder / f"{width}-{seed}.mp4", seed, height, width, words.frames) for seed in range(2)
            ]
            strided(title, films, ways, words.rounds)
            one_pass(title, films[0], ways, words.rounds)
            caches(title, films[0], folder, words.rounds)
        if words.files:
            strided(f"{len(words.files)} files", words.files, ways, words.rounds)


if __name__ == "__main__":
    main()
