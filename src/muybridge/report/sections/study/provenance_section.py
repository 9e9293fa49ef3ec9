"""Every run with its command, the machines, and what a reader must know before believing the rest."""

from muybridge.report.formats.tidy import budget_rows, curve_rows, run_rows
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.experiments import perturbed_experiments, scored_experiments
from muybridge.report.sections.findings import family_words, limits
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.run_tables import environment_table, runs_table
from muybridge.report.tables.table import Table


def shows(gathered: Gathered) -> list[Table]:
    """Runs and environments."""
    return [runs_table(gathered), environment_table(gathered)]


def findings(gathered: Gathered) -> list[Finding]:
    """Which comparisons are one family, and cautions."""
    scored = scored_experiments(gathered)
    family = Finding("Tests", family_words(scored, perturbed_experiments(gathered)), limits=True)
    told = [*limits(gathered, scored), *(("Runs", note) for note in gathered.notes)]
    return [family, *(Finding(about, words, limits=True) for about, words in told)]


PROVENANCE = Section(
    "provenance",
    "Provenance",
    shows,
    findings=findings,
    rows={"budget": budget_rows, "curves": curve_rows, "runs": run_rows},
)
