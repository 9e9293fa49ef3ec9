"""A claim as the ledger holds it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from muybridge.claims.attribution.lexicon import KINDS
from muybridge.claims.corpus.kinds import kind_of
from muybridge.core.text.sentences import complete, normal

Claim = dict[str, Any]
NAMES = {"dataset": "data", "models": "model", "perturbations": "perturbation"}


def new_claim(
    text: str,
    source: Mapping[str, object] | None,
    name: str = "",
    tier: str = "literature",
    kind: str = "",
    stated: Mapping[str, object] | None = None,
) -> Claim:
    """A claim without attribution and verdict; its id is its name, or follows from text and source.

    Args:
        text: the whole sentence.
        source: work, document and place it was taken from; None for a claim of one's own.
        name: its id.
        tier: literature, reanalysis, own_synthetic or own_real.
        kind: where the rules of ``kinds`` are not to decide.
        stated: what its source says about it (a synthesis gives a confidence), which is evidence of nothing.
    """
    plain = normal(text)
    place = f"{source.get('work', '')}|{source.get('doc_sha256', '')}" if source else ""
    found = {
        to: list(dict.fromkeys(one.group() for one in KINDS[kind_].finditer(plain)))
        for to, kind_ in NAMES.items()
    }
    claim: Claim = {
        "claim_id": name or "c-" + hashlib.sha256(f"{plain}|{place}".encode()).hexdigest()[:10],
        "text": text,
        "normalized_text": plain,
        "kind": kind or kind_of(text),
        "scope": {**found, "severity": []},
        "complete": complete(text),
        "source": dict(source) if source else None,
        "attribution": None,
        "predicate": None,
        "result": None,
        "provenance": None,
        "tier": tier,
    }
    if stated:
        claim["stated"] = dict(stated)
    return claim
