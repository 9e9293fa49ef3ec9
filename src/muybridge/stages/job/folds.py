"""``--fold all``: every fold is a run of its own, and one more run holds the answers of all, so that each group was tested once."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from muybridge.config.control import Control
from muybridge.core.networks.gather import rank
from muybridge.measure.counts import Counts, joined
from muybridge.measure.headline import headline
from muybridge.runs.contents.predictions import concatenate, read_predictions, write_predictions
from muybridge.runs.contents.result_fields import Budget, DataFields, ResultFields, amount
from muybridge.runs.records import Run
from muybridge.stages.job.job import Job, Progress, Result

PREDICTIONS = re.compile(r"predictions(-[a-z-]+)?[.]parquet")


def pool(job: Job[Control], progress: Progress | None) -> Result:
    """Join the finished runs of all folds: rows of predictions below each other, counts by source group added up."""
    if rank() > 0:
        return {}
    runs = [job.inputs[name] for name in job.parts]
    results = [run.result for run in runs]
    for name in _common(runs):
        rows = concatenate([read_predictions(run.path / name) for run in runs])
        write_predictions(job.run.path / name, rows)
    first = results[0]
    kept: dict[str, object] = {name: first[name] for name in ("protocol", "chance", "dim") if name in first}
    return {
        **kept,
        "summary": f"{first['summary']}, all {len(runs)} folds",
        "data": _data([one["data"] for one in results]),
        "budget": _spent([one["budget"] for one in results]),
        "seen": sorted({name for one in results for name in one.get("seen") or []}),
        "folds": [_told(*pair) for pair in enumerate(runs)],
        **_majority(results),
        **_neighbours(results),
        "notes": _notes([one.get("notes", []) for one in results]),
    }


def _notes(told: Sequence[Sequence[str]]) -> list[str]:
    """Notes of all folds; what not every fold says names those that do."""
    said: dict[str, list[int]] = {}
    for fold, notes in enumerate(told):
        for note in dict.fromkeys(notes):
            said.setdefault(note, []).append(fold)
    return [
        note if len(folds) == len(told) else f"fold {', '.join(map(str, folds))}: {note}"
        for note, folds in said.items()
    ]


def _common(runs: Sequence[Run]) -> list[str]:
    """Names of the files of predictions that every run has."""
    names = [{path.name for path in run.path.iterdir() if PREDICTIONS.fullmatch(path.name)} for run in runs]
    return sorted(set.intersection(*names))


def _told(fold: int, run: Run) -> dict[str, object]:
    """What one fold came to."""
    videos = run.result["data"]["videos"]
    return {"fold": fold, "signature": run.signature, "videos": videos, "numbers": headline(run)}


def _data(told: Sequence[DataFields]) -> dict[str, object]:
    """The ``data`` of the first, with the test videos and broken videos of all."""
    broken = {one["path"]: one for part in told for one in part["broken"]}
    tested = sum(part["videos"]["test"] for part in told)
    return {**told[0], "videos": {"test": tested}, "broken": list(broken.values())}


def _spent(told: Sequence[Budget]) -> dict[str, object]:
    """What all cost together; what is no number is that of the first."""
    added = {
        name: sum(amount(one, name) or 0 for one in told)
        for name, value in told[0].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {**told[0], **added}


def _majority(results: Sequence[ResultFields]) -> dict[str, object]:
    """What always answering the most frequent class of each fold's training videos would come to."""
    told = [one.get("majority") for one in results]
    if None in told:
        return {}
    classes = {one["class"] for one in told if one}
    return {
        "majority": {"class": " or ".join(sorted(classes)), **_mean([one["groups"] for one in told if one])}
    }


def _neighbours(results: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """What kNN and retrieval report besides, for the numbers of neighbours that every fold has."""
    found: dict[str, object] = {}
    ks = [one["k"] for one in results if "k" in one]
    if len(set(ks)) == 1:
        found["k"] = ks[0]
    if all("queries" in one for one in results):
        found["queries"] = sum(one["queries"] for one in results)
    for name, keys in (("knn", ("k", "vote")), ("recall", ("k",))):
        rows = [{tuple(row[key] for key in keys): row for row in one.get(name, [])} for one in results]
        both = [place for place in rows[0] if all(place in one for one in rows)]
        value = "accuracy" if name == "knn" else "value"
        if both:
            found[name] = [
                dict(zip(keys, place, strict=True)) | _mean([one[place]["groups"] for one in rows], value)
                for place in both
            ]
    precise = [one.get("average_precision", {}).get("groups") for one in results]
    if all(precise):
        found["average_precision"] = _mean(precise)
    return found


def _mean(counts: Sequence[Counts], name: str = "value") -> dict[str, object]:
    """Counts of all folds by source group, and the share that they come to; None of nothing."""
    groups = joined(counts)
    total = sum(number for _, number in groups.values())
    return {name: sum(right for right, _ in groups.values()) / total if total else None, "groups": groups}
