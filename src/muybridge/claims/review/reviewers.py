"""Scores of several reviewers, and how far they agree: Krippendorff's alpha beside every mean.

Alpha is that for ordered categories (Krippendorff, Content Analysis, 2nd ed., 2004, ch. 11): 1 for perfect agreement, 0 for that of
chance. The rubric is a reviewer too: it scores the items it can tell.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from muybridge.claims.ledger.lines import Ledger
from muybridge.core.errors import UsageError

LEAST, MOST = 1, 5


def read_reviewer(path: Path) -> dict[str, object]:
    """A human reviewer's file: ``reviewer: NAME`` and ``scores: {item: 1 to 5}``, with ``notes`` where wanted.

    Raises:
        UsageError: not such a file.
    """
    import yaml

    try:
        told = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as YAML ({error}).") from error
    if (
        not isinstance(told, dict)
        or not isinstance(told.get("scores"), dict)
        or not isinstance(told.get("reviewer"), str)
    ):
        raise UsageError(
            f"{path}: wanted `reviewer: NAME` and `scores:` with `item: {LEAST} to {MOST}` lines."
        )
    for item, score in told["scores"].items():
        if isinstance(score, bool) or not isinstance(score, int) or not LEAST <= score <= MOST:
            raise UsageError(f"{path}: {item}: wanted a whole number from {LEAST} to {MOST}, got {score!r}.")
    notes = told.get("notes") or {}
    return {
        "name": told["reviewer"],
        "kind": "human",
        "scores": {str(k): v for k, v in told["scores"].items()},
        "notes": {str(k): str(v) for k, v in notes.items()},
    }


def rubric_scores(ledger: Ledger) -> dict[str, Any]:
    """The rubric as a reviewer: 5 for a check that passed, 1 for one that did not; what it cannot tell it leaves out."""
    scores = {
        item: MOST if body["passed"] else LEAST
        for item, body in ledger.all("check").items()
        if body["passed"] is not None and item != "reviewers agree"
    }
    return {"name": "rubric", "kind": "rules", "scores": scores}


def agreement(reviewers: Sequence[Mapping[str, Any]]) -> float | None:
    """Krippendorff's alpha over items that two or more reviewers scored; None with fewer than two such items or without any spread."""
    items = {item for one in reviewers for item in one["scores"]}
    units = [
        [int(one["scores"][item]) for one in reviewers if item in one["scores"]] for item in sorted(items)
    ]
    return alpha([unit for unit in units if len(unit) > 1])


def alpha(units: Sequence[Sequence[int]]) -> float | None:
    """Of units with two or more ordered scores each."""
    if len(units) < 2:
        return None
    counts = Counter(score for unit in units for score in unit)
    total = sum(counts.values())
    levels = sorted(counts)

    def distance(a: int, b: int) -> float:
        between = sum(counts[level] for level in levels if min(a, b) <= level <= max(a, b))
        return float((between - (counts[a] + counts[b]) / 2) ** 2) if a != b else 0.0

    seen = (
        sum(2 * distance(a, b) / (len(unit) - 1) for unit in units for a, b in combinations(unit, 2)) / total
    )
    due = sum(counts[a] * counts[b] * distance(a, b) for a in levels for b in levels) / (total * (total - 1))
    return None if due == 0 else 1 - seen / due
