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
_REJECTED = re.compile(r"(grokipedia)\D{0,40}(2303\.?13009)|(clawrxiv)\D{0,20}(2604\.01227)", re.IGNORECASE)


def work_id(text: str) -> str:
    """The work that a file name or the head of a text names: ``arXiv:NUMBER`` without version; empty if none."""
    bad = _REJECTED.search(text)
    if bad:
        return "grokipedia:230313009" if bad[1] else "clawrxiv:2604.01227"
    found = re.search(r"arxiv\D{0,20}(\d{4}\.\d{4,5})", text, re.IGNORECASE) or re.fullmatch(
        r"(\d{4}\.\d{4,5})(?:v\d+)?\.\w+", text
    )
    return f"arXiv:{found[1]}" if found else ""


def names_in(text: str) -> list[str]:
    """Works that a text cites by their arXiv number, in order, each once."""
    return list(
        dict.fromkeys(
            f"arXiv:{one}"
            for one in _ARXIV.findall(text)
            if 7 <= int(one[:2]) <= 35 and 1 <= int(one[2:4]) <= 12
        )
    )
