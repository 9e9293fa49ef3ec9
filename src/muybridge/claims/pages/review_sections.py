"""The sections of a review's report, from the ledger."""

from collections.abc import Iterator
from typing import Any

from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.pages.page import Cell, Grid, Part, Ref, ref

VERDICTS = ("supported", "refuted", "undetermined", "not comparable", "not testable")
LABELS = ("quoted", "paraphrase", "contradicted", "absent")


def parts(ledger: Ledger) -> list[Part]:
    """The sections that have something to show."""
    made = [
        _answer(ledger),
        _checks(ledger),
        _claims(ledger),
        _sources(ledger),
        _reviewers(ledger),
        _calibration(ledger),
    ]
    return [one for one in made if one is not None]


def _answer(ledger: Ledger) -> Part:
    at = ("check", "summary", "values")
    counted: Cell = [ref(ledger, "whole", *at, "claims"), " claims. Does what they say hold? "]
    counted += _listed(ledger, VERDICTS, (*at, "verdicts"))
    said: Cell = ["Do the sources say it? ", *_listed(ledger, LABELS, (*at, "labels"))]
    paragraphs = [counted, said]
    told = ("question terms", "named method cited", "counts agree", "confidences are word overlap")
    paragraphs += [
        [f"{item.capitalize()}: ", ref(ledger, "text", "check", item, "words"), "."]
        for item in told
        if ledger.get("check", item)
    ]
    if ledger.get("check", "question terms") and not ledger.get("check", "question terms")["passed"]:  # type: ignore[index]
        paragraphs.append(
            [
                "So the claims taken from the sources do not answer the question. What would answer it stands "
                "among the claims, each with its predicate."
            ]
        )
    return Part("answer", "Answer", paragraphs, [], [])


def _listed(ledger: Ledger, words: tuple[str, ...], at: tuple[str, ...]) -> Cell:
    pieces: Cell = []
    for word in words:
        pieces += [", " if pieces else "", ref(ledger, "whole", *at, word), f" {word}"]
    return [*pieces, "."]


def _checks(ledger: Ledger) -> Part | None:
    rows: list[list[Cell]] = [
        [
            [f"{item}"],
            [{True: "yes", False: "no", None: "cannot be told"}[body["passed"]]],
            [ref(ledger, "text", "check", item, "words")],
            _evidence_of(ledger, item),
        ]
        for item, body in ledger.all("check").items()
        if item != "summary"
    ]
    note: Cell = [
        "Checks that anybody can repeat; none is a score. Evidence names claims and documents of the ledger."
    ]
    return (
        Part(
            "rubric",
            "Rubric",
            [note],
            [Grid(["Checks"], ["check", "passed", "what was found", "evidence"], rows)],
            [],
        )
        if rows
        else None
    )


def _evidence_of(ledger: Ledger, item: str) -> Cell:
    body = ledger.get("check", item) or {}
    pieces: Cell = []
    for place, _ in enumerate(body["evidence"]):
        pieces += [", " if pieces else "", ref(ledger, "short", "check", item, "evidence", place)]
    return pieces


def _claims(ledger: Ledger) -> Part | None:
    claims = ledger.all("claim")
    if not claims:
        return None
    head = [
        "claim",
        "sentence",
        "kind",
        "do the sources say it",
        "confidence",
        "does it hold",
        "effect",
        "interval",
        "n",
        "p, Holm",
    ]
    rows = [_claim_row(ledger, id_, one) for id_, one in claims.items()]
    folded = [grid for id_, one in claims.items() for grid in _details(ledger, id_, one)]
    notes: list[Cell] = [
        [
            "Attribution (do the sources say it) and truth (does it hold on results) are two verdicts. Both are computed; "
            "neither can be typed."
        ],
        [
            "Absent means: not in the part of the source that is at hand, which is named. It is not a low confidence."
        ],
    ]
    return Part(
        "claims", "Claims", notes, [Grid(["Claims with both verdicts"], head, rows, "claims")], folded
    )


def _claim_row(ledger: Ledger, id_: str, one: Any) -> list[Cell]:
    at = ("claim", id_)
    told, result = one["attribution"], one["result"]
    text: Cell = [ref(ledger, "text", *at, "text")] + ([" (cut off)"] if not one["complete"] else [])
    said: Cell = (
        [ref(ledger, "text", *at, "attribution", "words")]
        if told
        else ["not looked up" if one["source"] else "a claim of our own"]
    )
    sure: Cell = (
        [ref(ledger, "three", *at, "attribution", "confidence")]
        if told and told["confidence"] is not None
        else []
    )
    if not result:
        return [
            [ref(ledger, "text", *at, "claim_id")],
            text,
            [one["kind"]],
            said,
            sure,
            ["not judged"],
            [],
            [],
            [],
            [],
        ]
    verdict: Cell = [result["verdict"], ": ", ref(ledger, "text", *at, "result", "reason")]
    effect: Cell = []
    if result["effect"] is not None:
        effect = [ref(ledger, "signed", *at, "result", "effect"), " "]
        effect += [ref(ledger, "text", *at, "result", "effect_name")]
    span: Cell = []
    if result["ci"]:
        span = [
            ref(ledger, "signed", *at, "result", "ci", 0),
            " to ",
            ref(ledger, "signed", *at, "result", "ci", 1),
        ]
    number: Cell = []
    if result["n"] is not None:
        number = [ref(ledger, "whole", *at, "result", "n"), " ", ref(ledger, "text", *at, "result", "n_unit")]
    p: Cell = [ref(ledger, "p", *at, "result", "p_adj")] if result["p_adj"] is not None else []
    return [
        [ref(ledger, "text", *at, "claim_id")],
        text,
        [one["kind"]],
        said,
        sure,
        verdict,
        effect,
        span,
        number,
        p,
    ]


def _details(ledger: Ledger, id_: str, one: Any) -> Iterator[Grid]:
    """Where it stands, what the source says, and the comparisons behind its verdict."""
    at = ("claim", id_)
    rows: list[list[Cell]] = []
    if one["source"]:
        where: Cell = [
            ref(ledger, "text", *at, "source", "work"),
            ", page ",
            ref(ledger, "whole", *at, "source", "locator", "page"),
            ", letters ",
        ]
        where += [
            ref(ledger, "whole", *at, "source", "locator", "char_start"),
            " to ",
            ref(ledger, "whole", *at, "source", "locator", "char_end"),
        ]
        where += [" of ", ref(ledger, "short", *at, "source", "doc_sha256")]
        rows.append([["taken from"], where])
    told = one["attribution"]
    if told and told["span"]:
        quote: Cell = [
            "\u201c",
            ref(ledger, "text", *at, "attribution", "span", "quote"),
            "\u201d, ",
            ref(ledger, "text", *at, "attribution", "span", "work"),
        ]
        quote += [", page ", ref(ledger, "whole", *at, "attribution", "span", "locator", "page")]
        rows.append([["the source has"], quote])
    axes = {axis: word for axis, word in (told["axes"] if told else {}).items() if word != "none"}
    if axes and told["span"]:
        rows.append([["axes"], ["; ".join(f"{axis} {word}" for axis, word in axes.items())]])
    for place, line in enumerate(one["result"]["evidence"] if one["result"] else []):
        rows.append([[line["says"]], _line(ledger, (*at, "result", "evidence", place), line)])
    if one["provenance"] and one["provenance"]["run_ids"]:
        rows.append([["runs"], [ref(ledger, "list", *at, "provenance", "run_ids")]])
    for name in sorted(one["provenance"]["data"] if one["provenance"] else {}):
        rows += [[["data"], _print_of(ledger, at, name)]]
    if one["predicate"]:
        rows.append(
            [
                ["predicate"],
                [
                    ref(ledger, "text", *at, "predicate", "kind"),
                    " ",
                    ref(ledger, "json", *at, "predicate", "options"),
                ],
            ]
        )
    if "machine" in one:
        rows.append([["a machine says"], [ref(ledger, "text", *at, "machine")]])
    if rows:
        yield Grid(
            [ref(ledger, "text", *at, "claim_id"), ": ", ref(ledger, "text", *at, "text")],
            ["", "what stands behind it"],
            rows,
        )


def _print_of(ledger: Ledger, at: tuple[str, ...], name: str) -> Cell:
    """Name and fingerprint of data; a name with digits is no reference and is left to the export."""
    shown = "data set" if any(one.isdigit() for one in name) else name
    return [shown, " ", ref(ledger, "short", *at, "provenance", "data", name)]


def _line(ledger: Ledger, at: tuple[str | int, ...], line: Any) -> Cell:
    pieces: Cell = [ref(ledger, "text", *at, "words")]
    if line["effect"] is not None:
        pieces += [": ", ref(ledger, "signed", *at, "effect")]
    if line["low"] is not None and line["high"] is not None:
        pieces += [" (", ref(ledger, "signed", *at, "low"), " to ", ref(ledger, "signed", *at, "high"), ")"]
    if line["p"] is not None:
        pieces += [", p ", ref(ledger, "p", *at, "p")]
    if line["n"] is not None:
        pieces += [", n ", ref(ledger, "whole", *at, "n")]
    return pieces


def _sources(ledger: Ledger) -> Part | None:
    documents, out = ledger.all("document"), ledger.all("exclusion")
    if not documents and not out:
        return None
    at = ("check", "summary", "values")
    counts: Cell = [
        ref(ledger, "whole", *at, "identified"),
        " files were seen, ",
        ref(ledger, "whole", *at, "excluded"),
        " were left out with a reason, ",
    ]
    counts += [
        ref(ledger, "whole", *at, "included"),
        " are used; ",
        ref(ledger, "whole", *at, "searches"),
        " searches were made.",
    ]
    rows: list[list[Cell]] = [
        [
            [ref(ledger, "text", "document", sha, "work")],
            [ref(ledger, "text", "document", sha, "title")],
            [body["coverage"]],
            [ref(ledger, "whole", "document", sha, "pages")],
            [ref(ledger, "whole", "document", sha, "sentences")],
            [ref(ledger, "short", "document", sha, "sha256")],
        ]
        for sha, body in documents.items()
        if sha not in out
    ]
    tables = [Grid(["Documents"], ["work", "title", "what of it", "pages", "sentences", "hash"], rows)]
    if out:
        left: list[list[Cell]] = [
            [
                [ref(ledger, "text", "exclusion", sha, "name")],
                [body["stage"]],
                [ref(ledger, "text", "exclusion", sha, "reason")],
            ]
            for sha, body in out.items()
        ]
        tables.append(Grid(["Left out"], ["file", "at", "reason"], left))
    folded = []
    if ledger.all("search"):
        hits: list[list[Cell]] = [
            [
                [ref(ledger, "text", "search", query, "query")],
                [ref(ledger, "whole", "search", query, "documents")],
                [ref(ledger, "whole", "search", query, "kept")],
            ]
            for query in ledger.all("search")
        ]
        folded.append(Grid(["Searches"], ["query", "documents searched", "hits"], hits))
    return Part("sources", "Sources", [counts], tables, folded)


def _reviewers(ledger: Ledger) -> Part | None:
    reviewers = ledger.all("reviewer")
    if not reviewers:
        return None
    rows: list[list[Cell]] = [
        [
            [ref(ledger, "text", "reviewer", name, "items", place)],
            [ref(ledger, "text", "reviewer", name, "name")],
            [body["kind"]],
            [ref(ledger, "whole", "reviewer", name, "scores", item)],
        ]
        for name, body in reviewers.items()
        for place, item in enumerate(body["items"])
    ]
    rows.sort(key=lambda row: row[0][0].shown if isinstance(row[0][0], Ref) else "")
    note: Cell = ["One reviewer: nothing to agree with."]
    if ledger.get("check", "reviewers agree"):
        note = [ref(ledger, "text", "check", "reviewers agree", "words"), "."]
    return Part(
        "reviewers", "Reviewers", [note], [Grid(["Scores"], ["item", "reviewer", "kind", "score"], rows)], []
    )


def _calibration(ledger: Ledger) -> Part | None:
    body = ledger.get("calibration", "fixture")
    if body is None:
        return None
    at = ("calibration", "fixture")
    rows: list[list[Cell]] = []
    for label in body["labels"]["precision"]:
        cells: list[Cell] = [[label]]
        for what in ("precision", "recall"):
            way = (*at, "labels", what, label)
            cells.append(
                [
                    ref(ledger, "three", *way, 0),
                    " (",
                    ref(ledger, "three", *way, 1),
                    " to ",
                    ref(ledger, "three", *way, 2),
                    ")",
                ]
            )
        rows.append(cells)
    note: Cell = [
        "Attribution was tried on ",
        ref(ledger, "whole", *at, "pairs"),
        " made pairs of sentences with known answers. Expected calibration error ",
    ]
    note += [
        ref(ledger, "three", *at, "ece", 0),
        " (",
        ref(ledger, "three", *at, "ece", 1),
        " to ",
        ref(ledger, "three", *at, "ece", 2),
        "). The rules were written with these pairs in sight.",
    ]
    way_of: Cell = ["Method: ", ref(ledger, "text", *at, "method"), "."]
    return Part(
        "calibration",
        "How good attribution is",
        [note, way_of],
        [Grid(["Precision and recall"], ["label", "precision", "recall"], rows)],
        [],
    )
