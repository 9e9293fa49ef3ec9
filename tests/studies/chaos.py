"""Kill, fill and corrupt a study while it runs, and keep an account of what it did."""

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.metrics import read_metrics
from muybridge.runs.records import Run, find_runs
from muybridge.runs.seal import damage


class Chaos:
    """A study that runs in processes of its own, and what happens to it.

    Args:
        words: the command of its driver.
        out: its folder.
        seed: of the random moments.
        stores: folder of working copies, where the study has a store and this is a machine of its own.
    """

    def __init__(self, words: list[str], out: Path, seed: int = 0, stores: Path | None = None) -> None:
        self.words, self.out, self.random = words, out, random.Random(seed)
        self.environment = os.environ | ({} if stores is None else {"MUYBRIDGE_STORES": str(stores)})
        self.driver: subprocess.Popen[bytes] | None = None
        self.log = out.parent / f"{out.name if stores is None else stores.name}.log"
        self.kills = {"driver": 0, "worker": 0}
        self.corrupted: set[Path] = set()
        self.half_read: list[str] = []
        self.written: dict[Path, int] = {}
        self._watching = threading.Event()

    def start(self, file_limit: int | None = None) -> None:
        """Run the driver's command, with a limit to the length of files if given."""

        def limit() -> None:
            if file_limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        with self.log.open("ab") as log:
            self.driver = subprocess.Popen(
                self.words, stdout=log, stderr=log, preexec_fn=limit, env=self.environment
            )

    def finish(self, seconds: float = 900) -> int:
        """Run the driver to its end; returns its exit code."""
        if self.driver is None or self.driver.poll() is not None:
            self.start()
        assert self.driver is not None
        return self.driver.wait(seconds)

    def until(self, results: int) -> None:
        """Wait until so many runs are finished, and a moment more; the driver is started where there is none."""
        deadline = time.monotonic() + 300
        while len(find_runs(self.out)) < results and time.monotonic() < deadline:
            if self.driver is None or self.driver.poll() is not None:
                self.start()
            time.sleep(0.02)
        time.sleep(self.random.uniform(0, 0.4))

    def kill(self, driver: bool) -> None:
        """Kill -9 the driver, or one of its workers if there is one."""
        if self.driver is None or self.driver.poll() is not None:
            self.start()
        assert self.driver is not None
        workers = [] if driver else self._workers()
        if workers:
            os.kill(self.random.choice(workers), signal.SIGKILL)
        else:
            self._stop()
        self.kills["worker" if workers else "driver"] += 1

    def _stop(self) -> None:
        if self.driver is not None and self.driver.poll() is None:
            self.driver.kill()
            self.driver.wait()

    def _workers(self) -> list[int]:
        assert self.driver is not None
        deadline = time.monotonic() + 60
        while self.driver.poll() is None and time.monotonic() < deadline:
            children = psutil.Process(self.driver.pid).children()
            found = [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
            if found:
                return found
            time.sleep(0.05)
        return []

    def corrupt(self) -> Path:
        """Overwrite the middle of a file of a finished run; its length stays."""
        run = self.random.choice(find_runs(self.out))
        paths = [path for path in run.path.iterdir() if path.suffix in (".parquet", ".safetensors", ".bin")]
        path = self.random.choice(sorted(paths) or [run.path / "result.json"])
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 16] = bytes(255 - byte for byte in content[middle : middle + 16])
        path.write_bytes(content)
        self.corrupted.add(run.path)
        return path

    def run_full(self, own_disk: bool) -> None:
        """Run the driver on a full disk; where the study has no disk of its own, with files of 2 kB at most. It fails."""
        self._stop()
        if own_disk:
            with filled(self.out):
                assert self.finish() != 0
        else:
            self.start(file_limit=2048)
            assert self.finish() != 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Read every result that appears at once, as a report would, and note what was not whole."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._watching.set()
            thread.join()
            self._stop()

    def _watch(self) -> None:
        while not self._watching.wait(0.05):
            for run in find_runs(self.out):
                if run.path in self.corrupted or run.path in self.written:
                    continue
                wrong = damage(run.path, thorough=True)
                if wrong and run.path not in self.corrupted:
                    self.half_read.append(f"{run.path}: {wrong}")
                self.written[run.path] = (run.path / "result.json").stat().st_mtime_ns

    def written_again(self) -> set[Path]:
        """Runs whose result is not the one that was first seen, or which began once more after they had finished."""
        found = set()
        for path, first in self.written.items():
            events = [row["event"] for row in read_metrics(path / "journal.jsonl")]
            began_late = "finished" in events and "began" in events[events.index("finished") :]
            if began_late or (path / "result.json").stat().st_mtime_ns != first:
                found.add(path)
        return found


def rows_of(out: Path) -> dict[str, object]:
    """Every prediction, training curve and neighbour below a folder, by run."""
    return {f"{run.stage}/{run.signature}": _content(run) for run in find_runs(out)}


def _content(run: Run) -> object:
    if (run.path / "rows.bin").exists():
        return (run.path / "rows.bin").read_bytes()
    path = run.path / "predictions.parquet"
    if path.is_file():
        rows = read_predictions(path)
        return rows.video.tolist(), rows.perturbation.tolist(), rows.scores.tobytes()
    return run.metrics or run.result["neighbours"]


def small_disk(folder: Path) -> bool:
    """Make a folder a disk of its own of 256 MB; False where one may not."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)]
    return sys.platform == "linux" and subprocess.run(words, capture_output=True, check=False).returncode == 0


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """No byte is left on the disk of a folder."""
    filler = folder / "muybridge.json.filler"
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue
        yield
    finally:
        filler.unlink()
