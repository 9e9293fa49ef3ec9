"""Claims and reviews from Python, and results of runs and studies as a source of claims."""

import inspect
import json
import shutil
from pathlib import Path

import pytest

import muybridge
from muybridge.claims.book import Book
from muybridge.cli.main import main
from muybridge.cli.papers.claims import CLAIMS
from muybridge.cli.papers.review import REVIEW
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6}
STUDY = """
title: Two ways to start
factors: {seed: [0]}
common: {data: [VIDEOS], frames: 4, stride: 1, size: 20, crop: 16, batch: 6}
cells:
  - finetune: {epochs: 1}
claims:
  - say: Everything was cropped to 16 pixels.
    protocol: {setting: crop, values: [16], where: {stage: finetune}}
"""


@pytest.fixture(scope="module")
def out(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results") / "out"


@pytest.fixture(scope="module")
def run(videos: Path, out: Path) -> Run:
    return muybridge.finetune(data=videos, epochs=1, out=out, **TINY)


@pytest.fixture(scope="module")
def perturbed(run: Run, out: Path) -> Run:
    return muybridge.robustness(model=run, types=("gaussian_noise", "freezing"), severities=(1, 5), out=out)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "book"


def share(run: Run) -> float:
    """Top-1 accuracy, from the rows by hand."""
    rows = read_predictions(run.path / "predictions.parquet").condition("clean", 0)
    return sum(
        bool(score.argmax() == label) for score, label in zip(rows.scores, rows.label, strict=True)
    ) / len(rows)


def test_a_run_states_its_number_and_its_rows_bear_it_out(run: Run, out: Path, book: Path):
    made = muybridge.claims(run.path / "result.json", out=book)
    (claim,) = made.taken[0].claims
    assert f"{100 * share(run):.1f} %" in claim["text"]
    found = made.verify(runs=out)[claim["claim_id"]]
    assert found.verdict == "supported"
    assert found.effect == pytest.approx(share(run))
    assert found.ci is not None
    assert found.ci[0] <= share(run) <= found.ci[1]
    written = made.show(claim["claim_id"])
    assert written["provenance"]["run_ids"] == [f"finetune/{run.signature}"]
    assert list(written["provenance"]["data"].values()) == [run.result["data"]["fingerprint"]]
    assert [one["verdict"] for one in written["history"]] == [None, "supported"]
    assert made.differing(runs=out) == []
    assert made.report().html.exists()


def test_perturbed_accuracy_is_the_mean_over_severities_and_types(perturbed: Run, out: Path, book: Path):
    made = muybridge.claims(perturbed.path / "result.json", out=book)
    rows = read_predictions(perturbed.path / "predictions.parquet")
    cells = []
    for kind in ("gaussian_noise", "freezing"):
        for severity in (1, 5):
            cell = rows.condition(kind, severity)
            cells.append(float((cell.scores.argmax(axis=1) == cell.label).mean()))
    found = {one.effect_name: one for one in made.verify(runs=out).values()}
    assert set(found) == {"top-1 accuracy", "mean top-1 accuracy under perturbation"}
    assert found["mean top-1 accuracy under perturbation"].effect == pytest.approx(sum(cells) / 4)
    assert {one.verdict for one in found.values()} == {"supported"}


def test_another_number_is_refuted_and_a_missing_run_decides_nothing(
    run: Run, out: Path, book: Path, tmp_path: Path
):
    path = tmp_path / "own.yaml"
    name = f"finetune/{run.signature}"
    path.write_text(
        json.dumps(
            {
                "claims": [
                    {"id": "A", "say": "It has 99 %.", "measured": {"run": name, "value": 0.99}},
                    {
                        "id": "B",
                        "say": "It has 50 %.",
                        "measured": {"run": "finetune/" + "0" * 16, "value": 0.5},
                    },
                    {
                        "id": "C",
                        "say": "It has 50 %.",
                        "measured": {"run": name, "value": 0.5, "score": "speed"},
                    },
                ]
            }
        )
    )
    made = muybridge.claims(path, out=book)
    found = made.verify(runs=out)
    assert {id_: one.verdict for id_, one in found.items()} == {
        "A": "refuted",
        "B": "undetermined",
        "C": "undetermined",
    }
    assert "not below" in found["B"].reason
    assert "no score 'speed'" in found["C"].reason
    assert made.verify("A")["A"].reason == "no runs at hand; give a folder of runs with --runs"


def test_a_study_states_its_claims_and_the_numbers_of_its_runs(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "s.yaml").write_text(STUDY.replace("VIDEOS", str(videos)))
    done, book = tmp_path / "done", tmp_path / "book"
    muybridge.study(tmp_path / "s.yaml", out=done)
    assert main(["claims", "add", str(done / "study.json"), "--out", str(book)]) == 0
    assert main(["claims", "verify", "--runs", str(done), "--out", str(book)]) == 0
    capsys.readouterr()
    claims = muybridge.claims(out=book).list()
    assert [one["predicate"]["kind"] for one in claims] == ["protocol", "measured"]
    assert {one["result"]["verdict"] for one in claims} == {"supported"}
    again = muybridge.claims(done / "study.json", out=book)
    assert len(again.list()) == 2
    assert all(one["result"] for one in again.list())
    (done / "study.json").write_text('{"cells": 7}')
    with pytest.raises(MuybridgeError, match="damaged"):
        muybridge.claims(done / "study.json", out=book)


def test_results_that_are_none_are_refused(run: Run, videos: Path, out: Path, book: Path, tmp_path: Path):
    (tmp_path / "scores.json").write_text('{"accuracy": 0.99}')
    with pytest.raises(UsageError, match="wanted results of Muybridge"):
        muybridge.claims(tmp_path / "scores.json", out=book)
    with pytest.raises(UsageError, match="no such file"):
        muybridge.claims(tmp_path / "result.json", out=book)
    forged = tmp_path / "runs" / "finetune" / run.signature
    shutil.copytree(run.path, forged)
    text = (forged / "result.json").read_text()
    (forged / "result.json").write_text(text.replace('"epochs": 1', '"epochs": 9'))
    with pytest.raises(MuybridgeError, match="changed after it was written"):
        muybridge.claims(forged / "result.json", out=book)
    (forged / "result.json").write_text(text)
    moved = forged.with_name("0" * 16)
    forged.rename(moved)
    with pytest.raises(MuybridgeError, match="it is that of"):
        muybridge.claims(moved / "result.json", out=book)
    bare = muybridge.pretrain(data=videos, objective="rotnet", budget=6, out=out, **TINY)
    with pytest.raises(UsageError, match="has no predictions"):
        muybridge.claims(bare.path / "result.json", out=book)
    assert not (book / "ledger.jsonl").exists()


def test_nothing_is_written_when_one_of_the_sources_is_none(book: Path, tmp_path: Path):
    (tmp_path / "a.txt").write_text("VideoMAE reaches 71.3 % on UCF101.")
    with pytest.raises(UsageError, match="no such file"):
        muybridge.claims(tmp_path / "a.txt", tmp_path / "b.pdf", out=book)
    assert not (book / "ledger.jsonl").exists()
    with pytest.raises(UsageError, match="no ledger"):
        muybridge.claims(out=tmp_path / "nowhere")


def test_a_review_of_ones_own_from_python(book: Path, tmp_path: Path):
    (tmp_path / "a.txt").write_text("VideoMAE resists noise\n\nVideoMAE reaches 71.3 % on UCF101.")
    (tmp_path / "b.txt").write_text(
        "Another text\n\nVideoMAE reaches 17.3 % on UCF101. X3D loses more than VideoMAE."
    )
    made = muybridge.review("Does VideoMAE resist noise?", tmp_path / "a.txt", tmp_path / "b.txt", out=book)
    assert [len(one.claims) for one in made.taken] == [1, 2]
    assert made.search("VideoMAE")[0].document.work == "file:a.txt"
    (first, *_) = made.list()
    labels = made.attribute(
        first["claim_id"], judge=lambda claim, sentence: f"saw {sentence[:8]}", name="mine"
    )
    assert labels[first["claim_id"]].label == "contradicted"
    assert made.show(first["claim_id"])["machine"] == "mine: saw VideoMAE"
    assert "question terms" in {one.item for one in made.review()}
    assert made.export("csv")[0].read_text().count("\n") == 4
    made.exclude("file:b.txt", "off-topic")
    with pytest.raises(UsageError, match="no claim 'c-0'"):
        made.verify("c-0")
    with pytest.raises(UsageError, match="another question"):
        muybridge.review("Does X3D resist noise?", out=book)


def test_the_shipped_review_from_python(tmp_path: Path):
    made = muybridge.review("diversity-and-robustness", out=tmp_path)
    assert (tmp_path / "review.html").exists()
    assert len(made.list()) == 26
    assert {one["claim_id"] for one in made.list(verdict="refuted")} == {"C1", "C3"}
    with pytest.raises(UsageError, match="takes no sources"):
        muybridge.review("diversity-and-robustness", tmp_path / "a.txt", out=tmp_path)


def test_methods_are_called_as_the_commands():
    methods = {name for name, _ in inspect.getmembers(Book, callable) if not name.startswith("_")}
    assert set(CLAIMS.commands) <= methods
    assert set(REVIEW.commands) - {"run", "new", "corpus", "assess"} <= methods
    for name in (*methods, "claims", "review"):
        signature = inspect.signature(getattr(Book, name, None) or getattr(muybridge, name))
        assert signature.return_annotation is not inspect.Signature.empty
