"""The verbs ``muybridge.claims`` and ``muybridge.review``."""

from pathlib import Path
from typing import TYPE_CHECKING

from muybridge.core.errors import UsageError
from muybridge.runs.mirror import working_copy

if TYPE_CHECKING:
    from muybridge.claims.book import Book, Tables


def claims(
    *sources: str | Path, out: str | Path = "muybridge-claims", work: str = "", coverage: str = ""
) -> "Book":
    """A ledger of claims, whose methods are the commands of `muybridge claims`.

    Args:
        sources: added first, as `muybridge claims add` takes them; with one, a ledger that is not there is begun.
        out: folder of the ledger.
        work: which work a document is, as ``arXiv:2207.01398``.
        coverage: what of it is there: title, abstract, full text, tables, notes or words.

    Raises:
        UsageError: no ledger and no source, or a source that is none.

    Example:
        >>> import muybridge
        >>> run = muybridge.probe(data="videos", fold=0, out="runs")
        >>> book = muybridge.claims(run.path / "result.json", out="book")
        >>> [found.verdict for found in book.verify(runs="runs").values()]
        ['supported']
    """
    from muybridge.claims.book import Book
    from muybridge.claims.ledger.lines import Ledger

    book = Book(Ledger.open(Path(out), new=bool(sources)))
    return Book(book.ledger, book.add(*sources, work=work, coverage=coverage)) if sources else book


def review(
    asked: str,
    *sources: str | Path,
    out: str | Path = "muybridge-claims",
    runs: str | Path | None = None,
    tables: "Tables | None" = None,
) -> "Book":
    """A review of literature: one that comes with Muybridge, made whole with its report, or the beginning of one of your own.

    Args:
        asked: its name, as of `muybridge review run`, or a question.
        sources: documents, results and claims to begin with.
        out: folder of its ledger.
        runs: folder of runs that predicates of a shipped one are judged on.
        tables: CSV files by the name that predicates of a shipped one call them by.

    Raises:
        UsageError: no question; the folder has the review of another one.

    Example:
        >>> import muybridge
        >>> book = muybridge.review("Do temporal crops harm robustness?", out="review")
        >>> [one["term"] for one in book.ledger.all("question")["question"]["terms"]]
        ['temporal', 'crops', 'harm', 'robustness']
    """
    from muybridge.claims.book import Book, read_tables
    from muybridge.claims.review.shipped_reviews import REVIEWS, new_review, run_review

    if asked not in REVIEWS:
        book = Book(new_review(Path(out), asked))
        return Book(book.ledger, book.add(*sources)) if sources else book
    if sources:
        raise UsageError(f"muybridge.review({asked!r}): takes no sources; add them to what it returns.")
    book = Book(
        run_review(asked, Path(out), None if runs is None else working_copy(runs), read_tables(tables or {}))
    )
    book.report()
    return book
