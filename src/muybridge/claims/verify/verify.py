"""Does a claim hold? Its predicate is run on results, and the verdict is written with what it rests on. Nobody types a verdict.

Predicates of a study (``core.text.claim_words``) are judged on a folder of runs; those of ``tables`` on tables that come with a review;
formulas against metrics of ours. A claim without a predicate gets the verdict that its kind allows: a pointer is not testable, being no
claim about the world.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from muybridge import __version__
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.verify import table_predicates
from muybridge.claims.verify.measured_claims import measured
from muybridge.claims.verify.registered import registered_study
from muybridge.claims.verify.table_predicates import Line, Outcome, Results
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.claim_words import PREDICATES
from muybridge.core.text.formulas import formulas
from muybridge.core.text.redact import redacted
from muybridge.measure.intervals import holm
from muybridge.report.claims.formula_claims import FormulaHolds
from muybridge.report.claims.user_claims import user_claims
from muybridge.report.claims.verdicts import Evidence, Judged, World, judge

ON_TABLES: Mapping[str, Callable[..., Outcome]] = {
    "table_correlated": table_predicates.correlated,
    "table_above": table_predicates.above,
    "table_same": table_predicates.same_values,
    "table_reference": table_predicates.reference,
    "table_setting": table_predicates.every_equal,
}
ON_FACTS: Mapping[str, Callable[..., Outcome]] = {
    "enough_units": table_predicates.enough_units,
    "equal_strength": table_predicates.unequal_conditions,
}
ON_RUNS: Mapping[str, Callable[..., Outcome]] = {"measured": measured, "registered_study": registered_study}
"""Judged on a folder of runs; those of a study (``core.text.claim_words``) are too."""


def verify(
    ledger: Ledger,
    runs: Path | None = None,
    results: Mapping[str, Results] | None = None,
    only: Sequence[str] = (),
) -> dict[str, Outcome]:
    """Run the predicate of every claim (or of some) and write the verdicts; p-values are corrected by Holm over all claims that have one.

    Args:
        ledger: holds the claims.
        runs: folder of runs that predicates of a study are judged on.
        results: tables by name.
        only: ids.
    """
    claims = {id_: claim for id_, claim in ledger.all("claim").items() if not only or id_ in only}
    held = [
        one["result"]["p"] for id_, one in ledger.all("claim").items() if id_ not in claims and one["result"]
    ]
    found = outcomes(claims, runs, results or {}, [p for p in held if p is not None])
    for id_, one in found.items():
        ledger.append("claim", id_, {**claims[id_], **_written(claims[id_], one)})
    return found


def outcomes(
    claims: Mapping[str, Mapping[str, object]],
    runs: Path | None,
    results: Mapping[str, Results],
    others: Sequence[float] = (),
) -> dict[str, Outcome]:
    """Verdicts, without writing them; ``others`` are p-values of claims judged before, for the correction."""
    world = _world(runs) if runs is not None and any(_of_study(claim) for claim in claims.values()) else None
    found = {id_: _guarded(claim, world, results, runs) for id_, claim in claims.items()}
    tested = [id_ for id_, one in found.items() if one.p is not None]
    corrected = dict(
        zip(tested, holm([*(float(found[id_].p or 0.0) for id_ in tested), *others]), strict=False)
    )
    return {id_: _corrected(one, corrected[id_]) if id_ in corrected else one for id_, one in found.items()}


def differing(ledger: Ledger, runs: Path | None, results: Mapping[str, Results]) -> list[str]:
    """Claims whose verdict in the ledger is not what comes out now, in words."""
    claims = {id_: claim for id_, claim in ledger.all("claim").items() if claim["result"]}
    again = outcomes(claims, runs, results)
    return [
        f"{id_}: the ledger says {claim['result']['verdict']}, computed {again[id_].verdict}"
        for id_, claim in claims.items()
        if claim["result"]["verdict"] != again[id_].verdict
    ]


def _corrected(one: Outcome, p: float) -> Outcome:
    """What no longer stands after the correction is undetermined."""
    told = dict(vars(one))
    told["p_adj"] = p
    if one.verdict in ("supported", "refuted") and p > 0.05:
        told |= {"verdict": "undetermined", "reason": f"{one.reason}; does not stand after Holm's correction"}
    return Outcome(**told)


def _of_study(claim: Mapping[str, Any]) -> bool:
    return (
        bool(claim["predicate"])
        and claim["predicate"]["kind"] in PREDICATES
        and claim["predicate"]["kind"] != "formula"
    )


def _guarded(
    claim: Mapping[str, object], world: World | None, results: Mapping[str, Results], runs: Path | None
) -> Outcome:
    """A predicate that raises gives no verdict, and says why."""
    try:
        return _outcome(claim, world, results, runs)
    except (MuybridgeError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        words = str(error) if isinstance(error, MuybridgeError) else f"{type(error).__name__}: {error}"
        return Outcome("undetermined", f"its predicate failed ({words})")


def _outcome(
    claim: Mapping[str, Any], world: World | None, results: Mapping[str, Results], runs: Path | None
) -> Outcome:
    predicate = claim["predicate"]
    if predicate is None:
        return _without(claim)
    kind, options = predicate["kind"], dict(predicate["options"])
    if kind == "formula":
        return _formula(claim, options)
    if kind in ON_TABLES:
        name = options.pop("table")
        if name not in results:
            return Outcome(
                "undetermined",
                f"the table {name} is not at hand: the study that writes it has not run, or --table {name}=FILE gives it",
            )
        return ON_TABLES[kind](results[name], **options)
    if kind in ON_FACTS:
        return ON_FACTS[kind](**options)
    if kind == "waits":
        return Outcome("undetermined", str(options["reason"]))
    if kind in ON_RUNS and runs is not None:
        return ON_RUNS[kind](runs, **options)
    if kind in ON_RUNS or kind in PREDICATES:
        if world is None:
            return Outcome("undetermined", "no runs at hand; give a folder of runs with --runs")
        return _judged(
            judge(user_claims([{"say": claim["text"], kind: options}], claim["claim_id"]), world)[0]
        )
    raise UsageError(
        f"no predicate {kind!r}. Known: {', '.join([*PREDICATES, *ON_TABLES, *ON_FACTS, *ON_RUNS])}."
    )


def _without(claim: Mapping[str, Any]) -> Outcome:
    if claim["kind"] == "pointer":
        return Outcome(
            "not testable", "a pointer: it says where something stands and claims nothing about the world"
        )
    if claim["kind"] == "meta":
        return Outcome("not testable", "about the text itself")
    if claim["kind"] == "definition" and not formulas(claim["text"]):
        return Outcome("not testable", "a definition: it is kept or not, and neither true nor false")
    if not claim["complete"]:
        return Outcome(
            "undetermined", "cut off in the middle: what it claims is not known, and it has no predicate"
        )
    return Outcome("undetermined", "no predicate: nobody has said what results would decide it")


def _formula(claim: Mapping[str, Any], options: Mapping[str, Any]) -> Outcome:
    claims = [FormulaHolds(claim["text"], options.get("text", claim["text"]), options["metric"])]
    empty = World([], None)  # type: ignore[arg-type]
    lines = claims[0].weigh(empty, [])
    says = {one.says for one in lines}
    verdict = "refuted" if "against" in says else "supported" if says == {"for"} else "undetermined"
    return Outcome(
        verdict,
        f"property test against {options['metric']}",
        n=256 * len(lines),
        n_unit="random pairs of accuracies",
        lines=[Line(one.words, one.says) for one in lines],
    )


def _judged(one: Judged) -> Outcome:
    lines = [_line(line) for line in one.evidence]
    shown = min(
        (line for line in one.evidence if line.interval),
        key=lambda line: abs(line.interval.value) if line.interval else 0.0,
        default=None,
    )
    word, _, why = one.verdict.partition(": ")
    reason = (
        "; ".join(part for part in (why, *one.missing[:4]) if part)
        or f"{len(lines)} comparisons, the one nearest to zero is shown"
    )
    if shown is None or shown.interval is None:
        return Outcome(
            word, reason, lines=lines, runs=one.runs, data=one.data, n=len(one.runs), n_unit="runs"
        )
    bounds = shown.interval
    name = shown.scale or "difference of shares"
    ps = [line.p for line in one.evidence if line.p is not None]
    return Outcome(
        word, reason, bounds.value, name, (bounds.low, bounds.high), bounds.groups, "arms" if shown.scale else "source groups",
        max(ps) if ps else None, None, lines, one.runs, one.data,
    )  # fmt: skip


def _line(one: Evidence) -> Line:
    bounds = one.interval
    if bounds is None:
        return Line(one.words, one.says, p=one.p)
    return Line(one.words, one.says, bounds.value, bounds.low, bounds.high, one.p, bounds.groups)


def _world(folder: Path) -> World:
    from muybridge.report.gather.collect import collect
    from muybridge.report.sections.study.claims_section import world

    return world(collect(folder))


def _written(claim: Mapping[str, object], one: Outcome) -> dict[str, object]:
    predicate = json.dumps(claim["predicate"], sort_keys=True, ensure_ascii=False)
    return {
        "result": {
            "verdict": one.verdict,
            "reason": redacted(one.reason),
            "effect": _number(one.effect),
            "effect_name": one.effect_name,
            "ci": [_number(bound) for bound in one.ci] if one.ci else None,
            "ci_level": 0.95 if one.ci else None,
            "n": one.n,
            "n_unit": one.n_unit,
            "p": _number(one.p),
            "p_adj": _number(one.p_adj),
            "predicate_sha256": hashlib.sha256(predicate.encode()).hexdigest(),
            "evidence": [
                {
                    "words": line.words,
                    "says": line.says,
                    "effect": _number(line.effect),
                    "low": _number(line.low),
                    "high": _number(line.high),
                    "p": _number(line.p),
                    "n": line.n,
                }
                for line in one.lines
            ],
        },
        "provenance": {"run_ids": list(one.runs), "data": dict(one.data), "version": __version__},
    }


def _number(value: float | None) -> float | None:
    """Rounded to what is told anywhere; None for what is no number."""
    return None if value is None or value != value or abs(value) == float("inf") else round(float(value), 6)
