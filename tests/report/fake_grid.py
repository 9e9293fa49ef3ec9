"""A made-up robustness benchmark: three models on the full grid of 18 types and 5 severities, two profiles, other noise."""

from pathlib import Path

import numpy as np
from fake_study import rows, strip, write_run

from muybridge.core.seeding import rng
from muybridge.runs.contents.predictions import Predictions, concatenate

CATEGORIES = {
    "gaussian_noise": "noise", "shot_noise": "noise", "impulse_noise": "noise", "speckle_noise": "noise",
    "defocus_blur": "blur", "motion_blur": "blur", "zoom_blur": "blur",
    "jpeg": "digital", "mpeg2": "digital", "mpeg4": "digital",
    "sampling": "temporal", "reversal": "temporal", "jumbling": "temporal", "box_jumbling": "temporal", "freezing": "temporal",
    "static_rotation": "camera", "random_rotation": "camera", "translation": "camera",
}  # fmt: skip
SEVERITIES = [1, 2, 3, 4, 5]
MODELS = {"torchvision:r3d_18": (0.82, 0.13), "i3d-kinetics400": (0.74, 0.08), "frame-average": (0.66, 0.09)}
CLASSES = 10
HARM = {"noise": 1.3, "blur": 0.8, "digital": 0.6, "temporal": 0.35, "camera": 1.0}


def predictions(name: str, clean: float, slope: float, videos: int = 200, noise: int = 0) -> Predictions:
    """Rows of one model: accuracy falls with severity, at a pace of its own for each type."""
    names = [f"v{index:04d}" for index in range(videos)]
    groups = [f"g{index % 25:02d}" for index in range(videos)]
    parts = [rows(clean, CLASSES, names, groups, name)]
    for kind, category in CATEGORIES.items():
        pace = slope * HARM[category] * (0.6 + 0.8 * rng(0, "pace", kind).random())
        for severity in SEVERITIES:
            left = max(0.05, clean - pace * severity)
            own = f"{name} noise {noise}" if noise else name
            parts.append(rows(left, CLASSES, names, groups, own, kind, severity))
    return concatenate(parts)


def order() -> dict[str, dict[str, dict[str, float]]]:
    """Kendall tau and distinct frames of the temporal types."""
    temporal = [kind for kind, category in CATEGORIES.items() if category == "temporal"]
    return {
        kind: {str(s): {"tau": -1.0 if kind == "reversal" else 1 - 0.18 * s, "distinct": 16.0 - 2 * s} for s in SEVERITIES}
        for kind in temporal
    }  # fmt: skip


def write_grid(
    folder: Path, name: str, profile: str | dict[str, object] = "muybridge-1", noise: int = 0, **more
) -> str:
    """One robustness run of a model; returns its signature."""
    clean, slope = MODELS[name]
    strips = {"clean": strip("clean")} | {
        f"{kind} {s}": strip(f"{kind} {s}") for kind in list(CATEGORIES)[:2] for s in SEVERITIES
    }
    facets = {"arm": name, "data": "kinetics-mini", "seed": 0, "fold": None, "protocol": "10 x 1 views"}
    told = {
        "profile": profile, "protocol": {"frames": 16, "stride": 4, "views": "10x1", "hash": "3fa9c1d2e4b5"},
        "categories": CATEGORIES, "identity": {"equal": True, "videos": 200}, "seen": [], "order": order(),
        "lossless": {"mpeg2": {"equal": True}, "mpeg4": {"equal": False, "psnr": 61.2}},
        "model": {"name": name}, "chance": 1 / CLASSES, "strips": strips,
        "data": {"name": "kinetics-mini", "fingerprint": "c0ffee", "classes": [f"class {i}" for i in range(CLASSES)],
                 "videos": {"test": 200}, "broken": []},
        "config": {"seed": noise, "profile": profile, "model": name},
    }  # fmt: skip
    made = predictions(name, clean, slope, noise=noise)
    facets = {**facets, **more.pop("facets", {})}
    salt = f"{name} {profile} {noise} {more}"
    return write_run(folder, "robustness", facets, made, **{**told, **more}, lr=salt)


def build_grid(folder: Path) -> Path:
    """Three models on one profile, one of them on a second profile too, and one with two more seeds of the noise."""
    for name in MODELS:
        seen = ["gaussian_noise", "jpeg"] if name == "frame-average" else []
        write_grid(folder, name, seen=seen)
    write_grid(folder, "i3d-kinetics400", "samples-2022")
    for noise in (1, 2):
        write_grid(folder, "i3d-kinetics400", noise=noise)
    return folder


def values(made: Predictions) -> dict[tuple[str, int], float]:
    """Accuracy by condition, counted."""
    conditions = sorted(set(zip(made.perturbation.tolist(), made.severity.tolist(), strict=True)))
    return {one: float(np.mean(made.condition(*one).correct)) for one in conditions}


if __name__ == "__main__":
    import sys

    print(build_grid(Path(sys.argv[1])))
