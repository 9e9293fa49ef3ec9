"""Prompt sets as their sources list them."""

from muybridge.stages.prompts import SETS


def test_counts_and_samples_are_those_of_the_sources():
    assert {name: len(one.templates) for name, one in SETS.items()} == {
        "bare": 1, "video": 1, "ucf101": 48, "kinetics": 28, "action-16": 16, "scenes": 1,
    }  # fmt: skip
    ucf, kinetics = SETS["ucf101"].templates, SETS["kinetics"].templates
    assert {
        "a photo of a person {}.",
        "a example of the person practicing {}.",
        "a demonstration of a person during {}.",
    } <= set(ucf)
    assert "a video of {}." in kinetics
    assert not any("the person" in one for one in kinetics)
    assert all(one.count("{}") == 1 for s in SETS.values() for one in s.templates)
    assert all(len(set(s.templates)) == len(s.templates) for s in SETS.values())


def test_the_hash_is_that_of_the_sentences():
    assert SETS["video"].hash != SETS["bare"].hash
    assert SETS["ucf101"].said(("x", "y"))[0] == ["a photo of a person x.", "a photo of a person y."]
