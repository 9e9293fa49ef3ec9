"""The review that comes with Muybridge: verdicts, report and lint, exports; and what hostile or broken input does to them."""

import csv
import json
import re
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from muybridge.claims.corpus.documents import add
from muybridge.claims.corpus.extract import extract
from muybridge.claims.ledger.claim_files import add_claims
from muybridge.claims.ledger.lines import Ledger, seal_of
from muybridge.claims.pages.ledger_export import FORMS, export
from muybridge.claims.pages.ledger_report import write_review
from muybridge.claims.pages.page import lint
from muybridge.claims.review.assess import assess
from muybridge.claims.review.shipped_reviews import new_review, run_review, tables_of
from muybridge.claims.verify.table_predicates import (
    Results,
    above,
    correlated,
    enough_units,
    reference,
    same_values,
)
from muybridge.claims.verify.verify import differing, outcomes, verify
from muybridge.core.errors import UsageError

NAME = "diversity-and-robustness"


def clock() -> datetime:
    return datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return run_review(NAME, tmp_path_factory.mktemp("review"), now=clock)


@pytest.fixture(scope="module")
def page(ledger: Ledger) -> str:
    return write_review(ledger).html.read_text()


def rows_of(exported: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((exported / "claims.csv").read_text().splitlines()))


VERDICTS = {
    "C1": "refuted",
    "C2": "undetermined",
    "C3": "refuted",
    "C4": "undetermined",
    "C5": "not testable",
    "C6": "supported",
    "C7": "supported",
    "C8": "undetermined",
    "C9": "undetermined",
    "C10": "undetermined",
    "C11": "not comparable",
    "C12": "not testable",
    "C13": "not testable",
    "C14": "undetermined",
    "C15": "not testable",
    "C16": "not testable",
    "C17": "not testable",
    "C18": "undetermined",
    "C19": "undetermined",
    "C20": "undetermined",
    "C21": "undetermined",
    "C22": "undetermined",
    "M1": "undetermined",
    "M2": "supported",
    "M3": "not comparable",
    "M4": "supported",
}


def test_every_claim_has_its_verdict_with_a_reason(ledger: Ledger):
    claims = ledger.all("claim")
    assert {id_: one["result"]["verdict"] for id_, one in claims.items()} == VERDICTS
    assert all(one["result"]["reason"] for one in claims.values())
    assert all(claims[f"C{i}"]["attribution"] for i in range(1, 18))
    assert {id_ for id_, one in claims.items() if (one["attribution"] or {}).get("label") == "quoted"} == {
        "C6",
        "C7",
    }


def test_the_simpson_case_is_confounded_by_family_with_its_strata(ledger: Ledger):
    result = ledger.all("claim")["M1"]["result"]
    assert result["reason"].startswith("confounded by family")
    lines = {line["words"]: line for line in result["evidence"]}
    assert lines["pooled over 33 models"]["effect"] == pytest.approx(0.00, abs=0.005)
    assert lines["family text tower"]["effect"] == pytest.approx(0.54, abs=0.005)
    assert lines["family text tower"]["n"] == 25
    assert lines["family V-JEPA 2"]["effect"] == pytest.approx(0.61, abs=0.005)
    assert lines["within family"]["p"] < 0.01 < 0.9 < lines["pooled over 33 models"]["p"]


def test_the_other_worked_examples(ledger: Ledger):
    claims = ledger.all("claim")
    assert claims["M2"]["result"]["effect"] == pytest.approx(0.0545, abs=5e-5)
    assert claims["M2"]["result"]["p_adj"] < 0.001
    assert "readout" in claims["M3"]["result"]["reason"]
    assert claims["M4"]["result"]["n"] == 3
    assert "0.067" in claims["C9"]["result"]["reason"]


def test_contaminated_sources_are_among_the_exclusions(ledger: Ledger):
    assert {one["name"] for one in ledger.all("exclusion").values()} == {"grokipedia.txt", "clawrxiv.txt"}


def test_made_again_it_is_the_same_to_the_byte(ledger: Ledger, page: str, tmp_path: Path):
    again = run_review(NAME, tmp_path, now=clock)
    assert write_review(again).html.read_text() == page
    assert again.path.read_bytes() == ledger.path.read_bytes()
    before = len(again.lines)
    run_review(NAME, tmp_path)
    assert len(Ledger.open(tmp_path).lines) == before


def test_every_number_of_the_page_is_a_reference(ledger: Ledger, page: str):
    assert lint(page, ledger) == []
    assert page.count("data-ref") > 300


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<p>Rendered from", "<p>All 17 claims hold. Rendered from", "without a reference"),
        (">3 references against 14 papers<", ">14 references against 14 papers<", "the ledger"),
        ("&quot;C9&quot;", "&quot;C99&quot;", "leads nowhere"),
    ],
)
def test_the_lint_finds_what_was_put_in_by_hand(ledger: Ledger, page: str, old: str, new: str, said: str):
    assert old in page
    assert any(said in one for one in lint(page.replace(old, new), ledger))


def test_verdicts_come_out_again_and_a_forged_one_does_not(ledger: Ledger, tmp_path: Path):
    tables = tables_of(NAME)
    assert differing(ledger, None, tables) == []
    texts = ledger.path.read_text().splitlines()
    place = max(i for i, text in enumerate(texts) if '"id":"C9"' in text)
    content = json.loads(texts[place])
    content.pop("seal")
    content["body"]["result"]["verdict"] = "supported"
    texts[place] = json.dumps({**content, "seal": seal_of(content)})
    (tmp_path / "ledger.jsonl").write_text("\n".join(texts) + "\n")
    forged = Ledger.open(tmp_path)
    assert forged.all("claim")["C9"]["result"]["verdict"] == "supported"
    assert differing(forged, None, tables) == ["C9: the ledger says supported, computed undetermined"]


HOSTILE = 'A <script>alert(1)</script> model "><img src=x onerror=alert(1)> reaches 99 % on UCF101, more than =cmd()|\x1b[31m others.'


def test_hostile_sentences_stay_text_in_every_form(tmp_path: Path):
    ledger = new_review(tmp_path / "book", "Is <b>bold</b> safe for 2 models?", clock)
    (tmp_path / "evil.txt").write_text(
        HOSTILE.replace("\x1b", "") + "\n\n=1+1 is more than 2 in every model of the paper."
    )
    add(ledger, tmp_path / "evil.txt", "javascript:alert(1)")
    extract(ledger)
    add_claims(ledger, [{"say": HOSTILE, "id": "X1"}], "test")
    verify(ledger)
    assess(ledger)
    paths = write_review(ledger)
    page = paths.html.read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"<[^>]+\son\w+=", page)
    assert "\x1b" not in page + paths.markdown.read_text()
    assert r"\<script\>" in paths.markdown.read_text()
    for path in export(ledger, []):
        assert path.read_text()
    rows = rows_of(ledger.folder / "export")
    assert all(row["text"][0] not in "=+-@" for row in rows)


def test_a_predicate_that_raises_leaves_the_others(tmp_path: Path):
    ledger = Ledger.open(tmp_path, new=True)
    entries = [
        {
            "id": "A",
            "say": "A is above B.",
            "table_above": {"table": "t", "task": "x", "better": "nobody", "worse": "b", "n": 9},
        },
        {"id": "B", "say": "There are too few.", "enough_units": {"sizes": [1, 1]}},
        {"id": "D", "say": "It wants runs.", "above": {"better": {"arm": "a"}, "worse": {"arm": "b"}}},
        {
            "id": "E",
            "say": "It wants a metric.",
            "formula": {"text": "y = a - b/c", "metric": "no such metric"},
        },
    ]
    add_claims(ledger, entries, "test")
    found = verify(ledger, results={"t": Results("t", {("b", "x"): 0.5}, {"b": {}}, "0" * 64)})
    assert "its predicate failed (KeyError" in found["A"].reason
    assert "smallest exact" in found["B"].reason
    assert "--runs" in found["D"].reason
    assert "no metric" in found["E"].reason
    assert {one.verdict for one in found.values()} == {"undetermined"}


def test_holm_takes_a_verdict_back_that_does_not_stand(tmp_path: Path):
    ledger = Ledger.open(tmp_path, new=True)
    table = Results("t", {("a", "x"): 0.55, ("b", "x"): 0.50}, {"a": {}, "b": {}}, "0" * 64)
    one = {
        "say": "A is above B.",
        "table_above": {"table": "t", "task": "x", "better": "a", "worse": "b", "n": 800},
    }
    add_claims(ledger, [{**one, "id": f"A{i}"} for i in range(3)], "test")
    claims = ledger.all("claim")
    alone = outcomes({"A0": claims["A0"]}, None, {"t": table})["A0"]
    together = outcomes(claims, None, {"t": table})["A0"]
    assert (alone.verdict, together.verdict) == ("supported", "undetermined")
    assert together.p_adj == pytest.approx(3 * alone.p)  # type: ignore[operator]


WRONG = [
    ({"say": "x", "verdict": "supported"}, "computed"),
    ({"id": "nobody"}, "id"),
    ({"say": "x", "abov": {}}, "Did you mean 'above'"),
    ({"say": "x", "tier": "mine"}, "tier"),
    ({"say": "x", "above": {"better": {}}}, "worse missing"),
]


@pytest.mark.parametrize(("entry", "words"), WRONG, ids=[words for _, words in WRONG])
def test_entries_that_are_no_claims_are_refused(tmp_path: Path, entry: dict, words: str):
    ledger = Ledger.open(tmp_path, new=True)
    with pytest.raises(UsageError, match="claim 1") as error:
        add_claims(ledger, [entry], "mine.yaml")
    assert words in str(error.value)
    assert ledger.all("claim") == {}


def test_a_new_predicate_takes_the_old_verdict_away(tmp_path: Path):
    ledger = Ledger.open(tmp_path, new=True)
    add_claims(ledger, [{"say": "There are too few.", "id": "A", "enough_units": {"sizes": [1, 1]}}], "test")
    verify(ledger)
    add_claims(ledger, [{"id": "A", "enough_units": {"sizes": [9, 9]}}], "test")
    assert ledger.all("claim")["A"]["result"] is None
    assert [bool(line.body["result"]) for line in ledger.history("claim", "A")] == [False, True, False]


def test_predicates_on_tables_by_hand():
    results = Results.read("t", b"model,task,value\na,x,0.8\nb,x,0.5\na,y,0.8\nb,y,0.8\n")
    assert above(results, "x", "a", "b", 100).verdict == "supported"
    assert above(results, "x", "b", "a", 100).verdict == "refuted"
    assert above(results, "y", "a", "b", 100).verdict == "undetermined"
    assert same_values(results, [["a", "b"]], ["x"]).verdict == "refuted"
    assert same_values(results, [["a", "b"]], ["y"]).verdict == "supported"
    assert reference(results, "a", "x", 0.79, {"views": "10"}, {"views": "10"}, 100).verdict == "supported"
    assert reference(results, "a", "x", 0.99, {"views": "10"}, {"views": "10"}, 100).verdict == "refuted"
    assert (
        reference(results, "a", "x", 0.79, {"views": "10"}, {"views": "30"}, 100).verdict == "not comparable"
    )
    assert "0.067" in enough_units([2, 4]).reason
    assert correlated(results, "x", "y").verdict == "undetermined"
    with pytest.raises(ValueError, match="columns"):
        Results.read("t", b"a,b\n1,2\n")


def test_what_would_answer_the_question_waits_for_the_study_of_diversity(ledger: Ledger, tmp_path: Path):
    claims = ledger.all("claim")
    tied = {f"C{i}": claims[f"C{i}"]["predicate"]["options"].get("of") for i in range(18, 22)}
    assert tied == {"C18": "primary", "C19": "combiner", "C20": "altering", "C21": "unexposed"}
    assert all("--runs" in claims[id_]["result"]["reason"] for id_ in tied)
    found = outcomes({id_: claims[id_] for id_ in tied}, tmp_path, {})
    assert {one.verdict for one in found.values()} == {"undetermined"}
    assert "nothing to report" in found["C18"].reason


def test_another_question_is_not_mixed_in(tmp_path: Path):
    new_review(tmp_path, "Is it so?")
    with pytest.raises(UsageError, match="another question"):
        new_review(tmp_path, "Is it otherwise?")
    with pytest.raises(UsageError, match="Did you mean"):
        run_review("diversity-and-robustnes", tmp_path)


@pytest.fixture(scope="module")
def exported(ledger: Ledger) -> Path:
    return export(ledger, [])[0].parent


def test_tidy_csv_has_a_row_a_claim(ledger: Ledger, exported: Path):
    rows = rows_of(exported)
    assert {row["claim_id"]: row["verdict"] for row in rows} == VERDICTS
    assert {row["data"] for row in rows if row["claim_id"] == "M1"} == {
        f"mveb={tables_of(NAME)['mveb'].sha256}"
    }


def test_the_crate_is_read_by_rocrate_and_its_hashes_are_those_of_the_files(exported: Path):
    rocrate = pytest.importorskip("rocrate.rocrate", reason="needs rocrate")
    import hashlib

    crate = rocrate.ROCrate(str(exported))
    files = {one.id: one for one in crate.data_entities}
    assert set(files) == {file for name, (file, _) in FORMS.items() if name != "ro-crate"}
    for name, one in files.items():
        assert one["sha256"] == hashlib.sha256((exported / name).read_bytes()).hexdigest()


def test_repro_yaml_is_verified_by_claims_cli(exported: Path):
    loading = pytest.importorskip("claims.manifest", reason="needs claims-cli")
    told = yaml.safe_load((exported / "repro.yaml").read_text())
    assert {one["id"] for one in told["claims"]} == {"m1", "m2", "m3", "m4"}
    assert loading is not None
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "claims", "verify"],
        cwd=exported,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 verified" in done.stdout


def test_nanopubs_are_trig_with_four_graphs_each(exported: Path):
    rdflib = pytest.importorskip("rdflib", reason="needs rdflib")
    data = rdflib.Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib calls its own old names
        data.parse(data=(exported / "claims.trig").read_text(), format="trig")
    np_ = rdflib.Namespace("http://www.nanopub.org/nschema#")
    found = list(data.quads((None, rdflib.RDF.type, np_.Nanopublication, None)))
    assert len(found) == len(VERDICTS)
    labels = {
        str(one.o) if hasattr(one, "o") else str(one[2])
        for one in data.quads((None, rdflib.RDFS.label, None, None))
    }
    assert any("Af_{p,s}" in one for one in labels)


def test_sarif_names_the_line_of_each_claim(ledger: Ledger, exported: Path):
    told = json.loads((exported / "claims.sarif").read_text())
    texts = ledger.path.read_text().splitlines()
    results = told["runs"][0]["results"]
    rules = {rule["id"] for rule in told["runs"][0]["tool"]["driver"]["rules"]}
    assert told["version"] == "2.1.0"
    assert sum(one["ruleId"] == "verdict" and one["level"] == "error" for one in results) == 2
    for one in results:
        assert one["ruleId"] in rules
        line = one["locations"][0]["physicalLocation"]["region"]["startLine"]
        assert f'"id":"{one["message"]["text"].partition(":")[0]}"' in texts[line - 1]


def test_bibtex_has_an_entry_a_work(exported: Path):
    text = (exported / "sources.bib").read_text()
    assert "eprint = {2207.01398}" in text
    assert text.count("@misc{") == 3
    assert text.count("{") == text.count("}")


def test_an_unknown_form_is_refused(ledger: Ledger):
    with pytest.raises(UsageError, match="Did you mean 'sarif'"):
        export(ledger, ["sarf"])
