"""Claims in tables: one row per claim, and one per comparison behind them."""

from collections.abc import Iterator, Sequence

from muybridge.measure.estimate import Interval
from muybridge.report.claims.verdicts import Evidence, Judged
from muybridge.report.tables.table import Cell, Column, Table, missing, points, span, text

SIDES = {
    "for": "for it",
    "against": "against it",
    "open": "cannot be separated",
    "one seed": "one seed: of these networks only",
    "one source group": "one source group: no interval",
    "not comparable": "not comparable",
}
MOST = 4
LEGEND = (
    "Differences in percentage points of accuracy, or on the scale that stands beside them, with 95 % intervals of Student's t over source "
    "groups of the test videos and training seeds; p corrected by Holm; each claim names its data."
)


def claim_tables(judged: Sequence[Judged]) -> list[Table]:
    """Verdicts, and the comparisons behind them; none for a study without claims."""
    evidence = _evidence_table(judged)
    return [_claims_table(judged), *([evidence] if evidence else [])] if judged else []


def _claims_table(judged: Sequence[Judged]) -> Table:
    """Verdict of each claim, with how its comparisons came out and what it lacks."""
    columns = [Column("claim"), Column("verdict"), Column("evidence"), Column("missing")]
    rows = [[text(one.words), _verdict(one), _weighed(one), _lacking(one)] for one in judged]
    notes = [
        "The claims that rest on comparisons are one family: every p is multiplied by their number. Supported: every comparison of the "
        "claim "
        "stands in favour; as all of them must (an intersection), none is corrected for the others. Refuted: one stands against it, "
        "corrected by "
        "Holm over the comparisons of the claim. Undetermined: neither, or something it needs is missing. One seed: the networks may "
        "differ, but a single training "
        "run of each does not tell whether what they were trained with is why. Not comparable: the protocols differ, so that "
        "nothing follows for either side."
    ]
    return Table("claims", "Claims of the study", columns, rows, notes, legend=LEGEND)


def _evidence_table(judged: Sequence[Judged]) -> Table | None:
    """Every comparison; None where there is none."""
    columns = [
        Column("claim"), Column("comparison"), Column("difference, points", True), Column("95 % interval", True),
        Column("p, corrected", True), Column("says"),
    ]  # fmt: skip
    rows = [[text(one.words), *_evidence_row(line)] for one in judged for line in one.evidence]
    return Table("evidence", "Comparisons behind the claims", columns, rows, legend=LEGEND) if rows else None


def _verdict(one: Judged) -> Cell:
    return Cell(one.verdict, sort=one.verdict, kind="warn" if one.verdict == "refuted" else "")


def _weighed(one: Judged) -> Cell:
    """How many comparisons say what, and the one that says least for the claim."""
    if not one.evidence:
        return missing("none")
    counts = {words: sum(line.says == says for line in one.evidence) for says, words in SIDES.items()}
    shown = ", ".join(f"{number} {words}" for words, number in counts.items() if number)
    which = "the only one" if len(one.evidence) == 1 else f"the weakest of {len(one.evidence)}"
    order = ("against", "one seed", "one source group", "open", "not comparable", "for")
    weakest = min(
        one.evidence,
        key=lambda line: (order.index(line.says), abs(line.interval.value) if line.interval else 0.0),
    )
    return Cell(shown, sort=shown, small=f"{which}: {_words(weakest)}")


def _words(line: Evidence) -> str:
    if line.interval is None:
        return line.words
    if line.scale:
        one = line.interval
        return f"{line.words}: {line.scale} {one.value:+.2f} ({_bounds(one)})"
    return f"{line.words}: {_shown(line.interval)}"


def _bounds(one: Interval) -> str:
    """Of a number that is no difference of shares; there is none where no test of so few units rejects anything."""
    return "no interval" if one.low != one.low else f"{one.low:+.2f} to {one.high:+.2f}"


def _shown(one: Interval) -> str:
    return f"{points(one.value, sign=True)} points ({span(one, sign=True)})"


def _lacking(one: Judged) -> Cell:
    if not one.missing:
        return text("")
    more = f"; and {len(one.missing) - MOST} more" if len(one.missing) > MOST else ""
    return missing("; ".join(one.missing[:MOST]) + more, title="; ".join(one.missing))


def _evidence_row(line: Evidence) -> list[Cell]:
    if line.interval is None or line.p is None:
        return [text(line.words), *(Cell("") for _ in range(3)), text(SIDES[line.says])]
    if line.scale:
        one = line.interval
        return [
            text(line.words), Cell(f"{one.value:+.2f}", sort=one.value, small=line.scale), Cell(_bounds(one), sort=one.low),
            Cell(_p(line.p), sort=line.p), text(SIDES[line.says]),
        ]  # fmt: skip
    return [
        text(line.words),
        Cell(points(line.interval.value, sign=True), sort=100 * line.interval.value),
        Cell(span(line.interval, sign=True), sort=100 * line.interval.low),
        Cell(_p(line.p), sort=line.p),
        text(SIDES[line.says]),
    ]


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def claim_rows(judged: Sequence[Judged]) -> Iterator[dict[str, object]]:
    """One tidy row per comparison, or per claim without any."""
    for one in judged:
        told = {
            "claim": one.words, "verdict": one.verdict, "missing": "; ".join(one.missing), "runs": " ".join(one.runs),
            "fingerprints": " ".join(f"{name}={print_}" for name, print_ in sorted(one.data.items())),
        }  # fmt: skip
        lines: list[Evidence | None] = [*one.evidence] or [None]
        for line in lines:
            bounds = line.interval if line else None
            yield {
                **told,
                "comparison": line.words if line else None,
                "says": line.says if line else None,
                "scale": (line.scale or "difference") if line else None,
                "difference": bounds.value if bounds else None,
                "low": bounds.low if bounds else None,
                "high": bounds.high if bounds else None,
                "p_holm": line.p if line else None,
                "seeds": bounds.seeds if bounds else None,
                "groups": bounds.groups if bounds else None,
            }
