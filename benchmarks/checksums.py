"""What checksums cost: of the time that a training reads its data in, and of the CPU time of the verbs of a study.

    python benchmarks/checksums.py [--rounds 9] [--share 1]

*Data time.* The batches of a training are made from a decoded cache as a run makes them, by a loader and one thread, once with the look at
each video's checksum and once without; the two take turns, each time with a store as a new process has it. Printed are CPU microseconds of
a draw without the look (fastest round), the CPU time inside of the looks as a share of the whole training's reading (median of the rounds,
with quartiles), how much longer the fastest round with them was than the fastest without, and the share that one sum over the same bytes
takes instead: no checksum of all bytes of a video can be had for less.

*A study.* The verbs of a small study run one after the other in this process on embedded data; the CPU time inside of everything that
hashes (files of videos, cached frames, their index, states, runs) is added up and stated as a share of the whole.
``--share`` is that of the videos of the trainings and of the budget of the study, to try it.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from muybridge.cli.main import main as muybridge
from muybridge.data import cache, file_hashes, frame_store
from muybridge.data.decode.video import write
from muybridge.data.frame_store import FrameStore
from muybridge.data.index import VideoRecord
from muybridge.data.loader import Loader
from muybridge.data.sets import builtin
from muybridge.runs import seal
from muybridge.runs.contents import result
from muybridge.sampling.frame_numbers import Sampling
from muybridge.store import checked

BATCH = 16
HASHING: dict[str, list[tuple[object, str]]] = {
    "files of videos": [(file_hashes, "content_hashes")],
    "cached frames": [(FrameStore, "_is_sound")],
    "their index": [(frame_store, "digest")],
    "states and parts": [(checked, "digest")],
    "files of runs": [(seal, "sha256")],
    "results": [(result, "digest"), (seal, "digest")],
}
"""Functions that hash, by what they hash."""


def films(folder: Path, number: int, frames: int, size: int) -> list[VideoRecord]:
    """Videos of a bright square over noise."""
    found = []
    for place in range(number):
        clip = np.random.default_rng(place).integers(0, 60, (frames, size, size, 3), dtype=np.uint8)
        for t in range(frames):
            left = (place + 2 * t) % (size - size // 4)
            clip[t, size // 4 : size // 2, left : left + size // 4] = 230
        path = folder / f"{place}.mp4"
        write(path, clip, 25.0)
        found.append(VideoRecord(path.name, str(path), place % 2, "train", path.name))
    return found


@dataclass(frozen=True)
class Case:
    """A training whose reading is measured.

    Attributes:
        videos: how many, each of ``frames`` frames of ``size`` x ``size``.
        passes: times that it reads a clip of each.
    """

    name: str
    kind: cache.Kind
    videos: int
    frames: int
    size: int
    law: Sampling
    passes: int


CASES = (
    Case("pretraining on embedded data (vcop, default budget)", "memory", 500, 24, 36, Sampling(8, 1, 3), 7),
    Case("fine-tuning on embedded data (default epochs)", "memory", 500, 24, 36, Sampling(8, 2), 20),
    Case("100 frames of 112x112, 10 passes", "memory", 48, 100, 112, Sampling(16, 2), 10),
    Case("the same, 1 pass", "memory", 48, 100, 112, Sampling(16, 2), 1),
    Case("short-GOP video, 100 frames of 112x112, 1 pass", "video", 32, 100, 112, Sampling(16, 2), 1),
)


def seconds(store: FrameStore, records: list[VideoRecord], case: Case) -> float:
    """CPU seconds of this thread for the batches of a training, with a store that has looked at nothing yet."""
    loader = Loader(store, records, range(len(records)), case.law, BATCH, 0)
    store.read(0, np.arange(1))  # opens the memory map
    began = time.thread_time()
    for step in range(case.passes * len(records) // BATCH):
        loader(step)
    return time.thread_time() - began


def summed(store: FrameStore, number: int) -> bool:
    """Read all bytes of a video once, and no more."""
    if store.kind == "memory":
        start = store._offset[number]
        flat = store._memory[start : start + store.frames[number]].reshape(-1)
        np.add.reduce(flat[: flat.size - flat.size % 8].view(np.uint64))
    else:
        np.add.reduce(np.fromfile(store.folder / f"{store.files[number]}.mp4", np.uint8))
    return True


def data_time(case: Case, rounds: int) -> None:
    """Print the cost beside the reading of a training's batches."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        records = films(root, case.videos, case.frames, case.size)
        planned = cache.plan(records, cache.Geometry(case.size, case.size), kind=case.kind, root=root)
        plain, inside, whole, least = [], [], [], []
        for number in range(rounds + 1):
            spent, once = Counter[str](), Counter[str]()
            with clocked(spent, "cached frames"):
                looked = seconds(cache.build(records, planned), records, case)
            with mock.patch.object(FrameStore, "_is_sound", return_value=True):
                alone = seconds(cache.build(records, planned), records, case)
            with mock.patch.object(FrameStore, "_is_sound", summed), clocked(once, "cached frames"):
                seconds(cache.build(records, planned), records, case)
            if number:  # the first one decodes
                plain.append(alone)
                whole.append(looked)
                inside.append(100 * spent.total() / alone)
                least.append(100 * once.total() / alone)
        low, middle, high = statistics.quantiles(inside, n=4)
        floor = statistics.quantiles(least, n=4)
        print(
            f"{case.name}: {1e6 * min(plain) / case.passes / len(records):.0f} us a draw; looking takes {middle:.2f} % of that "
            f"({low:.2f} to {high:.2f}); with it {100 * (min(whole) / min(plain) - 1):+.1f} %; one sum over the bytes "
            f"{floor[1]:.2f} % ({floor[0]:.2f} to {floor[2]:.2f})",
            flush=True,
        )


@contextmanager
def clocked(spent: Counter[str], *kinds: str) -> Iterator[None]:
    """Add up the CPU seconds inside of what hashes, of all kinds where none is named; a call within another is counted once."""
    inside = False

    def timed(what: str, plain: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal inside
            if inside:
                return plain(*args, **kwargs)
            inside, began = True, time.process_time()
            try:
                return plain(*args, **kwargs)
            finally:
                inside = False
                spent[what] += time.process_time() - began

        return call

    with ExitStack() as stack:
        for what in kinds or HASHING:
            for place, name in HASHING[what]:
                stack.enter_context(mock.patch.object(place, name, timed(what, getattr(place, name))))
        yield


def study(share: float) -> None:
    """Print the share of checksums in the verbs of a small study."""
    few = partial(builtin.ensure, train=round(2000 * share), test=round(800 * share))
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, MUYBRIDGE_CACHE=f"{folder}/cache"),
        mock.patch.object(builtin, "ensure", few),
    ):
        out = Path(folder) / "out"
        own = ["--out", str(out), "--device", "cpu", "--workers", "1"]
        verbs = {
            "pretrain": [
                "pretrain",
                "--data",
                "builtin-motions",
                "--objective",
                "vcop",
                "--budget",
                f"{2000 * share:.0f}",
            ]
        }
        later = {
            "probe": ["probe", "--data", "builtin-motions", "--init", "PRETRAINED"],
            "finetune": ["finetune", "--data", "builtin-motions", "--init", "PRETRAINED", "--epochs", "3"],
            "robustness": [
                "robustness",
                "--model",
                "FINETUNED",
                "--data",
                "builtin-motions",
                "--types",
                "jpeg",
                "jumbling",
            ],
            "report": ["report", str(out)],
        }
        sums, whole = Counter[str](), 0.0
        for verb, words in (verbs | later).items():
            places = {"PRETRAINED": "pretrain", "FINETUNED": "finetune"}
            told = [
                str(next(out.glob(f"runs/{places[word]}/*"))) if word in places else word for word in words
            ]
            spent, began = Counter[str](), time.process_time()
            with clocked(spent), redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
                code = muybridge([*told, *(own if verb != "report" else [])])
            if code:
                raise SystemExit(said.getvalue())
            took = time.process_time() - began
            whole, sums = whole + took, sums + spent
            print(f"{verb}: {took:.1f} s, {100 * spent.total() / took:.2f} % in checksums", flush=True)
        parts = ", ".join(f"{what} {1e3 * one:.0f} ms" for what, one in sums.most_common())
        print(f"all verbs: {whole:.1f} s, {100 * sums.total() / whole:.2f} % in checksums ({parts})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--share", type=float, default=1.0)
    asked = parser.parse_args()
    for case in CASES:
        data_time(replace(case, videos=max(BATCH, round(case.videos * asked.share))), asked.rounds)
    study(asked.share)
