"""A ledger with all that can be done to it, by the names of the command line: what ``muybridge.claims`` and ``muybridge.review`` give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muybridge.claims.attribution.attribute import Attribution, attribute_all
from muybridge.claims.attribution.calibrate import Quality, calibrate, calibration_of
from muybridge.claims.corpus.documents import Added, add, exclude, kept
from muybridge.claims.corpus.extract import extract
from muybridge.claims.corpus.search import Hit, search
from muybridge.claims.ledger.claim_files import add_claims, read_claims
from muybridge.claims.ledger.claim_record import Claim
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.pages.ledger_export import export
from muybridge.claims.pages.ledger_report import Pages, write_review
from muybridge.claims.review.assess import Check, assess, take_scores
from muybridge.claims.review.shipped_reviews import REVIEWS, tables_of
from muybridge.claims.verify.measured_claims import of_results
from muybridge.claims.verify.table_predicates import Outcome, Results
from muybridge.claims.verify.verify import differing, verify
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.runs.mirror import working_copy

Judge = Callable[[str, str], object]
Tables = Mapping[str, str | Path]
OWN = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Taken:
    """What became of a source: its files where it has documents, and its claims."""

    source: Path
    files: Sequence[Added] = ()
    claims: Sequence[Claim] = ()


@dataclass(frozen=True)
class Book:
    """A ledger of claims on disk.

    Attributes:
        ledger: its lines; ``ledger.problems`` says what is wrong with it.
        taken: what became of the sources that it was opened with.
    """

    ledger: Ledger
    taken: Sequence[Taken] = field(default=())

    def add(self, *sources: str | Path, work: str = "", coverage: str = "") -> Sequence[Taken]:
        """Add documents with their claims (PDF, text, folders), results (``result.json``, ``study.json``) or claims of one's own (YAML).

        Args:
            sources: files and folders.
            work: which work a document is, as ``arXiv:2207.01398``.
            coverage: what of it is there: title, abstract, full text, tables, notes or words.

        Raises:
            UsageError: a source that is none; nothing is written then.
        """
        if not sources:
            raise UsageError(
                "claims add wants a SOURCE: a PDF, .txt, a folder, a .yaml, a result.json or study.json."
            )
        paths = [Path(one) for one in sources]
        entries = {path: _entries(path) for path in paths if path.suffix.lower() in OWN}
        for path in paths:
            if path not in entries and not path.exists():
                add(self.ledger, path)  # says so
        found = {path: add(self.ledger, path, work, coverage) for path in paths if path not in entries}
        texts = self.extract(
            [one.document.sha256 for files in found.values() for one in files if one.document]
        )
        taken = []
        for path in paths:
            held = {one.document.sha256 for one in found.get(path, ()) if one.document}
            own = (
                add_claims(self.ledger, entries[path], str(path))
                if path in entries
                else [one for one in texts if one["source"]["doc_sha256"] in held]
            )
            taken.append(Taken(path, found.get(path, ()), own))
        return taken

    def exclude(self, work: str, reason: str) -> None:
        """Take a document out, with a reason; errors as of ``corpus.exclude``."""
        exclude(self.ledger, work, reason)

    def search(self, query: str) -> Sequence[Hit]:
        """Documents by BM25, best first; the search is logged."""
        return search(self.ledger, query)

    def extract(self, documents: Sequence[str] | None = None) -> Sequence[Claim]:
        """Claims of the documents with these hashes, or of all."""
        return extract(self.ledger, documents=documents)

    def attribute(
        self, *ids: str, judge: Judge | None = None, name: str = "a judge"
    ) -> Mapping[str, Attribution]:
        """Look claims up in the documents: all that were taken from one, or those named.

        Args:
            ids: of claims.
            judge: ``judge(claim, sentence)`` gives a second opinion, which is marked as a machine's and changes no label.
            name: of the judge.

        Raises:
            UsageError: no such claim.
        """
        self._known(ids)
        if calibration_of(self.ledger)[0] is None:
            calibrate(self.ledger)
        found = attribute_all(self.ledger, kept(self.ledger), *calibration_of(self.ledger), ids)
        if judge is not None:
            self._second_opinion(found, judge, name)
        return found

    def verify(
        self, *ids: str, runs: str | Path | None = None, tables: Tables | None = None
    ) -> Mapping[str, Outcome]:
        """Run the predicates of all claims, or of those named, and write the verdicts.

        Args:
            ids: of claims.
            runs: folder of runs that predicates are judged on.
            tables: CSV files by the name that predicates call them by.

        Raises:
            UsageError: no such claim, or a table that cannot be read.
        """
        self._known(ids)
        return verify(self.ledger, _folder(runs), _tables(tables), ids)

    def differing(self, runs: str | Path | None = None, tables: Tables | None = None) -> Sequence[str]:
        """Claims whose verdict comes out otherwise now than the ledger has it, in words; nothing is written."""
        return differing(self.ledger, _folder(runs), _tables(tables))

    def review(self, *reviewers: str | Path) -> Sequence[Check]:
        """The rubric, and the scores of people where their YAML files are given."""
        found = assess(self.ledger)
        if reviewers:
            take_scores(self.ledger, [Path(one) for one in reviewers])
        return found

    def report(self) -> Pages:
        """Write ``review.html`` and ``review.md``; errors as of ``claims.pages.ledger_report.write_review``."""
        return write_review(self.ledger)

    def export(self, *forms: str) -> Sequence[Path]:
        """Write all forms, or some, below ``export/``; errors as of ``export.export``."""
        return export(self.ledger, list(forms))

    def calibrate(self) -> Quality:
        """Try attribution on edited sentences with known answers."""
        return calibrate(self.ledger)

    def show(self, name: str) -> dict[str, object]:
        """Everything about a claim, with its history.

        Raises:
            UsageError: no such claim.
        """
        self._known([name])
        history = [
            {
                "utc": line.utc,
                "by": line.by,
                "attribution": (line.body["attribution"] or {}).get("label"),
                "verdict": (line.body["result"] or {}).get("verdict"),
            }
            for line in self.ledger.history("claim", name)
        ]
        return {**(self.ledger.get("claim", name) or {}), "history": history}

    def list(self, kind: str = "", verdict: str = "") -> Sequence[Mapping[str, Any]]:
        """The claims, or those of a kind and with a verdict."""
        return [
            claim for claim in self.ledger.all("claim").values()
            if (not kind or claim["kind"] == kind) and (not verdict or (claim["result"] or {}).get("verdict") == verdict)
        ]  # fmt: skip

    def _known(self, ids: Sequence[str]) -> None:
        known = self.ledger.all("claim") if ids else {}
        for id_ in ids:
            if id_ not in known:
                raise UsageError(
                    f"no claim {id_!r}.{suggestion(id_, known)} `muybridge claims list` shows them."
                )

    def _second_opinion(self, found: Mapping[str, Attribution], judge: Judge, name: str) -> None:
        for id_, one in found.items():
            claim = self.ledger.get("claim", id_)
            if claim is None or one.span is None:
                continue
            try:
                said = str(judge(claim["text"], one.span.text))[:200]
            except Exception as error:  # whatever a foreign function does
                said = f"failed ({type(error).__name__}: {error})"[:200]
            self.ledger.append("claim", id_, {**claim, "machine": f"{name}: {said}"})


def _entries(path: Path) -> list[dict[str, object]]:
    return of_results(path) if path.suffix.lower() == ".json" else read_claims(path)


def _folder(runs: str | Path | None) -> Path | None:
    return None if runs is None else working_copy(runs)


def _tables(told: Tables | None) -> dict[str, Results]:
    """Tables that come with the shipped reviews, and those given.

    Raises:
        UsageError: one cannot be read.
    """
    found = {key: table for name in REVIEWS for key, table in tables_of(name).items()}
    return found | read_tables(told or {})


def read_tables(told: Tables) -> dict[str, Results]:
    """Tables by name.

    Raises:
        UsageError: one cannot be read.
    """
    found = {}
    for name, file in told.items():
        try:
            found[name] = Results.read(name, Path(file).read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"table {name}: {file}: {error}.") from error
    return found
