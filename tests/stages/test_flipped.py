"""Which clips a robustness run keeps pictures of: the rule, against answers made by hand."""

from pathlib import Path

import numpy as np

from muybridge.runs.contents.predictions import Predictions, read_predictions, write_predictions
from muybridge.stages.testing import tested_strips
from muybridge.stages.testing.tested_strips import flipped

ASKED = [("jpeg", 1), ("jpeg", 3), ("blur", 1), ("blur", 3), ("noise", 1), ("noise", 3), ("dark", 3)]


def answers(told: dict[str, tuple[int, dict[tuple[str, int], bool]]]) -> Predictions:
    """Rows of videos: their class, and under which conditions they are right (all that are not named)."""
    found = [
        (video, label, name, severity, right.get((name, severity), True))
        for video, (label, right) in told.items()
        for name, severity in [("clean", 0), *ASKED]
    ]
    scores = np.zeros((len(found), 3), np.float32)
    for row, (_, label, _, _, right) in enumerate(found):
        scores[row, label if right else (label + 1) % 3] = 1
    videos, labels, names, severities, _ = zip(*found, strict=True)
    return Predictions(
        video=np.array(videos), group=np.array(videos), label=np.array(labels), view=np.zeros(len(found), np.int64), scores=scores,
        perturbation=np.array(names), severity=np.array(severities),
    )  # fmt: skip


def test_of_each_class_the_first_that_flips_by_its_mildest_severities():
    rows = answers({
        "steady": (0, {}),
        "late": (0, {("jpeg", 3): False}),
        "second of its class": (0, {("jpeg", 1): False}),
        "wrong": (1, {("clean", 0): False, ("jpeg", 1): False}),
        "all": (1, dict.fromkeys(ASKED, False)),
    })  # fmt: skip
    assert flipped(rows, ASKED) == {"late": [("jpeg", 3)], "all": [("jpeg", 1), ("blur", 1), ("noise", 1)]}
    assert flipped(rows, [("blur", 3)]) == {"all": [("blur", 3)]}


def test_no_more_clips_than_fit(monkeypatch):
    monkeypatch.setattr(tested_strips, "CLIPS", 1)
    rows = answers({name: (label, {("jpeg", 1): False}) for label, name in enumerate("abc")})
    assert list(flipped(rows, ASKED)) == ["a"]


def test_nothing_flips_or_is_there():
    rows = answers({"steady": (0, {})})
    assert flipped(rows, ASKED) == {}
    assert flipped(rows.where(np.zeros(len(rows), bool)), ASKED) == {}


def test_the_first_rows_of_a_file_are_read_without_the_rest(tmp_path: Path):
    rows = answers({name: (0, {}) for name in "abcdef"})
    write_predictions(tmp_path / "rows.parquet", rows)
    some = read_predictions(tmp_path / "rows.parquet", first=10)
    assert some.video.tolist() == rows.video[:10].tolist()
    assert (some.scores == rows.scores[:10]).all()
    assert len(read_predictions(tmp_path / "rows.parquet", first=10**6)) == len(rows)
