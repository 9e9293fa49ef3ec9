"""What the command line prints: configs, plans, results, catalogues. Imports no torch by itself."""

import math
import os
import platform
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from muybridge import __version__
from muybridge.config.recipes import FREE
from muybridge.config.recipes import rows as recipe_rows
from muybridge.core.catalogue import Entry, rows
from muybridge.core.errors import UsageError
from muybridge.core.text.redact import redact
from muybridge.core.text.terminal import print_json, visible
from muybridge.runs.records import Run, find_runs
from muybridge.store.storage import local


def tables() -> dict[str, Mapping[str, Entry]]:
    """Every catalogue that ``muybridge list`` knows."""
    from muybridge.backbones import BACKBONES
    from muybridge.data import DATASETS
    from muybridge.objectives import OBJECTIVES
    from muybridge.perturb import PERTURBATIONS
    from muybridge.weighting import WEIGHTINGS

    return {
        "backbones": BACKBONES,
        "objectives": OBJECTIVES,
        "perturbations": PERTURBATIONS,
        "datasets": DATASETS,
        "weightings": WEIGHTINGS,
    }


def catalogue(kind: str, table: Mapping[str, Entry], as_json: bool) -> int:
    """Print one catalogue."""
    found = rows(kind, table)
    if as_json:
        print_json(found)
        return 0
    width = max(len(row["name"]) for row in found)
    for row in found:
        print(f"{row['name']:<{width}}  {row['summary']}")
    return 0


def resolved(config: Any, say: Callable[[str], None] | None = None) -> None:
    """Print the resolved config (``auto`` replaced by what was chosen), one field a line, to standard error."""
    from dataclasses import replace

    from muybridge.config.stage_configs import as_dict
    from muybridge.train.precision import choose

    chosen = choose(config.device, config.precision)
    config = replace(config, device=str(chosen.device), precision=chosen.precision)
    lines = [f"muybridge {__version__} {config.stage}"]
    for name, value in redact(as_dict(config)).items():
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(f"  {name}: {text}")
    (say or partial(print, file=sys.stderr))("\n".join(lines))


def stage_plan(config: Any) -> int:
    """What a stage would do."""
    from muybridge.data.index import check_there
    from muybridge.runs import out
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.job import resolve

    check_numbers(config)
    out.check(config.out, resume=config.resume, overwrite=config.overwrite)
    job = resolve(config)
    check_there(job.dataset, config.allow_broken)
    resolved(job.config)
    for run in (*(job.inputs[name] for name in job.parts), job.run):
        print(f"{'exists' if run.done else 'to do '}  {run.path}")
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
    chance = "" if told.get("chance") is None else f", chance {told['chance']:.1%}"
    return f"{told.get('summary', run.stage)}: {found.value:.1%} ({_bounds(found, '95 % interval ')}{chance}{caution})"


def _bounds(found: Any, name: str = "") -> str:
    """Ends of an interval behind its name; that there is none where one group says nothing of another."""
    return "no interval" if math.isnan(found.low) else f"{name}{found.low:.1%} to {found.high:.1%}"


def _broken(rows: Any, told: Mapping[str, Any]) -> str:
    """How many videos could not be read and count as wrong answers."""
    broken = len(set(rows.video[rows.predicted == -1].tolist())) if told.get("data", {}).get("broken") else 0
    return f"; {broken} broken videos count as wrong" if broken else ""


def _robustness_line(run: Run) -> str:
    """Clean accuracy, mean over severities and types, and the hardest type, each with its interval, as the report has them.

    Types that change labels or were seen in training belong into no mean and are not called hard.
    """
    from muybridge.measure.intervals import CLEAN, outcomes
    from muybridge.measure.robustness_scores import grid, mean_over_types, type_means
    from muybridge.report.scores.shares import Score, Shares, estimate
    from muybridge.runs.contents.predictions import read_predictions

    told, rows = run.result, read_predictions(run.path / "predictions.parquet")
    shares = Shares("", [outcomes(rows)])
    wanted, left_out = grid(shares.conditions), {*told.get("label_changing", []), *told.get("seen", [])}
    kept = [name for name in wanted if name not in left_out]
    scores: dict[str, Score] = {"clean": lambda cells: cells[CLEAN]}
    if kept:
        means = type_means(shares.cells()[0], wanted, left_out)
        hardest = min(means, key=lambda name: float(means[name]))
        many = f"mean over {len(kept)} types" if len(kept) > 1 else hardest
        scores[many] = lambda cells: mean_over_types(cells, wanted, left_out)
    if len(kept) > 1:
        scores[f"hardest: {hardest}"] = lambda cells: type_means(cells, wanted, left_out)[hardest]
    found = {name: estimate(of, shares).interval(of_accuracy=True) for name, of in scores.items()}
    words = [f"{name} {one.value:.1%} ({_bounds(one)})" for name, one in found.items()]
    apart = [name for name in wanted if name in left_out]
    tail = f"; not counted: {', '.join(apart)}" if apart else ""
    caution = f"; {found['clean'].caution}" if found["clean"].caution else ""
    caution += _broken(rows.where((rows.perturbation == CLEAN[0]) & (rows.severity == CLEAN[1])), told)
    return f"{told.get('summary', run.stage)}: {', '.join(words)}; chance {told['chance']:.1%}; 95 % intervals{caution}{tail}"


def _retrieval_line(result: Mapping[str, Any]) -> str:
    from muybridge.measure.counts import share

    told = {
        "recall at 1": next((one.get("groups") for one in result.get("recall", []) if one["k"] == 1), None),
        "mean average precision": (result.get("average_precision") or {}).get("groups"),
    }
    found = {name: share(counts) for name, counts in told.items() if counts}
    words = [f"{name} {one.value:.1%} ({one.low:.1%} to {one.high:.1%})" for name, one in found.items()]
    caution = next((f"; {one.caution}" for one in found.values() if one.caution), "")
    return f"{result.get('summary', 'retrieval')}: {', '.join(words)} (95 % intervals{caution})"


def _similarity_line(result: Mapping[str, Any]) -> str:
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


def study_result(folder: Path) -> int:
    """Where the report lies."""
    folder = local(folder)
    print(f"{len(find_runs(folder))} runs; report: {(folder / 'report.html').resolve()}")
    return 0


def info(as_json: bool) -> int:
    """Versions, hardware and cache; torch is asked for its version only, not imported."""
    from muybridge.core.machine.paths import cache_root

    root = cache_root()
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) if root.is_dir() else 0
    names = ("torch", "numpy", "av", "scipy", "pillow", "pyarrow")
    facts = {
        "muybridge": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in names},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "cache": str(root),
        "cache_bytes": size,
    }
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            print(f"{name:<14}{value if name != 'cache_bytes' else f'{size / 1e6:,.0f} MB'}")
    return 0


def recipes(words: list[str]) -> int:
    """How pretext tasks are trained: every value with its source, by task and preset.

    Raises:
        UsageError: a task without a recipe, or a word that means nothing here.
    """
    tasks = [word for word in words if word != "--json"]
    if any(word in ("-h", "--help") for word in words):
        print(
            "usage: muybridge info recipes [TASK] [--json]\n\nEvery value of each recipe, and its source or `choice`."
        )
        return 0
    if len(tasks) > 1 or any(word.startswith("-") for word in tasks):
        raise UsageError(f"info recipes takes one task and --json, got {' '.join(tasks)!r}.")
    found = list(recipe_rows(*tasks))
    if "--json" in words:
        print_json(found)
        return 0
    head = ""
    for row in found:
        if head != (head := f"{row['task']}, {row['preset']} ({row['hash']})"):
            print(f"\n{head}")
        print(f"  {row['name']:<16}{_shown(row['value']):<26}  {row['source']}")
    return 0


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_shown, value)) or "none"
    if value == FREE:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def remove_cache() -> int:
    """Delete cached frames and embedded clips."""
    from muybridge.data.cache import remove

    print(f"freed {remove() / 1e6:,.0f} MB")
    return 0
