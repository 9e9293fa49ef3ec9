"""Attribution: labels and axes of single sentences, figures on the edited ones, and a null test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from muybridge.claims.attribution.attribute import Attributor, as_body
from muybridge.claims.attribution.calibrate import Judged, Quality, judge_fixture, quality
from muybridge.claims.attribution.calibration import Calibration, calibration_error, fit
from muybridge.claims.attribution.facts import compare, facts
from muybridge.claims.attribution.fixture import pairs, source
from muybridge.claims.corpus.documents import Document
from muybridge.core.text.formulas import agree, formulas, same

TEXT = """VideoMAE reaches 71.3 % on UCF101 after 800 epochs. X3D loses 12.4 points under Gaussian noise.

Larger networks are more robust than smaller networks. The noise was not drawn anew for each frame."""


def document(text: str = TEXT, name: str = "a") -> Document:
    return Document(name * 64, f"file:{name}", "A", "full text", (text,), "text")


LABELS = [
    ("VideoMAE reaches 71.3% on UCF101 after 800 epochs", "quoted", ""),
    ("On UCF101, VideoMAE reaches 71.3 % after 800 epochs.", "paraphrase", ""),
    ("VideoMAE reaches 73.1 % on UCF101 after 800 epochs.", "contradicted", "number"),
    ("VideoMAE reaches 71.3 % on HMDB51 after 800 epochs.", "contradicted", "data"),
    ("V-JEPA reaches 71.3 % on UCF101 after 800 epochs.", "contradicted", "model"),
    ("VideoMAE reaches 71.3 % on UCF101 after 800 hours.", "contradicted", "unit"),
    ("X3D loses 12.4 points under motion blur.", "contradicted", "perturbation"),
    ("Larger networks are less robust than smaller networks.", "contradicted", "direction"),
    ("Smaller networks are more robust than larger networks.", "contradicted", "direction"),
    ("Smaller networks are less robust than larger networks.", "paraphrase", ""),
    ("The noise was drawn anew for each frame.", "contradicted", "negation"),
    ("Depth cameras were mounted above the belt.", "absent", ""),
]


@pytest.mark.parametrize(
    ("claim", "label", "axis"), LABELS, ids=[f"{label} {axis}" for _, label, axis in LABELS]
)
def test_one_sentence_and_its_edits(claim: str, label: str, axis: str):
    found = Attributor([document()]).attribute(claim)
    assert found.label == label
    assert {name for name, one in found.axes.items() if one == "differs"} == ({axis} if axis else set())


def test_a_claim_of_the_only_document_has_no_source_at_hand():
    only = document()
    found = Attributor([only]).attribute(TEXT.split(". ")[0], without=only.sha256)
    words = as_body(found, "", None, "")["words"]
    assert words == "absent (no source at hand): there is no document beside the one it was taken from"


def test_the_best_sentence_is_shown_with_its_place():
    found = Attributor([document("Nothing here is of use."), document(name="b")]).attribute(
        "X3D loses 12.4 points under Gaussian noise."
    )
    assert found.document is not None
    assert found.span is not None
    assert found.document.work == "file:b"
    assert TEXT[found.span.start : found.span.end] == "X3D loses 12.4 points under Gaussian noise."


def test_numbers_have_units_and_names_are_no_numbers():
    told = facts(
        "R(2+1)D takes 10 uniform temporal crops of UCF101 in 3.5 ms and has 22 million parameters, a top-1 of 40,000 %."
    )
    assert told.numbers == ((10.0, "crop"), (3.5, "ms"), (22e6, "parameter"), (40000.0, "%"))
    assert told.names["model"] == ("r(2+1)d",)
    assert "top-1" in told.names["name"]


def test_what_a_source_does_not_state_is_no_contradiction():
    axes = compare("VideoMAE reaches 71 % on UCF101.", "VideoMAE reaches a high accuracy.")
    assert (axes["number"], axes["data"], axes["model"]) == ("not stated", "not stated", "agrees")


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return judge_fixture()


@pytest.fixture(scope="module")
def measured(judged: list[Judged]) -> Quality:
    return quality(judged)


def test_the_fixture_has_its_pairs_and_is_always_the_same():
    made = pairs()
    assert len(made) >= 400
    assert made == pairs()
    assert {pair.label for pair in made} == {"quoted", "paraphrase", "contradicted", "absent"}
    kept = set(source())
    assert all((pair.claim in kept) == (pair.edit == "none") for pair in made)


@pytest.mark.parametrize("label", ["quoted", "contradicted"])
def test_made_edits_are_found(measured: Quality, label: str):
    assert measured.precision[label][1] >= 0.9  # lower bounds
    assert measured.recall[label][1] >= 0.9


def test_confidences_are_calibrated_on_sentences_they_were_not_learnt_from(measured: Quality):
    assert measured.ece[2] < 0.05  # upper bound


def test_claims_shuffled_between_papers_are_attributed_no_more_than_unrelated_ones(measured: Quality):
    sentences = source()
    half = len(sentences) // 2
    papers = [sentences[:half], sentences[half:]]
    own = Attributor([document("\n\n".join(papers[0]))])
    found = [own.attribute(claim).label in ("quoted", "paraphrase") for claim in papers[1]]
    assert all(own.attribute(claim).label == "quoted" for claim in papers[0])
    assert np.mean(found) <= measured.false_positives[2] + 0.02


def test_a_curve_rises_and_its_error_is_that_of_its_bins():
    scores = np.linspace(0, 1, 200)
    right = np.random.default_rng(0).random(200) < scores
    curve = fit(scores, right)
    confidences = np.array([curve.confidence(score) for score in scores])
    assert (np.diff(confidences) >= 0).all()
    assert calibration_error(confidences, right) < 0.05
    assert calibration_error(np.full(200, 0.95), right) == pytest.approx(0.95 - right.mean())
    assert Calibration.from_body(curve.as_body()) == curve
    assert 0 < curve.confidence(1.0) < 1


FORMULAS = [
    (r"$\gamma_{r,p,s} = 1 - (Af_c - Af_{p,s})/Af_c$", "γ^r_{p,s} = 1 − (A_c − A_{p,s})/A_c", True),
    (r"\gamma_a = 1 - (A_c - A_p)/100", "γ_a = (100 - A_c + A_p)/100 or so", True),
    (r"\gamma_r = 1 - (A_c - A_p)/A_c", "γ_r = 1 - (A_p - A_c)/A_c", False),
    (r"\gamma_a = 1 - (A_c - A_p)/100", "γ_a = 1 - (A_c - A_p)", False),
]


@pytest.mark.parametrize(("one", "other", "equal"), FORMULAS)
def test_formulas_are_compared_by_value(one: str, other: str, equal: bool):
    (a,), (b,) = formulas(one), formulas(other)
    assert a.name == b.name
    assert same(a, b) is equal


def test_a_formula_is_tested_against_a_function_and_runs_nothing():
    (one,) = formulas("y = 2*(a + b)^2 - a/b")
    assert agree(one, lambda a, b: 2 * (a + b) ** 2 - a / b, one.variables, (0.1, 1.0))[0]
    assert not agree(one, lambda a, b: 2 * (a + b) ** 2, one.variables, (0.1, 1.0))[0]
    assert formulas("x = __import__('os').system('true')") == []
    assert formulas("x = " + "(" * 5000 + "a + b") == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40))
def test_the_curve_is_that_of_scikit_learn(judged):
    """With equal scores, one score, one answer: its knots and values, to the six digits kept."""
    scores, right = np.array([score / 12 for score, _ in judged]), np.array([said for _, said in judged])
    least = 1 / (len(scores) + 2)
    theirs = IsotonicRegression(y_min=least, y_max=1 - least).fit(scores, right.astype(float))
    mine = fit(scores, right)
    every = np.linspace(-0.2, 1.2, 29)
    assert np.interp(every, mine.scores, mine.confidences) == pytest.approx(
        np.interp(every, theirs.X_thresholds_, theirs.y_thresholds_), abs=2e-5
    )
