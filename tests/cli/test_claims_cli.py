"""The commands ``claims`` and ``review`` from the outside, step by step; nothing of torch is loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from muybridge.cli.main import main

PAPER = """Temporal noise and video models

Abstract. We test two models on UCF101. VideoMAE reaches 71.3 % on UCF101. X3D reaches 65.0 % on UCF101.

VideoMAE is more robust to temporal noise than X3D."""
OWN = """
claims:
  - {id: A1, say: VideoMAE is less robust to temporal noise than X3D., tier: literature}
  - {id: A2, say: A above B cannot be decided., enough_units: {sizes: [1, 2]}}
"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper.txt").write_text(PAPER)
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path / "book"


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    told = capsys.readouterr()
    return told.out + told.err


def test_from_a_paper_to_a_report(book: Path, capsys: pytest.CaptureFixture[str]):
    out = ("--out", str(book))
    assert "3 claims" in said(capsys, "claims", "add", "paper.txt", "--work", "arXiv:2001.00001", *out)
    assert "2 claims" in said(capsys, "claims", "add", "own.yaml", *out)
    assert "1 contradicted" in said(capsys, "claims", "attribute", "A1", *out)
    assert "not testable" not in said(capsys, "claims", "verify", *out)
    assert said(capsys, "claims", "verify", "--again", *out).startswith("every verdict")
    shown = said(capsys, "claims", "show", "A1", *out)
    assert "direction: differs" in shown
    assert "history" in shown
    assert [
        one["claim_id"]
        for one in json.loads(said(capsys, "claims", "list", "--json", "--kind", "finding", *out))
    ][-2:] == ["A1", "A2"]
    assert "claims resolved" in said(capsys, "claims", "review", *out)
    page = Path(said(capsys, "claims", "report", *out).splitlines()[0])
    assert "71.3" in page.read_text()
    assert (book / "export" / "claims.sarif").exists() is False
    assert "claims.sarif" in said(capsys, "claims", "export", "sarif", *out)


def test_a_review_step_by_step(book: Path, capsys: pytest.CaptureFixture[str]):
    out = ("--out", str(book))
    assert "VideoMAE" in said(capsys, "review", "new", "Is VideoMAE robust to temporal noise?", *out)
    assert "arXiv:2001.00001" in said(
        capsys, "review", "corpus", "add", "paper.txt", "--work", "arXiv:2001.00001", *out
    )
    assert "arXiv:2001.00001" in said(capsys, "review", "search", "temporal noise", *out)
    assert "finding" in said(capsys, "review", "extract", *out)
    assert "question terms" in said(capsys, "review", "assess", *out)
    said(capsys, "review", "corpus", "exclude", "arXiv:2001.00001", "off-topic", *out)
    assert "left out" in said(capsys, "review", "corpus", "list", *out)
    assert (book / "ledger.jsonl").exists()


def test_a_second_opinion_is_marked_as_a_machines(
    book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "opinion.py").write_text("def judge(claim, sentence):\n    return 'supported, surely'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    out = ("--out", str(book))
    said(capsys, "claims", "add", "paper.txt", "own.yaml", *out)
    said(capsys, "claims", "attribute", "A1", "--judge", "opinion:judge", *out)
    shown = json.loads(said(capsys, "claims", "show", "A1", "--json", *out))
    assert shown["machine"] == "opinion:judge: supported, surely"
    assert shown["attribution"]["label"] == "contradicted"


def test_a_hand_in_the_ledger_is_said_by_every_command(book: Path, capsys: pytest.CaptureFixture[str]):
    said(capsys, "claims", "add", "own.yaml", "--out", str(book))
    path = book / "ledger.jsonl"
    path.write_text(path.read_text().replace("less robust", "more robust"))
    assert "changed by hand" in said(capsys, "claims", "list", "--out", str(book))


WRONG = [
    (("claims", "ad"), "Did you mean 'add'"),
    (("claims", "list", "--out", "nowhere"), "no ledger"),
    (("claims", "add"), "SOURCE"),
    (("claims", "add", "no.pdf"), "no such file"),
    (("review", "run", "nothing"), "diversity-and-robustness"),
    (("claims", "list", "--verdcit", "x"), "--verdict"),
    (("review", "corpus"), "add PATH"),
    (("claims", "verify", "--table", "x"), "no ledger"),
    (("review", "new"), "question"),
]


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_wrong_words_say_the_way_out(
    book: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: str
):
    assert expected in said(capsys, *words, code=2)


def test_help_is_there_and_torch_is_not(tmp_path: Path):
    code = (
        "import sys; from muybridge.cli.main import main; main(['claims', '--help']); "
        "main(['review', 'run', 'diversity-and-robustness', '--out', sys.argv[1]]); "
        "print(*[name for name in ('torch', 'matplotlib', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=300, check=True
    )
    assert "usage: muybridge claims" in done.stdout
    assert done.stdout.splitlines()[-1] == ""
