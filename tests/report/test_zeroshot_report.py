"""The first screen of a zero-shot report: sentences that can be read, and that models which were asked otherwise are in no order."""

from pathlib import Path

from fake_zeroshot import HASHES, build, write_zeroshot

from muybridge.report.gather.collect import collect
from muybridge.report.sections.content import content


def test_models_that_were_asked_otherwise_limit_the_answer(tmp_path: Path) -> None:
    shown = content(collect(build(tmp_path)))
    ((data, words),) = shown.answers
    assert data == "builtin-motions"
    assert words.startswith("Zero-shot, no action labels seen (Z0): videoprism reaches ")
    assert "; zero-shot, trained on labels or captions of actions (Z1): xclip reaches " in words
    (limit,) = (one for one in shown.unknown if one.about == "Zero-shot protocols")
    assert limit.words.startswith(
        "Zero-shot on builtin-motions (Z0: no action labels seen): protocols differ"
    )
    assert "Z1" not in limit.words


def test_one_protocol_is_no_limit(tmp_path: Path) -> None:
    for arm in ("clip", "siglip"):
        write_zeroshot(tmp_path, arm, 0.3, "Z0", HASHES[0])
    assert not any(one.about == "Zero-shot protocols" for one in content(collect(tmp_path)).unknown)
