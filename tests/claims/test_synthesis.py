"""The founding synthesis as its only input: what must be said about it, each number by name."""

from importlib.resources import files
from pathlib import Path

import pytest

from muybridge.claims.attribution.attribute import attribute_all
from muybridge.claims.corpus.documents import add, kept
from muybridge.claims.corpus.extract import extract
from muybridge.claims.corpus.kinds import kind_of
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.review.assess import Check, assess, take_scores
from muybridge.claims.review.question_terms import coverage, terms
from muybridge.claims.review.reviewers import alpha, read_reviewer
from muybridge.core.errors import UsageError

SHIPPED = Path(str(files("muybridge.claims").joinpath("data", "diversity-and-robustness")))
KINDS = dict(
    zip(
        range(1, 18),
        ["protocol"] * 4
        + ["definition"] * 3
        + ["finding"] * 4
        + ["pointer"] * 2
        + ["protocol"]
        + ["pointer"] * 3,
        strict=True,
    )
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    ledger = Ledger.open(tmp_path_factory.mktemp("book"), new=True)
    add(ledger, SHIPPED / "synthesis.txt")
    extract(ledger)
    return ledger


@pytest.fixture(scope="module")
def checks(ledger: Ledger) -> dict[str, Check]:
    return {one.item: one for one in assess(ledger)}


def test_its_seventeen_claims_are_whole_rows_with_their_kind_and_place(ledger: Ledger):
    claims = ledger.all("claim")
    assert list(claims) == [f"C{i}" for i in range(1, 18)]
    assert {int(id_[1:]): one["kind"] for id_, one in claims.items()} == KINDS
    (document,) = kept(ledger)
    for one in claims.values():
        place = one["source"]["locator"]
        assert document.pages[place["page"] - 1][place["char_start"] : place["char_end"]] == one["text"]
    assert claims["C9"]["stated"] == {"confidence": 0.2, "verified": True}


def test_the_terms_of_its_question_are_covered_by_no_claim(checks: dict[str, Check]):
    told = checks["question terms"].values
    assert told["claims"] == 17
    for term in ("MELTR", "diversity", "auxiliary", "temporal"):
        assert told["terms"][term]["covered"] == 0
    assert told["terms"]["temporal"]["mentioned"] == 2  # temporal crops are no temporal perturbations
    assert "covered by 0 of 17 claims" in checks["question terms"].words


def test_what_it_cites_and_counts(checks: dict[str, Check]):
    assert checks["named method cited"].words == "none of the 3 cited works is MELTR"
    assert checks["counts agree"].words == "3 references against 14 papers"
    assert checks["claims about the world"].evidence == ["C12", "C13", "C15", "C16", "C17"]
    assert checks["whole sentences"].evidence == ["C2", "C4", "C14"]
    assert checks["stated confidences"].values["mean"] == 0.0482
    assert checks["orphan numbers"].values["orphans"] == {"papers": 14, "score": 3.8}
    assert not any(
        checks[item].passed
        for item in ("question terms", "named method cited", "counts agree", "whole sentences")
    )


def test_its_confidences_follow_word_overlap_with_the_abstract(ledger: Ledger):
    add(ledger, SHIPPED / "abstract-words.txt", "arXiv:2207.01398", "words")
    found = {one.item: one for one in assess(ledger)}["confidences are word overlap"]
    assert found.values["rho"] == pytest.approx(0.8, abs=0.05)


def test_with_the_abstract_alone_protocols_are_absent_and_never_a_low_confidence(tmp_path: Path):
    ledger = Ledger.open(tmp_path, new=True)
    add(ledger, SHIPPED / "synthesis.txt")
    add(ledger, SHIPPED / "abstract-notes.txt", "arXiv:2207.01398", "abstract")
    extract(ledger, "file:synthesis.txt")
    attribute_all(ledger, kept(ledger))
    for one in ledger.all("claim").values():
        if one["kind"] == "protocol":
            assert one["attribution"]["words"].startswith("absent (source: abstract only)")
            assert one["attribution"]["confidence"] is None


def test_with_the_definitions_its_formulas_are_quoted(tmp_path: Path):
    ledger = Ledger.open(tmp_path, new=True)
    add(ledger, SHIPPED / "synthesis.txt")
    add(ledger, SHIPPED / "definitions.txt", "spec:metrics", "notes")
    extract(ledger, "file:synthesis.txt")
    found = attribute_all(ledger, kept(ledger))
    assert [id_ for id_, one in found.items() if one.label == "quoted"] == ["C6", "C7"]
    assert "(A_c-A_p)/100" in ledger.all("claim")["C6"]["attribution"]["span"]["quote"]


def test_a_synthesis_is_no_evidence_of_its_own_claims(ledger: Ledger):
    found = attribute_all(ledger, kept(ledger), only=["C9"])
    assert found["C9"].label == "absent"


def test_terms_are_phrases_and_names():
    found = {
        one.term: one
        for one in terms(
            "Does the size of VideoMAE affect robustness to temporal noise in Something-Something V2?"
        )
    }
    assert list(found) == ["size", "VideoMAE", "robustness", "temporal", "noise", "Something-Something V2"]
    assert [found[name].named for name in ("VideoMAE", "Something-Something V2", "noise")] == [
        True,
        True,
        False,
    ]
    assert coverage(list(found.values()), ["On SSv2 temporal noise hurts."])["Something-Something V2"] == (
        1,
        1,
    )
    assert coverage(list(found.values()), ["Temporal crops of VideoMAE."])["temporal"] == (0, 1)


def test_kinds_of_other_sentences():
    assert kind_of("See Table 2: results are shown in Table 2.") == "pointer"
    assert kind_of("We define the gap as the difference of both.") == "definition"
    assert kind_of("This paper is organised as follows.") == "meta"
    assert kind_of("A is more robust than B.") == "finding"
    assert kind_of("Video models lose accuracy under temporal perturbations.") == "finding"
    assert kind_of("Both kinds of network suffered from blur.") == "finding"
    assert kind_of("We thank all of the annotators.") == "meta"
    assert kind_of("Models were trained for 20 epochs.") == "protocol"


def test_alpha_is_that_of_krippendorffs_example():
    """Krippendorff (2011), Computing Krippendorff's alpha-reliability, data C: ordinal alpha .815."""
    data = [
        [1, 1, None, 1],
        [2, 2, 3, 2],
        [3, 3, 3, 3],
        [3, 3, 3, 3],
        [2, 2, 2, 2],
        [1, 2, 3, 4],
        [4, 4, 4, 4],
        [1, 1, 2, 1],
        [2, 2, 2, 2],
        [None, 5, 5, 5],
        [None, None, 1, 1],
    ]
    units = [[score for score in unit if score is not None] for unit in data]
    assert alpha(units) == pytest.approx(0.815, abs=5e-4)
    assert alpha([[1, 1]]) is None


def test_people_score_beside_the_rubric_with_their_agreement(
    ledger: Ledger, checks: dict[str, Check], tmp_path: Path
):
    path = tmp_path / "one.yaml"
    path.write_text(
        "reviewer: R2\nscores: {question terms: 1, counts agree: 1, verified as counted: 4}\nnotes: {question terms: nothing answers it}\n"
    )
    reviewers = take_scores(ledger, [path])
    assert [one["kind"] for one in reviewers] == ["human", "rules"]
    values = ledger.all("check")["reviewers agree"]["values"]
    assert values["reviewers"] == 2
    assert values["items"] == 3
    assert 0 < values["alpha"] < 1
    path.write_text("reviewer: R2\nscores: {question terms: 9}\n")
    with pytest.raises(UsageError, match="from 1 to 5"):
        read_reviewer(path)
