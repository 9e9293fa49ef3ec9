"""Predicates from the words of a study file (``core.text.claim_words``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.text.claim_words import claim_words
from muybridge.report.claims.formula_claims import FormulaHolds
from muybridge.report.claims.more_predicates import Configured, Correlated, Equivalent, Reference, Trend
from muybridge.report.claims.predicates import Above, BesideChance, EqualBudgets, SameOrder
from muybridge.report.claims.robust_predicates import Drops, Families, SameStrength, Steepest
from muybridge.report.claims.verdicts import Claim
from muybridge.runs.contents.study_file import StudyFields

KINDS: Mapping[str, type[Any]] = {
    "above": Above, "same_order": SameOrder, "beside_chance": BesideChance, "equal_budgets": EqualBudgets, "equivalent": Equivalent,
    "trend": Trend, "correlated": Correlated, "protocol": Configured, "formula": FormulaHolds, "reference": Reference,
    "steepest": Steepest, "families": Families, "drops": Drops, "same_strength": SameStrength,
}  # fmt: skip


def user_claims(told: object, where: str) -> list[Claim]:
    """Claims of a study by its own words.

    Raises:
        UsageError: not claims; says which.
    """
    return [_claim(one) for one in claim_words(told, where)]


def claims_of(study: StudyFields) -> list[Claim]:
    """Those in ``study.json``; none where it has none.

    Raises:
        MuybridgeError: they are damaged.
    """
    try:
        return user_claims(study.get("claims", []), "study.json")
    except MuybridgeError as error:
        raise MuybridgeError(f"{error} Run the study again, which writes them anew.") from error


def _claim(one: Mapping[str, Any]) -> Claim:
    name = next(key for key in one if key != "say")
    made: Claim = KINDS[name](words=one["say"], **{key: _tuples(value) for key, value in one[name].items()})
    return made


def _tuples(value: object) -> object:
    """Lists as tuples, which facets want; numbers of facets as text."""
    if isinstance(value, Mapping):
        return {key: _facet(one) for key, one in value.items()}
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _facet(value: object) -> object:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else str(value)
