"""Tables of the section on diversity: the answer, coefficients under every adjustment, and what was held against it."""

import math

from muybridge.core.text.plurals import listed
from muybridge.measure.diversity.association import Association
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.diversity_evidence import judge, registered, words
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


def diversity_tables(all_of: Gathered) -> list[Table]:
    """The tables; empty without a pre-registered study."""
    made = registered(all_of)
    if made is None:
        return []
    found, said = judge(made)
    coefficients = [[text(name), *_cells(getattr(found, key))] for key, name in ROWS.items()]
    corrected = found.corrected()
    measures = [
        [
            text(name),
            *_cells(one),
            text(f"{corrected[name]:.2g}") if one.n and not math.isnan(one.rho) else missing(),
        ]
        for name, one in (found.secondary or {}).items()
    ]
    x, data = made.prereg["hypothesis"]["primary"]["x"], listed(made.prereg["population"]["data"])
    return [
        Table("diversity", f"Diversity of losses ({x}) against robustness in time", [Column("correlation"), *NUMBERS], coefficients,
              list(words(made, found, said)), legend=LEGEND.format(data=data)),
        Table("diversity-refuters", "What would take the answer away", [Column("what"), Column("is it so")],
              [[text(one.name), text(one.answer)] for one in said.refuters],
              ["Each was named before the first run. \N{LEFT DOUBLE QUOTATION MARK}Yes\N{RIGHT DOUBLE QUOTATION MARK} speaks against the "
               "hypothesis."], legend="Each line is a finding under which the answer would not stand."),
        Table("diversity-measures", "Other measures of diversity against robustness",
              [Column("measure"), *NUMBERS, Column("p by Holm", True)], measures, [f"Pre-registration {made.prereg['sha256']}."],
              legend=LEGEND.format(data=data)),
    ]  # fmt: skip


def _cells(one: Association) -> list[Cell]:
    if math.isnan(one.rho):
        return [missing(), missing(), missing(), count(one.n)]
    interval = missing() if math.isnan(one.low) else text(f"{one.low:.2f} to {one.high:.2f}")
    return [text(f"{one.rho:.2f}"), interval, text(f"{one.p:.2g}"), count(one.n)]
