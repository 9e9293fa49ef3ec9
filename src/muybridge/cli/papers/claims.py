"""``muybridge claims``: a ledger of claims. Imports no torch."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from muybridge.cli.flags import Each, Group, Options, Words
from muybridge.core.errors import UsageError
from muybridge.core.text.plurals import counted
from muybridge.core.text.terminal import Column, lines, visible, width

if TYPE_CHECKING:
    from muybridge.claims.book import Book

ABOUT = """
Sentences of papers and your own in a ledger (OUT/ledger.jsonl), with two verdicts each, both computed: does the source say it, and does
it hold on results. docs/claims.md has a worked example.
"""
Coverage = Literal["", "title", "abstract", "full text", "tables", "notes", "words"]
Ids = Annotated[Words, tyro.conf.arg(metavar="ID...")]


@dataclass(frozen=True, kw_only=True)
class OfLedger(Options):
    """What every command has that works on a ledger."""

    out: Path = Path("muybridge-claims")
    """folder of the ledger"""

    def opened(self, new: bool = False) -> "Book":
        """The ledger; what is wrong with it is said."""
        from muybridge.claims.book import Book
        from muybridge.claims.ledger.lines import Ledger

        book = Book(Ledger.open(self.out, new=new))
        for one in book.ledger.problems:
            print(visible(f"! {one}"))
        return book


@dataclass(frozen=True, kw_only=True)
class OnResults(OfLedger):
    """What predicates are judged on."""

    runs: Path | None = None
    """folder of runs"""
    table: Each = ()
    """NAME=FILE.csv, a table of results: model, task, value"""

    def tables(self) -> dict[str, str]:
        """Files of ``--table``, by name.

        Raises:
            UsageError: one is not NAME=FILE.
        """
        parts = [word.partition("=") for word in self.table]
        for word, (_, _, file) in zip(self.table, parts, strict=True):
            if not file:
                raise UsageError(f"--table {word}: wanted NAME=FILE.csv.")
        return {name: file for name, _, file in parts}


@dataclass(frozen=True, kw_only=True)
class Add(OfLedger):
    """Add documents and their claims, results with theirs, or a .yaml with your own claims and predicates."""

    sources: Annotated[Words, tyro.conf.arg(metavar="SOURCE...")] = ()
    """a PDF, .txt or a folder of them; a .yaml; the result.json of a run (its numbers) or study.json of a study (its claims and numbers)"""
    work: str = ""
    """which work a document is, as arXiv:2207.01398"""
    coverage: Coverage = ""
    """how much of the work it holds"""

    def run(self) -> int:
        """Add them."""
        for one in self.opened(new=True).add(*self.sources, work=self.work, coverage=self.coverage):
            show_added(one.files)
            print(visible(f"{one.source}: {counted(len(one.claims), 'claim')}"))
        return 0


def show_added(found: Iterable[Any]) -> None:
    """What became of files."""
    for one in found:
        said = (
            one.reason
            or f"{one.document.work}, pages: {len(one.document.pages)}, sentences: {len(one.document.spans)}"
        )
        print(visible(f"{one.path}: {said if one.document else 'left out: ' + one.reason}"))


@dataclass(frozen=True, kw_only=True)
class List(OfLedger):
    """Every claim with both verdicts."""

    kind: str = ""
    """claims of this kind"""
    verdict: str = ""
    """claims with this verdict"""
    json: bool = False
    """print everything as JSON"""

    def run(self) -> int:
        """Print them."""
        kept = self.opened().list(self.kind, self.verdict)
        if self.json:
            print(json.dumps(kept, indent=2, ensure_ascii=False))
            return 0
        columns = [
            Column("claim", [one["claim_id"] for one in kept], 0),
            Column("kind", [one["kind"] for one in kept], 3),
            Column("source says", [(one["attribution"] or {}).get("label", "-") for one in kept], 2),
            Column("verdict", [(one["result"] or {}).get("verdict", "-") for one in kept], 1),
            Column("sentence", [one["text"] for one in kept], 1, least=24),
        ]
        print("\n".join(lines(columns, width())) if kept else "no claims")
        return 0


@dataclass(frozen=True, kw_only=True)
class Show(OfLedger):
    """Everything about one claim, with its history."""

    ids: Annotated[Words, tyro.conf.arg(metavar="ID")] = ()
    """of the claim"""
    json: bool = False
    """print it as JSON"""

    def run(self) -> int:
        """Print it."""
        import yaml

        book = self.opened()
        if len(self.ids) != 1:
            raise UsageError("claims show wants one ID.")
        body = book.show(self.ids[0])
        print(
            visible(
                json.dumps(body, indent=2, ensure_ascii=False)
                if self.json
                else yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)
            ),
            end="\n",
        )
        return 0


@dataclass(frozen=True, kw_only=True)
class Attribute(OfLedger):
    """Look claims up in the documents: does the source say it?"""

    ids: Ids = ()
    """of claims; all when not given"""
    judge: str = ""
    """module:function, imported and called: a second opinion, marked as a machine's"""

    def run(self) -> int:
        """Look them up."""
        from muybridge.core.catalogue import imported

        judge = imported(self.judge) if self.judge else None
        found = self.opened().attribute(*self.ids, judge=judge, name=self.judge)
        print_counts(one.label for one in found.values())
        return 0


def print_counts(found: Iterable[str]) -> None:
    """How many of each word."""
    counts: dict[str, int] = {}
    for word in found:
        counts[word] = counts.get(word, 0) + 1
    print(", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "no claims")


@dataclass(frozen=True, kw_only=True)
class Verify(OnResults):
    """Run the predicates: does it hold on results?"""

    ids: Ids = ()
    """of claims; all when not given"""
    again: bool = False
    """compute verdicts anew and say which come out otherwise now, without writing"""

    def run(self) -> int:
        """Run them; 1 where ``--again`` finds another verdict."""
        book = self.opened()
        if self.again:
            found = book.differing(self.runs, self.tables())
            print(visible("\n".join(found)) if found else "every verdict comes out as the ledger has it")
            return 1 if found else 0
        judged = book.verify(*self.ids, runs=self.runs, tables=self.tables())
        print_counts(one.verdict for one in judged.values())
        return 0


@dataclass(frozen=True, kw_only=True)
class Assess(OfLedger):
    """The rubric, and scores of people where their files are given, with their agreement."""

    reviewer: Each = ()
    """FILE.yaml with the scores of a person"""

    def run(self) -> int:
        """Print the rubric."""
        book = self.opened()
        for one in book.review(*self.reviewer):
            mark = {True: "yes", False: "no ", None: "?  "}[one.passed]
            print(visible(f"{mark}  {one.item}: {one.words}"))
        if self.reviewer:
            agreed = book.ledger.get("check", "reviewers agree")
            print(visible(agreed["words"] if agreed else ""))
        return 0


@dataclass(frozen=True, kw_only=True)
class Report(OfLedger):
    """Write OUT/review.html and OUT/review.md."""

    def run(self) -> int:
        """Write them."""
        paths = self.opened().report()
        print(f"{paths.html.resolve()}\n{paths.markdown.resolve()}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Export(OfLedger):
    """Write csv, effects, repro, sarif, trig, bibtex, ro-crate below OUT/export."""

    forms: Annotated[Words, tyro.conf.arg(metavar="FORM...")] = ()
    """which of them; all when not given"""

    def run(self) -> int:
        """Write them."""
        for path in self.opened().export(*self.forms):
            print(path)
        return 0


@dataclass(frozen=True, kw_only=True)
class Calibrate(OfLedger):
    """Try attribution on edited sentences with known answers: precision, recall, calibration error."""

    def run(self) -> int:
        """Try it."""
        from muybridge.claims.attribution.calibrate import LABELS

        found = self.opened(new=True).calibrate()
        print(f"{counted(found.pairs, 'pair')}\nlabel         precision               recall")
        for label in LABELS:
            print(f"{label:<12}  {_span(found.precision[label])}   {_span(found.recall[label])}")
        print(
            f"calibration error {_span(found.ece)}, unrelated claims called supported {_span(found.false_positives)}"
        )
        return 0


def _span(share: tuple[float, float, float]) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*share)


SHARED: dict[str, type[Options]] = {
    "attribute": Attribute,
    "verify": Verify,
    "report": Report,
    "export": Export,
    "list": List,
    "show": Show,
}
CLAIMS = Group("claims", ABOUT, {"add": Add, **SHARED, "review": Assess, "calibrate": Calibrate})
