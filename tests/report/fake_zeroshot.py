"""Made-up zero-shot runs: models that saw no action labels, asked in two ways, and one that saw some classes."""

from pathlib import Path

from fake_study import MOTIONS, data, rows, write_run

from muybridge.runs.contents.predictions import concatenate, write_predictions

VIDEOS = [f"v{index:03d}" for index in range(120)]
GROUPS = [f"g{index % 20:02d}" for index in range(120)]
HASHES = ("ab12cd34ef56", "99887766aabb")


def build(folder: Path) -> Path:
    """Three models of the one kind, of which the last was asked otherwise, and one of the other."""
    for arm, level, code in (("clip", 0.3, 0), ("videoprism", 0.5, 0), ("siglip", 0.28, 1)):
        write_zeroshot(folder, arm, level, "Z0", HASHES[code], blind=arm != "videoprism")
    write_zeroshot(folder, "xclip", 0.6, "Z1", HASHES[0], seen=[0, 1, 2, 3])
    return folder


def write_zeroshot(
    folder: Path, arm: str, level: float, regime: str, code: str, blind: bool = False, seen: list[int] | None = None
) -> None:  # fmt: skip
    """One run with five templates, names as in the data set and an ensemble."""
    number = len(MOTIONS)

    def answers(share: float, name: str, kind: str = "clean", at: int = 0):
        return rows(share, number, VIDEOS, GROUPS, f"{arm} {name}", kind, at)

    signature = write_run(
        folder, "zeroshot", {"arm": arm, "data": "builtin-motions", "seed": 0, "protocol": "zero-shot"},
        answers(level, "all"), chance=1 / number, data=data("builtin-motions"),
        regime={"name": regime, "labels": "kinetics400" if seen else "", "seen": seen or []},
        model={"name": arm, "order_free": blind},
        protocol={
            "hash": code, "clips": {"frames": 8, "sampling": "uniform", "temporal": 1, "spatial": 1, "crop": 224},
            "question": {"template_set": "actions"},
        },
    )  # fmt: skip
    single = [answers(level - 0.05 + 0.02 * at, str(at), "template", at) for at in range(5)]
    path = folder / "runs" / "zeroshot" / signature / "templates.parquet"
    write_predictions(path, concatenate([*single, answers(level, "names", "names")]))
