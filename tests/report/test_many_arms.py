"""Studies of many arms: sentences that stay readable, and notes that say the same but for their numbers said once."""

from types import SimpleNamespace
from typing import Any

import pytest

from muybridge.core.text.plurals import some
from muybridge.report.tables.accuracy_tables import run_notes


def scored(**notes: list[list[str]]) -> Any:
    """Arms with the notes of each of their runs."""
    arms = {
        name: SimpleNamespace(runs=[SimpleNamespace(result={"notes": one}) for one in runs])
        for name, runs in notes.items()
    }
    return SimpleNamespace(arms=arms)


@pytest.mark.parametrize(
    ("number", "words"), [(1, "a0"), (2, "a0 and a1"), (5, "a0, a1, a2, a3 and a4"), (6, "6 arms")]
)
def test_a_sentence_lists_few_names_and_counts_many(number: int, words: str):
    assert some([f"a{place}" for place in range(number)], "arm") == words


def test_notes_that_differ_in_numbers_are_one_with_their_range():
    words = "task vcop is inactive: accuracy {}% at the end, chance 16.7%"
    found = run_notes(scored(a=[[words.format(15.3)], [words.format(9.5)]], b=[[words.format(21.5)]], c=[[]]))
    assert found == ["a and b: task vcop is inactive: accuracy 9.5% to 21.5% at the end, chance 16.7%."]


def test_other_words_stay_other_notes():
    found = run_notes(
        scored(a=[["1 train video is short"]], b=[["3 train videos are short"], ["7 train videos are short"]])
    )
    assert found == ["a: 1 train video is short.", "b: 3 to 7 train videos are short."]


@pytest.mark.parametrize(
    "notes",
    [
        ("make it: muybridge probe --fold 1", "make it: muybridge probe --fold 2"),
        ("read `list-1 2`", "read `list-1 3`"),
        ("r2plus1d saw x3d_1", "r2plus1d saw x3d_2"),
        ("of run 1a2b", "of run 1a3b"),
        ("file v1.mp4 is broken", "file v2.mp4 is broken"),
    ],
)
def test_commands_names_paths_and_hashes_keep_their_numbers(notes: tuple[str, str]):
    assert run_notes(scored(a=[[notes[0]], [notes[1]]])) == [f"{note}." for note in notes]


def test_thousands_are_numbers_with_their_commas():
    found = run_notes(
        scored(a=[["2,000 train videos of 7, 8 are short"]], b=[["950 train videos of 7, 9 are short"]])
    )
    assert found == ["950 to 2,000 train videos of 7, 8 to 9 are short."]


def test_what_all_say_is_said_of_none():
    assert run_notes(scored(a=[["5 of 7"]], b=[["6 of 7"]])) == ["5 to 6 of 7."]
