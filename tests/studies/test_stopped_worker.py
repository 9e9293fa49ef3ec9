"""The process of a cell that is asked to end saves what the cell has learnt."""

import time
from pathlib import Path

from muybridge.config.stage_configs import PretrainConfig
from muybridge.stages.job.resolve import resolve
from muybridge.studies.executors.local import Worker

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6, "device": "cpu", "workers": 1}


def test_a_worker_that_is_asked_to_end_saves_its_cell(videos: Path, tmp_path: Path):
    config = PretrainConfig(**TINY, data=(str(videos),), objective="rotnet", budget=10**5, out=tmp_path)
    folder = resolve(config).run.path
    worker = Worker({})
    worker.give(config)
    deadline = time.monotonic() + 120
    curve = folder / "metrics.jsonl"  # a row after a two-hundredth of the steps
    while not (curve.is_file() and curve.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
        while worker.pipe.poll():  # what is not read blocks who writes
            worker.pipe.recv()
    worker.stop()
    assert not worker.process.is_alive()
    assert worker.process.exitcode == 143
    assert (folder / "state" / "last.pt").is_file()
