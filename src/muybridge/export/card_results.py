"""What is known of a network by its runs: its own answers and those of runs that rest on it, each number with its interval."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from muybridge.core.errors import MuybridgeError
from muybridge.measure.estimate import Interval
from muybridge.measure.headline import pretext_accuracy
from muybridge.measure.intervals import CLEAN, outcomes
from muybridge.measure.robustness.robustness_scores import grid, mean_over_types
from muybridge.report.scores.shares import VideoShares, estimate
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.query import dependents
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow


@dataclass(frozen=True)
class CardResult:
    """One line of the table of results.

    Attributes:
        what: which run: its summary.
        measure: what the number is.
        value: the number and its interval, in words.
        chance: what guessing would give; empty where nothing is known.
        videos: test videos.
        caution: what a reader needs beside the interval; empty where nothing is.
    """

    what: str
    measure: str
    value: str
    chance: str
    videos: int
    caution: str = ""


def card_results(run: Run) -> list[CardResult]:
    """Results of a run, then of finished runs of the same folder that start from it; what cannot be read is left out."""
    found = list(_of(run))
    index = Index(run.path.parents[2])
    rows = index.rows()
    own = next((row for row in rows if row.name == f"{run.stage}/{run.signature}"), None)
    for row in _resting(rows, own) if own else ():
        try:
            found += _of(index.run(row))
        except (MuybridgeError, OSError, ValueError):
            continue
    return found


def _resting(rows: list[RunRow], own: RunRow) -> list[RunRow]:
    return [row for row in dependents(rows, own) if row.status == "done"]


def _of(run: Run) -> Iterator[CardResult]:
    told = run.result
    what = str(told.get("summary") or run.stage)
    path = run.path / "predictions.parquet"
    chance = f"{told['chance']:.1%}" if isinstance(told.get("chance"), float) else ""
    if not path.is_file():
        value = pretext_accuracy(run.metrics) if run.stage == "pretrain" else None
        if value is not None:
            yield CardResult(
                what,
                "accuracy of the pretext task, last tenth of training, no interval",
                f"{value:.1%}",
                chance,
                0,
            )
        return
    rows = read_predictions(path)
    shares = VideoShares("", [outcomes(rows)])
    videos = len(set(rows.video.tolist()))
    if CLEAN in shares.conditions:
        yield _line(
            what,
            "accuracy, clean" if len(shares.conditions) > 1 else "accuracy",
            shares.share(),
            chance,
            videos,
        )
    left_out = {*(told.get("label_changing") or []), *(told.get("seen") or [])}
    wanted = grid(shares.conditions)
    kept = [name for name in wanted if name not in left_out]
    if kept:
        mean = estimate(lambda cells: mean_over_types(cells, wanted, left_out), shares).interval(
            of_accuracy=True
        )
        yield _line(what, f"accuracy, mean over {len(kept)} types of perturbation", mean, chance, videos)


def _line(what: str, measure: str, found: Interval, chance: str, videos: int) -> CardResult:
    span = "no interval" if math.isnan(found.low) else f"{found.low:.1%} to {found.high:.1%}"
    return CardResult(what, measure, f"{found.value:.1%} ({span})", chance, videos, found.caution)
