"""Claims that the pre-registered study of diversity decides: its runs are judged by the rule that was written before the first of them."""

from pathlib import Path

from muybridge.claims.verify.table_predicates import Line, Outcome
from muybridge.core.errors import UsageError
from muybridge.measure.diversity.association import Association
from muybridge.measure.diversity.verdict import FEWEST, Evidence, Verdict
from muybridge.report.gather.collect import Gathered, collect, data_of, facets
from muybridge.report.scores.diversity_evidence import judge
from muybridge.report.scores.diversity_runs import registered

SAYS = {
    "primary": "robustness rises with diversity",
    "combiner": "MELTR's gain over the sum rises with diversity",
    "altering": "robustness rises with diversity, and the response to what alters the label does not fall",
    "unexposed": "robustness rises with diversity where no loss has shown the perturbation",
}
"""What a claim of the study may be of."""


def registered_study(folder: Path, of: str) -> Outcome:
    """The verdict of a claim on a folder of runs.

    Args:
        folder: has ``prereg.yaml`` and the runs.
        of: a key of ``SAYS``.

    Raises:
        UsageError: no such claim, or no runs.
        MuybridgeError: the pre-registration was changed.
    """
    if of not in SAYS:
        raise UsageError(f"registered_study: no {of!r}. Known: {', '.join(SAYS)}.")
    all_of = collect(folder)
    made = registered(all_of)
    if made is None:
        return Outcome("undetermined", f"no pre-registered study of diversity in {folder}")
    found, said = judge(made)
    bounds = made.prereg["hypothesis"]["primary"]
    runs, data = _behind(all_of, str(made.prereg["sha256"]))
    one = decided(of, found, said, float(bounds["sesoi"]), float(bounds["alpha"]))
    where = ", ".join(made.prereg["population"]["data"])
    alone = "; drawn clips answer for themselves alone" if made.synthetic else ""
    return Outcome(**{**vars(one), "reason": f"{one.reason} (on {where}{alone})", "runs": runs, "data": data})


def decided(of: str, found: Evidence, said: Verdict, sesoi: float, alpha: float) -> Outcome:
    """The verdict from the evidence.

    Args:
        of: a key of ``SAYS``.
        found: evidence of the study.
        said: its own verdict, which is that of ``primary``.
        sesoi: smallest rank correlation that matters.
        alpha: of a two-sided test.
    """
    primary = found.primary
    if of == "primary":
        lines = [Line(f"refuter: {one.name}: {one.answer}", "open") for one in said.refuters]
        return _outcome(said.word, "; ".join(said.reasons), primary, [_line("primary", primary), *lines])
    if of == "combiner":
        word = _rises(found.combiner, sesoi, alpha)
        return _outcome(word, SAYS[of], found.combiner, [_line("gain of MELTR over the sum", found.combiner)])
    if of == "unexposed":
        word = _rises(primary, sesoi, alpha)
        seen = [_line("without what a loss has shown", primary), _line("over all cells", found.every_cell)]
        return _outcome(word, SAYS[of], primary, seen)
    rises, other = _rises(primary, sesoi, alpha), found.altering
    falls = other.n >= FEWEST and other.high < 0
    stays = other.n >= FEWEST and other.low > -sesoi
    word = "refuted" if rises == "refuted" or falls else "supported" if rises == "supported" and stays else ""
    shown = primary if rises != "supported" else other
    seen = [_line("robustness", primary), _line("response to what alters the label", other)]
    return _outcome(word or "undetermined", f"{SAYS[of]}, by less than {sesoi:g}", shown, seen)


def _rises(one: Association, sesoi: float, alpha: float) -> str:
    """Supported above zero by permutation and interval; refuted below zero, or surely below what matters; NaN bounds decide nothing."""
    if one.n < FEWEST:
        return "undetermined"
    if one.low > 0 and one.p < alpha:
        return "supported"
    return "refuted" if one.high < 0 or one.high_90 < sesoi else "undetermined"


def _outcome(word: str, reason: str, one: Association, lines: list[Line]) -> Outcome:
    told = reason if one.n >= FEWEST else f"{one.n} sets can be judged; wanted {FEWEST} or more"
    bounds = (one.low, one.high) if one.low == one.low else None
    effect = one.rho if one.rho == one.rho else None
    return Outcome(
        word,
        told,
        effect,
        "" if effect is None else "partial rank correlation",
        bounds,
        one.n,
        "sets of losses",
        None if effect is None else one.p,
        lines=lines,
    )


def _line(words: str, one: Association) -> Line:
    if one.rho != one.rho:
        return Line(f"{words}: not run, or without spread", "open", n=one.n)
    return Line(words, "open", one.rho, one.low, one.high, one.p, one.n)


def _behind(all_of: Gathered, prereg: str) -> tuple[list[str], dict[str, str]]:
    """Runs of the pre-registration, and the fingerprints of what they were measured on."""
    runs = [run for run in all_of.runs if run.result.get("config", {}).get("prereg") == prereg]
    data = {facets(run)["data"]: str(data_of(run).get("fingerprint", "")) for run in runs}
    return [f"{run.stage}/{run.signature}" for run in runs], data
