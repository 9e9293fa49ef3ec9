"""What documents and docstrings point at is there: links, headings, files of the repository, modules."""

import re
from pathlib import Path

import pytest

import muybridge

PACKAGE = Path(muybridge.__file__).parent
ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"])
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")])
ROOMS = "|".join(sorted(one.name for one in PACKAGE.iterdir() if one.is_dir() and one.name != "__pycache__"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
OF_THE_REPOSITORY = re.compile(r"(?<![\w/.*{])(?:src|tests|benchmarks|docs)/[\w./-]*\w(?![\w*{])")
MODULE = re.compile(rf"`(?:muybridge\.)?((?:{ROOMS})\.[a-z_]+(?:\.\w+)*)`")
FILE_NAMES = {"config.yaml", "config.json", "report.html", "report.md", "config.out"}
"""Words of the form of a module that name a file of a run or of a model, or an attribute."""


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = (one.lower().replace(" ", "-") for one in HEADING.findall(document.read_text("utf-8")))
    return {re.sub(r"[^\w-]", "", one) for one in headings}


def is_module(dotted: str) -> bool:
    """Whether a word names a module or a room below ``muybridge``, or something inside one."""
    place = PACKAGE
    for part in dotted.split("."):
        if not (place / part).is_dir():
            return (place / f"{part}.py").is_file() or _defines(place / "__init__.py", part)
        place /= part
    return True


def _defines(file: Path, name: str) -> bool:
    return re.search(rf"\b{name}\b", file.read_text("utf-8")) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_documents_lead_somewhere(document: Path):
    for link in LINK.findall(document.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_documents_name_are_there(document: Path):
    assert [
        one for one in OF_THE_REPOSITORY.findall(document.read_text("utf-8")) if not (ROOT / one).exists()
    ] == []


def test_modules_that_docstrings_name_are_there():
    words = {(path, one) for path in SOURCES for one in MODULE.findall(path.read_text("utf-8"))}
    assert len(words) > 50
    assert {(str(path), one) for path, one in words if one not in FILE_NAMES and not is_module(one)} == set()
