"""A comparison of two models as sentences and a table, and as ``compare.html``, ``.md``, ``.csv`` and ``.tex``."""

import math
from pathlib import Path

from muybridge.core.files import atomic
from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import FEW_GROUPS
from muybridge.report.compare.compare import Compared, Line, as_dict
from muybridge.report.figures.robust_charts import scatter, severity_panels
from muybridge.report.formats.markdown import escaped, table_words
from muybridge.report.formats.tidy import Row, write_csv
from muybridge.report.tables.accuracy_tables import arm_cell
from muybridge.report.tables.robust_tables import score_cell
from muybridge.report.tables.table import (
    Bar,
    Cell,
    Column,
    Table,
    capital,
    missing,
    points,
    span,
    text,
    tight,
)


def sentences(found: Compared) -> list[str]:
    """What was found, in words."""
    a, b = found.names
    overall = next((line for line in found.lines if line.kind == "mean"), found.lines[0])
    said = [f"{capital(overall.name)}: {_clause(overall, a, b)}."]
    said.append(f"Clean: {_clause(found.lines[0], a, b)}.")
    types = [line for line in found.lines if line.kind == "type"]
    for words, other, verdict in ((a, b, "A above B"), (b, a, "B above A")):
        names = [line.name for line in types if line.verdict == verdict]
        if names:
            said.append(
                f"{words} is above {other} under {len(names)} of {counted(len(types), 'type')}: {listed(names)}."
            )
    apart = sum(line.comparison.stands for line in types)
    if apart < len(types):
        said.append(
            f"Under {len(types) - apart} of {counted(len(types), 'type')} the two cannot be separated."
        )
    return [tight(one) for one in [*said, *cautions(found)]]


def _clause(line: Line, a: str, b: str) -> str:
    one = line.comparison.difference.interval
    if math.isnan(one.value):
        return "undefined"
    tail = f"{points(one.value, sign=True)} points, 95 % interval {span(one, sign=True)}"
    if not line.comparison.stands:
        return f"{a} and {b} cannot be separated ({tail})"
    return f"{a} is {'above' if one.value > 0 else 'below'} {b} ({tail})"


def cautions(found: Compared) -> list[str]:
    """What a reader must know before believing the rest."""
    design, arms = found.perturbed.design, found.perturbed.arms
    said = [
        f"Verdicts are corrected for {counted(len(found.lines), 'comparison')} (Holm). One run each: the intervals hold "
        "the choice of videos, not the luck of training."
    ]
    if found.lines[0].a.groups < FEW_GROUPS:
        said.append(f"{capital(found.lines[0].a.caution)}.")
    near = [name for name, arm in arms.items() if arm.near_chance]
    if near:
        said.append(
            f"Not told from chance even without perturbation, so that relative scores say nothing: {listed(near)}."
        )
    if design.excluded:
        said.append(
            f"In no mean, because they change the label or were seen in training: {listed(design.excluded)}."
        )
    limited = [name for name, run in zip(found.names, found.runs, strict=True) if run.result.get("limited")]
    if limited:
        said.append(f"Limited for a trial: {listed(limited)}. Do not quote.")
    return said


def comparison_table(found: Compared) -> Table:
    """One row per line: both values, the difference drawn and in points, and the verdict."""
    a, b = found.names
    spans = [line.comparison.difference.interval for line in found.lines]
    finite = [abs(bound) for one in spans for bound in (one.low, one.high) if math.isfinite(bound)]
    reach = max([0.01, *finite])
    mark = points(reach, 0)
    columns = [
        Column("measure"), Column(f"{a}, %", True), Column(f"{b}, %", True),
        Column("difference", drawn=True, scale=(f"\N{MINUS SIGN}{mark}", "0", f"+{mark}")),
        Column(f"{a} above {b}, points", True, "paired on the same videos"), Column("95 % interval", True),
        Column("verdict", title="Holm's correction over all rows"),
    ]  # fmt: skip
    rows = [_row(line, reach, found.names) for line in found.lines]
    experiment = found.perturbed.scored.experiment
    notes = [
        f"Verdicts are corrected by Holm over all {counted(len(rows), 'row')}. Intervals are 95 % intervals over source groups."
    ]
    return Table(
        "compare",
        f"{a} and {b} on {experiment.data}, {experiment.profile or 'no profile'}",
        columns,
        rows,
        notes,
    )


def _row(line: Line, reach: float, names: tuple[str, str]) -> list[Cell]:
    one = line.comparison.difference.interval
    if math.isnan(one.value):
        return [
            _label(line),
            score_cell(line.a),
            score_cell(line.b),
            Cell(""),
            missing("undefined"),
            missing(""),
            text(""),
        ]
    low, high = ((0.5 + bound / reach / 2) for bound in (one.low, one.high))
    return [
        _label(line), score_cell(line.a), score_cell(line.b), Cell("", bar=Bar(0.5 + one.value / reach / 2, low, high, 0.5)),
        Cell(points(one.value, sign=True), sort=100 * one.value), Cell(span(one, sign=True), sort=100 * one.low),
        text(_verdict(line, names), f"p {line.comparison.p:.2g} after Holm's correction"),
    ]  # fmt: skip


def _verdict(line: Line, names: tuple[str, str]) -> str:
    """The verdict with the names of the models."""
    if not line.comparison.stands:
        return line.verdict
    first, second = names if line.comparison.difference.interval.value > 0 else names[::-1]
    return f"{first} above {second}"


def _label(line: Line) -> Cell:
    return Cell(
        line.name, sort=line.name, small=line.remark or ("category" if line.kind == "category" else "")
    )


def errors_table(found: Compared) -> Table | None:
    """Corruption errors of A relative to B, and the score for models trained on perturbed clips."""
    a, b = found.names
    means = found.perturbed.arms[a].means
    rows = [
        [
            text(words),
            score_cell(means[name]),
            text(f"errors of {a} over those of {b}; below 100 {a} makes fewer"),
        ]
        for name, words in (("mce", "mCE, %"), ("relative_mce", "relative mCE, %"))
        if name in means
    ]
    rows += [
        [text(f"training on perturbed clips, {words}, %"), score_cell(one), text("above 100 it helped; not comparable with rPC")]
        for words, one in found.trained.items()
    ]  # fmt: skip
    columns = [Column("measure"), Column("value", True), Column("reading")]
    return Table("errors", f"{a} relative to {b}", columns, rows) if rows else None


def tables_of(found: Compared) -> list[Table]:
    """Both tables."""
    errors = errors_table(found)
    return [comparison_table(found), *([errors] if errors else [])]


def write_comparison(found: Compared, folder: Path) -> list[Path]:
    """Write ``compare.html``, ``compare.md``, ``tables/compare.csv`` and ``tables/*.tex`` below a folder."""
    from muybridge.report.formats.html import render
    from muybridge.report.formats.latex import latex

    title = f"{found.names[0]} and {found.names[1]} under perturbation"
    tables = tables_of(found)
    panels = severity_panels(found.perturbed, found.all_of)
    cross = scatter(found.perturbed, found.all_of)
    page = render("compare.html", {
        "title": title, "sentences": sentences(found), "tables": tables, "panels": [*panels, *([cross] if cross else [])],
        "arms": [arm_cell(name, found.all_of) for name in found.names], "runs": list(zip(found.names, found.runs, strict=True)),
    })  # fmt: skip
    listed_ = "\n".join(f"- {escaped(one)}" for one in sentences(found))
    paths = {
        folder / "compare.html": page,
        folder / "compare.md": "\n\n".join([f"# {escaped(title)}", listed_, *map(table_words, tables)])
        + "\n",
        **{folder / "tables" / f"{table.slug}.tex": latex(table) for table in tables},
    }
    for path, words in paths.items():
        with atomic(path, below=folder) as file:
            file.write(words)
    write_csv(folder / "tables" / "compare.csv", list(_tidy(found)), folder)
    return [*paths, folder / "tables" / "compare.csv"]


def _tidy(found: Compared) -> list[Row]:
    rows = []
    for line in as_dict(found)["lines"]:
        sides = {f"{side}{tail}": line[side][name] for side in ("a", "b", "difference")
                 for name, tail in (("value", ""), ("low", "_low"), ("high", "_high"))}  # fmt: skip
        told = {key: line[key] for key in ("p_holm", "separable", "verdict", "remark")}
        rows.append(
            {
                "model_a": found.names[0],
                "model_b": found.names[1],
                "kind": line["kind"],
                "name": line["name"],
                **sides,
                **told,
            }
        )
    return rows
