"""Which clips a robustness run keeps pictures of: the rule, against answers made by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from muybridge.core.clip import Clip
from muybridge.runs.contents.predictions import Predictions, concatenate, read_predictions, write_predictions
from muybridge.runs.contents.strips import clip_name, clip_of
from muybridge.stages.testing import tested_strips
from muybridge.stages.testing.grid import Grid
from muybridge.stages.testing.tested import Chunk
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


@dataclass(frozen=True)
class Shelf:
    """Test videos in chunks of three, two views each."""

    names: Sequence[str]

    def read(self, start: int = 0, every: int = 1) -> Iterator[Chunk]:
        for at in range(0, len(self.names), 3):
            some = [name for name in self.names[at : at + 3] for _ in range(2)]
            shade = torch.tensor([self.names.index(name) for name in some], dtype=torch.uint8)
            frames = shade.view(-1, 1, 1, 1, 1).expand(-1, 3, 4, 6, 6).contiguous()
            records = tuple(SimpleNamespace(id=name) for name in some)
            yield Chunk(
                Clip(frames, torch.zeros(len(some), dtype=torch.int64), tuple(some)),
                (0, 1) * (len(some) // 2),
                records,
            )


def test_clips_are_found_in_rows_that_stand_chunk_by_chunk_and_condition_by_condition(tmp_path: Path):
    names = [f"v{number}" for number in range(7)]
    grid = Grid([("clean", 0), ("identity", 0), ("jpeg", 1), ("jpeg", 3), ("gaussian_noise", 3)], "daily", 4)
    told = {
        "v1": (0, {("jpeg", 3): False}), "v4": (1, {("jpeg", 1): False, ("jpeg", 3): False}), "v5": (2, {("gaussian_noise", 3): False}),
    }  # fmt: skip
    kept = [one for one in grid.conditions if one[0] != "identity"]
    parts = []
    for at in range(0, len(names), 3):
        for condition in kept:
            for name in names[at : at + 3]:
                label, right = told.get(name, (0, {}))
                scores = np.zeros((2, 3), np.float32)
                scores[:, label if right.get(condition, True) else (label + 1) % 3] = 1
                parts.append(Predictions(
                    video=np.array([name] * 2), group=np.array([name] * 2), label=np.array([label] * 2), view=np.arange(2), scores=scores,
                    perturbation=np.array([condition[0]] * 2), severity=np.array([condition[1]] * 2),
                ))  # fmt: skip
    write_predictions(tmp_path / "rows.parquet", concatenate(parts))
    strips = tested_strips.flip_strips(
        grid, Shelf(names), tmp_path / "rows.parquet", 2, {"identity", "gaussian_noise"}
    )
    assert [clip_of(name) for name in strips] == [
        ("v1", "clean", 0),
        ("v1", "jpeg", 3),
        ("v4", "clean", 0),
        ("v4", "jpeg", 1),
    ]
    assert {int(strips[clip_name(video, "clean", 0)].max()) for video in ("v1", "v4")} == {1, 4}
    assert strips[clip_name("v1", "clean", 0)].shape == (4, 6, 6, 3)


def test_no_more_videos_are_decoded_than_are_looked_at(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tested_strips, "LOOKED", 3)
    read = []
    shelf = Shelf([f"v{number}" for number in range(9)])
    monkeypatch.setattr(
        Shelf, "read", lambda self, real=Shelf.read: (read.append(chunk) or chunk for chunk in real(self))
    )
    write_predictions(tmp_path / "rows.parquet", answers({name: (0, {}) for name in shelf.names}))
    assert (
        tested_strips.flip_strips(
            Grid([("clean", 0), *ASKED], "daily", 4), shelf, tmp_path / "rows.parquet", 2, set()
        )
        == {}
    )
    assert len(read) == 1
