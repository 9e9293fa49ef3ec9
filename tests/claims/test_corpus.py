"""Documents: what their pages say, where sentences stand, what is left out and why."""

import json
from pathlib import Path

import pytest
from papers import pdf, scan, two_columns

from muybridge.claims.corpus.documents import add, documents, exclude, kept, read
from muybridge.claims.corpus.search import flow, search
from muybridge.claims.ledger.lines import Ledger
from muybridge.core.errors import UsageError
from muybridge.core.text.sentences import clean_pages, complete, normal, sentences

LINES = [
    "Clips of 16 frames are sampled from every video.",
    "The network reaches 71.3 % on UCF101 (cf. Fig. 2), i.e. 4 points more than C3D.",
]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "book", new=True)


def test_sentences_of_a_pdf_stand_where_their_offsets_say(ledger: Ledger, tmp_path: Path):
    (added,) = add(
        ledger, pdf(tmp_path / "a.pdf", [LINES, ["On page two a model has 22 layers."]]), "arXiv:2001.00001"
    )
    document = added.document
    assert document is not None
    assert [" ".join(span.text.split()) for span in document.spans] == [
        *LINES,
        "On page two a model has 22 layers.",
    ]
    assert [span.page for span in document.spans] == [1, 1, 2]
    for span in document.spans:
        assert document.pages[span.page - 1][span.start : span.end] == span.text


def test_two_columns_are_read_one_after_the_other(tmp_path: Path):
    left = [f"left {i}" for i in range(12)]
    right = [f"right {i}" for i in range(12)]
    path = two_columns(
        tmp_path / "b.pdf", "A title that goes over both of the columns of this page", left, right
    )
    words = " ".join(read(path, path.read_bytes()).pages[0].split())
    assert words == " ".join(["A title that goes over both of the columns of this page", *left, *right])


def test_cut_words_and_ligatures_are_made_whole():
    assert clean_pages(["the per-\nturbation of \ufb01ne e\ufb00ects"]) == [
        "the perturbation of fine effects"
    ]
    assert clean_pages(
        ["state-of-the-art models; state-of-the-\nart results; a self-\nsupervised or self-supervised task"]
    ) == ["state-of-the-art models; state-of-the-art results; a self-supervised or self-supervised task"]


def test_a_full_stop_ends_a_sentence_only_where_it_does():
    text = "We follow Smith et al. (2020), i.e. e.g. Fig. 2 of J. Doe. It is 3.5 ms. So it is!\n\n4 Results\n\n- first item\n- second item"
    assert [one.text for one in sentences(text)] == [
        "We follow Smith et al. (2020), i.e. e.g. Fig. 2 of J. Doe.",
        "It is 3.5 ms.",
        "So it is!",
        "4 Results",
        "- first item",
        "- second item",
    ]


@pytest.mark.parametrize(
    ("text", "whole"),
    [("It is so.", True), ("as $x$ .", True), ("the original model impl", False), ("HMDB51-P, and", False)],
)
def test_a_sentence_that_was_cut_off_is_seen(text: str, whole: bool):
    assert complete(text) is whole


def test_latex_and_typography_do_not_tell_texts_apart():
    assert normal(r"drops by $\sim 5\%$ at $224 \times 224$") == normal(
        "Drops  by ~ 5 % at 224 × 224".replace("~ 5", "~ 5")
    )
    assert normal("40,000 clips − 2") == "40000 clips - 2"


BAD = {
    "broken.pdf": (b"%PDF-1.7 and then nothing", "broken or cut"),
    "empty.txt": (b"  \n", "is empty"),
    "binary.txt": (b"ab\0cd", "is not text"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_left_out_with_its_reason(ledger: Ledger, tmp_path: Path, name: str):
    content, words = BAD[name]
    (tmp_path / name).write_bytes(content)
    (added,) = add(ledger, tmp_path / name)
    assert added.document is None
    assert words in added.reason
    assert [one["reason"] for one in ledger.all("exclusion").values()] == [added.reason]


def test_scans_and_encrypted_files_say_the_way_out(ledger: Ledger, tmp_path: Path):
    assert "OCR" in add(ledger, scan(tmp_path / "scan.pdf"))[0].reason
    assert "encrypted" in add(ledger, pdf(tmp_path / "secret.pdf", [LINES], password="x"))[0].reason


def test_five_hundred_pages(ledger: Ledger, tmp_path: Path):
    pages = [[f"Model {i} reaches {i / 10} % on UCF101."] for i in range(500)]
    (added,) = add(ledger, pdf(tmp_path / "long.pdf", pages))
    assert added.document is not None
    assert len(added.document.pages) == len(added.document.spans) == 500


def test_duplicates_are_found_by_their_bytes_and_by_their_words(ledger: Ledger, tmp_path: Path):
    text = " ".join(f"Word{i} is number {i}." for i in range(80))
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt").write_text(text)
    (tmp_path / "c.txt").write_text(text.replace("number 7.", "number seven."))
    assert [one.reason for one in add(ledger, tmp_path)] == [
        "",
        "is there already",
        f"duplicate of file:a.txt ({documents(ledger)[0].sha256[:12]}): the same text in another file",
    ]
    assert len(kept(ledger)) == 1


def test_contaminated_sources_are_refused(ledger: Ledger, tmp_path: Path):
    (tmp_path / "x.txt").write_text(
        "From grokipedia 230313009: MELTR reaches 70 % on Something-Something V2."
    )
    assert "machine-written" in add(ledger, tmp_path / "x.txt")[0].reason


HEADS = {
    "arXiv:2207.01398v2 [cs.CV] 4 Apr 2023\n\nA title\n\nA text.": "arXiv:2207.01398",
    "A title\n\nWith names.\n\nAnd lines.\n\nMore.\narXiv:2207.01398v2  [cs.CV]  4 Apr 2023": "arXiv:2207.01398",
    "https://arxiv.org/abs/2207.01398v2\n\nA title": "arXiv:2207.01398",
    "Notes\n\nFrom arXiv 2207.01398: six models.": "arXiv:2207.01398",
    "https://grokipedia.com/page/230313009\n\nMELTR": "grokipedia:230313009",
    "MELTR\n\nclawrxiv 2604.01227": "clawrxiv:2604.01227",
    "A review\n\nWe reject a page (grokipedia 230313009) that is made up.": "file:x.txt",
    "A review\n\nIt follows the benchmark of arXiv 2207.01398 in all.": "file:x.txt",
    "A text on the benchmark (2023,\narXiv 2207.01398; four sets) and its peers.": "file:x.txt",
    "One\n\nTwo\n\nThree\n\narXiv 2207.01398 is the fourth line.": "file:x.txt",
}


@pytest.mark.parametrize("text", HEADS)
def test_a_text_is_the_work_that_it_says_it_is_and_none_that_it_speaks_of(text: str, tmp_path: Path):
    assert read(tmp_path / "x.txt", text.encode()).work == HEADS[text]
    assert read(tmp_path / "2306.06010v2.txt", text.encode()).work == "arXiv:2306.06010"


def test_an_exclusion_wants_a_document_and_a_reason(ledger: Ledger, tmp_path: Path):
    (tmp_path / "a.txt").write_text("A model is a model.")
    add(ledger, tmp_path / "a.txt", "arXiv:2001.00001")
    with pytest.raises(UsageError, match="a reason"):
        exclude(ledger, "arXiv:2001.00001", " ")
    exclude(ledger, "arXiv:2001.00001", "off-topic")
    assert kept(ledger) == []
    assert flow(ledger) == {
        "identified": 1,
        "included": 0,
        "screening": ["a.txt: off-topic"],
        "eligibility": [],
        "searches": 0,
    }


def test_text_that_was_changed_on_disk_is_not_used(ledger: Ledger, tmp_path: Path):
    (tmp_path / "a.txt").write_text("A model reaches 70 % on UCF101.")
    add(ledger, tmp_path / "a.txt")
    (path,) = (ledger.folder / "corpus").iterdir()
    path.write_text(json.dumps({"pages": ["A model reaches 90 % on UCF101."]}))
    assert documents(ledger) == []
    assert "not what was stored" in ledger.problems[0]


def test_search_ranks_a_title_above_a_mention_and_logs_itself(ledger: Ledger, tmp_path: Path):
    (tmp_path / "a.txt").write_text(
        "Optical flow\n\n" + "It is about something else. " * 40 + "Robustness is named once."
    )
    (tmp_path / "b.txt").write_text(
        "Robustness of video models\n\n" + "Many clips were perturbed in many ways. " * 40
    )
    add(ledger, tmp_path)
    hits = search(ledger, "robustness of models")
    assert [hit.document.work for hit in hits] == ["file:b.txt", "file:a.txt"]
    assert [one["work"] for one in ledger.all("search")["robustness of models"]["hits"]] == [
        "file:b.txt",
        "file:a.txt",
    ]
    assert search(ledger, "unheard-of words") == []


def test_a_missing_source_is_said(ledger: Ledger, tmp_path: Path):
    with pytest.raises(UsageError, match="no such file"):
        add(ledger, tmp_path / "nowhere.pdf")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="holds no"):
        add(ledger, tmp_path / "folder")
