"""``muybridge claims``: a ledger of claims. Imports no torch."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from muybridge.cli.flags import Each, Group, Options, Words
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import Column, lines, visible, width

if TYPE_CHECKING:
    from muybridge.claims.ledger.lines import Ledger
    from muybridge.claims.verify.table_predicates import Results

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

    def ledger(self, new: bool = False) -> "Ledger":
        """The ledger; what is wrong with it is said."""
        from muybridge.claims.ledger.lines import Ledger

        ledger = Ledger.open(self.out, new=new)
        for one in ledger.problems:
            print(visible(f"! {one}"))
        return ledger


@dataclass(frozen=True, kw_only=True)
class OnResults(OfLedger):
    """What predicates are judged on."""

    runs: Path | None = None
    """folder of runs"""
    table: Each = ()
    """NAME=FILE.csv, a table of results: model, task, value"""

    def tables(self) -> "dict[str, Results]":
        """Tables of ``--table``, by name.

        Raises:
            UsageError: one cannot be read.
        """
        from muybridge.claims.verify.table_predicates import Results

        found = {}
        for word in self.table:
            name, sign, file = word.partition("=")
            try:
                found[name] = Results.read(name, Path(file).read_bytes())
            except (OSError, ValueError, UnicodeDecodeError) as error:
                raise UsageError(f"--table {word}: {error if sign else 'wanted NAME=FILE.csv'}.") from error
        return found


@dataclass(frozen=True, kw_only=True)
class Add(OfLedger):
    """Add documents and their claims, or a .yaml with your own claims and predicates."""

    sources: Annotated[Words, tyro.conf.arg(metavar="SOURCE...")] = ()
    """a PDF, .txt or a folder of them, or a .yaml"""
    work: str = ""
    """which work a document is, as arXiv:2207.01398"""
    coverage: Coverage = ""
    """how much of the work it holds"""

    def run(self) -> int:
        """Add them."""
        from muybridge.claims.corpus.documents import add
        from muybridge.claims.corpus.extract import extract
        from muybridge.claims.ledger.claim_files import add_claims, read_claims

        if not self.sources:
            raise UsageError("claims add wants a SOURCE: a PDF, .txt, a folder or a .yaml.")
        sources = [Path(word) for word in self.sources]
        entries = {path: read_claims(path) for path in sources if path.suffix in (".yaml", ".yml")}
        ledger = self.ledger(new=True)
        for path in sources:
            if path in entries:
                made = add_claims(ledger, entries[path], str(path))
            else:
                show_added(add(ledger, path, self.work, self.coverage))
                made = extract(ledger)
            print(visible(f"{path}: {len(made)} claims"))
        return 0


def show_added(found: Sequence[Any]) -> None:
    """What became of files."""
    for one in found:
        said = (
            one.reason
            or f"{one.document.work}, {len(one.document.pages)} pages, {len(one.document.spans)} sentences"
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
        ledger = self.ledger()
        kept = [
            claim for claim in ledger.all("claim").values()
            if (not self.kind or claim["kind"] == self.kind)
            and (not self.verdict or (claim["result"] or {}).get("verdict") == self.verdict)
        ]  # fmt: skip
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

        ledger = self.ledger()
        if len(self.ids) != 1:
            raise UsageError("claims show wants one ID.")
        _known(ledger, self.ids)
        claim = ledger.get("claim", self.ids[0])
        history = [
            {
                "utc": line.utc,
                "by": line.by,
                "attribution": (line.body["attribution"] or {}).get("label"),
                "verdict": (line.body["result"] or {}).get("verdict"),
            }
            for line in ledger.history("claim", self.ids[0])
        ]
        body = {**(claim or {}), "history": history}
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
        from muybridge.claims.attribution.attribute import attribute_all
        from muybridge.claims.attribution.calibrate import calibrate, calibration_of
        from muybridge.claims.corpus.documents import kept
        from muybridge.core.catalogue import imported

        judge = imported(self.judge) if self.judge else None
        ledger = self.ledger()
        _known(ledger, self.ids)
        if calibration_of(ledger)[0] is None:
            calibrate(ledger)
        curve, name = calibration_of(ledger)
        found = attribute_all(ledger, kept(ledger), curve, name, self.ids)
        if judge is not None:
            _second_opinion(ledger, found, judge, self.judge)
        print_counts(one.label for one in found.values())
        return 0


def _second_opinion(
    ledger: "Ledger", found: Mapping[str, Any], judge: Callable[[str, str], Any], name: str
) -> None:
    """What a function of the user's says of claim and best sentence, beside what the rules say and marked as a machine's."""
    for id_, one in found.items():
        claim = ledger.get("claim", id_)
        if claim is not None and one.span is not None:
            try:
                said = str(judge(claim["text"], one.span.text))[:200]
            except Exception as error:  # whatever a foreign function does
                said = f"failed ({type(error).__name__}: {error})"[:200]
            ledger.append("claim", id_, {**claim, "machine": f"{name}: {said}"})


def _known(ledger: "Ledger", ids: Sequence[str]) -> None:
    known = ledger.all("claim")
    for id_ in ids:
        if id_ not in known:
            raise UsageError(f"no claim {id_!r}.{suggestion(id_, known)} `muybridge claims list` shows them.")


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
        from muybridge.claims.review.shipped_reviews import REVIEWS, tables_of
        from muybridge.claims.verify.verify import differing, verify

        ledger = self.ledger()
        _known(ledger, self.ids)
        tables: dict[str, Results] = {}
        for name in REVIEWS:
            tables |= tables_of(name)
        tables |= self.tables()
        if self.again:
            found = differing(ledger, self.runs, tables)
            print(visible("\n".join(found)) if found else "every verdict comes out as the ledger has it")
            return 1 if found else 0
        print_counts(one.verdict for one in verify(ledger, self.runs, tables, self.ids).values())
        return 0


@dataclass(frozen=True, kw_only=True)
class Assess(OfLedger):
    """The rubric, and scores of people where their files are given, with their agreement."""

    reviewer: Each = ()
    """FILE.yaml with the scores of a person"""

    def run(self) -> int:
        """Print the rubric."""
        from muybridge.claims.review.assess import assess, take_scores

        ledger = self.ledger()
        for one in assess(ledger):
            mark = {True: "yes", False: "no ", None: "?  "}[one.passed]
            print(visible(f"{mark}  {one.item}: {one.words}"))
        if self.reviewer:
            take_scores(ledger, [Path(word) for word in self.reviewer])
            agreed = ledger.get("check", "reviewers agree")
            print(visible(agreed["words"] if agreed else ""))
        return 0


@dataclass(frozen=True, kw_only=True)
class Report(OfLedger):
    """Write OUT/review.html and OUT/review.md."""

    def run(self) -> int:
        """Write them."""
        from muybridge.claims.pages.ledger_report import write_review

        paths = write_review(self.ledger())
        print(f"{paths.html.resolve()}\n{paths.markdown.resolve()}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Export(OfLedger):
    """Write csv, effects, repro, sarif, trig, bibtex, ro-crate below OUT/export."""

    forms: Annotated[Words, tyro.conf.arg(metavar="FORM...")] = ()
    """which of them; all when not given"""

    def run(self) -> int:
        """Write them."""
        from muybridge.claims.pages.ledger_export import export

        for path in export(self.ledger(), list(self.forms)):
            print(path)
        return 0


@dataclass(frozen=True, kw_only=True)
class Calibrate(OfLedger):
    """Try attribution on edited sentences with known answers: precision, recall, calibration error."""

    def run(self) -> int:
        """Try it."""
        from muybridge.claims.attribution.calibrate import LABELS, calibrate

        found = calibrate(self.ledger(new=True))
        print(f"{found.pairs} pairs\nlabel         precision               recall")
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
