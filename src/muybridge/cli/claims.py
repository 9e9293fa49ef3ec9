"""``muybridge claims``: a ledger of claims. Imports no torch."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muybridge.cli.words import Words
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import Column, lines, visible, width

if TYPE_CHECKING:
    from muybridge.claims.book import Book

OUT = "muybridge-claims"
HELP = f"""usage: muybridge claims COMMAND [OPTIONS] [--out DIR]
       muybridge review COMMAND [OPTIONS] [--out DIR]

Sentences of papers and your own in a ledger (DIR/ledger.jsonl, default {OUT}), with two verdicts each, both computed: does the
source say it, and does it hold on results. docs/claims.md has a worked example.

claims
  add SOURCE...        a PDF, .txt or a folder of them (documents and their claims), a .yaml with your own claims and predicates,
                       or results: the result.json of a run (its numbers), the study.json of a study (its claims and numbers)
  list                 every claim with both verdicts [--json] [--kind KIND] [--verdict VERDICT]
  show ID              everything about one claim, with its history
  attribute [ID...]    look the claims up in the documents [--judge module:function: a second opinion, marked as a machine's]
  verify [ID...]       run the predicates [--runs DIR] [--table NAME=FILE.csv]; --again only says which verdicts come out otherwise now
  review               the rubric [--reviewer FILE.yaml...: scores of people, with their agreement]
  report               write DIR/review.html and DIR/review.md
  export [FORM...]     csv, effects, repro, sarif, trig, bibtex, ro-crate, below DIR/export
  calibrate            try attribution on edited sentences with known answers: precision, recall, calibration error

review
  run NAME             a review that comes with Muybridge, from its files to its report (diversity-and-robustness)
  new QUESTION         begin one
  corpus add PATH...   add documents [--work ID] [--coverage abstract|"full text"|tables|notes]; corpus exclude WORK REASON; corpus list
  search QUERY         BM25 over title, abstract and body; logged
  extract              the claims of all documents
  attribute, verify, assess, report, export: as above (assess is review)
"""


def run(words: list[str]) -> int:
    """Run the command with the words behind ``claims``; returns the exit code.

    Raises:
        UsageError: unknown command or option.
        MuybridgeError: what was asked for cannot be done.
    """
    return run_command("claims", CLAIMS, words)


def run_command(verb: str, known: "Mapping[str, Command]", words: list[str]) -> int:
    """Run one of the commands of a verb."""
    if not words or words[0] in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if words[0] not in known:
        raise UsageError(
            f"{verb} has no {words[0]!r}.{suggestion(words[0], known)} Known: {', '.join(known)}."
        )
    return known[words[0]](_parsed(f"{verb} {words[0]}", words[1:]))


def _parsed(name: str, words: Sequence[str]) -> argparse.Namespace:
    parser = Words(prog=f"muybridge {name}", allow_abbrev=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--out", default=OUT, type=Path, help="folder of the ledger")
    parser.add_argument("--work", default="", help="which work a document is, as arXiv:2207.01398")
    parser.add_argument(
        "--coverage", default="", choices=["", "title", "abstract", "full text", "tables", "notes", "words"]
    )
    parser.add_argument("--runs", type=Path, help="folder of runs that predicates are judged on")
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="table of results: model, task, value",
    )
    parser.add_argument(
        "--reviewer",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="scores of a person, in YAML",
    )
    parser.add_argument(
        "--judge",
        default="",
        metavar="module:function",
        help="imported and called: a second opinion on attribution",
    )
    parser.add_argument("--kind", default="")
    parser.add_argument("--verdict", default="")
    parser.add_argument(
        "--again", action="store_true", help="compute verdicts anew and compare, without writing"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_intermixed_args(list(words))


def opened(told: argparse.Namespace, new: bool = False) -> "Book":
    """The ledger of ``--out``; what is wrong with it is said."""
    from muybridge.claims.book import Book
    from muybridge.claims.ledger.lines import Ledger

    book = Book(Ledger.open(told.out, new=new))
    for one in book.ledger.problems:
        print(visible(f"! {one}"))
    return book


def tables(told: argparse.Namespace) -> dict[str, str]:
    """Files of ``--table``, by name.

    Raises:
        UsageError: one is not NAME=FILE.
    """
    parts = [word.partition("=") for word in told.table]
    for word, (_, _, file) in zip(told.table, parts, strict=True):
        if not file:
            raise UsageError(f"--table {word}: wanted NAME=FILE.csv.")
    return {name: file for name, _, file in parts}


def _add(told: argparse.Namespace) -> int:
    for one in opened(told, new=True).add(*told.words, work=told.work, coverage=told.coverage):
        show_added(one.files)
        print(visible(f"{one.source}: {len(one.claims)} claims"))
    return 0


def show_added(found: Iterable[Any]) -> None:
    """What became of files."""
    for one in found:
        said = (
            one.reason
            or f"{one.document.work}, pages: {len(one.document.pages)}, sentences: {len(one.document.spans)}"
        )
        print(visible(f"{one.path}: {said if one.document else 'left out: ' + one.reason}"))


def _list(told: argparse.Namespace) -> int:
    kept = opened(told).list(told.kind, told.verdict)
    if told.json:
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


def _show(told: argparse.Namespace) -> int:
    import yaml

    book = opened(told)
    if len(told.words) != 1:
        raise UsageError("claims show wants one ID.")
    body = book.show(told.words[0])
    print(
        visible(
            json.dumps(body, indent=2, ensure_ascii=False)
            if told.json
            else yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)
        ),
        end="\n",
    )
    return 0


def _attribute(told: argparse.Namespace) -> int:
    from muybridge.core.catalogue import imported

    judge = imported(told.judge) if told.judge else None
    found = opened(told).attribute(*told.words, judge=judge, name=told.judge)
    print_counts(one.label for one in found.values())
    return 0


def print_counts(found: Iterable[str]) -> None:
    """How many of each word."""
    counts: dict[str, int] = {}
    for word in found:
        counts[word] = counts.get(word, 0) + 1
    print(", ".join(f"{number} {word}" for word, number in sorted(counts.items())) or "no claims")


def _verify(told: argparse.Namespace) -> int:
    book = opened(told)
    if told.again:
        found = book.differing(told.runs, tables(told))
        print(visible("\n".join(found)) if found else "every verdict comes out as the ledger has it")
        return 1 if found else 0
    judged = book.verify(*told.words, runs=told.runs, tables=tables(told))
    print_counts(one.verdict for one in judged.values())
    return 0


def review(told: argparse.Namespace) -> int:
    """The rubric, and scores of people where their files are given."""
    book = opened(told)
    for one in book.review(*told.reviewer):
        mark = {True: "yes", False: "no ", None: "?  "}[one.passed]
        print(visible(f"{mark}  {one.item}: {one.words}"))
    if told.reviewer:
        agreed = book.ledger.get("check", "reviewers agree")
        print(visible(agreed["words"] if agreed else ""))
    return 0


def _report(told: argparse.Namespace) -> int:
    paths = opened(told).report()
    print(f"{paths.html.resolve()}\n{paths.markdown.resolve()}")
    return 0


def _export(told: argparse.Namespace) -> int:
    for path in opened(told).export(*told.words):
        print(path)
    return 0


def _calibrate(told: argparse.Namespace) -> int:
    from muybridge.claims.attribution.calibrate import LABELS

    found = opened(told, new=True).calibrate()
    print(f"{found.pairs} pairs\nlabel         precision               recall")
    for label in LABELS:
        print(f"{label:<12}  {_span(found.precision[label])}   {_span(found.recall[label])}")
    print(
        f"calibration error {_span(found.ece)}, unrelated claims called supported {_span(found.false_positives)}"
    )
    return 0


def _span(share: tuple[float, float, float]) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*share)


Command = Callable[[argparse.Namespace], int]
SHARED: dict[str, Command] = {
    "attribute": _attribute,
    "verify": _verify,
    "report": _report,
    "export": _export,
    "list": _list,
    "show": _show,
}
CLAIMS: dict[str, Command] = {"add": _add, **SHARED, "review": review, "calibrate": _calibrate}
