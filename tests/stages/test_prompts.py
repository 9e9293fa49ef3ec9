"""Prompt sets as their sources list them."""

from muybridge.stages.texts.prompts import SETS
from muybridge.stages.texts.question import label_set, seen_among, told_among, twins


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


def test_classes_that_were_seen_are_found_whatever_their_spelling():
    classes = ("PlayingGuitar", "YoYo", "archery_", "Surfing")
    assert seen_among(
        classes, ("Playing Guitar", "Yo Yo", "archery", "Surfing"), ["playing guitar", "Archery"]
    ) == [0, 2]
    assert told_among(("moves left", "left over"), ["the digit moves left over grass", "x"]) == [0, 1]
    assert told_among(("move", "digit the"), ["the digit moves left"]) == []


def test_near_names_are_a_stated_list_over_a_stated_threshold():
    assert (len(twins(0.95)), len(twins()), len(twins(-1.0))) == (22, 39, 101)
    known = label_set("kinetics400-near")
    assert len(known) == 439
    assert {"Archery", "archery", "ShavingBeard"} <= set(known)
    assert "ApplyEyeMakeup" not in known
    assert label_set("none") == ()
