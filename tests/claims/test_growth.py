"""What a ledger costs grows with its claims and no faster: operations are counted, never timed."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import muybridge
from muybridge.claims.attribution.attribute import attribute_all
from muybridge.claims.corpus.documents import add, kept
from muybridge.claims.corpus.extract import extract
from muybridge.claims.ledger import lines as ledgers
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.pages import ledger_export as exporting
from muybridge.claims.pages.ledger_export import FORMS, export
from muybridge.claims.pages.ledger_report import write_review
from muybridge.claims.review.assess import assess
from muybridge.claims.verify.verify import verify

OURS = str(Path(muybridge.__file__).parent)


def operations(work: Callable[[], object], patch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Bytecode operations in our own code, and bytes that it reads from its ledger and its exports."""
    done = 0
    read = 0

    def inside(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal done
        done += event == "opcode"
        return inside

    def called(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        frame.f_trace_opcodes = True
        return inside

    def counted(path: Path, most: int) -> bytes:
        nonlocal read
        content = whole(path, most)
        read += len(content)
        return content

    whole = ledgers.read_bytes
    before = sys.gettrace()
    with patch.context() as inner:
        inner.setattr(ledgers, "read_bytes", counted)
        inner.setattr(exporting, "read_bytes", counted)
        sys.settrace(called)
        try:
            work()
        finally:
            sys.settrace(before)
    return done, read


def made(folder: Path, claims: int) -> Ledger:
    """A ledger with this many claims of one paper, looked up in another and judged."""
    folder.mkdir()
    texts = {
        "one": " ".join(f"Model {i} reaches {i / 10} % on UCF101 after {i} epochs." for i in range(claims)),
        "other": " ".join(f"On UCF101 model {i} loses {i / 10} points under blur." for i in range(claims)),
    }
    ledger = Ledger.open(folder / "book", new=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(f"A paper called {name}\n\n{text}")
        add(ledger, folder / f"{name}.txt")
    extract(ledger, "file:one.txt")
    attribute_all(ledger, kept(ledger))
    verify(ledger)
    return ledger


STEPS: dict[str, Callable[[Ledger], object]] = {
    "open": lambda ledger: Ledger.open(ledger.folder),
    "attribute": lambda ledger: attribute_all(ledger, kept(ledger)),
    "verify": verify,
    "assess": assess,
    "report": write_review,
    "export": lambda ledger: export(ledger, []),
    **{f"export {name}": lambda ledger, name=name: export(ledger, [name]) for name in FORMS},  # type: ignore[misc]
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> list[Ledger]:
    place = tmp_path_factory.mktemp("growth")
    return [made(place / str(number), number) for number in (20, 60)]


@pytest.mark.parametrize("step", STEPS)
def test_three_times_the_claims_cost_three_times_as_much(
    step: str, books: list[Ledger], monkeypatch: pytest.MonkeyPatch
):
    for ledger in books:
        STEPS[step](ledger)  # what is imported or kept on the first call is not counted
    (few, little), (many, much) = (
        operations(lambda ledger=ledger: STEPS[step](ledger), monkeypatch) for ledger in books
    )
    assert few > 0
    assert many < 3.3 * few
    assert much <= 3.3 * little


def test_the_count_sees_a_square(monkeypatch: pytest.MonkeyPatch, books: list[Ledger]):
    def square(ledger: Ledger) -> object:
        return [ledger.all("claim") for _ in ledger.lines]

    few, many = (operations(lambda ledger=ledger: square(ledger), monkeypatch)[0] for ledger in books)
    assert many > 6 * few
