"""What the command line prints: configs, plans, results. Imports no torch by itself."""

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from muybridge import __version__
from muybridge.config.stage_configs import Control, change
from muybridge.core.text.plurals import counted
from muybridge.core.text.redact import redacted
from muybridge.core.text.terminal import visible
from muybridge.runs.records import Run, find_runs
from muybridge.store.storage import local

if TYPE_CHECKING:
    from muybridge.measure.estimate import Interval
    from muybridge.report import ReportPaths
    from muybridge.runs.contents.predictions import Predictions
    from muybridge.runs.contents.result_fields import ResultFields

C = TypeVar("C", bound=Control)


def on_device(config: C) -> C:
    """The config with ``auto`` replaced by what was chosen; the number format hangs on the network, and is open where none is named yet."""
    from muybridge.backbones import gains_by_bf16
    from muybridge.config.names import starts_from_run
    from muybridge.train.precision import choose

    own = "" if starts_from_run(str(vars(config).get("init", "random"))) else vars(config).get("backbone")
    backbone = str(own or "")
    chosen = choose(config.device, config.precision, gains_by_bf16(backbone))
    precision = chosen.precision if backbone else config.precision
    return change(config, {"device": str(chosen.device), "precision": precision}, "resolved")


def resolved(config: Control, say: Callable[[str], None] | None = None) -> None:
    """Print the resolved config in one line, only what differs from the defaults, to standard error; ``--print-config`` prints all."""
    from muybridge.stages.job.settled import command

    words = redacted(command(on_device(config))).partition(" ")[2]
    (say or partial(print, file=sys.stderr))(f"muybridge {__version__}: {words}")


def stage_plan(config: Any) -> int:
    """What a stage would do."""
    from muybridge.data.index import check_there
    from muybridge.runs import out
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.resolve import resolve

    check_numbers(config)
    out.check(config.out, resume=config.resume, overwrite=config.overwrite)
    job = resolve(config)
    check_there(job.dataset, config.allow_broken)
    resolved(job.config)
    for run in (*(job.inputs[name] for name in job.parts), job.run):
        print(f"{'exists' if run.done else 'to do '}  {run.path}")
    if not job.run.done:
        from muybridge.stages.job.job import stage_of
        from muybridge.studies.cost import estimate
        from muybridge.studies.plan import Cell

        parts = [Cell(one, frozenset()) for one in (*job.parts.values(), job) if not one.parts]
        done = {cell.job.signature for cell in parts if cell.run.done}
        found = estimate(parts, done, measure=True)
        print(found.words(len(parts) - len(done), 1, stage_of(job.stage).shorter))
    say_cache(job.dataset.records, getattr(config, "size", None))
    return 0


def say_cache(records: Any, size: int | None) -> None:
    """What decoding will take, where something is decoded."""
    from muybridge.data import cache

    if size:
        print(f"cache: {cache.plan(records, cache.Geometry(size, size))}")


def result(run: Run) -> int:
    """Where a run lies and its main number."""
    line = accuracy_line(run)
    if line:
        print(visible(line))
    for note in run.result.get("notes", []):
        print(visible(f"note: {note}"))
    print(run.path)
    return 0


def accuracy_line(run: Run) -> str:
    """Clean accuracy with its interval, if the run has predictions; recall at 1 and mean average precision of a retrieval."""
    path = run.path / "predictions.parquet"
    if run.stage == "retrieval":
        return _retrieval_line(run.result)
    if run.stage == "similarity":
        return _similarity_line(run.result)
    if not path.is_file():
        from muybridge.measure.headline import pretext_accuracy

        pretext, chance = pretext_accuracy(run.metrics), run.result.get("chance")
        return (
            ""
            if pretext is None or chance is None
            else f"pretext accuracy {pretext:.1%} (chance {chance:.1%})"
        )
    from muybridge.measure.intervals import accuracy_interval
    from muybridge.runs.contents.predictions import read_predictions

    if run.stage == "robustness":
        return _robustness_line(run)
    rows = read_predictions(path, only="clean")
    found, told = accuracy_interval([rows]), run.result
    caution = (f"; {found.caution}" if found.caution else "") + _broken(rows, told)
    chance = told.get("chance")
    guessing = "" if chance is None else f", chance {chance:.1%}"
    return f"{told.get('summary', run.stage)}: {found.value:.1%} ({_bounds(found, '95 % interval ')}{guessing}{caution})"


def _bounds(found: "Interval", name: str = "") -> str:
    """Ends of an interval behind its name; that there is none where one group says nothing of another."""
    return "no interval" if math.isnan(found.low) else f"{name}{found.low:.1%} to {found.high:.1%}"


def _broken(rows: "Predictions", told: "ResultFields") -> str:
    """How many videos could not be read and count as wrong answers."""
    broken = len(set(rows.video[rows.predicted == -1].tolist())) if told.get("data", {}).get("broken") else 0
    return f"; {broken} broken videos count as wrong" if broken else ""


def _robustness_line(run: Run) -> str:
    """Clean accuracy, mean over severities and types, and the hardest type, each with its interval, as the report has them.

    Types that change labels or were seen in training belong into no mean and are not called hard.
    """
    from muybridge.measure.intervals import CLEAN, outcomes_of
    from muybridge.measure.robustness.robustness_scores import grid, mean_over_types, type_means
    from muybridge.report.scores.shares import Score, VideoShares, estimate
    from muybridge.runs.contents.predictions import read_pieces, read_predictions

    told, path = run.result, run.path / "predictions.parquet"
    shares = VideoShares("", [outcomes_of(read_pieces(path))])
    wanted, left_out = (
        grid(shares.conditions),
        {*(told.get("label_changing") or []), *(told.get("seen") or [])},
    )
    kept = [name for name in wanted if name not in left_out]
    scores: dict[str, Score] = {"clean": lambda cells: cells[CLEAN]}
    if kept:
        means = type_means(shares.cells()[0], wanted, left_out)
        hardest = min(means, key=lambda name: float(means[name]))
        many = f"mean over {counted(len(kept), 'type')}" if len(kept) > 1 else hardest
        scores[many] = lambda cells: mean_over_types(cells, wanted, left_out)
    if len(kept) > 1:
        scores[f"hardest: {hardest}"] = lambda cells: type_means(cells, wanted, left_out)[hardest]
    found = {name: estimate(of, shares).interval(of_accuracy=True) for name, of in scores.items()}
    words = [f"{name} {one.value:.1%} ({_bounds(one)})" for name, one in found.items()]
    apart = [name for name in wanted if name in left_out]
    tail = f"; not counted: {', '.join(apart)}" if apart else ""
    caution = f"; {found['clean'].caution}" if found["clean"].caution else ""
    caution += _broken(read_predictions(path, only=CLEAN[0]), told)
    return f"{told.get('summary', run.stage)}: {', '.join(words)}; chance {told['chance']:.1%}; 95 % intervals{caution}{tail}"


def _retrieval_line(result: "ResultFields") -> str:
    from muybridge.measure.counts import share

    told = {
        "recall at 1": next((one.get("groups") for one in result.get("recall", []) if one["k"] == 1), None),
        "mean average precision": (result.get("average_precision") or {}).get("groups"),
    }
    found = {name: share(counts) for name, counts in told.items() if counts}
    words = [f"{name} {one.value:.1%} ({one.low:.1%} to {one.high:.1%})" for name, one in found.items()]
    caution = next((f"; {one.caution}" for one in found.values() if one.caution), "")
    return f"{result.get('summary', 'retrieval')}: {', '.join(words)} (95 % intervals{caution})"


def _similarity_line(result: "ResultFields") -> str:
    """The numbers of the first measure of a map of layers."""
    told = result["similarity"]
    if not told["measures"]:
        means = [
            f"{row['type']} {row['severity']} {row['mean']:.2f}"
            for row in told["drift"]
            if row["mean"] is not None
        ]
        return f"{result.get('summary', 'similarity')}: mean CKA over layers with clean clips: {', '.join(means)}"
    measure, found = next(iter(told["measures"].items()))

    def spelt(name: str, words: str) -> str:
        one = found[name]
        if one["value"] is None:
            return f"{words} undefined"
        ends = f" ({one['low']:.2f} to {one['high']:.2f})" if one.get("low") is not None else ""
        return f"{words} {one['value']:.2f}{ends}"

    words = [spelt("mean_off_diagonal", "mean off the diagonal"), spelt("block_score", "block score")]
    inside = found["inside_null"]
    return f"{result.get('summary', 'similarity')}: {measure}, {', '.join(words)}, {inside:.0%} of the pairs inside the null band"


def study_result(folder: Path, paths: "ReportPaths | None" = None) -> int:
    """Where the report lies.

    Args:
        folder: of the results.
        paths: what was written; the page when not given.
    """
    folder = local(folder)
    page = folder / "report.html"
    if paths is not None:
        written = [paths.html, paths.markdown, *paths.tables, *paths.latex, *paths.figures]
        page = next((path for path in written if path is not None), page)
    print(f"{counted(len(find_runs(folder)), 'run')}; report: {page.resolve()}")
    return 0
