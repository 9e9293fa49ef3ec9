"""What a report holds of a large robustness grid: memory and time to read made-up rows in columns and to count right and changed answers.

    python benchmarks/answers.py [--videos 24000] [--conditions 91] [--classes 4] [--each 64]

Rows are written as a run writes them, some videos under all conditions after the other. Processor time of one thread; memory is the largest
resident size of the process, before and after. ``--each`` is how many videos are written together.
"""

import argparse
import resource
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np

from muybridge.core.seeding import rng
from muybridge.measure.robustness.answer_columns import flips
from muybridge.report.gather.damage import read_run
from muybridge.runs.contents.predictions import Predictions, as_table
from muybridge.runs.records import Run

SEVERITIES = 5


def chunk(first: int, videos: int, conditions: list[tuple[str, int]], classes: int) -> Predictions:
    """Rows of some videos under all conditions, as one chunk of a run has them; each video is a group of its own."""
    count, cells = videos * len(conditions), len(conditions)
    names = np.array([f"v{number:07d}" for number in range(first, first + videos)])
    return Predictions(
        video=np.tile(names, cells), group=np.tile(names, cells),
        label=np.tile(np.arange(first, first + videos) % classes, cells), view=np.zeros(count, np.int64),
        perturbation=np.repeat([name for name, _ in conditions], videos),
        severity=np.repeat([severity for _, severity in conditions], videos),
        scores=rng(0, "answers", first).standard_normal((count, classes), np.float32),
    )  # fmt: skip


def write(path: Path, videos: int, conditions: list[tuple[str, int]], classes: int, each: int) -> None:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True)
    (path.parent / "result.json").write_text("{}")
    schema = as_table(chunk(0, 1, conditions, classes)).schema
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, videos, each):
            rows = chunk(first, min(each, videos - first), conditions, classes)
            writer.write_table(as_table(rows), row_group_size=4096)


def largest() -> float:
    """Largest resident size so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("videos", 24_000), ("conditions", 91), ("classes", 4), ("each", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    perturbed = [
        (f"type{kind:02d}", severity) for kind, severity in product(range(99), range(1, 1 + SEVERITIES))
    ]
    conditions = [("clean", 0), *perturbed][: asked.conditions]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "runs" / "robustness" / ("a" * 16))
        path = run.path / "predictions.parquet"
        write(path, asked.videos, conditions, asked.classes, asked.each)
        rows = asked.videos * len(conditions)
        print(
            f"{asked.videos:,} videos x {len(conditions)} conditions x {asked.classes} classes, {rows:,} rows, ",
            end="",
        )
        print(f"a file of {path.stat().st_size / 1e6:,.0f} MB; resident before {largest():,.0f} MB")
        began = time.process_time()
        found = read_run(run)
        assert found is not None
        print(f"read        {time.process_time() - began:7.1f} s   resident {largest():,.0f} MB at most")
        began = time.process_time()
        shares = [found.right.accuracy, *(one.accuracy for one in flips(found))]
        print(f"counted     {time.process_time() - began:7.1f} s   resident {largest():,.0f} MB at most")
        print(f"right, changed, lost over all rows: {', '.join(f'{one.mean():.3f}' for one in shares)}")


if __name__ == "__main__":
    main()
