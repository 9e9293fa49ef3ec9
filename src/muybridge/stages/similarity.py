"""similarity: how much the layers of two networks tell apart the same clips, or those of one network clean and perturbed clips."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from muybridge.config.config_fields import ConfigFields, fields_of
from muybridge.config.stage_configs import SimilarityConfig
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import rank
from muybridge.core.seeding import rng
from muybridge.data.index import Dataset, VideoRecord, check_same, fingerprints
from muybridge.data.loader import check_broken
from muybridge.measure.similarity.blocks import block_score, mean_off_diagonal
from muybridge.measure.similarity.cka import LEAST
from muybridge.measure.similarity.layer_drift import DriftSums
from muybridge.measure.similarity.layer_similarity import LayerMap, LayerSums
from muybridge.measure.similarity.twin_retrieval import TwinSums
from muybridge.perturb.apply import perturb
from muybridge.runs.contents.layer_maps import PERTURBED, REDRAWN, write_maps
from muybridge.runs.contents.result_fields import Facets
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.stages.features import compared
from muybridge.stages.features.clip_batches import batches, chosen_videos
from muybridge.stages.features.compared import NetworkFacts
from muybridge.stages.features.layer_grams import LayerGrams
from muybridge.stages.features.map_numbers import axis, drift_numbers, numbers
from muybridge.stages.features.networks import build, calibrate, network
from muybridge.stages.job.check import check_cells
from muybridge.stages.job.job import Job, Progress, Request, Result, Stage, Work
from muybridge.stages.job.origins import Planned, read_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.signed import signed_input
from muybridge.stages.testing.clip_protocol import Protocol
from muybridge.stages.testing.tested import Direct, direct
from muybridge.stages.training.material import limited
from muybridge.train.flops import flop_counter
from muybridge.train.precision import Compute, choose


@dataclass(frozen=True)
class Stimuli:
    """The clips that networks are compared on.

    Attributes:
        records: videos in the order they are shown, broken ones included.
        tested: their clips.
        numbers: number of the source group of each video, by id.
    """

    records: Sequence[VideoRecord]
    tested: Direct
    protocol: Protocol
    numbers: dict[str, int]
    notes: list[str]

    @property
    def groups(self) -> int:
        """Source groups."""
        return len(set(self.numbers.values()))

    def batches(self, size: int) -> Iterator[tuple[Clip, np.ndarray]]:
        """Clips and the numbers of their groups."""
        for clip, records in batches(self.tested, size):
            yield clip, np.array([self.numbers[record.id] for record in records])

    def multiplicities(self, replicates: int, seed: int) -> Float64[np.ndarray, "r g"] | None:
        """How often each group is drawn in each replicate; None for fewer than two groups."""
        if self.groups < 2:
            return None
        share = np.full(self.groups, 1 / self.groups)
        drawn = rng(seed, "bootstrap", "similarity").multinomial(self.groups, share, replicates)
        return drawn.astype(np.float64)


class Similarity(Stage[SimilarityConfig]):
    """Compare the layers of two networks on the same clips."""

    name = "similarity"
    shorter = "--layers or --videos"
    alike = False

    def located(self, config: SimilarityConfig) -> SimilarityConfig:
        """Full paths in the words of both networks."""
        words: dict[str, Any] = {
            name: compared.absolute_word(word) for name, word in compared.words_of(config).items()
        }
        return replace(config, **words)

    def runs(self, config: SimilarityConfig) -> dict[str, Run]:
        """Those of its words that name one, of any stage: ``inherit`` says what is wrong with it."""
        found = {name: compared.run_of(word) for name, word in compared.words_of(config).items()}
        return {name: run for name, run in found.items() if run is not None}

    def inherit(self, config: SimilarityConfig, origins: Planned) -> SimilarityConfig:
        """The data set from the run A where none is named, B from A."""
        return compared.inherited(config, origins)

    def check(
        self, config: SimilarityConfig, dataset: Dataset, origins: Planned, memory: ResolveCache
    ) -> None:
        """Refuse measures, layers and batches that compare nothing."""
        super().check(config, dataset, origins, memory)
        _check_comparison(config)

    def job(self, asked: Request[SimilarityConfig]) -> Job[SimilarityConfig]:
        """Signed by the runs or weights of both, and by how clips are cut."""
        config, words = asked.config, compared.words_of(asked.config)
        inputs = {name: run for name, run in asked.inputs.items() if name in words}  # B that is A is none
        held = {
            name: compared.signed_word(word, asked.memory, f"--{name}") for name, word in words.items() if name not in inputs
        }  # fmt: skip
        runs = {name: signed_input(run.signature, words[name]) for name, run in inputs.items()}
        evaluation = compared.protocol_of(config, asked.origins)
        signed = {name: value for name, value in asked.signed.items() if name not in words}
        signed |= {"evaluation": evaluation.facts()}
        facets = self.facets(fields_of(config), asked.dataset.name, asked.planned)
        name = signature(self.name, signed, runs | held)
        return Job(self.name, config, asked.dataset, inputs, name, facets, signed, list(asked.dataset.notes))

    def protocol(self, config: ConfigFields) -> str:
        """With the perturbations that it is compared under."""
        return self.facts.title + (
            f" to clips perturbed by {' '.join(config['perturb'])}" if config["perturb"] else ""
        )

    def facets(self, config: ConfigFields, data: str, planned: Planned) -> Facets:
        """Sorted by both networks."""
        words = {"a": config["a"], "b": config["b"]}
        facts = {name: compared.facts_of_word(word, planned) for name, word in words.items() if word}
        return {
            "arm": " | ".join(map(compared.named, facts.values())), "data": data, "protocol": self.protocol(config),
            "seed": config["seed"], "fold": None, "backbone": facts["a"]["backbone"],
            "source": " | ".join(str(one["source"]) for one in facts.values() if one["source"]),
            "level": " | ".join(str(one["level"]) for one in facts.values() if one["level"]),
        }  # fmt: skip

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """One clip of each video through both networks, and through A under every condition."""
        shown = len(config["perturb"]) * len(config["perturb_severities"])
        return Work(0.0, float(min(test, config["videos"]) * (1 + bool(config["b"]) + shown)))

    def run(self, job: Job[SimilarityConfig], progress: Progress | None) -> Result:
        """Save maps of values, null bands and intervals; every network runs once on every batch, whatever the number of pairs of layers."""
        config = job.config
        if rank() > 0:
            return {}
        began = time.monotonic()
        compute = choose(config.device, config.precision)
        origins = {name: read_config(one, {}) for name, one in job.inputs.items()}
        stimuli = _stimuli(job, compared.protocol_of(config, origins))
        looked = [
            _looked(job, flag, origins, stimuli, compute) for flag in ("a", "b") if getattr(config, flag)
        ]
        wide = stimuli.multiplicities(config.replicates, config.seed)
        sums = LayerSums(config.measure, wide, config.permutations, config.seed)
        drift, twins = DriftSums(wide, config.permutations, config.seed), TwinSums(wide)
        found = _Axes()
        done = 0
        sizes: list[int] = []
        for clip, groups in stimuli.batches(config.batch):
            if len(clip) < LEAST:
                break
            grams = [found.stacked(place, one, one.of(clip.frames)) for place, one in enumerate(looked)]
            if not config.perturb:
                sums.add(grams[0], grams[-1], groups)
            else:
                shown: list[Tensor] = []
                vectors = [looked[0].vectors]
                for one in _perturbed(config, job.dataset.name, clip):
                    shown.append(found.stacked(0, looked[0], looked[0].of(one.frames)))
                    vectors.append(looked[0].vectors)
                drift.add(grams[0], shown, groups)
                twins.add(vectors, groups)
            done, sizes = done + len(clip), [*sizes, len(clip)]
            if progress:
                progress(done, stimuli.tested.videos, {})
        _check(job, stimuli, done)
        return _told(job, stimuli, looked, found, sums, (drift, twins) if config.perturb else None, sizes) | {
            "budget": _budget(looked, stimuli.protocol, done, len(_cells(config)), compute, began)
        }


class _Axes:
    """The layers of each network, in the order in which they fired in the first batch."""

    def __init__(self) -> None:
        self.layers: dict[int, list[str]] = {}

    def stacked(self, place: int, one: LayerGrams, grams: dict[str, Tensor]) -> Float64[Tensor, "l n n"]:
        """Gram matrices of one batch as one tensor.

        Raises:
            UsageError: no layer fired, or others than in the first batch.
        """
        layers = self.layers.setdefault(place, list(grams))
        if not layers or set(layers) != set(grams):
            what = (
                "other layers fire in each batch"
                if layers
                else "no layer put out a tensor with one row per clip"
            )
            raise UsageError(f"{one.network.name}: {what}. Name layers that always fire with --layers.")
        return torch.stack([grams[layer] for layer in layers])


def _stimuli(job: Job[SimilarityConfig], protocol: Protocol) -> Stimuli:
    config = job.config
    records, notes = chosen_videos(job.dataset, config.videos, config.seed, LEAST)
    records = limited(records, config.limit)
    threads = config.workers
    tested, noted = direct(records, protocol, 1, threads, config.allow_broken)
    names = sorted({record.group for record in records})
    number = {record.id: names.index(record.group) for record in records}
    return Stimuli(records, tested, protocol, number, [*job.notes, *notes, *noted])


def _looked(
    job: Job[SimilarityConfig], flag: str, origins: object, stimuli: Stimuli, compute: Compute
) -> LayerGrams:
    """One of the two networks, on the device and ready."""
    config = job.config
    word = getattr(config, flag)
    facts = _facts(job, flag)
    module, prefix, untrained = build(
        word, job.inputs.get(flag), facts["backbone"], config.seed, stimuli.protocol
    )
    compute.place(module).eval()
    if untrained:
        calibrate(module, (clip.frames for clip, _ in stimuli.batches(config.batch)), compute)
    found = network(module, prefix, facts, config.layers, flag)
    return LayerGrams(found, compute, config.pool, config.repeats)


def _facts(job: Job[SimilarityConfig], flag: str) -> NetworkFacts:
    """What is known of a network."""
    word, source = getattr(job.config, flag), job.inputs.get(flag)
    if source is None:
        return compared.foreign_facts(word) | {"seed": job.config.seed if "=" not in word else None}
    return compared.run_facts(word, source.result["facets"]) | {"signature": source.signature}


def _cells(config: SimilarityConfig) -> list[tuple[str, int]]:
    return [(name, severity) for name in config.perturb for severity in config.perturb_severities]


def _perturbed(config: SimilarityConfig, dataset: str, clip: Clip) -> Iterator[Clip]:
    """The clips under every condition."""
    for name, severity in _cells(config):
        yield perturb(
            clip, name, severity, profile=config.perturb_profile, dataset=dataset, views=[0] * len(clip), seed=config.seed
        )  # fmt: skip


def _check(job: Job[SimilarityConfig], stimuli: Stimuli, done: int) -> None:
    """Refuse too few clips, and files that changed meanwhile.

    Raises:
        UsageError: fewer than four videos could be read, or too many are broken.
    """
    missing = [stimuli.tested.error(place) for place in range(len(stimuli.records))]
    check_broken(stimuli.records, missing, job.config.allow_broken)
    if done < LEAST:
        limit = job.config.limit
        if limit is not None and limit < LEAST:
            raise UsageError(f"--limit {limit}: wanted {LEAST} or more to compare layers.")
        raise UsageError(
            f"--data: {done} videos of {job.dataset.name} could be read; wanted {LEAST} or more to compare layers."
        )
    check_same(job.dataset, stimuli.records, fingerprints(stimuli.records))


def _told(
    job: Job[SimilarityConfig], stimuli: Stimuli, looked: Sequence[LayerGrams], found: _Axes, sums: LayerSums,
    moved: tuple[DriftSums, TwinSums] | None, sizes: list[int],
) -> dict[str, object]:  # fmt: skip
    """Write the maps; returns what ``result.json`` says of them."""
    config = job.config
    maps: dict[str, LayerMap] = {} if moved else {**sums.maps()}
    told: dict[str, object] = {
        name: numbers(one, sums.redrawn() if name == "cka" else None) for name, one in maps.items()
    }
    drift: list[dict[str, object]] = []
    if moved:
        maps[PERTURBED] = moved[0].map()
        drift = drift_numbers(maps[PERTURBED], _cells(config), moved[1].shares())
    arrays = {f"{name}.{kind}": value for name, one in maps.items() for kind, value in one.arrays().items()}
    redrawn = sums.redrawn()
    if redrawn is not None:
        arrays[f"{REDRAWN}.value"] = np.stack([mean_off_diagonal(redrawn), block_score(redrawn)])
    write_maps(job.run.path, arrays)
    axes = [
        axis(one, found.layers[place]) | {"facts": _facts(job, "ab"[place])}
        for place, one in enumerate(looked)
    ]
    notes = [*stimuli.notes, *[note for one in axes for note in one.pop("notes")]]
    usual = sizes[0] if sizes else 0
    if sizes and sizes[-1] > config.batch:
        notes.append(
            f"the last batch has {sizes[-1]} clips: the {sizes[-1] - config.batch} over are too few for one of their own"
        )
    if stimuli.groups < 2:
        notes.append("all videos are of one source group: no interval")
    if moved and looked[0].vectors is None:
        notes.append(
            f"no twin retrieval: the axes of what layer {looked[0].last} puts out are not known; name another last layer with --layers"
        )
    if len(sizes) * usual < 256:
        notes.append(f"{sum(sizes)} clips: below 256 maps are rough; look at the intervals")
    name = (
        " against ".join(one["name"] for one in axes)
        if len(axes) > 1
        else f"{axes[0]['name']} against itself"
    )
    return {
        "summary": f"layers of {name} on {job.dataset.name}",
        "data": {
            "name": job.dataset.name, "fingerprint": job.dataset.fingerprint, "classes": list(job.dataset.classes),
            "videos": {"test": len(stimuli.records)}, "source": list(config.data),
            "broken": [
                {"path": str(record.video), "reason": stimuli.tested.error(i)}
                for i, record in enumerate(stimuli.records) if stimuli.tested.error(i)
            ],
        },
        "protocol": stimuli.protocol.facts(),
        "chance": None,
        "similarity": {
            "a": axes[0], "b": axes[-1] if len(axes) > 1 else None, "measures": told, "pool": config.pool,
            "clips": sum(sizes), "batches": sizes, "groups": stimuli.groups, "permutations": config.permutations,
            "replicates": config.replicates if stimuli.groups > 1 else 0,
            "conditions": [[name, severity] for name, severity in _cells(config)],
            "profile": config.perturb_profile if moved else None,
            "drift": drift,
        },
        "notes": notes,
    }  # fmt: skip


def _budget(
    looked: Sequence[LayerGrams],
    protocol: Protocol,
    clips: int,
    conditions: int,
    compute: Compute,
    began: float,
) -> dict[str, object]:
    """What the run cost."""
    shown = torch.zeros(1, 3, protocol.frames, protocol.crop, protocol.crop, device=compute.device)
    flops = 0
    for place, one in enumerate(looked):
        with torch.no_grad(), flop_counter() as counter:
            one.network.module(shown)
        flops += int(counter.get_total_flops()) * clips * (1 + (conditions if place == 0 else 0))
    passes = clips * (len(looked) + conditions)
    return {
        "clips": passes, "steps": 0, "frames": passes * protocol.frames, "flops": flops,
        "seconds": round(time.monotonic() - began, 2), "waiting": 0.0,
    }  # fmt: skip


def _check_comparison(config: SimilarityConfig) -> None:
    if config.perturb:
        if config.b:
            raise UsageError("--perturb: compares A with itself on perturbed clips; leave B out.")
        check_cells(config.perturb_profile, config.perturb, config.perturb_severities, config.frames or 2)
    if config.batch < LEAST:
        raise UsageError(
            f"--batch {config.batch}: wanted {LEAST} or more."
        )  # an unbiased estimate is a mean over tuples of four
    if not config.measure or len(set(config.measure)) < len(config.measure):
        raise UsageError(
            f"--measure {' '.join(config.measure) or '(nothing)'}: wanted one or more measures, each once."
        )
    if not config.layers:
        raise UsageError("--layers: wanted all, stages, or names of modules.")


SIMILARITY = Similarity()
