"""Text of documents: clean pages, sentences with their places, and the form in which two texts are compared."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

_HYPHEN = re.compile(r"(\w+(?:-\w+)*)[-\u00ad\u2010]\s*\n\s*(\w+(?:-\w+)*)")
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|cf|vs|etc|approx|resp|w\.r\.t|Figs?|Tabs?|Secs?|Eqs?|Refs?|No|Dr|Prof|St|Vol|pp?|ca)|\b[A-Z])\.$"
)
_END = re.compile(r"[.!?][\"')\]\u201d\u2019]*(?=\s)|\n[ \t]*\n")
_BEHIND = re.compile(r"\s*(\S)")
NEAR = 16
"""Letters before a full stop in which an abbreviation is looked for."""
_BULLET = re.compile(r"\n(?=[ \t]*(?:[-*\u2022\u00a2#]|\d{1,2}[.)])[ \t])")
_DASHES = re.compile("[\u2010\u2011\u2012\u2013\u2014\u2212]")
_LATEX = {
    r"\times": "x", r"\sim": "~", r"\approx": "~", r"\cdot": "*", r"\%": "%", r"\pm": "±", r"\leq": "≤", r"\geq": "≥", r"\gamma": "γ",
    r"\alpha": "α", r"\beta": "β", r"\rho": "ρ", r"\mu": "μ", r"\sigma": "σ", r"\lambda": "λ", r"\_": "_", r"\&": "&", r"\le": "≤",
    r"\ge": "≥",
}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """A piece of a page.

    Attributes:
        page: counted from 1.
        start: offset of its first letter in the stored text of the page.
        end: offset behind its last letter.
        text: the piece itself.
    """

    page: int
    start: int
    end: int
    text: str


def clean_pages(pages: list[str]) -> list[str]:
    """Text of pages without ligatures, soft hyphens, control characters and words cut at line ends.

    A word cut at a line end is joined, unless the document has it with the hyphen and not without.
    """
    plain = [_plain(page) for page in pages]
    known = Counter(word.lower() for page in plain for word in re.findall(r"\w+(?:-\w+)*", page))

    def joined(found: re.Match[str]) -> str:
        left, right = found.groups()
        whole, hyphened = (left + right).lower(), f"{left}-{right}".lower()
        keep = known[hyphened] > known[whole] or (not known[whole] and not (left + right).isalpha())
        return f"{left}-{right}" if keep else left + right

    return [_HYPHEN.sub(joined, page) for page in plain]


def _plain(page: str) -> str:
    text = page.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "-").replace("\x02", "-")
    kept = [unicodedata.normalize("NFKC", one) if "\ufb00" <= one <= "\ufb06" else one for one in text]
    return "".join(one for one in "".join(kept) if one in "\n\t" or unicodedata.category(one)[0] != "C")


def sentences(text: str, page: int = 1) -> list[Span]:
    """Whole sentences of a page, as they stand; none is cut short. Headings and items of lists end where their line or paragraph does."""
    spans = []
    for start, end in _blocks(text):
        at = start
        for found in _END.finditer(text, start, end):
            head = text[max(at, found.end() - NEAR) : found.end()]
            if found.group()[0] != "\n" and (
                _SHORT.search(head.rstrip("\"')]")) or _goes_on(text, found.end())
            ):
                continue
            spans.append((at, found.end()))
            at = found.end()
        spans.append((at, end))
    return [one for start, end in spans if (one := _trimmed(text, page, start, end)) is not None]


def _blocks(text: str) -> list[tuple[int, int]]:
    """Paragraphs and items of lists."""
    edges = [
        0,
        *(found.end() for found in re.finditer(r"\n[ \t]*\n", text)),
        *(f.end() for f in _BULLET.finditer(text)),
        len(text),
    ]
    ordered = sorted(set(edges))
    return list(pairwise(ordered))


def _goes_on(text: str, at: int) -> bool:
    """Whether what follows a full stop belongs to its sentence: it begins with a small letter."""
    found = _BEHIND.match(text, at)
    return found is not None and found[1].islower()


def _trimmed(text: str, page: int, start: int, end: int) -> Span | None:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    return Span(page, start, end, text[start:end]) if end - start > 1 else None


def normal(text: str) -> str:
    """The form in which texts are compared: LaTeX read, dashes and quotes of one kind, small letters, one space between words."""
    text = unicodedata.normalize("NFC", text)
    for word in sorted(_LATEX, key=len, reverse=True):
        text = text.replace(word, _LATEX[word])
    text = _DASHES.sub("-", text).replace("\u00d7", "x").replace("\u223c", "~").replace("\u2248", "~")
    text = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", '"').replace("\u201d", '"')
    text = re.sub(r"[$\\]", "", text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d)\s+(?=[%x]\B|%)", "", text)
    return re.sub(r"\s+", " ", text).strip().casefold()


_STOP_WORDS = """
a an and are as at be been being between both but by can do does each for from had has have how i if in into is it its itself many may
more most much no nor not of on only or other our over same she should so some such than that the their them then there these they this
those through to under up very was we were what when where which while who whom why will with would you your all any also here he his
her
"""
STOP = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Words and numbers of a text in the form of ``normal``; names with digits and hyphens stay whole."""
    return re.findall(r"\d+(?:\.\d+)?%?|[^\W\d_][\w+()]*(?:[-'][\w+]+)*|[%≤≥±~=<>]", normal(text))


def stem(word: str) -> str:
    """A word without the endings of plural and tense: rough, the same for text and query."""
    if len(word) < 5 or not word.isalpha():
        return word
    for ending, put in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("edly", ""),
        ("ed", ""),
        ("es", "e"),
        ("s", ""),
        ("ly", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) > 2 and not word.endswith("ss"):
            word = word[: -len(ending)] + put
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order."""
    return [stem(word) for word in words(text) if word not in STOP and (len(word) > 1 or word.isdigit())]


def complete(sentence: str) -> bool:
    """Whether a sentence ends as sentences do; one that was cut off does not."""
    return bool(re.search(r"[.!?:;)][\"')\]\u201d$\s]*$", sentence.strip()))
