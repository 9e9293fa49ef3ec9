"""Claims and predicates in a YAML file: one's own sentences, and what would decide a sentence that is already in the ledger.

An entry has ``say`` (a new claim) or ``id`` of a claim that is there, and at most one predicate: those of a study
(``core.text.claim_words``), those on tables and facts (``verify``), or ``waits`` with a reason. A verdict cannot be given.
"""

from collections.abc import Mapping
from pathlib import Path

from muybridge.claims.ledger.claim_record import Claim, new_claim
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.verify.verify import ON_FACTS, ON_RUNS, ON_TABLES
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.claim_words import PREDICATES, claim_words

FIELDS = ("id", "say", "kind", "tier")
TIERS = ("literature", "reanalysis", "own_synthetic", "own_real")
OTHERS = (*ON_TABLES, *ON_FACTS, *ON_RUNS, "waits", "formula")


def read_claims(path: Path) -> list[dict[str, object]]:
    """Entries of a file.

    Raises:
        UsageError: not YAML, or not a list of claims.
    """
    import yaml

    try:
        told = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as YAML ({error}).") from error
    entries = told.get("claims") if isinstance(told, dict) else told
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise UsageError(f"{path}: wanted `claims:` with a list, as `- {{say: SENTENCE, above: {{...}}}}`.")
    return entries


def add_claims(ledger: Ledger, entries: list[dict[str, object]], where: str) -> list[Claim]:
    """Write claims, and predicates of claims that are there; a claim whose predicate changes loses its verdict.

    Raises:
        UsageError: an entry that is neither; says which.
    """
    made = [_entry(ledger, one, f"{where}: claim {number}") for number, one in enumerate(entries, 1)]
    for claim in made:
        ledger.append("claim", claim["claim_id"], claim)
    return made


def _entry(ledger: Ledger, one: Mapping[str, object], where: str) -> Claim:
    predicate = _predicate(one, where)
    held = ledger.get("claim", str(one.get("id", "")))
    if "say" not in one:
        if held is None:
            raise UsageError(
                f"{where}: wanted `say: SENTENCE`, or the `id` of a claim in the ledger, got {one.get('id')!r}."
            )
        same = held["predicate"] == predicate
        return {**held, "predicate": predicate, **({} if same else {"result": None, "provenance": None})}
    tier = str(one.get("tier", "own_real"))
    if tier not in TIERS:
        raise UsageError(f"{where}: no tier {tier!r}.{suggestion(tier, TIERS)} Known: {', '.join(TIERS)}.")
    claim = new_claim(str(one["say"]), None, str(one.get("id", "")), tier, str(one.get("kind", "")))
    claim["predicate"] = predicate
    if predicate and claim["kind"] == "meta" and "kind" not in one:
        claim["kind"] = "finding"  # what results can decide is about the world
    held = ledger.get("claim", claim["claim_id"])  # which follows from the sentence where it has no name
    if held is not None and held["text"] == claim["text"] and held["predicate"] == predicate:
        return dict(held)
    return claim


def _predicate(one: Mapping[str, object], where: str) -> dict[str, object] | None:
    names = [key for key in one if key not in FIELDS]
    if not names:
        return None
    known = dict.fromkeys([*PREDICATES, *OTHERS])
    if len(names) > 1 or names[0] not in known:
        wrong = next((name for name in names if name not in known), names[-1])
        hint = (
            " A verdict is computed and cannot be given."
            if wrong in ("verdict", "result")
            else suggestion(str(wrong), known)
        )
        raise UsageError(
            f"{where}: no predicate {wrong!r}, or more than one.{hint} Known: {', '.join(known)}."
        )
    name = names[0]
    options = one[name] or {}
    if not isinstance(options, Mapping):
        raise UsageError(f"{where}: {name}: wanted `field: value` lines.")
    if name in PREDICATES and name != "formula":
        options = claim_words([{"say": one.get("say", "of the ledger"), name: options}], where)[0][name]
    return {"kind": name, "options": dict(options)}
