"""``muybridge review``: a literature synthesis that a reader can check, step by step or from its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from muybridge.cli.flags import Group, Words
from muybridge.cli.papers.claims import (
    SHARED,
    Assess,
    Coverage,
    OfLedger,
    OnResults,
    print_counts,
    show_added,
)
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import visible

ABOUT = """
A literature synthesis in a ledger of claims (OUT/ledger.jsonl): from a question over documents and their claims to a report. docs/claims.md
has a worked example.
"""


@dataclass(frozen=True, kw_only=True)
class Run(OnResults):
    """A review that comes with Muybridge, from its files to its report: diversity-and-robustness."""

    names: Annotated[Words, tyro.conf.arg(metavar="NAME")] = ()
    """of the review"""

    def run(self) -> int:
        """Run it."""
        from muybridge.claims.book import read_tables
        from muybridge.claims.pages.ledger_report import write_review
        from muybridge.claims.review.shipped_reviews import REVIEWS, run_review

        if len(self.names) != 1:
            raise UsageError(f"review run wants one NAME. Known: {', '.join(REVIEWS)}.")
        ledger = run_review(
            self.names[0],
            self.out,
            self.runs,
            read_tables(self.tables()),
            say=lambda words: print(visible(words)),
        )
        for one in ledger.problems:
            print(visible(f"! {one}"))
        print(write_review(ledger).html.resolve())
        return 0


@dataclass(frozen=True, kw_only=True)
class New(OfLedger):
    """Begin a review with its question."""

    question: Annotated[Words, tyro.conf.arg(metavar="QUESTION...")] = ()
    """in words"""

    def run(self) -> int:
        """Begin it."""
        from muybridge.claims.review.shipped_reviews import new_review

        ledger = new_review(self.out, " ".join(self.question))
        terms = [one["term"] for one in ledger.all("question")["question"]["terms"]]
        print(visible(f"{ledger.path}\nterms: {', '.join(terms)}"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Corpus(OfLedger):
    """Documents: corpus add PATH..., corpus exclude WORK REASON, corpus list."""

    words: Annotated[Words, tyro.conf.arg(metavar="add|exclude|list ...")] = ()
    """add PATH..., exclude WORK REASON, or list"""
    work: str = ""
    """which work a document is, as arXiv:2207.01398"""
    coverage: Coverage = ""
    """how much of the work it holds"""

    def run(self) -> int:
        """Add, exclude or list."""
        from muybridge.claims.corpus.documents import add, documents

        what, *rest = self.words or [""]
        if what == "add" and rest:
            ledger = self.opened(new=True).ledger
            for word in rest:
                show_added(add(ledger, Path(word), self.work, self.coverage))
        elif what == "exclude" and len(rest) > 1:
            self.opened().exclude(rest[0], " ".join(rest[1:]))
        elif what == "list":
            ledger = self.opened().ledger
            out = ledger.all("exclusion")
            for one in documents(ledger):
                left = "  (left out)" * (one.sha256 in out)
                print(visible(f"{one.sha256[:12]}  {one.work}  {one.coverage}  {one.title}{left}"))
        else:
            raise UsageError("review corpus wants: add PATH..., exclude WORK REASON, or list.")
        return 0


@dataclass(frozen=True, kw_only=True)
class Search(OfLedger):
    """Search title, abstract and body by BM25; logged."""

    query: Annotated[Words, tyro.conf.arg(metavar="QUERY...")] = ()
    """words"""

    def run(self) -> int:
        """Print what is found."""
        if not self.query:
            raise UsageError("review search wants a QUERY.")
        for hit in self.opened().search(" ".join(self.query)):
            print(visible(f"{hit.score:8.2f}  {hit.document.work}  {hit.document.title}"))
        return 0


@dataclass(frozen=True, kw_only=True)
class Extract(OfLedger):
    """The claims of all documents."""

    def run(self) -> int:
        """Extract them."""
        print_counts(claim["kind"] for claim in self.opened().extract())
        return 0


REVIEW = Group(
    "review",
    ABOUT,
    {
        "run": Run,
        "new": New,
        "corpus": Corpus,
        "search": Search,
        "extract": Extract,
        **SHARED,
        "assess": Assess,
    },
)
