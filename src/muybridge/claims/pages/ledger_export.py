"""A ledger in the forms of others: tidy CSV, RO-Crate 1.1, ``repro.yaml`` of claims-cli, SARIF 2.1.0, nanopublications in TriG, BibTeX.

Files only: nothing is published or sent.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from muybridge import __version__
from muybridge.claims.ledger.lines import MOST, NAME, Ledger
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.files import atomic, read_bytes
from muybridge.core.text.csv_text import csv_text

COLUMNS = (
    "claim_id",
    "text",
    "kind",
    "tier",
    "complete",
    "work",
    "page",
    "char_start",
    "char_end",
    "attribution",
    "score",
    "confidence",
    "verdict",
    "reason",
    "effect",
    "effect_name",
    "low",
    "high",
    "n",
    "n_unit",
    "p",
    "p_holm",
    "predicate",
    "runs",
    "data",
)
CRATE = "ro-crate"
LEVELS = {
    "refuted": "error",
    "contradicted": "error",
    "undetermined": "note",
    "not comparable": "warning",
    "not testable": "note",
    "absent": "warning",
}


def export(ledger: Ledger, names: list[str]) -> list[Path]:
    """Write a ledger below ``export/``; all forms, or those named.

    The crate holds the hashes of the other files: it is written last, and anew with any of them once it is there.

    Raises:
        UsageError: no such form.
    """
    for name in names:
        if name not in FORMS:
            raise UsageError(f"no form {name!r}.{suggestion(name, FORMS)} Known: {', '.join(FORMS)}.")
    wanted = set(names or FORMS) | ({CRATE} if _place(ledger, CRATE).exists() else set())
    paths = []
    for name in (one for one in FORMS if one in wanted):
        paths.append(_place(ledger, name))
        with atomic(paths[-1], below=ledger.folder) as target:
            target.write(FORMS[name][1](ledger))
    return paths


def _place(ledger: Ledger, name: str) -> Path:
    return ledger.folder / "export" / FORMS[name][0]


def tidy(ledger: Ledger) -> str:
    """One row a claim; cells that a spreadsheet would compute are quoted."""
    return csv_text(COLUMNS, map(_row, ledger.all("claim").values()))


def _row(claim: Mapping[str, Any]) -> dict[str, object]:
    source, told, result, made = (
        claim[name] or {} for name in ("source", "attribution", "result", "provenance")
    )
    place, ci = source.get("locator", {}), result.get("ci") or [None, None]
    return {
        "claim_id": claim["claim_id"],
        "text": claim["text"],
        "kind": claim["kind"],
        "tier": claim["tier"],
        "complete": claim["complete"],
        "work": source.get("work"),
        "page": place.get("page"),
        "char_start": place.get("char_start"),
        "char_end": place.get("char_end"),
        "attribution": told.get("label"),
        "score": told.get("score"),
        "confidence": told.get("confidence"),
        "verdict": result.get("verdict"),
        "reason": result.get("reason"),
        "effect": result.get("effect"),
        "effect_name": result.get("effect_name"),
        "low": ci[0],
        "high": ci[1],
        "n": result.get("n"),
        "n_unit": result.get("n_unit"),
        "p": result.get("p"),
        "p_holm": result.get("p_adj"),
        "predicate": (claim["predicate"] or {}).get("kind"),
        "runs": " ".join(made.get("run_ids", [])),
        "data": " ".join(f"{key}={value}" for key, value in made.get("data", {}).items()),
    }


def crate(ledger: Ledger) -> str:
    """RO-Crate 1.1 metadata of the folder ``export/``: the files that are in it, the ledger's software, and the documents as citations."""
    written = [_place(ledger, name) for name in FORMS if name != CRATE and _place(ledger, name).is_file()]
    held = [(path.name, read_bytes(path, MOST)) for path in written]
    files = [
        {
            "@id": file,
            "@type": "File",
            "name": file,
            "encodingFormat": _media(file),
            "contentSize": str(len(content)),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for file, content in held
    ]
    works = [
        {
            "@id": f"#document-{sha[:16]}",
            "@type": "CreativeWork",
            "name": body["title"] or body["work"],
            "identifier": body["work"],
        }
        for sha, body in ledger.all("document").items()
    ]
    asked = next((body["text"] for body in ledger.all("question").values()), "Claims")
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": asked,
        "description": "Claims with attribution and verdicts, exported from a Muybridge ledger.",
        "datePublished": _newest(ledger),
        "license": {"@id": "https://spdx.org/licenses/CC0-1.0"},
        "hasPart": [{"@id": one["@id"]} for one in files],
        "citation": [{"@id": one["@id"]} for one in works],
        "mentions": {"@id": "#muybridge"},
    }
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        root,
        {"@id": "https://spdx.org/licenses/CC0-1.0", "@type": "CreativeWork", "name": "CC0 1.0"},
        {"@id": "#muybridge", "@type": "SoftwareApplication", "name": "Muybridge", "version": __version__},
        *files,
        *works,
    ]
    return (
        json.dumps(
            {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph},
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def _media(file: str) -> str:
    return {
        "csv": "text/csv",
        "yaml": "application/yaml",
        "sarif": "application/sarif+json",
        "trig": "application/trig",
        "bib": "application/x-bibtex",
        "json": "application/json",
    }[file.rsplit(".", 1)[-1]]


def _newest(ledger: Ledger) -> str:
    return max((line.utc for line in ledger.lines), default="1970-01-01")[:10]


def effects(ledger: Ledger) -> str:
    """Effects by claim as JSON: the file whose numbers ``repro.yaml`` pins."""
    told = {
        id_: {"effect": claim["result"]["effect"], "n": claim["result"]["n"]}
        for id_, claim in _estimated(ledger)
    }
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _estimated(ledger: Ledger) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for id_, claim in ledger.all("claim").items():
        if claim["result"] and claim["result"]["effect"] is not None:
            yield id_, claim


def repro(ledger: Ledger) -> str:
    """``repro.yaml`` of claims-cli (schema ``repro/1``): each estimated effect as a number at a JSON pointer into ``effects.json``."""
    import yaml

    digest = hashlib.sha256(effects(ledger).encode()).hexdigest()
    artifact = {
        "id": "effects",
        "path": "effects.json",
        "media_type": "application/json",
        "digest": {"algorithm": "sha256", "value": digest},
    }
    entries = [
        {
            "id": re.sub(r"[^a-z0-9-]", "-", id_.lower()),
            "text": claim["text"],
            "evidence": [
                {
                    "kind": "metric",
                    "artifact": "effects",
                    "name": "effect",
                    "reported": json.dumps(claim["result"]["effect"]),
                    "pointer": f"/{id_}/effect",
                }
            ],
        }
        for id_, claim in _estimated(ledger)
    ]
    content = {
        "schema_version": "repro/1",
        "project": "muybridge-review",
        "artifacts": [artifact],
        "claims": entries,
    }
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def sarif(ledger: Ledger) -> str:
    """SARIF 2.1.0: one result per verdict that is not "supported", and per attribution that is not borne out; code review shows them."""
    results = []
    for id_, claim in ledger.all("claim").items():
        told, result = claim["attribution"] or {}, claim["result"] or {}
        for rule, word, why in (
            ("attribution", told.get("label"), told.get("words")),
            ("verdict", result.get("verdict"), result.get("reason")),
        ):
            if word in LEVELS:
                line = ledger.history("claim", id_)[-1].number
                place = {
                    "physicalLocation": {"artifactLocation": {"uri": NAME}, "region": {"startLine": line}}
                }
                results.append(
                    {
                        "ruleId": rule,
                        "level": LEVELS[word],
                        "message": {"text": f"{id_}: {word} ({why}). {claim['text']}"},
                        "locations": [place],
                    }
                )
    rules = [
        {
            "id": "attribution",
            "name": "Attribution",
            "shortDescription": {"text": "Whether a source says the claim"},
        },
        {
            "id": "verdict",
            "name": "Verdict",
            "shortDescription": {"text": "Whether the claim holds on results"},
        },
    ]
    driver = {
        "name": "Muybridge",
        "version": __version__,
        "informationUri": "https://pypi.org/project/muybridge/",
        "rules": rules,
    }
    content = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def trig(ledger: Ledger) -> str:
    """Nanopublications, unsigned: each judged claim with assertion, provenance and publication info. Names are below an example address."""
    head = [
        "@prefix np: <http://www.nanopub.org/nschema#> .",
        "@prefix prov: <http://www.w3.org/ns/prov#> .",
        "@prefix dct: <http://purl.org/dc/terms/> .",
        "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .",
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .",
        "@prefix sio: <http://semanticscience.org/resource/> .",
        "@prefix ex: <https://example.org/muybridge/> .",
        "",
    ]
    return "\n".join(
        [
            *head,
            *(
                text
                for id_, claim in ledger.all("claim").items()
                if claim["result"]
                for text in _nanopub(ledger, id_, claim)
            ),
        ]
    )


def _nanopub(ledger: Ledger, id_: str, claim: Mapping[str, Any]) -> Iterator[str]:
    line = ledger.history("claim", id_)[-1]
    at = f"https://example.org/muybridge/{quote(id_, safe='')}-{line.seal[:12]}"
    result = claim["result"]
    parts = f"np:hasAssertion <{at}#assertion> ; np:hasProvenance <{at}#provenance> ; np:hasPublicationInfo <{at}#info>"
    yield f"<{at}#head> {{ <{at}> a np:Nanopublication ; {parts} . }}"
    verdict = f"ex:verdict {_literal(result['verdict'])} ; rdfs:comment {_literal(result['reason'])}"
    yield f"<{at}#assertion> {{ <{at}#claim> rdfs:label {_literal(claim['text'])} ; {verdict} . }}"
    source = claim["source"]
    derived = (
        f" ; prov:wasDerivedFrom <urn:sha256:{source['doc_sha256']}> ; dct:source {_literal(source['work'])}"
        if source
        else ""
    )
    yield f"<{at}#provenance> {{ <{at}#assertion> prov:wasGeneratedBy ex:predicate-{result['predicate_sha256'][:16]}{derived} . }}"
    yield f'<{at}#info> {{ <{at}> dct:created "{line.utc}"^^xsd:dateTime ; dct:creator {_literal(line.by)} . }}'
    yield ""


def _literal(text: str) -> str:
    """A string of Turtle: JSON's escapes are a part of Turtle's."""
    return json.dumps(text, ensure_ascii=True)


def bibtex(ledger: Ledger) -> str:
    """An entry for each work among the documents."""
    entries = {}
    for body in ledger.all("document").values():
        key = re.sub(r"[^A-Za-z0-9]+", "", body["work"]) or "work"
        found = re.fullmatch(r"arXiv:(\d{4}\.\d{4,5})", body["work"])
        fields = {"title": "{" + _tex(body["title"] or body["work"]) + "}"}
        fields |= (
            {
                "eprint": found[1],
                "archiveprefix": "arXiv",
                "year": f"20{found[1][:2]}",
                "url": f"https://arxiv.org/abs/{found[1]}",
            }
            if found
            else {"note": _tex(body["name"])}
        )
        entries[key] = (
            f"@misc{{{key},\n"
            + ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
            + "\n}\n"
        )
    return "\n".join(entries.values())


def _tex(text: str) -> str:
    plain = re.sub(r"[{}\\]", "", text)
    return re.sub(r"([&%$#_])", r"\\\1", plain)


FORMS: Mapping[str, tuple[str, Callable[[Ledger], str]]] = {
    "csv": ("claims.csv", tidy), "effects": ("effects.json", effects), "repro": ("repro.yaml", repro), "sarif": ("claims.sarif", sarif),
    "trig": ("claims.trig", trig), "bibtex": ("sources.bib", bibtex), CRATE: ("ro-crate-metadata.json", crate),
}  # fmt: skip
"""Name to file and maker."""
