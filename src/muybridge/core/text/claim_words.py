"""How a user writes a claim: ``{say: sentence, PREDICATE: {field: value}}``, in ``claims:`` of a YAML study and ``CLAIMS`` of a Python one.

Here the words are checked, before anything runs; ``report.claims.user_claims`` makes predicates of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

Kinds = tuple[type, ...]
NUMBER: Kinds = (int, float)
TEXT: Kinds = (str,)
FACETS: Kinds = (dict,)
LIST: Kinds = (list, tuple)
PREDICATES: Mapping[str, Mapping[str, Kinds]] = {
    "above": {"better!": FACETS, "worse!": FACETS, "where": FACETS, "score": TEXT, "over": TEXT},
    "same_order": {"where": FACETS, "first": TEXT, "second": TEXT},
    "beside_chance": {"where!": FACETS, "score": TEXT, "side": TEXT},
    "equal_budgets": {"unit": TEXT},
    "equivalent": {"one!": FACETS, "other!": FACETS, "smallest!": NUMBER, "where": FACETS, "score": TEXT},
    "trend": {"factor!": TEXT, "order!": LIST, "where": FACETS, "score": TEXT, "direction": TEXT},
    "correlated": {
        "first!": TEXT,
        "second!": TEXT,
        "where": FACETS,
        "strata": TEXT,
        "direction": TEXT,
        "smallest": NUMBER,
    },
    "steepest": {"category!": TEXT, "where": FACETS, "others": LIST, "certainty": NUMBER},
    "families": {"better!": FACETS, "worse!": FACETS, "where": FACETS, "score": TEXT},
    "drops": {"of!": TEXT, "unit!": TEXT, "models!": FACETS, "within": NUMBER, "where": FACETS},
    "same_strength": {"milder!": TEXT, "harsher!": TEXT, "where": FACETS, "over": TEXT},
    "protocol": {"setting!": TEXT, "values!": LIST, "where": FACETS},
    "formula": {"text!": TEXT, "metric!": TEXT},
    "reference": {
        "where!": FACETS,
        "value!": NUMBER,
        "protocol!": FACETS,
        "within!": NUMBER,
        "score": TEXT,
        "source": TEXT,
    },
}
"""Fields of each predicate with the kinds of their values; those with an exclamation mark must be there."""
SAID: Mapping[Kinds, str] = {NUMBER: "a number", TEXT: "text", FACETS: "`facet: value` lines", LIST: "a list"}
CHOICES = {
    "over": ("each", "mean"),
    "side": ("above", "below"),
    "direction": ("rising", "falling"),
    "drops.unit": ("points", "relative"),
    "unit": ("clips", "steps", "epochs", "with_gradient", "decoded", "frames", "flops"),
}


def claim_words(claims: object, where: str) -> list[dict[str, Any]]:
    """Claims as mappings of plain values.

    Args:
        claims: a list of mappings, or (from Python) of predicates of ``muybridge.report``.
        where: the file, for messages.

    Raises:
        UsageError: not a claim; names it and the nearest known word.
    """
    if not isinstance(claims, Sequence) or isinstance(claims, str):
        raise UsageError(
            f"{where}: claims: wanted a list, as `- {{say: A beats B., above: {{better: {{arm: a}}, worse: {{arm: b}}}}}}`."
        )
    return [_claim(one, f"{where}: claim {number}") for number, one in enumerate(claims, 1)]


def _claim(one: object, where: str) -> dict[str, object]:
    if is_dataclass(one) and not isinstance(one, type):
        told = asdict(one)
        words = told.pop("words", "")
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(one).__name__).lstrip("_")
        one = {"say": words, name: {key: value for key, value in told.items() if value != {}}}
    if not isinstance(one, Mapping) or not isinstance(one.get("say"), str) or not one["say"].strip():
        raise UsageError(f"{where}: wanted `say: SENTENCE` and one predicate ({', '.join(PREDICATES)}).")
    names = [key for key in one if key != "say"]
    if len(names) != 1:
        raise UsageError(
            f"{where}: wanted one predicate besides `say`, got {', '.join(map(str, names)) or 'none'}. Known: {', '.join(PREDICATES)}."
        )
    name = names[0]
    if name not in PREDICATES:
        hint = (
            " A verdict is computed and cannot be given."
            if name in ("verdict", "result")
            else suggestion(str(name), PREDICATES)
        )
        raise UsageError(f"{where}: no predicate {name!r}.{hint} Known: {', '.join(PREDICATES)}.")
    return {"say": one["say"], name: _fields(name, one[name] or {}, f"{where}, {name}")}


def _fields(name: str, given: object, where: str) -> dict[str, object]:
    known = {key.rstrip("!"): kinds for key, kinds in PREDICATES[name].items()}
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: wanted `field: value` lines. Known: {', '.join(known)}.")
    for key, value in given.items():
        if key not in known:
            raise UsageError(
                f"{where}: no field {key!r}.{suggestion(str(key), known)} Known: {', '.join(known)}."
            )
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is NUMBER):
            raise UsageError(f"{where}: {key}: wanted {SAID[known[key]]}, got {value!r}.")
        choices = CHOICES.get(f"{name}.{key}", CHOICES.get(str(key)))
        if choices and value not in choices:
            raise UsageError(f"{where}: {key}: wanted {' or '.join(choices)}, got {value!r}.")
        if (name, key) == ("drops", "models") and not _numbers(value):
            raise UsageError(
                f"{where}: models: wanted `arm: number` lines, the fall in the unit that is named, got {value!r}."
            )
    absent = [
        key.rstrip("!") for key in PREDICATES[name] if key.endswith("!") and key.rstrip("!") not in given
    ]
    if absent:
        raise UsageError(f"{where}: {', '.join(absent)} missing.")
    return {str(key): _plain(value, f"{where}: {key}") for key, value in given.items()}


def _numbers(value: Any) -> bool:
    """Whether all values of a mapping are numbers."""
    return all(isinstance(one, NUMBER) and not isinstance(one, bool) for one in value.values())


def _plain(value: object, where: str) -> object:
    """Mappings of text to text or lists of text; lists; plain values."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one, where) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, where) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise UsageError(f"{where}: wanted text, numbers and lists, got {value!r}.")
