"""The terms of a question, and which claims speak of them.

A question is cut into phrases at small words and verbs; each word of a phrase is a term. A word that qualifies others (``temporal`` of
temporal perturbations) is covered by a claim only where it qualifies one of them there too: temporal crops do not speak of temporal
perturbations.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from muybridge.core.text.sentences import STOP, normal, stem, words

_CUT_WORDS = """
integrated used against within across over under per using via based given including correlate correlates affect affects improve
improves
"""
_CUT = frozenset(_CUT_WORDS.split())
ALIASES = {
    "something-something v2": ("ssv2", "ssv2-p", "sthv2"),
    "kinetics-400": ("k400", "kinetics400"),
    "ucf-101": ("ucf101", "ucf101-p"),
}
"""Other names of what is written in several ways."""
_REACH = 3
"""Words that may stand between a qualifier and what it qualifies."""


@dataclass(frozen=True)
class Term:
    """A term of a question.

    Attributes:
        term: as it is written.
        phrase: the words it stands among.
        named: it is a name (of a method or a data set), written with capitals inside.
    """

    term: str
    phrase: str
    named: bool

    def covered(self, text: str) -> bool:
        """Whether a claim speaks of it."""
        own = [stem(word) for word in words(text)]
        if self._alias(own):
            return True
        target, among = stem(normal(self.term)), [stem(word) for word in words(self.phrase)]
        last = among[-1] == target
        for place in (i for i, word in enumerate(own) if word == target):
            if last or len(among) == 1 or self.named:
                return True
            if set(own[place + 1 : place + 1 + _REACH]) & set(among[among.index(target) + 1 :]):
                return True
        return False

    def _alias(self, own: Sequence[str]) -> bool:
        name = normal(self.term)
        return bool({*ALIASES.get(name, ())} & set(own)) or (" " in name and name in " ".join(own))

    def mentioned(self, text: str) -> bool:
        """Whether the word stands in a claim, in whatever sense."""
        if self._alias([stem(word) for word in words(text)]):
            return True
        return stem(normal(self.term)) in {stem(word) for word in words(text)}


def terms(question: str) -> list[Term]:
    """Terms of a question in order, each once."""
    phrases: list[list[str]] = [[]]
    for word in re.findall(r"[\w()+]+(?:-[\w]+)*|[,;:?]", question):
        if normal(word) in STOP | _CUT or not word[0].isalnum():
            phrases.append([])
        else:
            phrases[-1].append(word)
    found: dict[str, Term] = {}
    for phrase in (one for one in phrases if one):
        for word in _joined(phrase):
            named = (
                bool(re.search(r"[A-Z]", word[1:]))
                or (len(word) > 1 and word.isupper())
                or bool(re.fullmatch(r"V\d", word))
            )
            found.setdefault(normal(word), Term(word, " ".join(phrase), named))
    return list(found.values())


def _joined(phrase: list[str]) -> list[str]:
    """Words of a phrase; names that are known in several words as one."""
    text = " ".join(phrase)
    for name in ALIASES:
        text = re.sub(
            re.escape(name), lambda found: found.group().replace(" ", "\u00a0"), text, flags=re.IGNORECASE
        )
    return [word.replace("\u00a0", " ") for word in text.split(" ")]


def coverage(found: Sequence[Term], claims: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By term: claims that speak of it, and claims in which the word stands."""
    return {one.term: (sum(map(one.covered, claims)), sum(map(one.mentioned, claims))) for one in found}
