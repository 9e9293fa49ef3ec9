"""``muybridge review``: a literature synthesis that a reader can check, step by step or from its files."""

import argparse
from pathlib import Path

from muybridge.cli.claims import (
    SHARED,
    Command,
    opened,
    print_counts,
    review,
    run_command,
    show_added,
    tables,
)
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import visible


def run(words: list[str]) -> int:
    """Run the command with the words behind ``review``; returns the exit code.

    Raises:
        UsageError: unknown command or option.
        MuybridgeError: what was asked for cannot be done.
    """
    return run_command("review", REVIEW, words)


def _new(told: argparse.Namespace) -> int:
    from muybridge.claims.review.shipped_reviews import new_review

    ledger = new_review(told.out, " ".join(told.words))
    terms = [one["term"] for one in ledger.all("question")["question"]["terms"]]
    print(visible(f"{ledger.path}\nterms: {', '.join(terms)}"))
    return 0


def _corpus(told: argparse.Namespace) -> int:
    from muybridge.claims.corpus.documents import add, documents

    what, *rest = told.words or [""]
    if what == "add" and rest:
        ledger = opened(told, new=True).ledger
        for word in rest:
            show_added(add(ledger, Path(word), told.work, told.coverage))
    elif what == "exclude" and len(rest) > 1:
        opened(told).exclude(rest[0], " ".join(rest[1:]))
    elif what == "list":
        ledger = opened(told).ledger
        out = ledger.all("exclusion")
        for one in documents(ledger):
            print(
                visible(
                    f"{one.sha256[:12]}  {one.work}  {one.coverage}  {one.title}{'  (left out)' * (one.sha256 in out)}"
                )
            )
    else:
        raise UsageError("review corpus wants: add PATH..., exclude WORK REASON, or list.")
    return 0


def _search(told: argparse.Namespace) -> int:
    if not told.words:
        raise UsageError("review search wants a QUERY.")
    for hit in opened(told).search(" ".join(told.words)):
        print(visible(f"{hit.score:8.2f}  {hit.document.work}  {hit.document.title}"))
    return 0


def _extract(told: argparse.Namespace) -> int:
    print_counts(claim["kind"] for claim in opened(told).extract())
    return 0


def _run(told: argparse.Namespace) -> int:
    from muybridge.claims.book import read_tables
    from muybridge.claims.pages.ledger_report import write_review
    from muybridge.claims.review.shipped_reviews import REVIEWS, run_review

    if len(told.words) != 1:
        raise UsageError(f"review run wants one NAME. Known: {', '.join(REVIEWS)}.")
    ledger = run_review(
        told.words[0],
        told.out,
        told.runs,
        read_tables(tables(told)),
        say=lambda words: print(visible(words)),
    )
    for one in ledger.problems:
        print(visible(f"! {one}"))
    print(write_review(ledger).html.resolve())
    return 0


REVIEW: dict[str, Command] = {
    "run": _run, "new": _new, "corpus": _corpus, "search": _search, "extract": _extract, **SHARED, "assess": review,
}  # fmt: skip
