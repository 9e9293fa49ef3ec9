"""What it costs to run a cell beside its own work: cells of a stage that does nothing, through the whole path of a study.

    python benchmarks/executor.py [--cells 1000] [--workers 2]

Each cell is resolved, sent to a worker process, resolved there (list of the data read, config signed), leased, run, sealed with checksums
and written down. Processor time is of the driver and its workers, without starting them; wall time with it. The second line is the same
command once more: everything exists.
"""

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from muybridge.core.text.screen import Plain

STAGE = """
from dataclasses import dataclass
from typing import ClassVar

from muybridge.config.stage_configs import Data
from muybridge.runs.stages import StageFacts
from muybridge.stages.job.job import Stage


@dataclass(frozen=True, kw_only=True)
class NothingConfig(Data):
    stage: ClassVar[str] = "nothing"
    number: int = 0


class Nothing(Stage):
    name = "nothing"

    def run(self, job, progress):
        return {"summary": "nothing", "notes": [], "budget": {}}


NOTHING = Nothing()
FACTS = StageFacts("does nothing", "nothing", "nothing_stage:NothingConfig", "nothing_stage:NOTHING")
"""


def package(folder: Path) -> None:
    """A package with the stage, which joins through the entry points; workers inherit the path."""
    facts = folder / "nothing-1.dist-info"
    facts.mkdir()
    (folder / "nothing_stage.py").write_text(STAGE)
    (facts / "entry_points.txt").write_text("[muybridge.stages]\nnothing = nothing_stage:FACTS\n")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing\nVersion: 1\n")
    sys.path.insert(0, str(folder))


def videos(folder: Path) -> str:
    """Two classes of two videos."""
    from muybridge.data.decode.video import write

    for label in "ab":
        (folder / label).mkdir(parents=True)
        for number in range(2):
            write(folder / label / f"{number}.mp4", np.full((8, 32, 32, 3), 40 * number, np.uint8), 8.0)
    return str(folder)


def spent() -> float:
    """Processor seconds of this process and of workers that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


class Silent(Plain):
    """No line per cell."""

    def say(self, text: str) -> None:
        """Say nothing."""


def measure(count: int, workers: int, place: Path, out: str = "out") -> dict[str, float]:
    """Seconds by part for ``count`` cells."""
    from nothing_stage import NothingConfig  # type: ignore[import-not-found]

    from muybridge.stages.job.resolve import resolve
    from muybridge.studies.cell_runner import run_cells
    from muybridge.studies.plan import Cell

    data = videos(place / "videos") if not (place / "videos").exists() else str(place / "videos")
    config = NothingConfig(data=(data,), out=place / out, device="cpu")
    began, used = time.perf_counter(), spent()
    cells = [Cell(resolve(replace(config, number=number)), frozenset()) for number in range(count)]
    planned = time.perf_counter()
    outcome = run_cells(cells, workers, Silent())
    assert len(outcome.done) == count
    return {"plan": planned - began, "run": time.perf_counter() - planned, "processor": spent() - used}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        package(place)
        start = measure(options.workers, options.workers, place, "start")["processor"]
        for label, base in (("computed", start), ("exist already", 0.0)):
            found = measure(options.cells, options.workers, place)
            each = {name: 1000 * seconds / options.cells for name, seconds in found.items()}
            print(
                f"{options.cells} cells, {options.workers} workers, {label}; ms each: resolve {each['plan']:.2f},",
                end=" ",
            )
            net = 1000 * (found["processor"] - base) / options.cells
            print(f"run {each['run']:.1f} of wall time; both {net:.1f} of processor time")


if __name__ == "__main__":
    main()
