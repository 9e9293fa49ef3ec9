"""Works that are known by name, and sources that are refused: pages that are made up or do not say what their title says."""

import re

TITLES = {
    "arXiv:2207.01398": "A Large-scale Robustness Analysis of Video Action Recognition Models",
    "arXiv:2407.14834": "LLMs are Visual Reasoning Coordinators: can VLMs be used on videos for action recognition?",
    "arXiv:2010.11757": "Deep Analysis of CNN-based Spatio-temporal Representations for Action Recognition",
    "arXiv:2303.13009": "MELTR: Meta Loss Transformer for Learning to Fine-tune Video Foundation Models",
    "arXiv:2306.06010": "Benchmarking Self-supervised Video Representation Learning",
    "arXiv:2110.06513": "Benchmarking the Robustness of Spatial-Temporal Models Against Corruptions",
    "arXiv:1909.09422": "Retro-Actions: Learning 'Close' by Time-Reversing 'Open' Videos",
}
"""Titles of works that the project reads."""
KNOWN_BY = {"MELTR": "arXiv:2303.13009", "Retro-Actions": "arXiv:1909.09422"}
"""The work that a method of a name comes from."""
REJECTED = {
    "grokipedia:230313009": "a machine-written page with results on Something-Something V2 and Kinetics that the work it names never had",
    "clawrxiv:2604.01227": "its title gives a number of an unnamed standardised metric and no model; title and abstract do not match",
}
"""Sources that are never taken for evidence."""
_ARXIV = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf)/|arxiv[:\s]+)?(?<![\d.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\d])", re.IGNORECASE
)
_ITSELF = re.compile(
    r"\W*(?:from\s+|source:\s*|https?://(?:www\.)?)?(?P<place>arxiv|grokipedia|clawrxiv)(?P<path>\D{0,40}?)(?P<number>\d{4}\.?\d{4,5})",
    re.IGNORECASE,
)
_STAMP = re.compile(r"arXiv:(\d{4}\.\d{4,5})v\d+\s*\[[\w.-]+\]")
"""What arXiv prints at the margin of a first page."""
HEAD = 3
"""Paragraphs at whose beginning a text may say what it is."""


def named_by(name: str) -> str:
    """The work that the name of a file tells: ``arXiv:NUMBER`` without version; empty if none."""
    found = re.search(r"arxiv\D{0,20}(\d{4}\.\d{4,5})", name, re.IGNORECASE) or re.fullmatch(
        r"(\d{4}\.\d{4,5})(?:v\d+)?\.\w+", name
    )
    return f"arXiv:{found[1]}" if found else ""


def work_of(text: str) -> str:
    """The work that a text says it is: by arXiv's stamp on it, or by a paragraph of its head that begins with the number; empty if none.

    A text that names another work, as most do, is not that work.
    """
    stamp = _STAMP.search(text)
    heads = re.split(r"\n\s*\n", text.strip(), maxsplit=HEAD)[:HEAD]
    found = next((one for head in heads if (one := _ITSELF.match(head))), None)
    if found is None or stamp:
        return f"arXiv:{stamp[1]}" if stamp else ""
    place, digits = found["place"].lower(), found["number"].replace(".", "")
    if place == "grokipedia":
        return f"grokipedia:{digits}"
    return f"{'arXiv' if place == 'arxiv' else place}:{digits[:4]}.{digits[4:]}"


def names_in(text: str) -> list[str]:
    """Works that a text cites by their arXiv number, in order, each once."""
    return list(
        dict.fromkeys(
            f"arXiv:{one}"
            for one in _ARXIV.findall(text)
            if 7 <= int(one[:2]) <= 35 and 1 <= int(one[2:4]) <= 12
        )
    )
