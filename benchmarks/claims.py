"""Claims: how fast documents are indexed and claims looked up in them, and how good attribution is on sentences that the rules were not written with.

python benchmarks/claims.py [--papers 100] [--pages 10] [--own FOLDER_OF_TEXTS]

Makes PDFs of invented text (two columns' worth of sentences a page, numbers drawn anew), adds them to a new ledger, indexes their sentences and
attributes claims taken from them; then edits the sentences of Muybridge's own documents as the fixture does, and attributes those. One process, one thread.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from muybridge.claims.attribute import Attributor
from muybridge.claims.calibrate import LABELS, judge_fixture, quality
from muybridge.claims.corpus import add, kept, read
from muybridge.claims.fixture import pairs, source
from muybridge.claims.kinds import checkable
from muybridge.claims.ledger import Ledger

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
                text = "".join(str(draw.integers(10)) if c.isdigit() else c for c in sentences[draw.integers(len(sentences))])
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
        start = time.perf_counter()
        ledger = Ledger.open(Path(place) / "book", new=True)
        added = add(ledger, folder)
        read_at = time.perf_counter()
        attributor = Attributor(kept(ledger))
        indexed = time.perf_counter()
        claims = [span.text for one in added[::4] if one.document for span in one.document.spans[::25]]
        labels = [attributor.attribute(claim).label for claim in claims]
        done = time.perf_counter()
        spans = sum(len(one.document.spans) for one in added if one.document)
        print(f"{number} PDFs, {number * pages:,} pages, {letters / 1e6:.1f} MB of text, {spans:,} sentences")
        print(f"read {read_at - start:.1f} s, index {indexed - read_at:.1f} s, {len(claims)} claims attributed {done - indexed:.1f} s ({labels.count('quoted')} quoted)")
        print(f"together {done - start:.1f} s wall, {time.process_time():.1f} s CPU of the process, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def goodness(name: str, sentences: list[str] | None) -> None:
    """Print precision, recall and calibration error on edited sentences."""
    found = quality(judge_fixture(pairs(sentences), sentences))
    print(f"\n{name}: {found.pairs} pairs")
    for label in LABELS:
        print(f"  {label:<12} precision {_span(found.precision[label])}  recall {_span(found.recall[label])}")
    print(f"  calibration error {_span(found.ece)}, unrelated called supported {_span(found.false_positives)}")
    print("  by edit: " + ", ".join(f"{edit} {right}/{number}" for edit, (number, right) in found.by_edit.items()))


def _span(share: tuple[float, float, float]) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*share)


def texts(folder: Path) -> list[str]:
    """Sentences of the documents of a folder that state something."""
    found = []
    for path in sorted([*folder.rglob("*.md"), *folder.rglob("*.txt")]):
        document = read(path, path.read_bytes())
        found += [" ".join(one.text.split()) for one in document.spans if checkable(one.text) and "|" not in one.text and "`" not in one.text]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--papers", type=int, default=100)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--own", type=Path, default=Path(__file__).parents[1] / "docs")
    told = parser.parse_args()
    speed(told.papers, told.pages)
    goodness("the fixture", None)
    goodness(f"sentences of {told.own.name}", texts(told.own))
