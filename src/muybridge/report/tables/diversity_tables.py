"""Tables of the section on diversity: the answer, coefficients under every adjustment, and what was held against it."""

import math

from muybridge.core.text.plurals import listed
from muybridge.measure.diversity.association import Association
from muybridge.measure.diversity.verdict import Evidence, Verdict
from muybridge.report.scores.diversity_evidence import mixed, mixed_words, words
from muybridge.report.scores.diversity_runs import Registered
from muybridge.report.tables.table import Cell, Column, Table, count, missing, text

ROWS = {
    "primary": "given which losses a set holds (primary)",
    "plain": "without any adjustment",
    "accuracy": "given losses and clean accuracy",
    "every_cell": "over all cells that keep the label, those that a loss has shown among them",
    "second": "on the second backbone",
    "placebo": "sets of placebo losses",
    "combiner": "with what MELTR gains over the sum",
    "only_views": "robustness where the views alone were shown",
    "altering": "with the response to reversal (S_alt), which is good where it is large",
    "naive": "with diversity from single batches, which is mostly noise",
    "worst": "sets without a number taken for the least robust",
    "best": "sets without a number taken for the most robust",
}
NUMBERS = [
    Column("rank correlation", True),
    Column("95 % interval", True),
    Column("p", True),
    Column("sets", True),
]
LEGEND = (
    "Rank correlations (Spearman, from -1 to 1) over sets of auxiliary losses, trained and tested on {data}, several training seeds of a "
    "set averaged; 95 % intervals of the bias-corrected and accelerated bootstrap over sets; p by permutation."
)


def diversity_tables(made: Registered, found: Evidence, said: Verdict) -> list[Table]:
    """The tables of a registered study."""
    shown = {key: getattr(found, key) for key in ROWS}
    coefficients = [
        [text(ROWS[key]), *_cells(one)] for key, one in shown.items() if one.n or key not in ("worst", "best")
    ]
    corrected = found.corrected()
    measures = [
        [
            text(name),
            *_cells(one),
            text(f"{corrected[name]:.2g}") if one.n and not math.isnan(one.rho) else missing(),
        ]
        for name, one in (found.secondary or {}).items()
    ]
    x, legend = (
        made.prereg["hypothesis"]["primary"]["x"],
        LEGEND.format(data=listed(made.prereg["population"]["data"])),
    )
    outside = [[text(name), *_cells(one)] for name, one in found.outside.items()]
    return [
        Table("diversity", f"Diversity of losses ({x}) against robustness in time", [Column("correlation"), *NUMBERS], coefficients,
              [*words(made, found, said), mixed_words(mixed(made), x)], legend=legend),
        Table("diversity-refuters", "What would take the answer away", [Column("what"), Column("is it so")],
              [[text(one.name), text(one.answer)] for one in said.refuters],
              ["Each was named before the first run. \N{LEFT DOUBLE QUOTATION MARK}Yes\N{RIGHT DOUBLE QUOTATION MARK} speaks against the "
               "hypothesis."], legend="Each line is a finding under which the answer would not stand."),
        Table("diversity-measures", "Other measures of diversity against robustness",
              [Column("measure"), *NUMBERS, Column("p by Holm", True)], measures, [f"Pre-registration {made.prereg['sha256']}."],
              legend=legend),
        Table("diversity-outside", "Not registered, shown beside: what networks of one loss, MELTR's slopes, probes and features say",
              [Column("correlation"), *NUMBERS], outside,
              ["Named by nobody before the first run, so it decides nothing. Diversity as MELTR weighed it comes after the treatment."],
              legend=legend),
    ]  # fmt: skip


def _cells(one: Association) -> list[Cell]:
    if math.isnan(one.rho):
        return [missing(), missing(), missing(), count(one.n)]
    interval = missing() if math.isnan(one.low) else text(f"{one.low:.2f} to {one.high:.2f}")
    return [text(f"{one.rho:.2f}"), interval, text(f"{one.p:.2g}"), count(one.n)]
