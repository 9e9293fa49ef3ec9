"""Pairs of claims and their true labels, made by editing sentences: the ground on which attribution is calibrated; always alike.

The source is a list of invented sentences. Claims are these sentences as they are, in other spelling, in other order and with synonyms,
and edited so that they say something else: a number, a unit, a name, a negation or a direction. Names and synonyms that are put in are
partly unknown to the lexicon, so that not every edit is one the rules were written for. The labels are those of SciFact (Wadden et al.,
EMNLP 2020, arXiv 2004.14974) with support divided into quotation and paraphrase.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from muybridge.claims.attribution.lexicon import DIRECTION, KINDS, OPPOSITES
from muybridge.core.seeding import rng
from muybridge.core.text.sentences import normal

SEED = 19


@dataclass(frozen=True)
class Pair:
    """A claim with what is true of it.

    Attributes:
        base: number of the sentence it was made from.
        edit: how.
        label: what attribution should say.
    """

    base: int
    edit: str
    label: str
    claim: str


def source() -> list[str]:
    """Sentences of the source."""
    return _lines()[0]


def _lines() -> tuple[list[str], list[str]]:
    text = files("muybridge.claims").joinpath("data", "fixture.txt").read_text(encoding="utf-8")
    above, _, below = text.partition("-----")
    return [[line for line in part.splitlines() if line and line[0] != "#"] for part in (above, below)]  # type: ignore[return-value]


def pairs(above: Sequence[str] | None = None, below: Sequence[str] | None = None) -> list[Pair]:
    """All pairs, in order of their sentence.

    Args:
        above: sentences of the source; those of the fixture unless given.
        below: sentences that are not in it.
    """
    above, below = (
        given if own is None else own for own, given in zip((above, below), _lines(), strict=True)
    )
    made = [
        Pair(i, edit, label, claim) for i, one in enumerate(above) for edit, label, claim in _edited(i, one)
    ]
    return made + [Pair(len(above) + i, "unrelated", "absent", one) for i, one in enumerate(below)]


Edit = Callable[[str, np.random.Generator], str | None]


def _edited(index: int, sentence: str) -> Iterator[tuple[str, str, str]]:
    yield "none", "quoted", sentence
    for name, (label, edit) in EDITS.items():
        made = edit(sentence, rng(SEED, "claims-fixture", index, name))
        if made is not None and made != sentence:
            yield name, label, made


def _spelling(sentence: str, draw: np.random.Generator) -> str | None:
    """As a PDF or LaTeX source has it: dashes, percent signs, ligatures."""
    made = (
        sentence.replace(" %", "\\%")
        .replace(" x ", r" $\times$ ")
        .replace("-", "\u2010")
        .replace("fi", "\ufb01")
    )
    return made if normal(made) else None


def _slips(sentence: str, draw: np.random.Generator) -> str | None:
    """One letter of a long word lost, as in a scan."""
    long = [m for m in re.finditer(r"\b[a-z]{8,}\b", sentence) if m.group() not in DIRECTION]
    if not long:
        return None
    word = long[int(draw.integers(len(long)))]
    at = int(draw.integers(word.start() + 3, word.end() - 2))
    return sentence[:at] + sentence[at + 1 :]


def _number(sentence: str, draw: np.random.Generator) -> str | None:
    found = [
        m
        for m in re.finditer(r"(?<![\w.(+])\d+(?:\.\d+)?(?![\w.)]*\w)", sentence)
        if not _inside_name(sentence, m.start())
    ]
    if not found:
        return None
    one = found[int(draw.integers(len(found)))]
    digits = one.group()
    factor = float(draw.choice([0.5, 0.8, 1.3, 2.0]))
    value = float(digits) * factor
    new = f"{value:.{len(digits.partition('.')[2])}f}" if "." in digits else str(max(1, round(value)))
    new = str(int(digits) + 1) if new == digits and "." not in digits else new
    return sentence[: one.start()] + new + sentence[one.end() :] if new != digits else None


def _inside_name(sentence: str, at: int) -> bool:
    text = sentence.lower()
    return any(m.start() <= at < m.end() for pattern in KINDS.values() for m in pattern.finditer(text))


_UNITS = {
    " %": " points", " points": " %", " ms": " s", " epochs": " steps", " frames": " seconds", " seconds": " minutes",
    " minutes": " hours", " hours": " days", " videos": " clips", " clips": " videos", " GB": " MB", " px": " mm", " GPUs": " nodes",
    " seeds": " folds", " classes": " verbs", " layers": " blocks", " bits": " bytes", " million parameters": " thousand parameters",
    " labels": " videos",
}  # fmt: skip


def _unit(sentence: str, draw: np.random.Generator) -> str | None:
    fitting = [
        m
        for unit in _UNITS
        for m in re.finditer(rf"(?<=\d){re.escape(unit)}\b|(?<=\d){re.escape(unit)}(?=\s|\.|$)", sentence)
    ]
    if not fitting:
        return None
    one = fitting[int(draw.integers(len(fitting)))]
    return sentence[: one.start()] + _UNITS[one.group()] + sentence[one.end() :]


_SWAPS = {
    "model": ("Hiera", "VideoMamba", "TANet", "S3D", "Video Swin", "ViT"),
    "data": ("HAA500", "FineGym", "Kinetics-700", "Something-Something", "MultiSports", "Mini-SSv2"),
    "perturbation": ("elastic distortion", "frame drop", "snow", "box jumbling"),
}


def _entity(sentence: str, draw: np.random.Generator) -> str | None:
    text = sentence.lower()
    found = [(kind, m) for kind, pattern in KINDS.items() for m in pattern.finditer(text)]
    if not found:
        return None
    kind, one = found[int(draw.integers(len(found)))]
    other = str(draw.choice(_SWAPS[kind]))
    return sentence[: one.start()] + other + sentence[one.end() :] if other.lower() != one.group() else None


def _negation(sentence: str, draw: np.random.Generator) -> str | None:
    """Taken away where it stands, else put behind the first verb that takes it."""
    for pattern, new in (
        (r"\b(is|are|was|were|does|did) not ", r"\1 "),
        (r"\bnever ", ""),
        (r"^No (\w)", r"Every \1"),
    ):
        if re.search(pattern, sentence):
            return re.sub(pattern, new, sentence, count=1)
    made = re.sub(
        r"\b(is|are|was|were|has|can)\b",
        lambda m: m.group() + (" not" if m.group() != "has" else " never had"),
        sentence,
        count=1,
    )
    if made != sentence:
        return made
    verb = re.search(
        r"\b(reaches|loses|obtains|takes|uses|needs|hurts?|lowers|beats|outperforms|improves|increases|holds|costs|raises|reduces|removes|learns|rises|drops)\b",
        sentence,
    )
    return sentence[: verb.start()] + "never " + sentence[verb.start() :] if verb else None


_PAIRS = {word: sides[1 - side] for sides in OPPOSITES for side in (0, 1) for word in sides[side]}
_REVERSIBLE_WORDS = """
more less higher lower better worse larger smaller increases decreases rises falls drops improves beats outperforms above below faster
slower longer best hardest easiest raises reduces shrinks robust slower cheaper narrower deepest smallest first last after before
highest
"""
_REVERSIBLE = frozenset(_REVERSIBLE_WORDS.split())
_MORE = {
    "hardest": "easiest", "easiest": "hardest", "narrower": "wider", "deepest": "shallowest", "cheaper": "dearer", "robust": "fragile",
    "best": "worst", "outperforms": "trails", "beats": "trails", "improves": "worsens", "raises": "lowers", "reduces": "raises",
    "shrinks": "grows", "drops": "rises",
}  # fmt: skip


def _direction(sentence: str, draw: np.random.Generator) -> str | None:
    found = [m for m in re.finditer(r"[a-zA-Z]+", sentence) if m.group().lower() in _REVERSIBLE]
    found = [m for m in found if m.group() in _MORE or m.group().lower() in _PAIRS]
    if not found:
        return None
    one = found[int(draw.integers(len(found)))]
    word = one.group().lower()
    other = _MORE.get(word) or _PAIRS[word][0]
    other = other.capitalize() if one.group()[0].isupper() else other
    return sentence[: one.start()] + other + sentence[one.end() :]


def _exchange(sentence: str, draw: np.random.Generator) -> str | None:
    """The two sides of a comparison of two names, exchanged."""
    found = re.fullmatch(r"([A-Z][\w()+-]+) (.*?(?:than|beats|outperforms)) ([A-Z][\w()+-]+)\b(.*)", sentence)
    return f"{found[3]} {found[2]} {found[1]}{found[4]}" if found else None


_SYNONYMS = (
    ("reaches", "attains"), ("obtains", "gets to"), ("was trained", "was fitted"), ("loses", "gives up"), ("needs", "wants"),
    ("takes", "spends"), ("hurt", "damage"), ("All networks", "The networks, all of them,"), ("uses", "works with"),
    ("Adding", "Bringing in"), ("The gap", "The distance"), ("videos", "recordings"), ("is divided", "gets divided"),
    ("holds", "contains"), ("learns", "picks things up"), ("costs", "takes away from"), ("were found", "turned up"),
    ("Training", "Fitting"), ("recovers", "brings back"), ("affects", "touches"), ("covers", "hides"), ("stores", "keeps"),
)  # fmt: skip


def _reworded(sentence: str, draw: np.random.Generator) -> str | None:
    """Other order of clauses, or a synonym."""
    tail = re.search(
        r" (on (?:[A-Z]\S+)|at severity \d|after fine-tuning|under [A-Z]?[a-z]+ (?:noise|blur)|over \d+ models|for all \w+)\.$",
        sentence,
    )
    made = sentence
    if tail and not re.search(r"(?:than|not)$", sentence[: tail.start()]):
        head = sentence[: tail.start()]
        keep = head if re.match(r"[A-Z]\S*[A-Z0-9]", head) else head[0].lower() + head[1:]
        made = f"{tail[1][0].upper()}{tail[1][1:]}, {keep}."
    for old, new in _SYNONYMS:
        if old in made:
            return made.replace(old, new, 1)
    return made if made != sentence else None


EDITS: dict[str, tuple[str, Edit]] = {
    "spelling": ("quoted", _spelling),
    "letter lost": ("quoted", _slips),
    "reworded": ("paraphrase", _reworded),
    "number": ("contradicted", _number),
    "unit": ("contradicted", _unit),
    "name": ("contradicted", _entity),
    "negation": ("contradicted", _negation),
    "direction": ("contradicted", _direction),
    "exchange": ("contradicted", _exchange),
}
"""By name: the true label, and the edit; an edit gives None for sentences it cannot change."""
