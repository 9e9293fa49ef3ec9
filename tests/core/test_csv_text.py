"""CSV: what a spreadsheet would compute is shown; everything else is as it was."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muybridge.core.text.csv_text import FORMULA, as_written, csv_text, neutral

HOSTILE = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+2",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "  @x",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "-",
    "+a",
]


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("words", HOSTILE)
def test_formulas_are_words(words: str):
    (head, row) = read(csv_text(["=head", "b"], [{"=head": words, "b": 1}]))
    assert head == ["'=head", "b"]
    assert row == [f"'{words}".replace("\r", "\n"), "1"]


@pytest.mark.parametrize("value", [-1.5, 3, None, "-1.5", "+3e-4", "-inf", "2-3", "a=b", "", "v_x@y"])
def test_numbers_and_words_stay(value: object):
    assert neutral(value) == value


@given(st.text(), st.text())
def test_no_cell_begins_a_formula(first: str, second: str):
    for row in read(csv_text(["a", "b"], [{"a": first, "b": second}])):
        for cell in row:
            if cell.lstrip(" ").startswith(FORMULA):
                float(cell)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r"))))
def test_cells_come_back(words: list[str]):
    rows = read(csv_text(["a", "b"], [{"a": word, "b": "x"} for word in words]))
    assert [row[0].removeprefix("'") for row in rows[1:]] == [word.removeprefix("'") for word in words]


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r'")))
def test_tables_of_ours_read_what_was_written(word: str):
    assert as_written(neutral(word)) == word
