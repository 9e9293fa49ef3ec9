"""Two sentences that are nearly the same: which words stand in the place of which, and what that changes."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from muybridge.claims.attribution.facts import AXES, Agreement, exchanged, facts
from muybridge.claims.attribution.lexicon import DIRECTION, KINDS, NEGATIONS, UNITS
from muybridge.core.text.sentences import STOP, words


def replaced(claim: str, source: str) -> dict[str, Agreement]:
    """Axes in which a claim differs from a source that is like it word for word, by what was put in place of what.

    A name, a unit or one of two opposite words that another word took the place of is a difference, also where that other word is
    unknown; words whose spelling is alike are the same word with a letter lost.
    """
    found: dict[str, Agreement] = {}
    flips: set[int] = set()
    for ours, theirs, before in _replacements(claim, source):
        if _alike(ours, theirs):
            continue
        flips |= set(_flipped(ours, theirs))
        for axis in _changed(ours, theirs, before):
            found[axis] = "differs"
    if flips:
        a, b = facts(claim), facts(source)
        both = set(a.sides) & set(
            b.sides
        )  # larger and smaller in each other's place: an exchange of sides, counted there
        turns = len(flips - both) + exchanged(a, b)
        found["direction"] = "differs" if turns % 2 else "agrees"
    return {axis: found[axis] for axis in AXES if axis in found}


def _replacements(claim: str, source: str) -> Iterator[tuple[list[str], list[str], str]]:
    """Words of the claim, those of the source in their place, and the word before them."""
    a, b = words(claim), words(source)
    for what, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what == "replace":
            yield a[i:j], b[k:m], b[k - 1] if k else ""


def _alike(ours: list[str], theirs: list[str]) -> bool:
    from rapidfuzz import fuzz

    return (
        len(ours) == len(theirs)
        and not any(word in DIRECTION or word[0].isdigit() for word in (*ours, *theirs))
        and all(
            len(a) > 4 and a.isalpha() and fuzz.ratio(a, b) > 80 for a, b in zip(ours, theirs, strict=True)
        )
    )


def _flipped(ours: list[str], theirs: list[str]) -> Iterator[int]:
    """Pairs of opposite words of which each side has another."""
    signs = {DIRECTION[word] for word in ours if word in DIRECTION}
    for pair, sign in {DIRECTION[word] for word in theirs if word in DIRECTION}:
        if (pair, -sign) in signs and (pair, sign) not in signs:
            yield pair


def _changed(ours: list[str], theirs: list[str], before: str) -> Iterator[str]:
    if any(word in NEGATIONS for word in theirs) != any(word in NEGATIONS for word in ours):
        yield "negation"
    if not [word for word in ours if word not in STOP]:
        return
    mine, other = " ".join(ours), " ".join(theirs)
    for kind, pattern in KINDS.items():
        if {m.group() for m in pattern.finditer(other)} - {m.group() for m in pattern.finditer(mine)}:
            yield kind
    if before[:1].isdigit() and theirs[0] in UNITS and UNITS.get(ours[0]) != UNITS[theirs[0]]:
        yield "unit"
