"""The verbs over many runs: studies, their reports, and what lies in a folder."""

import sys
from collections.abc import Sequence
from functools import partial
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from muybridge.api.running import run_study
from muybridge.config import stage_configs as configs
from muybridge.config.keywords import QuickstartFields, Word, Words
from muybridge.runs.mirror import publish_pages, working_copy

if TYPE_CHECKING:
    from muybridge.report import ReportPaths
    from muybridge.report.compare.compare import Compared
    from muybridge.studies.study import Finished

Fact = str | int | float | bool | Path | None
"""One value of a row of ``runs``."""


def quickstart(
    *, data: Words | None = None, out: Word | None = None, **values: Unpack[QuickstartFields]
) -> "Finished":
    """Pretrain, probe, fine-tune and perturb: on the embedded data sets, or on your own videos with ``data``.

    Args:
        data: your labelled videos, a folder or a list.
        out: folder of the results and the report.
        values: the other options of `muybridge quickstart --help`.

    Returns:
        Its ``cells``, one for each run, and how they ended.

    Example:
        >>> import muybridge
        >>> planned = muybridge.quickstart(data="videos", tasks=["rotnet"], dry_run=True)
        >>> sorted({cell.job.stage for cell in planned.cells})
        ['finetune', 'neighbours', 'pretrain', 'probe', 'robustness']
    """
    named = {"data": data, "out": out}
    return study("quickstart", **values, **{name: one for name, one in named.items() if one is not None})


def study(name: Word, **values: object) -> "Finished":
    """Run a study: a shipped one by its name, or a Python or YAML file.

    Args:
        name: of `muybridge list studies`, or a file.
        values: the options of `muybridge study run NAME --help`; a Python file may have its own.

    Returns:
        Its ``cells``, one for each run, and how they ended.

    Raises:
        UsageError: no such study or option.
        MuybridgeError: some cells failed; the others are finished and in the report.

    Example:
        >>> import muybridge
        >>> planned = muybridge.study("quickstart", data="videos", seeds=2, dry_run=True)
        >>> sorted({cell.job.config.seed for cell in planned.cells})
        [0, 1]
    """
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.settled import absolute
    from muybridge.studies.files.find import find

    recipe = find(str(name))
    config = absolute(configs.change(recipe.config(), values, f"muybridge.study({str(name)!r})"))
    check_numbers(config)
    return run_study(recipe, recipe.fit(config, partial(print, file=sys.stderr)))


def report(
    out: Word = "muybridge-out",
    *,
    title: str = "",
    sections: str | Sequence[str] = (),
    format: str | Sequence[str] = (),
) -> "ReportPaths":
    """Write ``report.html``, ``report.md``, ``tables/*.csv`` and ``*.tex``, and ``figures/*`` from the runs below ``out``.

    Args:
        out: folder or URL of the results.
        title: another title than the study's.
        sections: those that are wanted, of ``muybridge list sections``; all when empty. The others leave no trace in what is written, and a
            later report of all brings them back.
        format: some of html, md, latex, csv, figures; all when empty, files of the others stay as they are. Figures that are asked for by
            name come as PDF too (extra ``figures``).

    Raises:
        UsageError: no finished run there, or an unknown section or format; says the nearest.

    Example:
        >>> import muybridge
        >>> run = muybridge.probe(data="videos", fold=0, out="runs")
        >>> muybridge.report("runs").html.name
        'report.html'
    """
    from muybridge.report import write_report

    folder = _folder(out)
    chosen, formats = ([one] if isinstance(one, str) else one for one in (sections, format))
    pages = write_report(folder, title, chosen, formats)
    publish_pages(folder)
    return pages


def runs(
    out: Word = "muybridge-out",
    *,
    stage: str | None = None,
    where: str | Sequence[str] = (),
    sort: str | None = None,
    reverse: bool = False,
) -> list[dict[str, Fact]]:
    """The runs below ``out``, one flat dictionary each with the same names in all, as ``pandas.DataFrame`` and ``csv`` take it.

    Facts by name, headline numbers and ``path``; options that are several words are joined by spaces, and what a run has not is None.

    Args:
        out: folder or URL of the results.
        stage: runs of this stage only.
        where: conditions as of `muybridge runs ls --where`; all must hold.
        sort: a fact or number to sort by, accuracies from the highest.
        reverse: the other way round.

    Raises:
        UsageError: no such stage, name or value.

    Example:
        >>> import muybridge
        >>> run = muybridge.probe(data="videos", fold=0, out="runs")
        >>> [row] = muybridge.runs("runs", stage="probe")
        >>> row["backbone"], row["fold"], row["status"]
        ('r2plus1d-tiny', 0, 'done')
    """
    from muybridge.measure.headline import headline
    from muybridge.runs import query
    from muybridge.runs.run_index import Index

    index = Index(_folder(out))
    rows = index.measured(index.rows(), headline)
    kept = query.chosen(rows, stage, [where] if isinstance(where, str) else where)
    found = [row.flat() | {"path": index.run(row).path} for row in query.ordered(kept, sort, reverse)]
    names = dict.fromkeys(name for row in found for name in row)
    return [{name: _fact(row.get(name)) for name in names} for row in found]


def _folder(out: Word) -> Path:
    """The folder to read, also of a URL."""
    return working_copy(out if isinstance(out, str | Path) else fspath(out))


def _fact(value: object) -> Fact:
    """A value that a cell of a table can hold."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return value if value is None or isinstance(value, str | int | float | bool | Path) else str(value)


def compare(a: Word, b: Word) -> "Compared":
    """Compare two robustness runs: folders of runs, or ``out`` folders with one each.

    Returns:
        Its ``lines`` with intervals and verdicts, and more.

    Raises:
        UsageError: no such run, or two that cannot be compared.

    Example:
        >>> import muybridge
        >>> teacher = muybridge.finetune(data="videos", epochs=1, fold=0, out="runs")
        >>> other = muybridge.finetune(data="videos", epochs=1, fold=0, seed=1, out="runs")
        >>> both = [
        ...     muybridge.robustness(run, types=["jumbling", "jpeg"], severities=[3], out=f"robust-{run.signature}")
        ...     for run in (teacher, other)
        ... ]
        >>> [line.name for line in muybridge.compare(*both).lines if line.kind == "type"]
        ['jumbling', 'jpeg']
    """
    from muybridge.report.compare.compare import compare as compare_runs

    return compare_runs(Path(a), Path(b))
