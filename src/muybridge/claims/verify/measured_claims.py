"""Results as a source of claims: what a ``result.json`` or a ``study.json`` states, as sentences that can be judged again on the runs.

A run states its numbers: accuracies that follow from its rows, by the predicate ``measured``. A study states the claims in its plan, and
the numbers of its finished runs. Both files are checked against their schema and, for runs, against their checksum.
"""

from collections.abc import Iterator
from math import isnan
from pathlib import Path

from muybridge.claims.verify.table_predicates import Line, Outcome
from muybridge.core.errors import UsageError
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN
from muybridge.measure.robustness.robustness_scores import grid, mean_over_types
from muybridge.report.gather.collect import data_of, facets
from muybridge.report.gather.damage import read_run
from muybridge.report.scores.score import Arm
from muybridge.report.scores.shares import estimate
from muybridge.runs.contents.study_file import NAME as STUDY
from muybridge.runs.contents.study_file import read_study
from muybridge.runs.records import Run, find_runs

SCORES = {"accuracy": "top-1 accuracy", "perturbed": "mean top-1 accuracy under perturbation"}
"""Headline numbers that follow from prediction rows."""
WITHIN = 5e-7
"""Numbers are kept to six places."""
BUILTIN = "builtin-"


def of_results(path: Path) -> list[dict[str, object]]:
    """Entries (sentence and predicate, as ``own`` takes them) of a file of results.

    Raises:
        UsageError: no such file, or neither a ``result.json`` of a run nor a ``study.json``.
        MuybridgeError: damaged, changed after it was written, or of a newer version.
    """
    path = path.resolve()
    if not path.is_file():
        raise UsageError(
            f"{path}: no such file. Wanted OUT/runs/STAGE/SIGNATURE/result.json or OUT/study.json."
        )
    if path.name == STUDY:
        told = read_study(path.parent)
        cells = {f"{cell['stage']}/{cell['signature']}" for cell in told.get("cells", [])}
        runs = [run for run in find_runs(path.parent) if f"{run.stage}/{run.signature}" in cells]
        found = [{**one, "tier": "own_real"} for one in told.get("claims", [])]
        found += [entry for run in runs for entry in _numbers(run)]
        if not found:
            raise UsageError(f"{path}: the study states no claim and has no finished run with predictions.")
        return found
    if path.name != "result.json":
        raise UsageError(
            f"{path}: wanted results of Muybridge: a run's result.json, in its folder OUT/runs/STAGE/SIGNATURE, or a study's {STUDY}."
        )
    entries = list(_numbers(Run(path.parent)))
    if not entries:
        raise UsageError(
            f"{path}: a {Run(path.parent).stage} run has no predictions, so nothing of it can be judged again. Add runs of finetune, "
            "probe, knn, zeroshot or robustness."
        )
    return entries


def _numbers(run: Run) -> Iterator[dict[str, object]]:
    told, name, arm = facets(run), f"{run.stage}/{run.signature}", _arm(run)
    for score, words in SCORES.items() if arm else ():
        found = None if arm is None else _interval(arm, score)
        if found is not None:
            yield {
                "say": f"The run {name} ({told['arm']}) has a {words} of {100 * found.value:.1f} % on {told['data']}.",
                "kind": "finding",
                "tier": "own_synthetic" if told["data"].startswith(BUILTIN) else "own_real",
                "measured": {"run": name, "score": score, "value": round(found.value, 6)},
            }


def measured(folder: Path, run: str, value: float, score: str = "accuracy") -> Outcome:
    """Whether a number of a run follows from its rows, with its interval over source groups.

    Args:
        folder: has the run in ``runs/STAGE/SIGNATURE``.
        run: ``STAGE/SIGNATURE``.
        value: the number, as a fraction.
        score: ``accuracy`` or ``perturbed``.

    Raises:
        UsageError: no such score.
        MuybridgeError: the run is damaged.
    """
    if score not in SCORES:
        raise UsageError(f"measured: no score {score!r}. Known: {', '.join(SCORES)}.")
    held = next((one for one in find_runs(folder) if f"{one.stage}/{one.signature}" == run), None)
    if held is None:
        return Outcome("undetermined", f"the run {run} is not below {folder}")
    arm = _arm(held)
    found = None if arm is None else _interval(arm, score)
    if arm is None or found is None:
        return Outcome("undetermined", f"the run {run} has no {SCORES[score]}")
    same = abs(found.value - value) <= WITHIN
    words = f"its rows give {100 * found.value:.2f} %, the claim says {100 * value:.2f} %"
    return Outcome(
        "supported" if same else "refuted",
        f"{words} (of this network, not of the way it was trained)",
        found.value,
        SCORES[score],
        None if isnan(found.low) else (found.low, found.high),
        found.groups,
        "source groups",
        lines=[Line(words, "for" if same else "against", found.value, found.low, found.high, n=arm.videos)],
        runs=[run],
        data={facets(held)["data"]: str(data_of(held).get("fingerprint", ""))},
    )


def _arm(run: Run) -> Arm | None:
    """The run as an arm of its own, its files checked; None where its stage answers for no video."""
    rows = read_run(run)
    return None if rows is None else Arm(f"{run.stage}/{run.signature}", [run], {0: rows})


def _interval(arm: Arm, score: str) -> Interval | None:
    """A score of it; None where it has not the rows. What is left out of the mean is as in ``muybridge runs ls``."""
    if score == "accuracy":
        return arm.accuracy() if CLEAN in arm.right.conditions else None
    told = arm.runs[0].result
    left_out = {*(told.get("label_changing") or []), *(told.get("seen") or [])}
    wanted = grid(arm.right.conditions)
    if not wanted.keys() - left_out:
        return None
    return estimate(lambda cells: mean_over_types(cells, wanted, left_out), arm.right).interval(
        of_accuracy=True
    )
