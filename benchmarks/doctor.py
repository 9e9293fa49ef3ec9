"""How `muybridge data doctor` scales with processes, and what it needs of memory.

    python benchmarks/doctor.py [--rounds 3] [--films 24] [--frames 300] [--memory 200 1000] [FOLDER]

Every look is a fresh process with an empty cache. Told are, for one process and for two: wall seconds (the best of the rounds: what the
machine did beside it only adds), and processor seconds of all processes, of the best round too. Two free cores would need at most the
processor time of the main process and half of that of its two workers: a bound that depends less on what else the machine does. Then the
peak memory of the main process and of the larger worker, for looks at few and at many small videos. FOLDER holds videos to look at; films
are made when it is not given (10 s, 320x240, H.264).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from films import make

LOOK = """
import json, resource, sys, time
from pathlib import Path
from muybridge.data.doctor import examine
from muybridge.data.lists import folder
if __name__ == "__main__":
    data = folder.read(Path(sys.argv[1]))
    start = time.perf_counter()
    found = examine.survey(data, workers=int(sys.argv[3]), root=Path(sys.argv[2]))
    wall = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({
        "videos": found.videos, "frames": found.frames, "wall": wall,
        "cpu": [u.ru_utime + u.ru_stime for u in used], "peak": [u.ru_maxrss / 1024 for u in used],
    }))
"""


def look(videos: Path, workers: int) -> dict:
    """One look in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        words = [sys.executable, "-c", LOOK, str(videos), cache, str(workers)]
        done = subprocess.run(
            words, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
    return json.loads(done.stdout)


def scaling(videos: Path, rounds: int) -> None:
    """One process beside two, in turns."""
    found: dict[int, list[dict]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, rows in found.items():
            rows.append(look(videos, workers))
    best = {workers: min(row["wall"] for row in rows) for workers, rows in found.items()}
    cpu = {
        workers: min((np.array(row["cpu"]) for row in rows), key=np.sum) for workers, rows in found.items()
    }
    print(f"{found[1][0]['videos']} videos, {found[1][0]['frames']} frames, {rounds} rounds")
    for workers in found:
        print(
            f"{workers} process{'es' * (workers > 1)}: best wall {best[workers]:.2f} s, CPU {cpu[workers].sum():.2f} s"
        )
    free = cpu[1].sum() / (cpu[2] @ (1, 0.5))
    print(
        f"two processes: {best[1] / best[2]:.2f} times as fast; on two free cores, by processor time, at least {free:.2f}"
    )


def memory(folder: Path, sizes: list[int]) -> None:
    """Peak memory for few and for many small videos, all different."""
    source = make(folder / "small.mp4", 0, 48, 64, frames=40, gop=12)
    content = source.read_bytes()
    for size in sizes:
        videos = folder / f"{size}"
        videos.mkdir()
        for i in range(size):  # a free atom at the end of an mp4 changes its fingerprint and nothing else
            (videos / f"{i}.mp4").write_bytes(content + b"\x00\x00\x00\x10free" + i.to_bytes(8, "big"))
        row = look(videos, 2)
        print(
            f"{size} videos: peak {row['peak'][0]:.0f} MB, largest worker {row['peak'][1]:.0f} MB, {row['wall']:.1f} s"
        )
        shutil.rmtree(videos)


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--memory", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("folder", nargs="?", type=Path)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "films").mkdir()
        if not words.folder:
            for seed in range(words.films):
                make(folder / "films" / f"{seed}.mp4", seed, 240, 320, words.frames)
        scaling(words.folder or folder / "films", words.rounds)
        memory(folder, words.memory)


if __name__ == "__main__":
    main()
