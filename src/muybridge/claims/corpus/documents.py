"""Documents of a review: their text by page with offsets, under the hash of their bytes; what cannot be read is said and counted."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from muybridge.claims.corpus.pdf import MOST_BYTES, pages_of
from muybridge.claims.corpus.works import REJECTED, TITLES, named_by, names_in, work_of
from muybridge.claims.ledger.lines import Ledger
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import atomic, read_bytes
from muybridge.core.text.sentences import Span, clean_pages, content_words, sentences

SUFFIXES = (".pdf", ".txt", ".md")
SAME = 0.9
"""Share of words in common from which two texts count as one document in two files."""


@dataclass(frozen=True)
class Document:
    """A document with its text.

    Attributes:
        sha256: of its bytes.
        coverage: what of the work is there: title, abstract, full text, tables, or notes about it.
        pages: cleaned text by page.
    """

    sha256: str
    work: str
    title: str
    coverage: str
    pages: tuple[str, ...]
    method: str

    @cached_property
    def spans(self) -> list[Span]:
        """Its sentences."""
        return [one for number, text in enumerate(self.pages, 1) for one in sentences(text, number)]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Its words without the small ones, of the first 200,000 letters."""
        return frozenset(content_words(" ".join(self.pages)[:200_000]))


@dataclass(frozen=True)
class Added:
    """What became of a file; ``document`` is None where it was left out, for ``reason``."""

    path: Path
    document: Document | None
    reason: str = ""


def add(ledger: Ledger, source: Path, work: str = "", coverage: str = "") -> list[Added]:
    """Add a PDF, a text or every one below a folder; each is written to the ledger, as a document or as an exclusion.

    Raises:
        UsageError: no such file, or a folder without any.
    """
    source = Path(source)
    if not source.exists():
        raise UsageError(
            f"{source}: no such file or folder. Wanted a PDF, a .txt or .md file, or a folder of them."
        )
    if source.is_dir():
        paths = sorted(one for one in source.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
        if not paths:
            raise UsageError(f"{source}: holds no .pdf, .txt or .md file.")
    else:
        paths = [source]
    known = documents(ledger)
    found = []
    for path in paths:
        found.append(_add(ledger, path, work if len(paths) == 1 else "", coverage, known))
        if found[-1].document is not None and not found[-1].reason:
            known.append(found[-1].document)
    return found


def _add(ledger: Ledger, path: Path, work: str, coverage: str, known: Sequence[Document]) -> Added:
    try:
        content = _bytes(path)
        document = read(path, content, work, coverage)
    except MuybridgeError as error:
        return _left_out(
            ledger, path, hashlib.sha256(str(path.name).encode()).hexdigest(), str(error), "eligibility"
        )
    sha = document.sha256
    if document.work in REJECTED:
        return _left_out(ledger, path, sha, f"{document.work}: {REJECTED[document.work]}", "eligibility")
    if any(one.sha256 == sha for one in known):
        return Added(path, next(one for one in known if one.sha256 == sha), "is there already")
    twin = next((one for one in known if _alike(one, document)), None)
    if twin is not None:
        return _left_out(
            ledger,
            path,
            sha,
            f"duplicate of {twin.work} ({twin.sha256[:12]}): the same text in another file",
            "screening",
        )
    store(ledger, document, path.name)
    return Added(path, document)


def _bytes(path: Path) -> bytes:
    """Content of a file that the user named; links are the user's own and followed, pipes and devices are not read."""
    if not path.is_file():
        raise MuybridgeError(f"{path}: is no file.")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise MuybridgeError(f"{path}: cannot be read ({error.strerror}).") from error
    if len(content) > MOST_BYTES:
        raise MuybridgeError(f"{path}: has more than {MOST_BYTES:,} bytes. Split it.")
    if not content.strip():
        raise MuybridgeError(f"{path}: is empty.")
    return content


def read(path: Path, content: bytes, work: str = "", coverage: str = "") -> Document:
    """A document from the bytes of a file.

    Raises:
        MuybridgeError: no text can be had from it; says why.
    """
    is_pdf = content[:1024].lstrip().startswith(b"%PDF") or path.suffix.lower() == ".pdf"
    raw = pages_of(path, content) if is_pdf else _decoded(path, content).split("\f")
    pages = clean_pages(raw)
    if not any(re.search(r"\w{2}", page) for page in pages):
        raise MuybridgeError(
            f"{path}: its {len(pages)} page{'s' * (len(pages) != 1)} hold pictures and no text (a scan). "
            "Run it through OCR (ocrmypdf) and add that."
        )
    text = "\n".join(pages)
    work = work or named_by(path.name) or work_of(pages[0]) or f"file:{path.name}"
    return Document(
        hashlib.sha256(content).hexdigest(), work, TITLES.get(work, "") or _title(text), coverage or _coverage(text), tuple(pages),
        "pdfium" if is_pdf else "text",
    )  # fmt: skip


def _decoded(path: Path, content: bytes) -> str:
    if b"\0" in content[:4096]:
        raise MuybridgeError(f"{path}: is not text. Wanted a PDF or plain text in UTF-8.")
    return content.decode("utf-8", errors="replace")


def _title(text: str) -> str:
    line = next((one.strip(" #*") for one in text.splitlines() if len(one.strip()) > 8), "untitled")
    return line[:200]


def _coverage(text: str) -> str:
    """A short text without a list of references is an abstract or notes of that length; anything longer is taken for the whole."""
    return "abstract" if len(content_words(text)) < 250 else "full text"


def store(ledger: Ledger, document: Document, name: str) -> None:
    """Write the text below ``corpus/`` and its line in the ledger."""
    text = json.dumps({"sha256": document.sha256, "pages": document.pages}, ensure_ascii=False)
    with atomic(_path(ledger, document.sha256), below=ledger.folder) as file:
        file.write(text)
    whole = "\f".join(document.pages)
    blank = sum(not page.strip() for page in document.pages)
    ledger.append(
        "document", document.sha256,
        {
            "sha256": document.sha256, "text_sha256": hashlib.sha256(whole.encode()).hexdigest(), "name": name, "work": document.work,
            "title": document.title, "coverage": document.coverage, "pages": len(document.pages), "letters": len(whole),
            "sentences": len(document.spans), "method": document.method, "cites": names_in(whole),
            "notes": [f"{blank} of {len(document.pages)} pages without text"] if blank else [],
        },
    )  # fmt: skip


def _path(ledger: Ledger, sha256: str) -> Path:
    return ledger.folder / "corpus" / f"{sha256}.json"


def documents(ledger: Ledger) -> list[Document]:
    """Every document whose text is there and is what was stored; others are said among the ledger's problems."""
    found = []
    for sha, body in ledger.all("document").items():
        path = _path(ledger, sha)
        try:
            pages = tuple(map(str, json.loads(read_bytes(path, MOST_BYTES))["pages"]))
        except (OSError, ValueError, KeyError, TypeError, MuybridgeError):
            _say(ledger, f"{path}: the text of {body['work']} is missing or damaged; add the document again")
            continue
        if hashlib.sha256("\f".join(pages).encode()).hexdigest() != body["text_sha256"]:
            _say(ledger, f"{path}: the text of {body['work']} is not what was stored; add the document again")
            continue
        found.append(Document(sha, body["work"], body["title"], body["coverage"], pages, body["method"]))
    return found


def _say(ledger: Ledger, words: str) -> None:
    if words not in ledger.problems:
        ledger.problems.append(words)


def exclude(ledger: Ledger, word: str, reason: str) -> None:
    """Take a document out by hand, with a reason; its text stays on disk.

    Raises:
        UsageError: no such document, or no reason.
    """
    held = [
        body for sha, body in ledger.all("document").items() if sha.startswith(word) or body["work"] == word
    ]
    if not held or not reason.strip():
        raise UsageError(
            f"exclude wants a document (its work, or the beginning of its hash) and a reason, got {word!r} and {reason!r}."
        )
    for body in held:
        ledger.append(
            "exclusion",
            body["sha256"],
            {"sha256": body["sha256"], "name": body["name"], "reason": reason, "stage": "screening"},
        )


def kept(ledger: Ledger) -> list[Document]:
    """Documents that no exclusion names."""
    out = ledger.all("exclusion")
    return [one for one in documents(ledger) if one.sha256 not in out]


def _left_out(ledger: Ledger, path: Path, sha: str, reason: str, stage: str) -> Added:
    ledger.append("exclusion", sha, {"sha256": sha, "name": path.name, "reason": reason, "stage": stage})
    return Added(path, None, reason)


def _alike(one: Document, other: Document) -> bool:
    """Whether two texts share nearly all of their words, as one paper in two files does."""
    few, many = sorted((len(one.vocabulary), len(other.vocabulary)))
    if few < SAME * many:  # cannot be, and costs nothing to know
        return False
    return len(one.vocabulary & other.vocabulary) >= SAME * max(len(one.vocabulary | other.vocabulary), 1)


def all_spans(found: Sequence[Document]) -> Iterator[tuple[Document, Span]]:
    """Every sentence of every document."""
    for document in found:
        for span in document.spans:
            yield document, span
