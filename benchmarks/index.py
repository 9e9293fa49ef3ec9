"""What the index of runs costs: rebuilding it, looking again, and the headline numbers of runs that do not carry theirs.

    python benchmarks/index.py [--runs 10000] [--videos 240] [--classes 12] [--conditions 13]

Synthetic run folders as a study leaves them: of every twelve runs two pretrain, four probe, four fine-tune and two are robustness runs;
config, environment, result with checksums, training curve and predictions are there, weights and film strips are not, since nobody reads
them. One thread, process CPU time and wall time.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.config.stage_configs import (
    FinetuneConfig,
    PretrainConfig,
    ProbeConfig,
    RobustnessConfig,
    as_dict,
)
from muybridge.core.seeding import rng
from muybridge.measure.headline import headline
from muybridge.runs.contents.predictions import Predictions, write_predictions
from muybridge.runs.contents.result import RECORD_VERSION
from muybridge.runs.query import chosen, ordered
from muybridge.runs.run_index import Index
from muybridge.runs.seal import seal
from muybridge.runs.signing import signature

KINDS: list[type[Any]] = (
    [PretrainConfig] * 2 + [ProbeConfig] * 4 + [FinetuneConfig] * 4 + [RobustnessConfig] * 2
)


def answers(videos: int, classes: int, conditions: int) -> Predictions:
    stream, n = rng(0, "benchmark"), videos * conditions
    names = np.array(["clean", *(f"type{place // 3}" for place in range(conditions - 1))])
    levels = np.array([0, *(1 + place % 3 for place in range(conditions - 1))])
    ids = np.array([f"video-{place:05d}" for place in range(videos)])
    return Predictions(
        video=np.tile(ids, conditions), group=np.tile(ids, conditions), label=np.tile(stream.integers(0, classes, videos), conditions),
        view=np.zeros(n, np.int64), perturbation=np.repeat(names, videos), severity=np.repeat(levels, videos),
        scores=stream.normal(size=(n, classes)).astype(np.float32),
    )  # fmt: skip


def make(out: Path, number: int, files: dict[str, bytes], with_numbers: bool) -> None:
    curve = "".join(
        json.dumps({"step": s, "clips": 48 * s, "loss": 2.0 / s, "accuracy": 0.5, "lr": 1e-3, "chance": 0.25})
        + "\n"
        for s in range(1, 51)
    )
    env = json.dumps(
        {
            "muybridge": "0.1.0",
            "platform": "Linux",
            "started": "2026-05-09T12:00:00+00:00",
            "argv": ["muybridge", "study"],
        }
    )
    for place in range(number):
        kind = KINDS[place % len(KINDS)]
        config = as_dict(kind(out=out, seed=place))
        name = signature(kind.stage, config, {})
        folder = out / "runs" / kind.stage / name
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(
            "".join(f"{key}: {json.dumps(value)}\n" for key, value in config.items())
        )
        (folder / "env.json").write_text(env)
        if kind in (PretrainConfig, FinetuneConfig):
            (folder / "metrics.jsonl").write_text(curve)
        if kind is not PretrainConfig:
            (folder / "predictions.parquet").write_bytes(
                files["many" if kind is RobustnessConfig else "clean"]
            )
        facets = {
            "arm": "vcop",
            "data": "builtin-motions",
            "protocol": kind.stage,
            "seed": place,
            "fold": None,
            "backbone": "r2plus1d-tiny",
        }
        result = {
            "version": RECORD_VERSION, "stage": kind.stage, "signature": name, "config": config, "facets": facets, "inputs": {},
            "precision": "fp32", "limited": False, "notes": ["a note of the run"], "command": f"muybridge {kind.stage} --seed {place}",
            "summary": f"{kind.stage} of vcop on builtin-motions", "chance": 1 / 12,
            "budget": {"clips": 29952, "steps": 624, "frames": 239616, "flops": 10**12, "seconds": 60.0, "waiting": 0.1},
            "data": {
                "name": "builtin-motions", "fingerprint": "0123456789abcdef", "classes": [f"class {i}" for i in range(12)],
                "videos": {"test": 240},
            },
            **({"numbers": {"accuracy": 0.5}} if with_numbers else {}),
        }  # fmt: skip
        (folder / "result.json").write_text(json.dumps(seal(folder, result), indent=2))


def timed(words: str, do: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = do()
    print(
        f"{words:<64}{time.process_time() - cpu:8.2f} s CPU {time.perf_counter() - wall:8.2f} s wall",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("runs", 10_000), ("videos", 240), ("classes", 12), ("conditions", 13)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root, files = Path(place), {}
        for name, conditions in (("clean", 1), ("many", options.conditions)):
            write_predictions(root / name, answers(options.videos, options.classes, conditions))
            files[name] = (root / name).read_bytes()
        for with_numbers in (True, False):
            out = root / f"out-{with_numbers}"
            make(out, options.runs, files, with_numbers)
            index = Index(out, root / f"{with_numbers}.sqlite")
            said = "carry their numbers" if with_numbers else "do not"
            rows = timed(f"rebuild, {options.runs:,} runs that {said}", index.rows)
            timed("look again, nothing changed", index.rows)
            if not with_numbers:
                rows = timed(
                    "headline numbers of all of them",
                    lambda index=index, rows=rows: index.measured(rows, headline),
                )
            (index.run(rows[0]).path / "result.json").touch()
            timed("look again, one run changed", index.rows)
            timed(
                "choose and sort by accuracy",
                lambda rows=rows: ordered(chosen(rows, "probe", ["backbone=r2plus1d-tiny"]), "seed"),
            )
        print(f"index file {index.path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
