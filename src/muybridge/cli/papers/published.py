"""``muybridge published``: result tables of others, taken in with their facts or refused, looked at, and shown apart from ours."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from muybridge.cli.flags import Each, Group, Options, Word, one_folder
from muybridge.core.errors import UsageError
from muybridge.core.text.plurals import counted
from muybridge.core.text.terminal import visible

ABOUT = "Numbers that others measured. A row needs its source, commit, number of videos and protocol, or it is refused."


@dataclass(frozen=True, kw_only=True)
class Add(Options):
    """Take the rows of a CSV file into OUT/published/NAME.csv and print what a doctor finds in them.

    Copies of one network, tasks that count other classes than their data set has, impossible values, chance, labels seen.
    """

    file: Annotated[Path, tyro.conf.Positional]
    """CSV file"""
    facts: Path | None = None
    """what is said of its rows (docs/zeroshot.md has an example); FILE with .yaml instead of .csv when not given"""
    name: str = ""
    """of the table; that of the file when not given"""
    out: Path = Path("muybridge-out")
    """folder of results"""

    def run(self) -> int:
        """Take them in.

        Raises:
            UsageError: no row is left, or a file that cannot be read.
        """
        from muybridge.core.reference import result_tables
        from muybridge.measure.results_doctor import examine
        from muybridge.runs.out import claim

        facts = self.facts or self.file.with_suffix(".yaml")
        out = self.out.absolute()
        taken = result_tables.take(self.file, facts)
        for why, number in taken.refused.items():
            print(visible(f"refused: {counted(number, 'row')}: {why}"))
        if not taken.rows:
            raise UsageError(
                f"{self.file}: no row is left. Say source, commit, n and protocol of its tasks in {facts}."
            )
        claim(out, resume=True, overwrite=False)
        path = result_tables.store(out, self.name or self.file.stem, taken.rows, taken.elsewhere)
        for one in examine(taken.rows, taken.elsewhere):
            print(visible(f"{one.kind}: {one.words}"))
        print(f"{counted(len(taken.rows), 'row')}: {path}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Show(Options):
    """Print the tables as Markdown; `muybridge report OUT` has them too where OUT holds runs."""

    folder: Word = ""
    """folder of results; that of --out when not given"""
    data: Each = ()
    """only this data set"""
    out: str = "muybridge-out"
    """the same, by the name that it has everywhere"""

    def run(self) -> int:
        """Print them.

        Raises:
            UsageError: there is none.
        """
        from muybridge.core.reference.result_tables import stored
        from muybridge.report.formats.markdown import table_words
        from muybridge.report.tables.outside_tables import outside_tables

        out = Path(one_folder("published show", self.folder, self.out))
        found = stored(out)
        if not found:
            raise UsageError(
                f"{out}: no table of others; `muybridge published add FILE --out {out}` takes one in."
            )
        print("\n\n".join(table_words(table) for table in outside_tables(found, list(self.data))))
        return 0


PUBLISHED = Group("published", ABOUT, {"add": Add, "show": Show})
