"""What answers mean where labels change, against answers whose meaning is known."""

import numpy as np
import pytest

from muybridge.measure.robustness.altered import (
    KEPT,
    OLD,
    PARTNER,
    by_kind,
    pairs_of,
    taken_for,
    which_of_two,
    which_pair,
)
from muybridge.runs.contents.predictions import Predictions

CLASSES = ["left", "right", "jump", "fall"]
BECOMES = {"left": "right", "right": "left", "fall": ""}


def rows(labels: np.ndarray, answers: np.ndarray, name: str = "reversal", severity: int = 1) -> Predictions:
    """One video a group."""
    videos = np.array([f"v{i:03d}" for i in range(len(labels))])
    scores = np.zeros((len(labels), len(CLASSES)), np.float32)
    scores[np.arange(len(labels)), answers] = 1
    return Predictions(
        video=videos, group=videos, label=labels.astype(np.int64), view=np.zeros(len(labels), np.int64), scores=scores,
        perturbation=np.full(len(labels), name), severity=np.full(len(labels), severity),
    )  # fmt: skip


def test_each_outcome_counts_its_own_classes():
    labels = np.repeat([0, 1, 2, 3], 10)
    answers = np.array([1] * 8 + [0] * 2 + [0] * 6 + [3] * 4 + [2] * 7 + [0] * 3 + [3] * 5 + [1] * 5)
    found = {kind: one.accuracy[0] for kind, one in by_kind(rows(labels, answers), BECOMES, CLASSES).items()}
    assert found == pytest.approx({KEPT: 7 / 10, PARTNER: 14 / 20, OLD: (2 + 0 + 5) / 30})
    assert set(by_kind(rows(labels, answers), {}, CLASSES)) == {KEPT}
    assert set(by_kind(rows(labels[:20], answers[:20]), BECOMES, CLASSES)) == {PARTNER, OLD}


def test_a_reader_without_order_tells_the_pair_and_not_the_direction():
    """Scores that are the same for a clip and its reverse: exactly one of the two is right, whatever the scores are."""
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 2, 100)
    scores = stream.normal(size=(100, 4)).astype(np.float32)
    both = rows(np.concatenate([labels, 1 - labels]), np.zeros(200, np.int64))
    both = Predictions(**{**vars(both), "scores": np.concatenate([scores, scores])})
    pairs = pairs_of({"left": "right", "right": "left"}, CLASSES)
    told, pair = which_of_two(both, pairs), which_pair(both, pairs)
    assert told is not None
    assert pair is not None
    assert told.accuracy[0] == 0.5
    assert pair.accuracy[0] == np.isin(both.predicted, [0, 1]).mean() > 0.3
    same = which_of_two(Predictions(**{**vars(both), "scores": np.zeros((200, 4), np.float32)}), pairs)
    assert same is not None
    assert same.accuracy[0] == 0.5
    lost = which_of_two(Predictions(**{**vars(both), "scores": np.full((200, 4), np.nan, np.float32)}), pairs)
    assert lost is not None
    assert lost.accuracy[0] == 0
    assert which_of_two(both, pairs_of({}, CLASSES)) is None
    assert which_pair(both, pairs_of({"left": "elsewhere"}, CLASSES)) is None


def clean() -> Predictions:
    labels = np.repeat([0, 1, 2, 3], 20)
    return rows(labels, labels, "clean", 0)


def test_a_class_that_turns_into_another_is_suspected_with_the_share():
    labels = np.repeat([0, 1, 2, 3], 20)
    answers = labels.copy()
    answers[:18] = 1
    answers[20:40] = 0
    found = {
        (one.name, one.called): one.share
        for one in taken_for(clean(), rows(labels, answers, "turn", 5), CLASSES)
    }
    assert found == pytest.approx({("left", "right"): 0.9, ("right", "left"): 1.0})


@pytest.mark.parametrize("case", ["sink", "lost", "half", "few"])
def test_noise_is_no_change_of_label(case: str):
    labels = np.repeat([0, 1, 2, 3], 20)
    answers = {
        "sink": np.zeros(80, np.int64),  # everything is called left
        "lost": np.random.default_rng(0).integers(0, 4, 80),
        "half": np.where(np.arange(80) % 20 < 11, labels, (labels + 1) % 4),
        "few": np.where(np.arange(80) < 20, 1, labels),
    }[case]
    before, after = clean(), rows(labels, answers, "noise", 5)
    if case == "few":  # one source group: nothing tells how another would be
        before, after = (Predictions(**{**vars(one), "group": np.full(80, "g")}) for one in (before, after))
    assert taken_for(before, after, CLASSES) == []


def test_one_class_alone_cannot_be_suspected():
    one = rows(np.zeros(20, np.int64), np.zeros(20, np.int64), "clean", 0)
    assert taken_for(one, rows(np.zeros(20, np.int64), np.ones(20, np.int64), "turn", 5), CLASSES) == []


def test_what_is_suspected_costs_no_look_at_all_answers_for_every_class(monkeypatch: pytest.MonkeyPatch):
    """With 160 classes that change places a report stood still for a minute a condition."""
    looks: list[int] = []
    plain = Predictions.predicted.fget
    monkeypatch.setattr(Predictions, "predicted", property(lambda self: looks.append(1) or plain(self)))
    counted = {}
    for classes in (4, 16):
        names, labels = [f"c{i}" for i in range(classes)], np.repeat(np.arange(classes), 20)
        scores = np.eye(classes, dtype=np.float32)
        parts = [
            Predictions(
                np.arange(len(labels)).astype(str), (np.arange(len(labels)) % 7).astype(str), labels, np.zeros(len(labels), np.int64),
                np.full(len(labels), name), np.full(len(labels), severity), scores[answers],
            )
            for name, severity, answers in (("clean", 0, labels), ("turn", 5, labels ^ 1))
        ]  # fmt: skip
        looks.clear()
        assert len(taken_for(*parts, names)) == classes
        counted[classes] = len(looks)
    assert counted[4] == counted[16]
