"""What a sentence states, as far as it can be compared: numbers with units, names, negations and directions."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from muybridge.claims.attribution.lexicon import (
    COMPARING,
    DIRECTION,
    KINDS,
    NEGATIONS,
    NUMBER_WORDS,
    SCALES,
    UNITS,
    entities,
)
from muybridge.core.text.sentences import normal

AXES = ("model", "data", "perturbation", "name", "number", "unit", "direction", "negation")
Agreement = Literal["agrees", "differs", "not stated", "none"]
_NUMBER = re.compile(
    r"(?<![\w.\-/(])(?<![a-z]\s\d\s)([-+±~<>≤≥]?\s?)(\d+(?:\.\d+)?|\.\d+)(e[-+]?\d+)?\s?(%|[a-z]+\b)?(?![\w])"
)
_WORD = re.compile(r"[a-z][a-z'-]*")
_BY = re.compile(r"\b(?:is|are|was|were|be|been)\s+(?:\w+\s+){0,2}?(\w+(?:ed|en|t))\s+by\b")
_NAME = re.compile(
    r"(?<![\w-])(?:[A-Z][\w+-]*[A-Z0-9][\w()+-]*|[A-Z][A-Z0-9-]+|[a-z]+[A-Z]\w*|[A-Z][a-z]{2,}[\w-]*)"
)
_PLAIN_WORDS = """
The A An In On For We This These It If To Of As At By With And But All Our Their When While Each Table Tables Figure Fig Section Sec Two
Three No Both Under From After Before
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())


@dataclass(frozen=True)
class Facts:
    """Of one sentence.

    Attributes:
        names: by kind (model, data, perturbation, and name for any other that is written as one), in order.
        numbers: value and unit (empty where none is told).
        directions: signs by pair of opposite words.
        sides: pair to sign of its first word, where both of its words are there: larger and smaller networks.
        negations: how many.
        compares: whether one thing is set against another.
    """

    names: Mapping[str, tuple[str, ...]]
    numbers: tuple[tuple[float, str], ...]
    directions: Mapping[int, int]
    negations: int
    compares: bool
    turned: bool
    sides: Mapping[int, int]


@lru_cache(65536)
def facts(sentence: str) -> Facts:
    """What a sentence states."""
    text = normal(sentence)
    plain = _WORD.findall(text)
    names = {kind: tuple(name for _, name in entities(kind, text)) for kind in KINDS}
    names["name"] = _other_names(sentence, {one for kept in names.values() for one in kept})
    directions: Counter[int] = Counter()
    signs: dict[int, list[int]] = {}
    for pair, sign in (DIRECTION[word] for word in plain if word in DIRECTION):
        directions[pair] += sign
        signs.setdefault(pair, []).append(sign)
    return Facts(
        names,
        _numbers(text),
        {pair: sign for pair, sign in directions.items() if sign},
        sum(word in NEGATIONS for word in plain),
        any(word in COMPARING for word in plain),
        any(found[1] in COMPARING or found[1] in DIRECTION for found in _BY.finditer(text)),
        {pair: kept[0] for pair, kept in signs.items() if len(set(kept)) == 2},
    )


def _other_names(sentence: str, known: set[str]) -> tuple[str, ...]:
    """Words written as names, but for those that begin the sentence as any word would."""
    found = []
    for match in _NAME.finditer(sentence):
        word = match.group()
        plain_start = word[1:].islower() and (
            not sentence[: match.start()].strip() or sentence[: match.start()].rstrip()[-1:] in ".!?:*"
        )
        short = word.lower().replace("-", "").replace(" ", "").rstrip("s").rstrip("(")
        if (
            word not in _PLAIN
            and not plain_start
            and short not in known
            and not any(short in one for one in known)
        ):
            found.append(short)
    return (*found, *re.findall(r"(?<![\w-])[a-z]+-\d+(?![\w-])", normal(sentence)))


def _numbers(text: str) -> tuple[tuple[float, str], ...]:
    blank = text
    for pattern in KINDS.values():
        blank = pattern.sub(lambda found: "#" * len(found.group()), blank)
    blank = re.sub(r"(?<=\w)_\{[^}]*\}", "", blank)
    found = []
    for match in _NUMBER.finditer(blank):
        sign, digits, power, after = match.groups()
        value = (
            float(digits + (power or "")) * (-1 if "-" in (sign or "") else 1) * SCALES.get(after or "", 1.0)
        )
        found.append((match.start(), value, _unit(None if after in SCALES else after, blank[match.end() :])))
    found += [
        (match.start(), NUMBER_WORDS[match.group()], _unit(None, blank[match.end() :]))
        for match in _WORD.finditer(blank)
        if match.group() in NUMBER_WORDS
    ]
    return tuple((value, unit) for _, value, unit in sorted(found))


def _unit(after: str | None, rest: str) -> str:
    """The unit behind a number: the next word, or one of the two behind it in the same phrase."""
    following = [*([after] if after else []), *re.findall(r"%|[a-z]+|[.,;:()\d]", rest[:48])][:3]
    for word in following:
        if word in UNITS:
            return UNITS[word]
        if not word.isalpha() or word in ("of", "to", "and", "for", "on", "in", "while", "per", "by"):
            break
    return ""


def compare(claim: str, source: str) -> dict[str, Agreement]:
    """How a claim and a sentence of a source agree, by axis: ``none`` where the claim says nothing of the kind."""
    a, b = facts(claim), facts(source)
    found: dict[str, Agreement] = {kind: _names(a.names[kind], b.names[kind]) for kind in a.names}
    if found["name"] == "not stated" and _all_names(b) - _all_names(a):
        found["name"] = (
            "differs"  # a name that is in no list stands where the source has one that the claim lacks
        )
    found["number"], found["unit"] = _number_axes(a.numbers, b.numbers)
    found["direction"] = _direction(a, b)
    found["negation"] = _negation(a, b)
    return {axis: found[axis] for axis in AXES}


def _names(claimed: tuple[str, ...], said: tuple[str, ...]) -> Agreement:
    """Differs where the source names another in its place; not stated where it names none."""
    if not claimed:
        return "none"
    lacking, more = Counter(claimed) - Counter(said), Counter(said) - Counter(claimed)
    if not set(claimed) - set(said):
        return "agrees"
    return "differs" if lacking and more else "not stated"


def _all_names(one: Facts) -> set[str]:
    return {name for kept in one.names.values() for name in kept}


def _number_axes(
    claimed: tuple[tuple[float, str], ...], said: tuple[tuple[float, str], ...]
) -> tuple[Agreement, Agreement]:
    """Values, and the units of values that both have."""
    if not claimed:
        return "none", "none"
    left, lacking, units = list(said), [], []
    for value, unit in claimed:
        same = [one for one in left if abs(one[0] - value) <= 1e-9 * max(1.0, abs(value))]
        if not same:
            lacking.append((value, unit))
            continue
        best = next((one for one in same if one[1] == unit), same[0])
        left.remove(best)
        units.append((unit, best[1]))
    numbers: Agreement = "agrees" if not lacking else "differs" if left else "not stated"
    told = [(a, b) for a, b in units if a or b]
    wrong = any(a and b and a != b for a, b in told)
    return numbers, "none" if not told else "differs" if wrong else "agrees"


def _direction(a: Facts, b: Facts) -> Agreement:
    """Opposite words, or the same words with the two sides exchanged; two turns are none."""
    shared = set(a.directions) & set(b.directions)
    turns = sum(a.directions[pair] * b.directions[pair] < 0 for pair in shared)
    turns += exchanged(a, b)
    if a.turned != b.turned and a.compares and b.compares:
        turns += 1
    if turns % 2:
        return "differs"
    if shared or (a.compares and b.compares):
        return "agrees"
    return "not stated" if a.compares else "none"


def exchanged(a: Facts, b: Facts) -> bool:
    """Whether two sentences that compare have their sides the other way round: names of a kind, or words of an opposite pair."""
    if not (a.compares and b.compares):
        return False
    for kind in a.names:
        one, other = list(dict.fromkeys(a.names[kind])), list(dict.fromkeys(b.names[kind]))
        if len(one) > 1 and set(one[:2]) <= set(other) and other.index(one[0]) > other.index(one[1]):
            return True
    return any(a.sides[pair] != b.sides[pair] for pair in set(a.sides) & set(b.sides))


def _negation(a: Facts, b: Facts) -> Agreement:
    if a.negations % 2 != b.negations % 2:
        return "differs"
    return "agrees" if a.negations else "none"
