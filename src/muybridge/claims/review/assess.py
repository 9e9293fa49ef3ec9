"""The rubric of a review: checks that anybody can repeat, each with the ledger lines it rests on. None is a matter of taste."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.claims.attribution.attribute import overlaps
from muybridge.claims.corpus.documents import kept
from muybridge.claims.corpus.works import KNOWN_BY, TITLES
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.review.question_terms import coverage, terms
from muybridge.claims.review.reviewers import agreement, read_reviewer, rubric_scores
from muybridge.claims.review.synthesis import synthesis

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One line of the rubric.

    Attributes:
        item: its name.
        words: what was found, with its numbers.
        passed: None where it cannot be told.
        values: the numbers.
        evidence: ids of claims and hashes of documents.
    """

    item: str
    words: str
    passed: bool | None
    values: Values
    evidence: list[str]


def assess(ledger: Ledger) -> list[Check]:
    """Run the rubric and write every check."""
    found = list(_checks(ledger))
    for one in found:
        ledger.append(
            "check",
            one.item,
            {
                "item": one.item,
                "words": one.words,
                "passed": one.passed,
                "values": dict(one.values),
                "evidence": one.evidence,
            },
        )
    return found


def take_scores(ledger: Ledger, paths: list[Path]) -> list[dict[str, Any]]:
    """Write the scores of human reviewers and of the rubric, and how far they agree; returns all of them."""
    for told in [*map(read_reviewer, paths), rubric_scores(ledger)]:
        ledger.append("reviewer", told["name"], {**told, "items": sorted(told["scores"])})
    reviewers = [dict(body) for body in ledger.all("reviewer").values()]
    agreed = agreement(reviewers)
    shared = sum(
        sum(item in one["scores"] for one in reviewers) > 1
        for item in {item for one in reviewers for item in one["scores"]}
    )
    words = f"{len(reviewers)} reviewer{'s' * (len(reviewers) != 1)}, {shared} items scored by two or more"
    words += (
        f", Krippendorff's alpha {agreed:.2f}"
        if agreed is not None
        else ", too few or without spread for an agreement"
    )
    values = {
        "alpha": None if agreed is None else round(agreed, 4),
        "reviewers": len(reviewers),
        "items": shared,
    }
    ledger.append(
        "check",
        "reviewers agree",
        {
            "item": "reviewers agree",
            "words": words,
            "passed": None if agreed is None else agreed >= 0.8,
            "values": values,
            "evidence": [],
        },
    )
    return reviewers


def _checks(ledger: Ledger) -> Iterator[Check]:
    claims = _claims(ledger)
    question = _question(ledger)
    if question and claims:
        yield _terms(question, claims)
    yield from _of_syntheses(ledger, claims, question)
    if claims:
        yield _sentences(claims)
        yield _pointers(claims)
        yield _attributed(claims)
        yield _resolved(claims)
        yield _intervals(claims)


def _claims(ledger: Ledger) -> dict[str, Mapping[str, object]]:
    """Claims taken from sources: those that a review adds itself are its own and not what it assesses."""
    return {id_: one for id_, one in ledger.all("claim").items() if one["source"]}


def _question(ledger: Ledger) -> str:
    asked = [body["text"] for body in ledger.all("question").values()]
    told = [body["question"] for body in ledger.all("synthesis").values() if body["question"]]
    return str((asked or told or [""])[0])


def _terms(question: str, claims: Mapping[str, Mapping[str, Any]]) -> Check:
    found = terms(question)
    counts = coverage(found, [one["text"] for one in claims.values()])
    bare = [term for term, (spoken, _) in counts.items() if spoken == 0]
    else_ = [
        f"{term} stands in {seen} in another sense"
        for term, (spoken, seen) in counts.items()
        if seen > spoken
    ]
    words = f"{', '.join(bare) or 'no term'} covered by 0 of {len(claims)} claims" + (
        f" ({'; '.join(else_)})" if else_ else ""
    )
    values = {
        "claims": len(claims),
        "terms": {term: {"covered": spoken, "mentioned": seen} for term, (spoken, seen) in counts.items()},
    }
    evidence = [id_ for id_, one in claims.items() if any(term.covered(one["text"]) for term in found)]
    return Check("question terms", words, not bare, values, evidence)


def _of_syntheses(ledger: Ledger, claims: Mapping[str, Mapping[str, Any]], question: str) -> Iterator[Check]:
    texts = {one.sha256: one for one in kept(ledger)}
    for sha, body in ledger.all("synthesis").items():
        own = {id_: one for id_, one in claims.items() if one["source"]["doc_sha256"] == sha}
        stated = [one["stated"]["confidence"] for one in own.values() if "stated" in one]
        yield _named(body, question, sha)
        yield _counted(body, own, sha)
        yield _orphans(body, sha, own)
        if stated:
            yield _confidences(stated, own)
        abstracts = [
            one
            for one in texts.values()
            if one.coverage in ("abstract", "words") and one.work in body["references"]
        ]
        for one in abstracts:
            if len(stated) > 3:
                yield _overlap(stated, own, "\n".join(one.pages), one.work, one.sha256)
        if sha in texts:
            said = synthesis(texts[sha])
            ticked = sum(row.verified for row in said.claims) if said else 0
            total = body["counts"].get("verified")
            yield Check(
                "verified as counted",
                f"{ticked} ticked in its table, {total:g} in its text"
                if total is not None
                else f"{ticked} ticked",
                None if total is None else total == ticked,
                {"ticked": ticked, "stated": total},
                [sha],
            )


def _named(body: Values, question: str, sha: str) -> Check:
    """Whether the work that a method of the question comes from is among the references."""
    names = [one.term for one in terms(question or body["question"]) if one.named and one.term in KNOWN_BY]
    cited = list(body["references"])
    lacking = [name for name in names if KNOWN_BY[name] not in cited]
    unknown = [one for one in cited if one not in TITLES]
    if not names:
        return Check(
            "named method cited",
            "the question names no method whose work is known",
            None,
            {"cited": cited},
            [sha],
        )
    words = (
        f"none of the {len(cited)} cited works is {' or '.join(lacking)}"
        if lacking
        else f"{' and '.join(names)} among the cited works"
    )
    words += f" ({len(unknown)} of unknown title)" if unknown and lacking else ""
    told = {"names": names, "cited": {one: TITLES.get(one, "") for one in cited}, "lacking": lacking}
    return Check("named method cited", words, not lacking if not (unknown and lacking) else None, told, [sha])


def _counted(body: Values, own: Mapping[str, object], sha: str) -> Check:
    counts, references = body["counts"], len(body["references"])
    papers, stated = counts.get("papers"), counts.get("claims")
    wrong = []
    if papers is not None and papers != references:
        wrong.append(f"{references} references against {papers:g} papers")
    if stated is not None and stated != len(own):
        wrong.append(f"{len(own)} claims in its table against {stated:g}")
    words = "; ".join(wrong) or "its counts agree with its lists"
    return Check(
        "counts agree",
        words,
        not wrong,
        {"references": references, "papers": papers, "claims": len(own), "claims_stated": stated},
        [sha],
    )


def _orphans(body: Values, sha: str, own: Mapping[str, object]) -> Check:
    """Numbers of the text about itself that nothing behind it bears out."""
    counts = body["counts"]
    borne = {"papers": len(body["references"]), "claims": len(own)}
    orphans = {
        name: value
        for name, value in counts.items()
        if name in ("score",) or (name in borne and borne[name] != value)
    }
    words = ", ".join(f"{name} {value:g}" for name, value in orphans.items()) or "none"
    return Check(
        "orphan numbers",
        f"numbers without anything behind them: {words}",
        not orphans,
        {"orphans": orphans},
        [sha],
    )


def _confidences(stated: list[float], own: Mapping[str, object]) -> Check:
    values = {
        "mean": round(float(np.mean(stated)), 4),
        "median": float(np.median(stated)),
        "least": min(stated),
        "most": max(stated),
        "claims": len(stated),
    }
    spread = f"{values['least']:g} to {values['most']:g}; no calibration is told"
    words = f"mean stated confidence {values['mean']:.3f} over {len(stated)} claims, {spread}"
    return Check("stated confidences", words, False, values, list(own))


def _overlap(stated: list[float], own: Mapping[str, Any], abstract: str, work: str, sha: str) -> Check:
    """Whether confidences are what counting shared words with the abstract would give."""
    from scipy.stats import spearmanr

    found = overlaps([one["text"] for one in own.values()], abstract)
    rho = float(spearmanr(found, stated).statistic)
    words = f"stated confidences follow word overlap with the abstract of {work}: rank correlation {rho:.2f} over {len(stated)} claims"
    return Check(
        "confidences are word overlap",
        words,
        abs(rho) < 0.5,
        {"rho": round(rho, 4), "claims": len(stated)},
        [*own, sha],
    )


def _sentences(claims: Mapping[str, Any]) -> Check:
    cut = [id_ for id_, one in claims.items() if not one["complete"]]
    return Check(
        "whole sentences",
        f"{len(cut)} of {len(claims)} sentences are cut off" + (f": {', '.join(cut)}" if cut else ""),
        not cut,
        {"truncated": len(cut), "claims": len(claims)},
        cut,
    )


def _pointers(claims: Mapping[str, Any]) -> Check:
    found = [id_ for id_, one in claims.items() if one["kind"] == "pointer"]
    words = f"{len(found)} of {len(claims)} claims are pointers to a figure or table" + (
        f": {', '.join(found)}" if found else ""
    )
    return Check(
        "claims about the world", words, not found, {"pointers": len(found), "claims": len(claims)}, found
    )


def _attributed(claims: Mapping[str, Any]) -> Check:
    labels: dict[str, int] = {}
    for one in claims.values():
        label = one["attribution"]["label"] if one["attribution"] else "not looked up"
        labels[label] = labels.get(label, 0) + 1
    bad = [
        id_
        for id_, one in claims.items()
        if not one["attribution"] or one["attribution"]["label"] in ("absent", "contradicted")
    ]
    words = ", ".join(f"{number} {label}" for label, number in sorted(labels.items()))
    return Check("sources say it", words, not bad, {"labels": labels}, bad)


def _resolved(claims: Mapping[str, Any]) -> Check:
    open_ = [
        id_ for id_, one in claims.items() if not one["result"] or one["result"]["verdict"] == "undetermined"
    ]
    words = f"{len(open_)} of {len(claims)} claims have no verdict or are undetermined"
    return Check(
        "claims resolved", words, not open_, {"unresolved": len(open_), "claims": len(claims)}, open_
    )


def _intervals(claims: Mapping[str, Any]) -> Check:
    told = [
        id_
        for id_, one in claims.items()
        if one["result"]
        and one["result"]["verdict"] in ("supported", "refuted")
        and one["result"]["p"] is not None
    ]
    bare = [id_ for id_ in told if not claims[id_]["result"]["ci"]]
    words = f"{len(told) - len(bare)} of {len(told)} estimated verdicts have an interval"
    return Check(
        "intervals present",
        words,
        not bare if told else None,
        {"estimated": len(told), "with_interval": len(told) - len(bare)},
        told,
    )
