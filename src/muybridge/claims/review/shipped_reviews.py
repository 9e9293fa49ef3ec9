"""Reviews that come with Muybridge: made anew from their files by one command, without a network."""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from muybridge.claims.attribution.attribute import attribute_all
from muybridge.claims.attribution.calibrate import calibrate, calibration_of
from muybridge.claims.corpus.documents import add, kept
from muybridge.claims.corpus.extract import extract
from muybridge.claims.corpus.search import search
from muybridge.claims.ledger.claim_files import add_claims
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.review.assess import assess
from muybridge.claims.review.question_terms import terms
from muybridge.claims.verify.table_predicates import Results
from muybridge.claims.verify.verify import verify
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

REVIEWS = {
    "diversity-and-robustness": "a machine-made synthesis on loss diversity and temporal robustness, claim by claim"
}
Say = Callable[[str], None]


def new_review(folder: Path, question: str, now: Callable[[], datetime] | None = None) -> Ledger:
    """Begin a review.

    Raises:
        UsageError: no question, or a ledger with another one is there.
    """
    if not question.strip():
        raise UsageError("review new wants a question.")
    ledger = Ledger.open(folder, now, new=True)
    asked = [body["text"] for body in ledger.all("question").values()]
    if asked and asked[0] != question:
        raise UsageError(f"{folder}: is the review of another question ({asked[0]!r}). Give another --out.")
    found = [{"term": one.term, "phrase": one.phrase, "named": one.named} for one in terms(question)]
    ledger.append("question", "question", {"text": question, "terms": found})
    return ledger


def run_review(
    name: str,
    folder: Path,
    runs: Path | None = None,
    tables: Mapping[str, Results] | None = None,
    now: Callable[[], datetime] | None = None,
    say: Say = lambda words: None,
) -> Ledger:
    """Make a shipped review in a folder, or go on with it; what is there already is not written again.

    Raises:
        UsageError: no such review.
    """
    if name not in REVIEWS:
        raise UsageError(f"no review {name!r}.{suggestion(name, REVIEWS)} Known: {', '.join(REVIEWS)}.")
    with as_file(files("muybridge.claims").joinpath("data", name)) as root:
        told = _told(root)
        ledger = new_review(folder, told["question"], now)
        for one in told["documents"]:
            for added in add(ledger, root / one["file"], one.get("work", ""), one.get("coverage", "")):
                say(f"{one['file']}: {added.reason or 'added'}")
        results = {
            key: Results.read(key, (root / file).read_bytes()) for key, file in told["tables"].items()
        } | dict(tables or {})
    for query in told["searches"]:
        say(f"search {query!r}: {len(search(ledger, query))} documents")
    say(f"extract: {len(extract(ledger, only=told['documents'][0]['work']))} claims")
    add_claims(ledger, told["claims"], name)
    quality = calibrate(ledger)
    say(f"calibrate: expected calibration error {quality.ece[0]:.3f} over {quality.pairs} pairs")
    curve, of = calibration_of(ledger)
    attribute_all(ledger, kept(ledger), curve, of)
    verify(ledger, runs, results)
    assess(ledger)
    return ledger


def tables_of(name: str) -> dict[str, Results]:
    """Tables that come with a review."""
    with as_file(files("muybridge.claims").joinpath("data", name)) as root:
        return {
            key: Results.read(key, (root / file).read_bytes()) for key, file in _told(root)["tables"].items()
        }


def _told(root: Path) -> dict[str, Any]:
    import yaml

    content: dict[str, object] = yaml.safe_load((root / "review.yaml").read_text(encoding="utf-8"))
    return content
