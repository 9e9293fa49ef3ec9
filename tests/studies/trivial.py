"""A stage that does nearly nothing, joined through the entry points as a package of a user's would be; workers find it too.

What a cell does besides is asked of it by files in ``$TRIVIAL``: ``N.fail`` (raise), ``N.die`` (kill -9 itself, once), ``N.die-always``,
``N.full`` (the disk is full), ``N.wait`` (until it is gone).
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from muybridge.core.seeding import rng
from muybridge.studies.executors.messages import Message
from muybridge.studies.executors.worker import work
from muybridge.studies.plan import Cell

STAGE = """
import errno, os, signal, time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from muybridge.core.files import atomic
from muybridge.core.seeding import rng
from muybridge.config.stage_configs import Data
from muybridge.runs.stages import StageFacts
from muybridge.stages.job.job import Stage


@dataclass(frozen=True, kw_only=True)
class TrivialConfig(Data):
    stage: ClassVar[str] = "trivial"
    number: int = 0


def asked(number, what):
    return Path(os.environ["TRIVIAL"]) / f"{number}.{what}"


class Trivial(Stage):
    name = "trivial"

    def run(self, job, progress):
        number = job.config.number
        if asked(number, "fail").exists():
            raise ValueError(f"cell {number} was asked to fail")
        if asked(number, "full").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for step in range(5):
            while asked(number, "wait").exists():
                time.sleep(0.02)
            if asked(number, "die").exists() or asked(number, "die-always").exists():
                asked(number, "die").unlink(missing_ok=True)
                os.kill(os.getpid(), signal.SIGKILL)
            progress(step, 5, {})
        with atomic(job.run.path / "rows.bin", "wb") as file:
            file.write(rng(number, "rows").bytes(2000))
        return {"summary": f"cell {number}", "notes": [], "budget": {}}


TRIVIAL = Trivial()
FACTS = StageFacts("does nearly nothing", "trivial", "trivial_stage:TrivialConfig", "trivial_stage:TRIVIAL")
"""
POINTS = "[muybridge.stages]\ntrivial = trivial_stage:FACTS\n"
METADATA = "Metadata-Version: 2.1\nName: trivial-stage\nVersion: 1\n"


def install(folder: Path) -> Path:
    """Write the package into a folder that belongs on ``sys.path``; returns the folder ``$TRIVIAL`` within."""
    facts = folder / "trivial_stage-1.dist-info"
    facts.mkdir(parents=True)
    (folder / "trivial_stage.py").write_text(STAGE)
    (facts / "entry_points.txt").write_text(POINTS)
    (facts / "METADATA").write_text(METADATA)
    (folder / "asked").mkdir()
    return folder / "asked"


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """The package importable here and in processes that are spawned from here."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("trivial_stage", None)


def rows(number: int) -> bytes:
    """What cell ``number`` writes."""
    return rng(number, "rows").bytes(2000)


def cells(videos: Path, out: Path, number: int, needs: dict[int, int] | None = None) -> list[Cell]:
    """Cells 0 to ``number``; ``needs`` lets one wait for another."""
    from trivial_stage import TrivialConfig

    from muybridge.stages.job.resolve import resolve

    jobs = [
        resolve(TrivialConfig(data=(str(videos),), out=out, number=n, device="cpu")) for n in range(number)
    ]
    after = {n: frozenset({jobs[first].signature}) for n, first in (needs or {}).items()}
    return [Cell(job, after.get(n, frozenset())) for n, job in enumerate(jobs)]


class Here:
    """An executor that runs a cell in this process when it is listened to."""

    def __init__(self, workers: int, address: str | None = None) -> None:
        self.cells: list[Cell] = []

    def recall(self, finished: Sequence[Cell]) -> None:
        pass

    def start(self, cell: Cell) -> bool:
        room = not self.cells
        self.cells += [cell] * room
        return room

    def listen(self, seconds: float) -> Iterator[tuple[Cell, Message]]:
        if not self.cells:
            time.sleep(min(seconds, 0.05))
        while self.cells:
            cell = self.cells.pop()
            yield cell, work(cell.job.config)

    def close(self) -> None:
        pass
