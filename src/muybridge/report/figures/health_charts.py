"""How healthy the features stayed during pretraining: spread, rank and nearest neighbours as small multiples."""

from dataclasses import dataclass

from muybridge.report.figures.charts import Drawn, Line, panel
from muybridge.report.gather.collect import Gathered
from muybridge.report.tables.accuracy_tables import arm_index
from muybridge.runs.records import Run

MEASURES = {
    "feature_std": "standard deviation of features",
    "effective_rank": "effective rank of features",
    "knn": "nearest-neighbour accuracy (no test videos), %",
}


@dataclass(frozen=True)
class Health:
    """Curves, one panel per measure, and what the runs said in words."""

    panels: list[Drawn]
    words: list[str]


def health(all_of: Gathered) -> Health | None:
    """Looks at the features of every pretraining run; None where no run was looked at."""
    runs = [
        (arm, seed, run)
        for experiment in all_of.of("pretrain")
        for arm, seeds in experiment.arms.items()
        for seed, kept in seeds.items()
        for run in kept
        if _looks(run) or run.result.get("health")
    ]
    panels = []
    for key, title in MEASURES.items():
        lines = [
            Line(f"{arm}, seed {seed}", arm_index(arm, all_of), *_values(run, key)) for arm, seed, run in runs
        ]
        kept = [line for line in lines if len(line.xs) > 1]
        if kept:
            panels.append(panel(title, kept, share=key == "knn", y_label=title))
    words = [f"{arm}, seed {seed}: {said}" for arm, seed, run in runs for said in _said(run)]
    return Health(panels, words) if panels or words else None


def _looks(run: Run) -> list[dict[str, object]]:
    return [row for row in run.metrics if isinstance(row.get("health"), dict)]


def _values(run: Run, key: str) -> tuple[list[float], list[float]]:
    rows = [(row, row["health"]) for row in run.metrics if isinstance(row.get("health"), dict)]
    kept = [(row, found[key]) for row, found in rows if isinstance(found.get(key), int | float)]
    return [float(row.get("clips", row["step"])) for row, _ in kept], [float(value) for _, value in kept]


def _said(run: Run) -> list[str]:
    """The notes of a run, and the sentences in its ``health``."""
    told = run.result.get("health")
    parts = list(told.values()) if isinstance(told, dict) else [told]
    sentences = [
        one for part in parts for one in (part if isinstance(part, list) else [part]) if isinstance(one, str)
    ]
    return list(dict.fromkeys([*sentences, *map(str, run.result.get("notes", []))]))
