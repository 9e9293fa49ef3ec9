"""Every count that is printed agrees with its noun."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

import muybridge
from muybridge.core.text.plurals import PLURALS, counted, inflected

NOUNS = {
    "arm": "arms", "run": "runs", "finished run": "finished runs", "video": "videos", "class": "classes", "planned cell": "planned cells",
    "family": "families", "day": "days", "source group": "source groups", "training seed": "training seeds", "pass": "passes",
}  # fmt: skip


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("number", [0, 1, 2, 1000])
def test_one_is_singular_and_all_others_plural(noun: str, number: int):
    expected = noun if number == 1 else NOUNS[noun]
    assert inflected(number, noun) == expected
    assert counted(number, noun) == f"{number:,} {expected}"


def test_verbs_agree_and_numbers_are_spelt_as_asked():
    assert [f"{inflected(number, 'is')} {inflected(number, 'has')}" for number in (0, 1, 2)] == [
        "are have",
        "is has",
        "are have",
    ]
    assert counted(1200, "run", lambda number: f"<{number}>") == "<1200> runs"


COUNTABLE = (
    "runs", "videos", "arms", "cells", "seeds", "classes", "groups", "comparisons", "types", "clips", "tables", "charts", "rows", "files",
    "pairs", "claims", "settings", "documents",
)  # fmt: skip
ROOMS = ("report", "cli", "api")


def spoken() -> list[str]:
    """Where a number stands before a plural in an f-string of what users read, unless it was made by the helper."""
    found, root = [], Path(muybridge.__file__).parent
    pattern = re.compile(rf"^[ \u202f\xa0](?:[a-z-]+ )?(?:{'|'.join(COUNTABLE)})\b")
    for path in (path for room in ROOMS for path in sorted((root / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            for number, words in pairwise(parts):
                if (
                    isinstance(number, ast.FormattedValue)
                    and isinstance(words, ast.Constant)
                    and pattern.match(str(words.value))
                    and re.search(
                        r"len\(|\bnumber\b|grouped|sum\(|videos|pairs|groups|among|\bn\b",
                        ast.unparse(number.value).partition("counted(")[0],
                    )
                ):
                    found.append(
                        f"{path.relative_to(root)}: {{{ast.unparse(number.value)}}}{words.value[:30]}"
                    )
    return found


def test_no_room_that_speaks_prints_a_bare_plural():
    assert spoken() == []


def test_plurals_are_no_words_of_their_own():
    assert not {*PLURALS} & {*PLURALS.values()}
