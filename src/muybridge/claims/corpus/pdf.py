"""Text of PDF pages, by pdfium; two columns are read one after the other. Nothing in a PDF is run."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError

MOST_PAGES = 5_000
MOST_BYTES = 512 << 20
MOST_LETTERS = 64 << 20
MARGIN = 4.0
"""Points that a line may reach over the middle of a page and still belong to one column."""


def pages_of(path: Path, content: bytes) -> list[str]:
    """Text of each page; empty for a page without any.

    Raises:
        MuybridgeError: encrypted, broken, too long.
    """
    import pypdfium2

    if len(content) > MOST_BYTES:
        raise MuybridgeError(f"{path}: has {len(content):,} bytes; wanted at most {MOST_BYTES:,}.")
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        words = str(error).lower()
        if "password" in words or "security" in words:
            raise MuybridgeError(
                f"{path}: is encrypted. Write a copy without a password (qpdf --decrypt) and add that."
            ) from error
        raise MuybridgeError(
            f"{path}: cannot be read as a PDF ({error}). It is broken or cut; get it again, or add its text as .txt."
        ) from error
    try:
        if len(document) > MOST_PAGES:
            raise MuybridgeError(
                f"{path}: has {len(document):,} pages; wanted at most {MOST_PAGES:,}. Split it."
            )
        return _texts(path, document)
    finally:
        document.close()


def _texts(path: Path, document: Any) -> list[str]:
    import pypdfium2

    texts: list[str] = []
    letters = 0
    for number in range(len(document)):
        try:
            page = document[number]
            texts.append(_page_text(page))
            page.close()
        except pypdfium2.PdfiumError as error:
            raise MuybridgeError(f"{path}: page {number + 1} cannot be read ({error}).") from error
        letters += len(texts[-1])
        if letters > MOST_LETTERS:
            raise MuybridgeError(f"{path}: holds more than {MOST_LETTERS:,} letters; it is made to do harm.")
    return texts


def _page_text(page: Any) -> str:
    textpage = page.get_textpage()
    try:
        split = _columns(textpage, page.get_width(), page.get_height())
        if split is None:
            return str(textpage.get_text_range())
        width, height = page.get_width(), page.get_height()
        top = split
        parts = [(0, top, width, height), (0, 0, width / 2, top), (width / 2, 0, width, top)]
        return "\n\n".join(str(textpage.get_text_bounded(*part)) for part in parts)
    finally:
        textpage.close()


def _columns(textpage: Any, width: float, height: float) -> float | None:
    """Where two columns begin, counted from below; None for a page that has not two or already has them in order."""
    boxes = [textpage.get_rect(i) for i in range(textpage.count_rects())]
    boxes = [box for box in boxes if box[2] - box[0] > 2]
    middle = width / 2
    left = [box for box in boxes if box[2] <= middle + MARGIN]
    right = [box for box in boxes if box[0] >= middle - MARGIN]
    across = [box for box in boxes if box[0] < middle - MARGIN and box[2] > middle + MARGIN]
    if min(len(left), len(right)) < 5 or len(across) > 0.25 * len(boxes):
        return None
    sides = [box[0] >= middle - MARGIN for box in boxes if box not in across]
    if sum(a != b for a, b in pairwise(sides)) <= 3:
        return None
    return min((box[1] for box in across if box[3] > height / 2), default=height)
