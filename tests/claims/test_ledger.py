"""The ledger: appended to, sealed, and tolerant of damage."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from muybridge.claims.ledger.claim_record import new_claim
from muybridge.claims.ledger.lines import Ledger, seal_of
from muybridge.core.errors import MuybridgeError, UsageError


def made(folder: Path) -> Ledger:
    ledger = Ledger.open(folder, lambda: datetime(2026, 11, 29, tzinfo=UTC), new=True)
    for name in ("C1", "C2", "C3"):
        ledger.append("claim", name, new_claim(f"Model {name} reaches 70 % on UCF101.", None, name))
    return ledger


def test_what_was_written_is_read_back_in_order(tmp_path: Path):
    made(tmp_path)
    again = Ledger.open(tmp_path)
    assert list(again.all("claim")) == ["C1", "C2", "C3"]
    assert again.problems == []


def test_a_later_line_holds_and_the_earlier_is_history(tmp_path: Path):
    ledger = made(tmp_path)
    before = ledger.path.read_bytes()
    claim = dict(ledger.all("claim")["C2"])
    ledger.append("claim", "C2", {**claim, "kind": "meta"})
    ledger.append("claim", "C2", {**claim, "kind": "meta"})
    assert ledger.path.read_bytes().startswith(before)
    again = Ledger.open(tmp_path)
    assert [line.body["kind"] for line in again.history("claim", "C2")] == ["finding", "meta"]
    assert list(again.all("claim")) == ["C1", "C2", "C3"]


def lines(ledger: Ledger) -> list[str]:
    return ledger.path.read_text().splitlines()


def test_a_verdict_typed_by_hand_is_noticed_and_left_out(tmp_path: Path):
    ledger = made(tmp_path)
    texts = lines(ledger)
    content = json.loads(texts[1])
    content["body"]["kind"] = "definition"
    ledger.path.write_text("\n".join([texts[0], json.dumps(content), texts[2]]) + "\n")
    again = Ledger.open(tmp_path)
    assert list(again.all("claim")) == ["C1", "C3"]
    assert "changed by hand" in again.problems[0]
    assert "line 2" in again.problems[0]


def test_damage_in_the_middle_leaves_the_rest(tmp_path: Path):
    ledger = made(tmp_path)
    texts = lines(ledger)
    ledger.path.write_bytes(
        "\n".join([texts[0], texts[1][: len(texts[1]) // 2], texts[2]]).encode() + b"\n\xff\xfe\n"
    )
    again = Ledger.open(tmp_path)
    assert list(again.all("claim")) == ["C1", "C3"]
    assert (
        len(again.problems) == 3
    )  # the half line, the line that misses its predecessor, the bytes that are no text


def test_a_line_that_was_taken_out_is_noticed(tmp_path: Path):
    ledger = made(tmp_path)
    texts = lines(ledger)
    ledger.path.write_text("\n".join([texts[0], texts[2]]) + "\n")
    assert "missing" in Ledger.open(tmp_path).problems[0]


def test_a_torn_last_line_does_not_swallow_the_next(tmp_path: Path):
    ledger = made(tmp_path)
    ledger.path.write_bytes(ledger.path.read_bytes()[:-30])
    again = Ledger.open(tmp_path)
    again.append("claim", "C4", new_claim("Model C4 reaches 60 % on UCF101.", None, "C4"))
    assert list(Ledger.open(tmp_path).all("claim")) == ["C1", "C2", "C4"]


def test_a_newer_version_is_read_as_far_as_it_goes_and_not_written_to(tmp_path: Path):
    ledger = made(tmp_path)
    newer = json.loads(lines(ledger)[0]) | {"ledger": 2}
    ledger.path.write_text(ledger.path.read_text() + json.dumps(newer) + "\n")
    again = Ledger.open(tmp_path)
    assert list(again.all("claim")) == ["C1", "C2", "C3"]
    assert "version 2" in again.problems[0]
    with pytest.raises(MuybridgeError, match="Update Muybridge"):
        again.append("claim", "C4", new_claim("x is more than y.", None, "C4"))


def test_a_well_sealed_line_of_another_shape_is_left_out(tmp_path: Path):
    ledger = made(tmp_path)
    content = json.loads(lines(ledger)[0])
    content.pop("seal")
    content["body"]["result"] = {"verdict": "proven"}
    ledger.path.write_text(json.dumps({**content, "seal": seal_of(content)}) + "\n")
    again = Ledger.open(tmp_path)
    assert again.all("claim") == {}
    assert "left out" in again.problems[0]


def test_a_body_that_does_not_fit_is_never_written(tmp_path: Path):
    ledger = made(tmp_path)
    with pytest.raises(ValueError, match="kind"):
        ledger.append("claim", "C9", {**new_claim("x is y.", None, "C9"), "kind": "rumour"})
    assert len(lines(ledger)) == 3


def test_no_ledger_is_said_with_the_way_to_one(tmp_path: Path):
    with pytest.raises(UsageError, match="claims add"):
        Ledger.open(tmp_path / "nowhere")
