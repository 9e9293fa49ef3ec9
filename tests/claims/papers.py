"""PDFs made for tests: plain, in two columns whose lines were written across, cut words, a scan, encrypted, many pages."""

import io
from collections.abc import Sequence
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen import canvas

WIDTH, HEIGHT = A4


def pdf(path: Path, pages: Sequence[Sequence[str]], password: str = "") -> Path:
    """A PDF with these lines on its pages."""
    encrypt = StandardEncryption(password, ownerPassword="owner") if password else None
    sheet = canvas.Canvas(str(path), pagesize=A4, encrypt=encrypt)
    for page in pages:
        for number, line in enumerate(page):
            sheet.drawString(60, HEIGHT - 60 - 14 * number, line)
        sheet.showPage()
    sheet.save()
    return path


def two_columns(path: Path, title: str, left: Sequence[str], right: Sequence[str]) -> Path:
    """A PDF in which each line of the left column is written before its neighbour on the right, as some programs do."""
    sheet = canvas.Canvas(str(path), pagesize=A4)
    sheet.drawString(60, HEIGHT - 60, title)
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        sheet.drawString(60, HEIGHT - 100 - 14 * number, one)
        sheet.drawString(WIDTH / 2 + 20, HEIGHT - 100 - 14 * number, other)
    sheet.showPage()
    sheet.save()
    return path


def scan(path: Path) -> Path:
    """A PDF with a picture and no text."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    picture = io.BytesIO()
    Image.new("RGB", (60, 60), (200, 200, 200)).save(picture, "PNG")
    sheet = canvas.Canvas(str(path), pagesize=A4)
    sheet.drawImage(ImageReader(picture), 60, 400, 300, 300)
    sheet.showPage()
    sheet.save()
    return path
