"""The best of several arms on one data set, folds joined and seeds averaged, and which others cannot be separated from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.core.text.plurals import counted
from muybridge.measure.estimate import Interval
from muybridge.report.compare.best_arms import arms_of
from muybridge.report.gather.collect import Experiment, Gathered, data_of, facets
from muybridge.report.gather.damage import read_run
from muybridge.report.gather.same_protocol import profile_of
from muybridge.report.scores.robust import perturbed
from muybridge.report.scores.score import Comparison, between, by_pair, score
from muybridge.report.tables.table import points, span
from muybridge.runs.records import Run

METRICS = ("accuracy", "perturbed")
MOST = 200


@dataclass(frozen=True)
class Rival:
    """An arm beside the best one; ``gap`` is the best one minus it, None when tested on other videos."""

    runs: list[Run]
    value: float
    gap: Comparison | None

    @property
    def verdict(self) -> str:
        """``below``, ``cannot be separated`` or ``other videos``."""
        if self.gap is None:
            return "other videos"
        return "below" if self.gap.stands else "cannot be separated"


@dataclass(frozen=True)
class Best:
    """The arm with the highest number, and the others from the highest down."""

    metric: str
    runs: list[Run]
    interval: Interval
    rivals: list[Rival]


def best(runs: Sequence[Run], metric: str = "accuracy") -> Best:
    """Find the best arm; runs that differ in seed and fold alone are one.

    Every pair is compared on the same videos, with Holm's correction over all pairs.

    Args:
        runs: finished runs with predictions, all on one data set (and profile of perturbations).
        metric: ``accuracy`` without perturbation, or ``perturbed``: mean over severities and types.

    Raises:
        UsageError: no run with predictions, several data sets or profiles, or too many runs.
        MuybridgeError: a run is damaged.
    """
    _refuse(runs, metric)
    kept = [(run, read_run(run)) for run in runs]
    rows = {run.signature: found for run, found in kept if found is not None}
    arms = {
        seeds[min(seeds)][0].signature: seeds
        for seeds in arms_of([run for run in runs if run.signature in rows])
    }
    experiment = Experiment("", "", facets(runs[0])["data"], arms)
    scored = score(experiment, rows)
    if metric == "accuracy":
        values, pairs = {name: arm.accuracy() for name, arm in scored.arms.items()}, scored.comparisons
    else:
        found = perturbed(scored, Gathered(Path(), {}, list(runs), rows, [], list(arms), [experiment], []))
        values = {name: arm.means["types"] for name, arm in found.arms.items() if arm.means}
        pairs = found.pairs
    if not values:
        raise UsageError(
            f"best {metric}: no run has that number; {scored.problems[0] if scored.problems else 'cells are missing.'}"
        )
    ranked = sorted(values, key=lambda name: -values[name].value)
    members = {name: [run for runs in seeds.values() for run in runs] for name, seeds in arms.items()}
    against = by_pair(pairs)
    rivals = [
        Rival(members[name], values[name].value, between(against, ranked[0], name)) for name in ranked[1:]
    ]
    return Best(metric, members[ranked[0]], values[ranked[0]], rivals)


def _refuse(runs: Sequence[Run], metric: str) -> None:
    if not runs:
        raise UsageError(f"best {metric}: no finished run has it. `muybridge runs ls` shows what there is.")
    for what, told in (
        ("data sets", sorted({str(data_of(run).get("name")) for run in runs})),
        ("versions of the data", sorted({str(data_of(run).get("fingerprint")) for run in runs})),
        ("profiles", sorted({profile_of(run) for run in runs}) if metric == "perturbed" else []),
    ):
        if len(told) > 1:
            raise UsageError(
                f"best {metric}: the runs are on {len(told)} {what}: {', '.join(told)}. Narrow them with --where."
            )
    if len(runs) > MOST:
        raise UsageError(
            f"best {metric}: {counted(len(runs), 'run')}; at most {MOST} are compared pair by pair. Narrow them with --where."
        )


def lines(found: Best) -> list[str]:
    """The finding in words: the best one, those not separable from it, those below it, those on other videos."""
    one, caution = found.interval, f"; {found.interval.caution}" if found.interval.caution else ""
    said = [
        f"best {found.metric}: {points(one.value)} % (95 % interval {span(one)}{caution})",
        f"  {_name(found.runs)}",
    ]
    heads = {
        "cannot be separated": "cannot be separated from it (same videos, Holm over all pairs)",
        "below": "below it",
        "other videos": "tested on other videos, not compared",
    }
    for verdict, head in heads.items():
        rivals = [rival for rival in found.rivals if rival.verdict == verdict]
        if rivals:
            said += [
                f"{head}: {len(rivals)}",
                *(f"  {points(rival.value):>5} %{_gap(rival)}  {_name(rival.runs)}" for rival in rivals),
            ]
    return said


def _gap(rival: Rival) -> str:
    if rival.gap is None:
        return ""
    return f"  {span(rival.gap.difference.interval, sign=True)} points"


def _name(runs: Sequence[Run]) -> str:
    first, *others = runs
    words = f"{first.stage}/{first.signature[:8]}  {first.result.get('summary', '')}"
    return words + (f"  {_counted(runs)}" if others else "")


def _counted(runs: Sequence[Run]) -> str:
    """How many seeds and folds an arm has, and its runs."""
    told = {what: {str(facets(run)[what]) for run in runs} for what in ("seed", "fold")}
    many = ", ".join(f"{len(values)} {what}s" for what, values in told.items() if len(values) > 1)
    return f"({many}: {' '.join(run.signature[:8] for run in runs)})"


def _named(runs: Sequence[Run]) -> dict[str, object]:
    return {
        "stage": runs[0].stage,
        "signature": runs[0].signature,
        "runs": [run.signature for run in runs],
    }


def as_dict(found: Best) -> dict[str, object]:
    """The finding as plain data: fractions, p-values corrected by Holm."""
    one = found.interval
    rivals = [
        {
            **_named(rival.runs), found.metric: rival.value, "verdict": rival.verdict,
            **({} if rival.gap is None else {
                "difference": rival.gap.difference.interval.value, "low": rival.gap.difference.interval.low,
                "high": rival.gap.difference.interval.high, "p_holm": rival.gap.p,
            }),
        }
        for rival in found.rivals
    ]  # fmt: skip
    return {
        "metric": found.metric, **_named(found.runs), found.metric: one.value,
        "low": one.low, "high": one.high, "rivals": rivals,
    }  # fmt: skip
