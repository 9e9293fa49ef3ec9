"""The embedded pair of data sets, rendered at first use: ``builtin-objects`` and ``builtin-motions``.

Both label the same clips, independently of each other. One frame tells the object (which digit); only the
order of frames tells the motion. What is drawn: ``builtin_render``; out of what: ``builtin_assets``; how to
use it: ``docs/builtin.md``.
"""

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import cast

from filelock import FileLock

from muybridge.core import plain_data
from muybridge.core.errors import UsageError
from muybridge.core.files import atomic
from muybridge.core.machine.paths import cache_root
from muybridge.core.machine.processes import follow, spawning
from muybridge.core.text.csv_text import list_text
from muybridge.data.decode import video
from muybridge.data.sets.builtin_render import MOTIONS, OBJECTS, partner, recipe, render

__all__ = ["MOTIONS", "OBJECTS", "BuiltinPaths", "ensure", "partner"]

FORMAT = 3
"""Raise it with any change to what is drawn or how it is stored."""
FPS = 12
CRF = 16
"""Keeps 42 dB and 0.91 correlation of frame differences at 36 pixels, in 5.4 kB a clip."""
LIBRARIES = ("av", "numpy", "scipy", "pillow")

DEFAULTS = {"seed": 0, "train": 2000, "test": 800}
"""Which clips there are where nothing is said."""

Progress = Callable[[int, int], None]
Clip = tuple[str, int]


@dataclass(frozen=True)
class BuiltinPaths:
    """Where the data sets lie.

    Attributes:
        folder: holds everything.
        objects: table of ``builtin-objects``: path, label, split, group.
        motions: table of ``builtin-motions``.
    """

    folder: Path
    objects: Path
    motions: Path


@dataclass(frozen=True)
class Settings:
    """Everything that decides the data.

    Attributes:
        seed: names the random streams.
        train: number of training clips.
        test: number of test clips.
        frames: per clip.
        size: side of a frame in pixels.
    """

    seed: int
    train: int
    test: int
    frames: int
    size: int

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("train", 1), ("test", 1), ("frames", 2), ("size", 16)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(
                    f"builtin data: {name} must be a whole number of at least {least}, not {value!r}"
                )

    def content(self) -> dict[str, int]:
        """Format and settings by name."""
        return {"format": FORMAT, "fps": FPS, "crf": CRF, **asdict(self)}

    @property
    def key(self) -> str:
        """Name of the folder: hash of the content."""
        return hashlib.sha256(plain_data.canonical(self.content()).encode()).hexdigest()[:16]

    def clips(self) -> list[Clip]:
        """Split and index of each clip."""
        return [(split, index) for split in ("train", "test") for index in range(getattr(self, split))]


def ensure(
    root: Path | None = None,
    *,
    seed: int = 0,
    train: int = 2000,
    test: int = 800,
    frames: int = 24,
    size: int = 36,
    progress: Progress | None = None,
    workers: int = 1,
) -> BuiltinPaths:
    """Render what is missing and say where it lies; returns at once when all of it is there.

    Safe beside other processes (one renders, the others wait) and after a kill: whole clips are kept, and the
    result has the same bytes as one undisturbed run with the same libraries.

    Args:
        root: folder to keep it in; the cache by default.
        seed: another seed gives other clips.
        train: number of training clips.
        test: number of test clips.
        frames: per clip, at 12 per second.
        size: side of a frame in pixels.
        progress: called with the numbers of finished and of all clips.
        workers: processes that render; above 1 the calling script needs ``if __name__ == "__main__":``.

    Raises:
        UsageError: a number that cannot be used.
        MuybridgeError: a picture is missing from the installation, or a file cannot be written.
    """
    settings = Settings(seed, train, test, frames, size)
    if workers < 1:
        raise UsageError(f"builtin data: workers must be at least 1, not {workers}")
    folder = (root or cache_root()) / "builtin" / settings.key
    paths = BuiltinPaths(folder, folder / "objects.csv", folder / "motions.csv")
    if not _complete(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not _complete(folder):
                _make(paths, settings, progress, workers)
    return paths


def _complete(folder: Path) -> bool:
    return (folder / "manifest.json").is_file() and not _broken(folder)


def _broken(folder: Path) -> list[Path]:
    """Files of the manifest that are gone or have another size; contents are not hashed again."""
    manifest = cast(dict[str, dict[str, dict[str, object]]], plain_data.read_json(folder / "manifest.json"))
    return [
        folder / name for name, entry in manifest["files"].items() if _bytes(folder / name) != entry["bytes"]
    ]


def _bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _make(paths: BuiltinPaths, settings: Settings, progress: Progress | None, workers: int) -> None:
    clips = settings.clips()
    for split in ("train", "test"):
        (paths.folder / "clips" / split).mkdir(parents=True, exist_ok=True)
    _clear(paths.folder, {_name(clip) for clip in clips})
    missing = [clip for clip in clips if not (paths.folder / _name(clip)).is_file()]
    for count, _ in enumerate(
        _written(paths.folder, settings, missing, workers), len(clips) - len(missing) + 1
    ):
        if progress:
            progress(count, len(clips))
    _write_table(paths.objects, "object", settings)
    _write_table(paths.motions, "motion", settings)
    names = [*map(_name, clips), paths.objects.name, paths.motions.name]
    plain_data.write_json(paths.folder / "manifest.json", _manifest(paths.folder, settings, names))


def _name(clip: Clip) -> str:
    return f"clips/{clip[0]}/{clip[1]:05d}.mp4"


def _clear(folder: Path, wanted: set[str]) -> None:
    """Remove damaged files, the old manifest and what a killed run left half written."""
    manifest = folder / "manifest.json"
    for path in _broken(folder) if manifest.is_file() else ():
        path.unlink(missing_ok=True)
    manifest.unlink(missing_ok=True)
    for path in (folder / "clips").glob("*/*"):
        if path.relative_to(folder).as_posix() not in wanted:
            path.unlink()


def _written(folder: Path, settings: Settings, clips: Sequence[Clip], workers: int) -> Iterator[Clip]:
    """Write clips, in any order; yields each one that is done."""
    write = partial(_write_clip, folder, settings)
    if workers == 1 or len(clips) < 2:
        yield from map(write, clips)
        return
    with (
        spawning(),
        ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=follow, initargs=(os.getpid(),)
        ) as pool,
    ):
        futures = [pool.submit(write, clip) for clip in clips]
        try:
            yield from (future.result() for future in as_completed(futures))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_clip(folder: Path, settings: Settings, clip: Clip) -> Clip:
    pictures, _, _ = render(settings.seed, *clip, frames=settings.frames, size=settings.size)
    video.write(folder / _name(clip), pictures, FPS, crf=CRF)
    return clip


def _write_table(path: Path, field: str, settings: Settings) -> None:
    made = [(clip, recipe(settings.seed, *clip)) for clip in settings.clips()]
    rows = [(_name(clip), getattr(one, field), clip[0], f"digit-{one.digit:04d}") for clip, one in made]
    with atomic(path) as file:
        file.write(list_text(("path", "label", "split", "group"), rows))


def _manifest(folder: Path, settings: Settings, names: Iterable[str]) -> dict[str, object]:
    return {
        "settings": settings.content(),
        "versions": {library: version(library) for library in LIBRARIES},
        "files": {name: _fingerprint(folder / name) for name in names},
    }


def _fingerprint(path: Path) -> dict[str, int | str]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
