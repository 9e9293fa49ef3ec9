"""What kind of sentence a claim is, by rules; the first that fits decides."""

import re
from typing import Literal

from muybridge.claims.attribution.lexicon import COMPARING, DIRECTION
from muybridge.core.text.sentences import normal

Kind = Literal["finding", "protocol", "definition", "pointer", "meta"]
LONGEST = 2_000
"""Letters of a sentence; what is longer is a table or a list that lost its breaks."""
KINDS: tuple[Kind, ...] = ("finding", "protocol", "definition", "pointer", "meta")

_POINTER = re.compile(
    r"\b(?:is|are|was|were)\s+(?:also\s+)?(?:shown|summari[sz]ed|reported|listed|given|presented|provided|depicted|plotted|described)\s+in\s+"
    r"(?:the\s+)?(?:supplementary|appendix|(?:figs?|figures?|tab|tables?|secs?|sections?)\b)"
    r"|^(?:figs?|figures?|tables?)\.?\s*\d*\s+(?:shows?|summari[sz]es|lists?|gives?)\b"
)  # fmt: skip
_META = re.compile(
    r"^(?:in this (?:paper|work|section|report|study)|we (?:thank|hope|believe)|this (?:paper|report|section)|the rest of|readers should|"
    r"our contributions?)\b|"
    r"\b(?:is organi[sz]ed as follows|machine-generated)\b"
)
_FORMULA = re.compile(r"[\w})]\s*=\s*[-(\w\\.]*.*[-+*/]")
_DEFINITION = re.compile(
    r"\b(?:is|are) (?:defined|computed|calculated|measured|given) (?:as|by|for)\b|\bare used to (?:measure|quantify|assess)\b|"
    r"\b(?:denotes?|refers to|is called|means that)\b|"
    r"\bwe (?:define|call|denote)\b"
)
_PROTOCOL = re.compile(
    r"\b(?:uniform(?:ly)?|center|centre|spatial|temporal|random) crops?\b|\bsampl(?:ed|ing)\b|\bresolution\b|\bclips? (?:of|are|is)\b|"
    r"\b(?:is|are|was|were) "
    r"(?:trained|pretrained|fine-?tuned|evaluated|resized|cropped|used|taken|set|analy[sz]ed|initiali[sz]ed|optimi[sz]ed|selected|"
    r"split|tested)\b|"
    r"\b(?:learning rate|batch size|weight decay|optimi[sz]er|momentum)\b|"
    r"\bwe (?:train|use|evaluate|sample|take|resize|set|follow|split|select|test)\b"
)
_FINDING = re.compile(
    r"\b(?:(?:achieve|improve|degrade|lose|cause|converge|collapse|saturate|separate|decide)[sd]?|reach(?:e[sd])?|var(?:y|ie[sd])|"
    r"(?:obtain|suffer|perform|harm|help|differ|depend|remain|generali[sz]e)(?:s|d|ed)?|scores?|drops?|shows? that|suggests?|correlat\w*|"
    r"keeps?|accounts? for|le(?:ads?|d) to)\b"
)


def kind_of(sentence: str) -> Kind:
    """Pointer (where something stands), definition, meta (about the text), finding (what came out) or protocol (what was done)."""
    text = normal(sentence)
    if _POINTER.search(text):
        return "pointer"
    if _DEFINITION.search(text) or _FORMULA.search(text):
        return "definition"
    if _META.search(text):
        return "meta"
    words = set(re.findall(r"[a-z'-]+", text))
    if _PROTOCOL.search(text) and not words & COMPARING:
        return "protocol"
    if (
        words & COMPARING
        or words & set(DIRECTION) - {"with", "all", "every", "each", "first", "last", "over", "under"}
        or _FINDING.search(text)
    ):
        return "finding"
    return "finding" if re.search(r"\d", text) else "meta"


def checkable(sentence: str) -> bool:
    """Whether a sentence states something that can be looked up: a number, a comparison or a definition, as a whole sentence."""
    if len(sentence) > LONGEST:
        return False
    text = normal(sentence)
    plain = re.findall(r"[a-z]{2,}", text)
    if not 3 <= len(plain) <= 90:
        return False
    strange = sum(not (one.isalnum() or one.isspace() or one in ".,;:()%-'\"/=+") for one in text)
    if strange > 0.12 * len(text):
        return False
    words = set(re.findall(r"[a-z'-]+", text))
    verb = re.search(r"\b(?:is|are|was|were|has|have|can|does|do|[a-z]{2,}(?:s|ed))\b", text)
    stated = (
        re.search(r"(?<![\w.])\d+(?:\.\d+)?", text)
        or words & COMPARING
        or words & set(DIRECTION)
        or _DEFINITION.search(text)
        or _FORMULA.search(text)
    )
    return bool(verb and stated)
