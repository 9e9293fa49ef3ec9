"""Two robustness runs side by side: differences on the same videos, with intervals and verdicts in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN
from muybridge.measure.robustness.answer_columns import Tested
from muybridge.measure.robustness.robustness_scores import against_clean_trained, gaps, type_means
from muybridge.report.gather.collect import Experiment, Gathered, data_of, facets
from muybridge.report.gather.damage import read_run
from muybridge.report.gather.design import Design, design
from muybridge.report.gather.same_protocol import variant
from muybridge.report.scores.robust import Perturbed, perturbed
from muybridge.report.scores.score import Comparison, Scored, compared, difference, score
from muybridge.report.scores.shares import Cells, Score, estimate
from muybridge.runs.kept import check_sound
from muybridge.runs.records import Run, find_runs

MEANS = {
    "types": "mean over types (mPC)",
    "categories": "mean over categories",
    "relative": "relative robustness (rPC)",
    "corrected": "chance-corrected",
}


@dataclass(frozen=True)
class Line:
    """One number of both models.

    Attributes:
        kind: ``clean``, ``mean``, ``category`` or ``type``.
        name: what was measured.
        a: of the first model.
        b: of the second.
        comparison: first minus second, corrected by Holm over all lines.
        remark: why it is in no mean; empty if it is.
    """

    kind: str
    name: str
    a: Interval
    b: Interval
    comparison: Comparison
    remark: str = ""

    @property
    def verdict(self) -> str:
        """``"A above B"``, ``"B above A"`` or ``"cannot be separated"``."""
        if not self.comparison.stands:
            return "cannot be separated"
        return "A above B" if self.comparison.difference.interval.value > 0 else "B above A"


@dataclass(frozen=True)
class Compared:
    """Two robustness runs of equal data, profile and protocol.

    Attributes:
        names: of the first and the second model.
        trained: mean over types seen in training, and over the others, of the score for models trained on
            perturbed clips (``against_clean_trained``); empty unless exactly one of them was.
    """

    names: tuple[str, str]
    runs: tuple[Run, Run]
    lines: list[Line]
    trained: dict[str, Interval]
    perturbed: Perturbed
    all_of: Gathered

    @property
    def separated(self) -> list[Line]:
        """Lines whose difference stands."""
        return [line for line in self.lines if line.comparison.stands]


def compare(a: str | Path, b: str | Path) -> Compared:
    """Compare two robustness runs.

    Args:
        a: folder of a robustness run, or an ``--out`` folder that holds exactly one.
        b: the same; corruption errors of ``a`` are relative to it.

    Raises:
        UsageError: no such run, the same run twice, or runs that differ in data, profile, protocol, videos or cells.
        MuybridgeError: a run is damaged.
    """
    first, second = find_run(Path(a)), find_run(Path(b))
    if first.path.resolve() == second.path.resolve():
        raise UsageError(f"{first.path}: given twice. Name two different robustness runs.")
    for run in (first, second):
        check_sound(run)
    kept = [read_run(run) for run in (first, second)]
    _refuse(first, second)
    all_of = _together(first, second, [one for one in kept if one is not None])
    scored = score(all_of.experiments[0], all_of.rows)
    _refuse_gaps(scored)
    found = perturbed(scored, all_of)
    names = (all_of.arms[0], all_of.arms[1])
    lines = list(_lines(found, names))
    return Compared(names, (first, second), lines, _trained(found, names), found, all_of)


def find_run(folder: Path) -> Run:
    """The robustness run at a folder, or the only one below it.

    Raises:
        UsageError: none, several or an unfinished one; says what there is.
    """
    run = Run(folder)
    if run.done and folder.resolve().parent.name == "robustness":
        return Run(folder.resolve())
    found = [run for run in find_runs(folder) if run.stage == "robustness"]
    if len(found) == 1:
        return found[0]
    if found:
        told = "; ".join(f"{run.path} ({_words(run)})" for run in found)
        raise UsageError(
            f"{folder}: holds {counted(len(found), 'robustness run')}. Name one of them: {told}."
        )
    state = "does not exist" if not folder.exists() else "holds no finished robustness run"
    raise UsageError(
        f"{folder}: {state}. Wanted OUT/runs/robustness/SIGNATURE, or an OUT with exactly one such run; "
        "`muybridge robustness` makes one."
    )


def _words(run: Run) -> str:
    """A run in a few words, whatever state its result is in."""
    try:
        return ", ".join(part for part in (facets(run)["arm"], variant(run).profile) if part)
    except (MuybridgeError, OSError):
        return "damaged"


def _refuse(a: Run, b: Run) -> None:
    """Refuse runs that do not measure the same thing, with what differs."""
    differs = []
    for name, one, two in (
        ("data", data_of(a).get("fingerprint"), data_of(b).get("fingerprint")),
        ("profile", variant(a).profile, variant(b).profile),
        ("protocol", variant(a).hash, variant(b).hash),
    ):
        if one != two:
            differs.append(f"{name} {one or 'not told'} against {two or 'not told'}{_inside(name, a, b)}")
    if differs:
        raise UsageError(
            f"{a.path} and {b.path} cannot be compared: {'; '.join(differs)}. Run both with the same --data, "
            "--profile and protocol."
        )


def _inside(name: str, a: Run, b: Run) -> str:
    """What differs inside the protocol, in words; nothing for the rest."""
    one, two = (run.result.get("protocol") if name == "protocol" else None for run in (a, b))
    if not isinstance(one, dict) or not isinstance(two, dict):
        return ""
    keys = [key for key in {**one, **two} if key != "hash" and one.get(key) != two.get(key)]
    return f" ({', '.join(f'{key} {one.get(key)} against {two.get(key)}' for key in keys)})" if keys else ""


def _refuse_gaps(scored: Scored) -> None:
    """Refuse runs on other videos or other cells: nothing is averaged away."""
    lacking = [problem for problem in scored.problems if "different videos" not in problem]
    types = design(scored).types
    for name, arm in scored.arms.items():
        cells = gaps(arm.right.counted[0], types)
        lacking += [f"{name} lacks {listed(cells)}."] if cells else []
    if lacking:
        way = "Run both with the same --types and --severities."
        raise UsageError(f"the runs cannot be compared: {' '.join(lacking)} {way}")
    if not scored.comparisons:
        raise UsageError(
            "the runs cannot be compared: they were tested on different videos. Use the same --limit and fold."
        )


def _together(a: Run, b: Run, rows: list[Tested]) -> Gathered:
    """Both runs as one experiment, the second one as reference."""
    names = [str(facets(run)["arm"]) for run in (a, b)]
    if names[0] == names[1]:
        names = [f"{name} ({letter})" for name, letter in zip(names, "AB", strict=True)]
    one, profile = facets(a), variant(a).profile
    arms = {name: {0: [run]} for name, run in zip(names, (a, b), strict=True)}
    experiment = Experiment("robustness", one["protocol"], one["data"], arms, profile, profile)
    by_run = dict(zip((a.signature, b.signature), rows, strict=True))
    return Gathered(a.path, {"reference": names[1]}, [a, b], by_run, [], names, [experiment], [])


def _lines(one: Perturbed, names: tuple[str, str]) -> Iterator[Line]:
    plan, (a, b) = one.design, (one.scored.arms[name] for name in names)
    wanted = list(_wanted(plan))
    found = compared([difference(a, b, of) for _, _, of in wanted])
    for (kind, name, of), comparison in zip(wanted, found, strict=True):
        remark = (
            "changes the label" if name in plan.changing else "seen in training" if name in plan.seen else ""
        )
        yield Line(
            kind, name, estimate(of, a.right).interval(), estimate(of, b.right).interval(), comparison, remark
        )


def _wanted(plan: Design) -> Iterator[tuple[str, str, Score]]:
    yield "clean", "clean", lambda cells: cells[CLEAN]
    if plan.kept:
        for name in MEANS:
            if name in plan.scores:
                yield "mean", MEANS[name], plan.scores[name]
    if plan.categories:
        for category in plan.by_category:
            yield "category", category, plan.category_mean(category)
    for name in plan.types:
        yield "type", name, plan.type_mean(name)


def _trained(one: Perturbed, names: tuple[str, str]) -> dict[str, Interval]:
    """The score for models trained on perturbed clips, when exactly one model was."""
    trained = [name for name in names if any(name in arms for arms in one.design.seen.values())]
    if len(trained) != 1:
        return {}
    twin = next(name for name in names if name not in trained)
    seen = [name for name in one.design.types if name in one.design.seen]
    parts = {"types seen in training": seen, "other types": [n for n in one.design.types if n not in seen]}
    sides = (one.scored.arms[twin].right, one.scored.arms[trained[0]].right)
    return {
        words: estimate(_against(one.design, types), *sides).interval()
        for words, types in parts.items()
        if types
    }


def _against(plan: Design, types: list[str]) -> Score:
    wanted = {name: plan.types[name] for name in types}

    def of(clean_trained: Cells, trained: Cells) -> np.ndarray:
        one, two = type_means(clean_trained, wanted), type_means(trained, wanted)
        return np.mean([against_clean_trained(one[name], two[name]) for name in wanted], axis=0)  # type: ignore[no-any-return]

    return of


def as_dict(found: Compared) -> dict[str, Any]:
    """The comparison as plain data: fractions, bounds, p-values corrected by Holm, verdicts; NaN as None."""
    arm = found.perturbed.arms[found.names[0]]
    errors = {name: _bounds(arm.means[name]) for name in ("mce", "relative_mce") if name in arm.means}
    return {
        "a": {"name": found.names[0], "run": str(found.runs[0].path)},
        "b": {"name": found.names[1], "run": str(found.runs[1].path)},
        "data": found.perturbed.scored.experiment.data,
        "profile": found.perturbed.scored.experiment.profile,
        "excluded": found.perturbed.design.excluded,
        "lines": [
            {
                "kind": line.kind, "name": line.name, "a": _bounds(line.a), "b": _bounds(line.b),
                "difference": _bounds(line.comparison.difference.interval), "p_holm": line.comparison.p,
                "separable": line.comparison.stands, "verdict": line.verdict, "remark": line.remark,
            }
            for line in found.lines
        ],
        "errors_of_a_relative_to_b": errors,
        "trained_on_perturbed": {name: _bounds(one) for name, one in found.trained.items()},
    }  # fmt: skip


def _bounds(one: Interval) -> dict[str, float | None]:
    values = {"value": one.value, "low": one.low, "high": one.high}
    return {name: None if np.isnan(value) else float(value) for name, value in values.items()}
