"""Claims: how fast documents are indexed and claims looked up in them, and how good attribution is on sentences the rules do not know.

python benchmarks/claims.py [--papers 100] [--pages 33] [--own FOLDER_OF_TEXTS] [--most SENTENCES]

Makes PDFs of invented text (52 sentences a page, numbers drawn anew), adds them to a new ledger, indexes their sentences and attributes
claims taken from them; then edits the sentences of Muybridge's own documents as the fixture does, and attributes those. One process,
one thread; seconds of CPU are those of this process from reading to attribution.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from muybridge.claims.attribution.attribute import Attributor
from muybridge.claims.attribution.calibrate import LABELS, judge_fixture, quality
from muybridge.claims.attribution.fixture import pairs, source
from muybridge.claims.corpus.documents import add, kept, read
from muybridge.claims.corpus.kinds import checkable
from muybridge.claims.ledger.lines import Ledger

LINES = 52


def papers(folder: Path, number: int, pages: int) -> int:
    """Write PDFs; returns letters of text."""
    from reportlab.pdfgen import canvas

    draw = np.random.default_rng(0)
    sentences = source()
    letters = 0
    for paper in range(number):
        sheet = canvas.Canvas(str(folder / f"{paper:03d}.pdf"))
        for _ in range(pages):
            for line in range(LINES):
                plain = sentences[draw.integers(len(sentences))]
                text = "".join(str(draw.integers(10)) if c.isdigit() else c for c in plain)
                sheet.drawString(40, 800 - 15 * line, text)
                letters += len(text)
            sheet.showPage()
        sheet.save()
    return letters


def speed(number: int, pages: int) -> None:
    """Print seconds for reading, indexing and attribution."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "papers"
        folder.mkdir()
        letters = papers(folder, number, pages)
        start, cpu = time.perf_counter(), time.process_time()
        ledger = Ledger.open(Path(place) / "book", new=True)
        added = add(ledger, folder)
        read_at = time.perf_counter()
        attributor = Attributor(kept(ledger))
        indexed = time.perf_counter()
        documents = [one.document for one in added if one.document]
        claims = [span.text for one in documents[::4] for span in one.spans[::25]]
        labels = [attributor.attribute(claim).label for claim in claims]
        done, used = time.perf_counter(), time.process_time() - cpu
        spans = sum(len(one.spans) for one in documents)
        print(f"{number} PDFs, {number * pages:,} pages, {letters / 1e6:.1f} MB of text, {spans:,} sentences")
        print(
            f"read {read_at - start:.1f} s, index {indexed - read_at:.1f} s, {len(claims)} claims {done - indexed:.1f} s"
        )
        print(
            f"{labels.count('quoted')} of them quoted; together {done - start:.1f} s wall, {used:.1f} s CPU"
        )
        print(f"largest resident {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def goodness(name: str, sentences: list[str] | None) -> None:
    """Print precision, recall and calibration error on edited sentences."""
    found = quality(judge_fixture(pairs(sentences), sentences))
    print(f"\n{name}: {found.pairs} pairs")
    for label in LABELS:
        print(f"  {label:<12} precision {_span(found.precision[label])}  recall {_span(found.recall[label])}")
    print(
        f"  calibration error {_span(found.ece)}, unrelated called supported {_span(found.false_positives)}"
    )
    counts = [f"{edit} {right}/{number}" for edit, (number, right) in found.by_edit.items()]
    print("  by edit: " + ", ".join(counts))


def _span(share: tuple[float, float, float]) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*share)


def texts(folder: Path) -> list[str]:
    """Sentences of the documents of a folder that state something."""
    found = []
    for path in sorted([*folder.rglob("*.md"), *folder.rglob("*.txt")]):
        document = read(path, path.read_bytes())
        plain = [one.text for one in document.spans if checkable(one.text)]
        found += [" ".join(text.split()) for text in plain if "|" not in text and "`" not in text]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--papers", type=int, default=100)
    parser.add_argument("--pages", type=int, default=33)
    parser.add_argument("--own", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--most", type=int, default=None, help="sentences that are edited, of each source")
    told = parser.parse_args()
    speed(told.papers, told.pages)
    goodness("the fixture", source()[: told.most] if told.most else None)
    goodness(f"sentences of {told.own.name}", texts(told.own)[: told.most])
