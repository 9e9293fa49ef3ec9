"""Time of planning a large study: ``python benchmarks/study.py [--cells 100000]``.

The study is a grid as people ask for it: tasks x networks x learning rates x budgets x seeds, with two probes and two fine-tunings of each
pretrained network on the embedded data. Prints seconds of CPU time of one thread.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from muybridge.config.stage_configs import FinetuneConfig, PretrainConfig, ProbeConfig
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.studies.cost import estimate
from muybridge.studies.plan import Study, plan
from muybridge.studies.state import finished

TASKS = ("rotnet", "vcop", "prp", "cvrl", "tdl", "rspnet")
NETWORKS = ("r2plus1d-tiny", "shufflenet-tiny", "r3d-tiny", "c3d-tiny")
RATES = (1e-3, 2e-3, 4e-3)
BUDGETS = (10_000, 20_000, 40_000, 80_000)
EACH = 5
"""Cells that hang on one pretraining run, itself included."""


def grid(cells: int, out: Path) -> Study:
    """Configs of a study of about so many cells."""
    seeds = range(-(-cells // (EACH * len(TASKS) * len(NETWORKS) * len(RATES) * len(BUDGETS))))
    for seed, task, backbone, lr, budget in product(seeds, TASKS, NETWORKS, RATES, BUDGETS):
        common: dict[str, Any] = {"out": out, "seed": seed, "backbone": backbone}
        init = yield PretrainConfig(
            **common, data=("builtin-motions",), objective=task, stride=1, lr=lr, budget=budget
        )
        for data in ("builtin-objects", "builtin-motions"):
            yield ProbeConfig(**common, data=(data,), init=init)
            yield FinetuneConfig(**common, data=(data,), init=init, labels_per_class=10)


def planned(cells: int) -> Iterator[tuple[str, float]]:
    """Seconds of each part."""
    out, memory = Path(mkdtemp()), ResolveCache()
    began = time.process_time()
    for data in ("builtin-objects", "builtin-motions"):
        _ = memory.load((data,), label=None, group=None, root=None, where=(), allow_links=False).fingerprint
    yield "read the data sets", time.process_time() - began
    began = time.process_time()
    found = plan(grid(cells, out), memory)
    yield f"plan {len(found):,} cells", time.process_time() - began
    began = time.process_time()
    done = finished(found)
    yield "look for finished ones", time.process_time() - began
    began = time.process_time()
    estimate(found, done)
    yield "estimate the cost", time.process_time() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100_000)
    for what, seconds in planned(parser.parse_args().cells):
        print(f"{seconds:8.2f} s  {what}")
