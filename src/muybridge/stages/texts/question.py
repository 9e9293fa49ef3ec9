"""What a zero-shot run asks: which classes, in which words, by which prompts; and which of them the model has seen before."""

import csv
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from muybridge.backbones.weights.kinetics_classes import FILE as KINETICS400
from muybridge.config.stage_configs import ZeroshotConfig
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import canonical
from muybridge.data.class_file import read_classes
from muybridge.data.index import Dataset
from muybridge.data.sets.known_sets import official_split
from muybridge.stages.testing.labels import Labels, matched, same
from muybridge.stages.texts.class_names import named, same_name
from muybridge.stages.texts.prompts import PromptSet, prompt_set

NONE = "none"
LABEL_SETS = {"kinetics400": KINETICS400}
"""Sets of action labels by name."""
ASKED = ("pooling", "conse_top", "words")
"""Facts of a model that belong to the question."""
NEAR = "kinetics400-near"
TWINS = Path(__file__).with_name("ucf101_kinetics400.csv")
"""The nearest class of Kinetics-400 to each class of UCF101, and the cosine of their names: static token vectors of wordllama 0.4.0
(l2_supercat, 256-d), names cleaned, no capitals. Facts of names, not of videos; some neighbours mean nothing (eye makeup, situp: 0.49)."""
TWIN = 0.8
"""Cosine from which two names count as one under ``kinetics400-near``: 39 of 101; 22 reach 0.95."""


@dataclass(frozen=True)
class Question:
    """Classes in words.

    Attributes:
        classes: names of the candidates, in the order of the scores.
        labels: from labels of the data set to candidates.
        said: what is said of each candidate.
        other: what the other way of naming says (raw for clean, clean for raw); the same where it changes nothing.
        prompts: templates.
        order: of averaging over them.
        split: official split, if the data set has several.
    """

    classes: tuple[str, ...]
    labels: Labels
    said: tuple[str, ...]
    other: tuple[str, ...]
    prompts: PromptSet
    order: str
    split: dict[str, object] | None

    @property
    def facts(self) -> dict[str, object]:
        """What is signed of it and stands in ``result.json``."""
        return {
            "templates": list(self.prompts.templates),
            "template_set": self.prompts.name,
            "template_hash": self.prompts.hash,
            "names": list(self.said),
            "classes_hash": hashlib.sha256("\n".join(self.classes).encode()).hexdigest()[:12],
            "ensemble": self.order,
            "split": self.split,
        }

    def hash(self, clips: dict[str, object], model: dict[str, object]) -> str:
        """Name of the whole protocol: clips, words, averages; of the facts of a model those that are choices of whoever asks."""
        model = {name: model[name] for name in ASKED if name in model}
        content = {name: value for name, value in clips.items() if name not in ("name", "hash")}
        return hashlib.sha256(canonical([content, self.facts, model]).encode()).hexdigest()[:12]


def question_of(config: ZeroshotConfig, dataset: Dataset) -> Question:
    """The question that a config asks about a data set.

    Raises:
        UsageError: no classes, a label that is no candidate, names or templates that cannot be used.
    """
    prompts = prompt_set(config.templates)
    if config.candidates:
        classes = read_candidates(Path(config.candidates))
        labels = matched(dataset.classes, classes, dataset.name)
    else:
        classes, labels = dataset.classes, same(dataset.classes)
    said = named(classes, config.names, dataset.name)
    try:
        other = named(classes, "raw" if config.names == "clean" else "clean", dataset.name)
    except UsageError:  # names that only one of the two ways can say
        other = said
    return Question(classes, labels, said, other, prompts, config.ensemble, official_split(config.data))


def read_candidates(path: Path) -> tuple[str, ...]:
    """Classes to choose from, one per line.

    Raises:
        UsageError: no such file, or a name twice.
    """
    try:
        return read_classes(path)
    except UsageError as error:
        raise UsageError(str(error).replace("--classes", "--candidates", 1)) from error


def label_set(seen: str) -> tuple[str, ...]:
    """Names of the action labels that ``--seen`` names.

    Raises:
        UsageError: neither none, nor a set, nor a file.
    """
    if seen == NONE:
        return ()
    if seen == NEAR:
        return (*read_classes(KINETICS400), *twins())
    path = LABEL_SETS.get(seen, Path(seen))
    if not path.is_file():
        raise UsageError(
            f"--seen {seen}: wanted none, {', '.join(LABEL_SETS)}, {NEAR}, or a file with one label per line."
        )
    return read_classes(path)


def twins(least: float = TWIN) -> tuple[str, ...]:
    """Classes of UCF101 whose name comes at least that near to one of Kinetics-400."""
    rows = csv.DictReader(TWINS.read_text(encoding="utf-8").splitlines())
    return tuple(row["ucf101"] for row in rows if float(row["cosine"]) >= least)


def seen_among(classes: Sequence[str], said: Sequence[str], known: Collection[str]) -> list[int]:
    """Places of the classes whose name is among known labels, whatever the capitals and signs."""
    names = {same_name(name) for name in known}
    return [
        i
        for i, both in enumerate(zip(classes, said, strict=True))
        if names & {same_name(one) for one in both}
    ]


def told_among(said: Sequence[str], captions: Collection[str]) -> list[int]:
    """Places of the classes whose words stand in a row in some training caption."""
    padded = [f" {' '.join(text.casefold().split())} " for text in dict.fromkeys(captions)]
    return [i for i, words in enumerate(said) if any(f" {words.casefold()} " in text for text in padded)]
