"""zeroshot: classify every test video by the names of the classes; single templates and the other way of naming beside the ensemble.

A clip goes through the network once; texts go through theirs once per run. Rows of the ensemble are ``predictions.parquet``; those of every
template alone and of the other naming are ``templates.parquet``, one per video, whose scores are 1 for the answer and 0 for all others.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from muybridge.backbones import check_clip
from muybridge.backbones.text.dual import ZeroShot
from muybridge.config.config_fields import ConfigFields, fields_of
from muybridge.config.control import Precision
from muybridge.config.stage_configs import PretrainConfig, ZeroshotConfig, change
from muybridge.core.clip import to_unit
from muybridge.core.networks.gather import rank
from muybridge.data import sources
from muybridge.data.index import Dataset, VideoRecord, check_same, fingerprints
from muybridge.data.lists import caption_column
from muybridge.data.loader import check_broken
from muybridge.data.sets.builtin_scenes import PAIRS
from muybridge.measure.zeroshot_scores import NAMES, TEMPLATE, answers
from muybridge.perturb.apply import CLEAN
from muybridge.runs.contents.predictions import Predictions
from muybridge.runs.contents.result_fields import Facets
from muybridge.runs.contents.strips import write_strips
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.stages.job.check import check_own
from muybridge.stages.job.facets import facets_of_run
from muybridge.stages.job.job import Job, Progress, Request, Result, Stage
from muybridge.stages.job.origins import Planned, result_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.settled import full
from muybridge.stages.testing.clip_protocol import Protocol, chosen
from muybridge.stages.testing.grid import Grid, missing, rows_of
from muybridge.stages.testing.labels import same
from muybridge.stages.testing.models import TestedModel, evaluating
from muybridge.stages.testing.parts import ResumableRows
from muybridge.stages.testing.predict import strip
from muybridge.stages.testing.tested import Chunk, direct, fitting, held_out
from muybridge.stages.texts.own_pair import clips_of, of_input
from muybridge.stages.texts.question import Question, label_set, question_of, seen_among, told_among
from muybridge.stages.texts.text_scored import (
    blind_words,
    external,
    is_run,
    judge,
    known_labels,
    regime,
    words_digest,
)
from muybridge.store.storage import local
from muybridge.train.distributed import broadcast, round_robin
from muybridge.train.flops import flop_counter, without_gradients
from muybridge.train.precision import Compute, choose

FOREIGN = (
    "weights", "classes", "protocol", "sampling", "views", "frames", "stride", "fps", "short_side", "crop",
)  # fmt: skip
"""Fields that a run answers by itself."""
WORDS_OR_FILES = ("words", "candidates", "templates", "names", "seen")
"""Fields whose value is a name or a file."""
SHOWN = 6
SINGLE = frozenset({TEMPLATE, NAMES})
Both = tuple[Float[np.ndarray, "b k"], Float[np.ndarray, "b t k"]]


class Asked:
    """A model with its question: scores of clips under every condition.

    Args:
        subject: the model.
        question: classes, words, templates.
        scale: of the cosines; the model's own when None.
    """

    def __init__(self, subject: TestedModel, question: Question, scale: float | None) -> None:
        self.question, self.judge = question, judge(subject, question, scale)
        self.notes: list[str] = []
        self.other = self._other(scale)
        self.conditions = [
            (CLEAN, 0),
            *((TEMPLATE, place) for place in range(1, len(question.prompts.templates) + 1)),
        ]
        self.conditions += [(NAMES, 1)] if self.other else []

    def _other(self, scale: float | None) -> ZeroShot | None:
        """The same question with the names written the other way; None where that changes nothing or cannot be read."""
        one = self.question
        if one.other == one.said:
            return None
        try:
            order: Any = one.order
            return ZeroShot(self.judge.model, one.classes, one.prompts.said(one.other), order, scale)
        except Exception as error:  # words that a text encoder does not know, prompts that are too long
            self.notes.append(f"names written the other way were not asked: {error}")
            return None

    def scores(self, frames: torch.Tensor, compute: Compute) -> Both:
        """Logits of the ensemble, and of each template and then of the other naming alone; float32 on the CPU."""
        with torch.inference_mode(), compute.autocast():
            video = self.judge.model.video(to_unit(frames.to(compute.device)))
            whole, single = self.judge.scored(video)
            more = [single] + ([self.other.scored(video)[0][:, None]] if self.other else [])
        return whole.float().cpu().numpy(), torch.cat(more, dim=1).float().cpu().numpy()


class Zeroshot(Stage[ZeroshotConfig]):
    """Classify videos by the names of classes."""

    name = "zeroshot"
    shorter = "--views or --limit"

    def located(self, config: ZeroshotConfig) -> ZeroshotConfig:
        """Full paths where a name is a file."""
        named = {name: str(vars(config)[name] or "") for name in WORDS_OR_FILES}
        files: dict[str, Any] = {
            name: full(word) for name, word in named.items() if word and Path(word).expanduser().exists()
        }
        return replace(config, **files)

    def precision(self, config: ZeroshotConfig, subject: TestedModel | None, networks: Sequence[str]) -> Precision:  # fmt: skip
        """``auto`` is float32 where texts are compared."""
        return "fp32" if config.precision == "auto" else super().precision(config, subject, networks)

    def inherit(self, config: ZeroshotConfig, origins: Planned) -> ZeroshotConfig:
        """The data set of the model where none is named."""
        if "model" not in origins or config.data:
            return config
        model = origins["model"]
        return replace(
            config, data=tuple(model["data"]), root=config.root or model["root"], label=config.label or model["label"],
            group=config.group or model["group"],
        )  # fmt: skip

    def check(self, config: ZeroshotConfig, dataset: Dataset, origins: Planned, memory: ResolveCache) -> None:
        """Refuse fields that a run answers by itself."""
        super().check(config, dataset, origins, memory)
        check_own(config, config.model, self.facts.inputs["model"], FOREIGN)

    def signed(self, config: ZeroshotConfig, dataset: Dataset, memory: ResolveCache) -> dict[str, object]:
        """What stands in the files that make the question, not their names."""
        question = question_of(config, dataset)
        return {
            "templates": list(question.prompts.templates),
            "names": list(question.said),
            "candidates": list(question.classes),
            "seen": None if config.seen is None else list(label_set(config.seen)),
            "words": words_digest(config.words, memory),
        }

    def job(self, asked: Request[ZeroshotConfig]) -> Job[ZeroshotConfig]:
        """Of a model that is no run: signed by its weights and how clips are cut."""
        if asked.inputs:
            return super().job(asked)
        config, dataset = asked.config, asked.dataset
        subject = asked.subject or external(config)
        signed = asked.signed | {"evaluation": chosen(config, subject.protocol, subject.clip).facts()}
        name = signature(self.name, signed, {"model": subject.key})
        facets = self.facets(fields_of(config), dataset.name, {}) | {"arm": subject.name}
        return Job(self.name, config, dataset, {}, name, facets, signed, list(dataset.notes), subject)

    def protocol(self, config: ConfigFields) -> str:
        """Under which regime: whether action labels were seen."""
        return f"{self.facts.title} {regime(config)}"

    def facets(self, config: ConfigFields, data: str, planned: Planned) -> Facets:
        """Sorted as its network, under its regime."""
        model = str(config["model"])
        told: Facets = {"arm": model, "seed": 0, "fold": None, "backbone": "", "source": ""}
        if is_run(model):
            told = facets_of_run(Run(local(model)), data, planned)
        return {**told, "data": data, "protocol": self.protocol(config)}

    def run(self, job: Job[ZeroshotConfig], progress: Progress | None) -> Result:
        """Ask about every test video; several processes share the videos."""
        config = job.config
        began = time.monotonic()
        compute = choose(config.device, config.precision)
        subject, protocol = _model(job)
        check_clip(subject.call, protocol.frames, protocol.crop)
        question = question_of(config, job.dataset)
        asked = Asked(subject, question, config.logit_scale)
        records, notes = held_out(job.dataset, config.limit)
        batch = config.batch or fitting(protocol, compute.device)
        tested, noted = direct(records, protocol, batch, config.workers, config.allow_broken)
        grid = Grid(asked.conditions, job.dataset.name, batch)
        parts = ResumableRows(job.run.path / "state") if rank() == 0 else None

        def work(some: range) -> Iterator[tuple[list[Predictions], list[dict[str, str]]]]:
            for chunk in tested.read(some.start, some.step):
                broken = [{"path": str(record.video), "reason": why} for record, why in chunk.broken]
                yield (
                    [*_rows(asked, chunk, grid.batch, compute), *missing(grid, question.labels, chunk)],
                    broken,
                )

        modules = torch.nn.ModuleList([asked.judge, *([asked.other] if asked.other else [])])
        with evaluating(modules, compute), parts or nullcontext():
            start = broadcast(parts.stop if parts else 0)
            for done, (rows, broken) in enumerate(round_robin(work, start, tested.chunks), start + 1):
                if parts:
                    parts.add(rows, broken)
                if progress and parts:
                    progress(tested.videos * done // tested.chunks, tested.videos, {})
            spent = _spent(asked, protocol, len(records), compute)
        if parts is None:
            return {}
        broken = _saved(job, records, parts)
        write_strips(job.run.path / "strips.npz", _strips(tested, question))
        seen, source = _seen(job, question)
        blind = asked.judge.model.order_free
        words = [blind_words(subject.name)] if blind else []
        return {
            "summary": f"zero-shot of {subject.name} on {job.dataset.name}",
            "data": {
                "name": job.dataset.name,
                "fingerprint": job.dataset.fingerprint,
                "classes": list(question.classes),
                "videos": {"test": len(records)},
                "broken": broken,
                "source": list(config.data),
                "split": question.split,
            },
            "protocol": {
                "kind": "zeroshot",
                "hash": question.hash(protocol.facts(), asked.judge.model.facts),
                "clips": protocol.facts(),
                "question": question.facts,
                "model": {**asked.judge.model.facts, "scale": asked.judge.scale, "bias": asked.judge.bias},
            },
            "model": {"name": subject.name, "weights": subject.key, "order_free": blind},
            "parts": _parts(question.classes),
            "regime": {"name": regime(fields_of(config)), "labels": source, "seen": seen},
            "budget": spent | {"seconds": round(time.monotonic() - began, 2)},
            "chance": 1 / len(question.classes),
            "label_changing": list(job.dataset.label_changing),
            "notes": [*job.notes, *notes, *noted, *asked.notes, *words, *asked.judge.model.notes],
        }  # fmt: skip


def _model(job: Job[ZeroshotConfig]) -> tuple[TestedModel, Protocol]:
    """The model of a job and how its clips are cut."""
    config = job.config
    if job.subject:
        return job.subject, chosen(config, job.subject.protocol, job.subject.clip)
    run = job.inputs["model"]
    return of_input(config, run, result_config(run)), clips_of(run)


def _rows(asked: Asked, chunk: Chunk, batch: int, compute: Compute) -> Iterator[Predictions]:
    """Rows of the clips of a chunk: of the ensemble by clip, of the others by video, as answers."""
    if not len(chunk.records):
        return
    labels, classes = asked.question.labels, asked.question.classes
    pairs = [
        asked.scores(chunk.clip.frames[i : i + batch], compute) for i in range(0, len(chunk.clip), batch)
    ]
    whole, single = (np.concatenate([pair[place] for pair in pairs]) for place in (0, 1))
    yield rows_of(chunk.records, chunk.views, (CLEAN, 0), whole, labels)
    names = np.array([record.id for record in chunk.records])
    first = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    lengths = np.diff(np.append(first, len(names)))
    videos = [chunk.records[i] for i in first]
    mean = np.add.reduceat(single.astype(np.float64), first) / lengths[:, None, None]
    for place, condition in enumerate(asked.conditions[1:]):
        merged = labels.merged(
            mean[:, place].astype(np.float32), [one.label for one in videos], [one.id for one in videos]
        )
        best = np.where(np.isfinite(merged).all(axis=1), merged.argmax(axis=1), -1)
        row = answers(best, len(classes))
        made = rows_of(videos, [0] * len(videos), condition, row, same(classes))
        yield _labelled(made, [labels.first(one.label) for one in videos])


def _labelled(rows: Predictions, labels: list[int]) -> Predictions:
    return replace(rows, label=np.array(labels, dtype=np.int64))


def _saved(
    job: Job[ZeroshotConfig], records: list[VideoRecord], parts: ResumableRows
) -> list[dict[str, str]]:
    """Join the parts; returns the videos that could not be read.

    Raises:
        UsageError: more than 1 % of the videos are broken and that was not allowed.
        MuybridgeError: a file changed meanwhile.
    """
    reasons = {one["path"]: one["reason"] for one in parts.broken}
    broken = check_broken(
        records, [reasons.get(str(record.video), "") for record in records], job.config.allow_broken
    )
    check_same(job.dataset, records, fingerprints(records))
    path = job.run.path
    parts.join({path / "templates.parquet": SINGLE}, path / "predictions.parquet")
    return broken


def _seen(job: Job[ZeroshotConfig], question: Question) -> tuple[list[int], str]:
    """Places of the classes whose names the model was trained on, and what says so; empty words where nothing does."""
    config = job.config
    if config.seen is not None:
        known = label_set(config.seen)
        return seen_among(question.classes, question.said, known), config.seen if len(
            config.seen
        ) < 40 else "a file"
    run = job.inputs.get("model")
    if run is not None and run.stage == "pretrain":
        return told_among(question.said, _captions(run)), "the captions of its training"
    if run is not None:
        return seen_among(
            question.classes, question.said, run.result["data"]["classes"]
        ), "the labels of its training"
    if job.subject and job.subject.classes and config.words:
        return seen_among(
            question.classes, question.said, job.subject.classes
        ), "the classes of the classifier"
    known_set = known_labels(config.model)
    return (
        (seen_among(question.classes, question.said, label_set(known_set)), known_set)
        if known_set
        else ([], "")
    )


def _captions(run: Run) -> list[str]:
    """The sentences that a run was trained on."""
    one = change(PretrainConfig(), dict(result_config(run)), run.signature)
    dataset = sources.load(
        one.data, label=one.label, group=one.group, root=one.root, allow_links=one.allow_links
    )
    told = caption_column.read(
        one.data, dataset, one.caption, group=one.group, root=one.root, allow_links=one.allow_links
    )
    held = {record.id for record in dataset.records if record.split in ("test", "val")}
    return [text for name, text in told.items() if name not in held]


def _parts(classes: tuple[str, ...]) -> dict[str, list[str]]:
    """Object and motion of classes that are pairs of them; nothing of other classes."""
    if not set(classes) <= PAIRS.keys():
        return {}
    return {name: [PAIRS[one][place] for one in classes] for place, name in enumerate(("object", "motion"))}


def _spent(asked: Asked, protocol: Protocol, videos: int, compute: Compute) -> dict[str, object]:
    clips = videos * protocol.views
    blank = torch.zeros(1, 3, protocol.frames, protocol.crop, protocol.crop, dtype=torch.uint8)
    with without_gradients(asked.judge), flop_counter() as counter:
        asked.scores(blank, compute)
    return {
        "clips": clips, "steps": 0, "frames": clips * protocol.frames, "flops": clips * int(counter.get_total_flops()), "waiting": 0.0,
    }  # fmt: skip


def _strips(tested: Any, question: Question) -> dict[str, np.ndarray]:
    """The first clips with what their class is called."""
    chunk = next(iter(tested.read()))
    shown = range(min(SHOWN, len(chunk.records)))
    return {
        f"{i + 1}: {question.said[question.labels.first(chunk.records[i].label)]}"[:80]: strip(chunk.clip, i) for i in shown
    }  # fmt: skip


ZEROSHOT = Zeroshot()
