"""The videos of runs with their labels and answers as a FiftyOneDataset: ``metadata.json`` and ``samples.json``, read by FiftyOne itself.

Videos stay where they are. Of several views of a video the mean of the logits counts, as everywhere.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muybridge import __version__
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import atomic
from muybridge.data.index import VideoRecord
from muybridge.export.export_source import find_run
from muybridge.export.fiftyone_fields import BASE, classification, field, schema
from muybridge.export.new_folder import new_folder, refuse_existing
from muybridge.export.run_data import dataset_of
from muybridge.measure.accuracy import video_level
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.stages.job import consent
from muybridge.stages.job.origins import result_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.store.storage import local

METADATA, SAMPLES = "metadata.json", "samples.json"
CLEAN = "clean"
Sample = dict[str, object]


@dataclass(frozen=True)
class Answers:
    """What one run said of its test videos.

    Attributes:
        run: the run.
        prefix: of its fields, empty where it is the only one.
        rows: one per video and condition, sorted by condition and video.
        classes: names in the order of the scores.
        videos: records by id.
    """

    run: Run
    prefix: str
    rows: Predictions
    classes: Sequence[str]
    videos: Mapping[str, VideoRecord]


def write_fiftyone(
    word: str, out: Path, overwrite: bool, trust_code: Collection[str] = ()
) -> tuple[Path, str, tuple[str, ...]]:
    """Write the folder.

    Args:
        word: folder of a run with answers, or of results, of which all such runs are taken.
        out: a new folder.
        overwrite: whether one that was written so before may be replaced.
        trust_code: as of ``export_run``.

    Returns:
        The folder, what is in it, and notes.

    Raises:
        UsageError: no answers there, or videos that cannot be found.
        MuybridgeError: a damaged run.
    """
    refuse_existing(out, overwrite, folder=True, ours=is_ours)
    runs = find_answers(word)
    cache = ResolveCache()
    found = [
        _answers(run, f"{run.stage}_{run.signature[:6]}_" if len(runs) > 1 else "", cache, trust_code)
        for run in runs
    ]
    samples: dict[str, Sample] = {}
    names: dict[str, dict[str, object]] = {one["name"]: one for one in BASE}
    packed = 0
    for one in found:
        packed += _add(one, samples, names)
    if not samples:
        raise UsageError(
            f"export {word}: all of its videos lie in tar shards, which FiftyOne cannot open. Unpack them."
        )
    made = list(samples.values())
    info = {
        "muybridge": {
            "version": __version__,
            "runs": {one.prefix.rstrip("_") or one.run.signature: _about(one.run) for one in found},
        }
    }
    with new_folder(out) as draft:
        for name, content in (
            (METADATA, schema(out.name, list(names.values()), info)),
            (SAMPLES, {"samples": made}),
        ):
            with atomic(draft / name) as file:
                json.dump(content, file, ensure_ascii=False)
    notes = (
        (f"{packed} answers are about videos in tar shards, which FiftyOne cannot open, and are left out",)
        if packed
        else ()
    )
    title = f"{len(made)} videos with the answers of {len(found)} run{'s' * (len(found) != 1)}, {len(names) - len(BASE)} fields"
    return out.absolute(), title, notes


def is_ours(folder: Path) -> bool:
    """Whether a folder holds nothing but what this module wrote."""
    names = {one.name for one in folder.iterdir()}
    try:
        told = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    known = isinstance(told, dict) and isinstance(told.get("info"), dict) and "muybridge" in told["info"]
    return known and names <= {METADATA, SAMPLES, "frames.json", "data"} and not (folder / "data").exists()


def find_answers(word: str) -> list[Run]:
    """The run of a folder, or the finished runs with answers below one.

    Raises:
        UsageError: there is none.
        MuybridgeError: the run is damaged.
    """
    folder = local(word).expanduser().absolute()
    if folder.parent.parent.name == "runs":
        run, _ = find_run(word)
        if not (run.path / "predictions.parquet").is_file():
            raise UsageError(
                f"export {word}: a run of {run.stage} has no answers about test videos. Give one of probe, finetune, "
                "knn, zeroshot or robustness."
            )
        return [run]
    if not (folder / "runs").is_dir():
        raise UsageError(f"export {word}: wanted a run, OUT/runs/STAGE/SIGNATURE, or a folder of results.")
    index = Index(folder)
    runs = [index.run(row) for row in index.rows() if row.status == "done"]
    runs = [run for run in runs if (run.path / "predictions.parquet").is_file()]
    if not runs:
        raise UsageError(
            f"export {word}: no finished run there has answers about test videos (probe, finetune, knn, zeroshot, robustness)."
        )
    return runs


def _answers(run: Run, prefix: str, cache: ResolveCache, trust_code: Collection[str]) -> Answers:
    config = result_config(run)
    consent.demand(config, run.path / "result.json", trust_code)
    rows = video_level(read_predictions(run.path / "predictions.parquet"))
    told = run.result.get("data", {}).get("classes") or ()
    width = rows.scores.shape[1]
    classes = list(told) if len(told) == width else [f"class {place}" for place in range(width)]
    try:
        dataset = dataset_of(run, config, cache)
    except (MuybridgeError, OSError) as error:
        raise UsageError(
            f"export {run.path}: its videos cannot be found, and FiftyOne shows videos ({error})"
        ) from error
    videos = {record.id: record for record in dataset.records}
    lost = sorted(set(rows.video.tolist()) - videos.keys())
    if lost:
        raise UsageError(
            f"export {run.path}: {len(lost)} of its test videos, as {lost[0]!r:.200}, are not in {dataset.name} any more. Give "
            "back the list that it was tested on."
        )
    return Answers(run, prefix, rows, classes, videos)


def _add(one: Answers, samples: dict[str, Sample], names: dict[str, dict[str, object]]) -> int:
    """Put the answers of a run to the samples; returns how many were left out."""
    rows, predicted, left_out = one.rows, one.rows.predicted, 0
    sure = confidences(rows)
    clean = {str(video): int(answer) for video, answer, name in
             zip(rows.video, predicted, rows.perturbation, strict=True) if name == CLEAN}  # fmt: skip
    flips: dict[str, list[str]] = {video: [] for video in clean}
    asked = len(
        {(str(a), int(b)) for a, b in zip(rows.perturbation, rows.severity, strict=True)} - {(CLEAN, 0)}
    )
    for place in range(len(rows)):
        video = str(rows.video[place])
        record = one.videos[video]
        if "::" in str(record.path):
            left_out += 1
            continue
        sample = samples.setdefault(str(record.video), _sample(record))
        label = int(rows.label[place])
        if label >= 0:
            sample["ground_truth"] = classification(f"{video} truth", one.classes[label])
        condition = condition_name(str(rows.perturbation[place]), int(rows.severity[place]))
        name = f"{one.prefix}{condition}"
        names.setdefault(name, field(name, "label"))
        answer = int(predicted[place])
        if answer >= 0:
            sample[name] = classification(
                f"{one.run.signature} {video} {condition}", one.classes[answer], float(sure[place])
            )
        if condition == CLEAN:
            sample[f"{one.prefix}correct"] = answer >= 0 and answer == label
            names.setdefault(f"{one.prefix}correct", field(f"{one.prefix}correct", "bool"))
        elif video in clean and answer != clean[video]:
            flips[video].append(condition)
    if asked and clean:
        for kind, name in (("texts", "flips"), ("int", "flip_count")):
            names.setdefault(f"{one.prefix}{name}", field(f"{one.prefix}{name}", kind))
        for video, conditions in flips.items():
            if (found := samples.get(str(one.videos[video].video))) is not None:
                found[f"{one.prefix}flips"], found[f"{one.prefix}flip_count"] = conditions, len(conditions)
    return left_out


def condition_name(perturbation: str, severity: int) -> str:
    """Name of the field of a condition: ``clean``, or ``TYPE_SEVERITY``."""
    plain = re.sub(r"\W", "_", perturbation, flags=re.ASCII)
    return plain if perturbation == CLEAN else f"{plain}_{severity}"


def confidences(rows: Predictions) -> np.ndarray:
    """Softmax of the highest score of each row, fractions; NaN where there are no scores."""
    with np.errstate(invalid="ignore"):
        shifted = np.exp(rows.scores - rows.scores.max(axis=1, keepdims=True))
        found: np.ndarray = 1 / shifted.sum(axis=1)
    return found


def _sample(record: VideoRecord) -> Sample:
    digest = hashlib.sha256(str(record.video).encode(errors="surrogatepass")).hexdigest()
    segment = {"segment": str(record.segment)} if record.segment else {}
    return {
        "_id": {"$oid": digest[:24]},
        "filepath": str(record.path.absolute()),
        "tags": [record.split] if record.split else [],
        "_media_type": "video",
        "_rand": int(digest[24:32], 16) / 2**32,
        "video_id": record.id,
        "group": record.group,
        **segment,
    }


def _about(run: Run) -> Mapping[str, object]:
    facets = run.result.get("facets") or {}
    return {
        "stage": run.stage,
        "signature": run.signature,
        "summary": str(run.result.get("summary", "")),
        **dict(_plain(facets)),
    }


def _plain(facets: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return ((name, str(value)) for name, value in facets.items() if value not in (None, ""))
