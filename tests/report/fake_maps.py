"""Made-up runs of similarity: maps of which every number is known."""

from pathlib import Path

import numpy as np
from fake_study import data, write_run

from muybridge.runs.contents.layer_maps import write_maps
from muybridge.runs.records import Run

LAYERS = [f"stages.{i}" for i in range(14)]
TWINS = ({"twin": {"value": 0.75, "low": 0.625, "high": 0.875}}, {})
"""Twin retrieval under each condition; older runs have none."""


def facts(arm: str, seed: int = 0, **words) -> dict:
    told = {"arm": arm, "backbone": "shufflenet-tiny", "done": "fine-tuned on builtin-motions", "source": "builtin-motions", "level": "",
            "seed": seed, "stage": "finetune"}  # fmt: skip
    return told | ({"source": ""} if arm == "random" else {}) | words


def axis(told: dict, never: tuple[str, ...] = ()) -> dict:
    name = f"{told['arm']}, {told['backbone']}, {told['done']}, seed {told['seed']}"
    return {"name": name, "layers": LAYERS, "never": list(never), "facts": told}


def write_map(
    out: Path, a: dict, b: dict | None = None, bright: float = 0.5, spread: float = 0.01, never: tuple[str, ...] = (), drift: bool = False
) -> Run:  # fmt: skip
    """A map that is ``bright`` off its diagonal; replicates around that value with a deviation of ``spread``."""
    value = np.full((14, 14), bright)
    np.fill_diagonal(value, 1)
    value[0, 13] = value[13, 0] = 0.001
    low, high = np.full((14, 14), -0.02), np.full((14, 14), 0.02)
    draws = bright + spread * np.random.default_rng(0).standard_normal(200)
    arrays = {
        "cka.value": value,
        "cka.null_low": low,
        "cka.null_high": high,
        "cka.low": value - 0.1,
        "cka.high": value + 0.1,
    }
    arrays["redrawn.value"] = np.stack([draws, np.zeros(200)])
    conditions = [["gaussian_noise", 1], ["reversal", 5]] if drift else []
    if drift:
        moved = np.linspace(0.9, 0.1, 28).reshape(2, 14)
        arrays |= {
            "perturbed.value": moved,
            "perturbed.null_low": moved - 2,
            "perturbed.null_high": moved - 1,
        }
    numbers = {"mean_off_diagonal": {"value": bright, "low": bright - 0.1, "high": bright + 0.1}, "block_score": {"value": 0.0},
               "profile": [1.0, bright], "inside_null": 2 / 196, "undefined": 0}  # fmt: skip
    told = {"a": axis(a, never), "b": axis(b) if b else None, "measures": {} if drift else {"cka": numbers},
            "pool": "none", "clips": 256, "groups": 64,
            "batches": [16] * 16, "permutations": 200, "replicates": 200,
            "conditions": conditions, "profile": None,
            "drift": [{"type": name, "severity": at, "mean": 0.5, "first": 0.9, "last": None} | more
                      for (name, at), more in zip(conditions, TWINS, strict=False)]}  # fmt: skip
    facets = {
        "arm": f"{a} {b} {drift}",
        "data": "builtin-motions",
        "protocol": "similarity",
        "seed": 0,
        "backbone": a["backbone"],
    }
    config = {"layers": ["all"], "pool": "none"}
    signature = write_run(
        out, "similarity", facets, similarity=told, config=config, data=data("builtin-motions")
    )
    run = Run(out / "runs" / "similarity" / signature)
    write_maps(run.path, arrays)
    return run
