"""builtin-scenes: captions are true, held-out pairs are in no training video, every part is."""

import csv
from pathlib import Path

import numpy as np
import pytest

from muybridge.data import sources
from muybridge.data.lists import caption_column
from muybridge.data.sets import builtin_render
from muybridge.data.sets.builtin_assets import PHOTOS
from muybridge.data.sets.builtin_render import MOTIONS, OBJECTS, recipe
from muybridge.data.sets.builtin_scenes import BACKDROPS, PAIRS, caption, is_held_out, write_table
from muybridge.stages.texts.class_names import cleaned


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, str]]:
    write_table(tmp_path / "scenes.csv", 0, 480, 240)
    return list(csv.DictReader((tmp_path / "scenes.csv").read_text().splitlines()))


def test_held_out_pairs_are_never_trained_on_and_all_parts_are(rows: list[dict[str, str]]):
    train = {row["label"] for row in rows if row["split"] == "train"}
    test = {row["label"] for row in rows if row["split"] == "test"}
    assert len(PAIRS) == len(test) == 120
    assert len(test - train) == 30
    assert {PAIRS[one][0] for one in train} == set(OBJECTS)
    assert {PAIRS[one][1] for one in train} == set(MOTIONS)
    by_object = [sum(is_held_out(o, m) for m in MOTIONS) for o in OBJECTS]
    by_motion = [sum(is_held_out(o, m) for o in OBJECTS) for m in MOTIONS]
    assert set(by_object) == {3}
    assert set(by_motion) <= {2, 3}


def test_no_caption_of_training_names_a_held_out_pair(rows: list[dict[str, str]]):
    unseen = {row["label"] for row in rows} - {row["label"] for row in rows if row["split"] == "train"}
    told = [row["caption"] for row in rows if row["split"] == "train"]
    assert not [pair for pair in unseen if any(pair in text for text in told)]
    assert all(row["label"] in row["caption"] for row in rows)


def test_the_backdrop_of_a_caption_is_the_photo_behind_the_clip(monkeypatch: pytest.MonkeyPatch):
    shades = [np.full((80, 80, 3), (i + 1) / 8, np.float32) for i in range(7)]
    monkeypatch.setattr(builtin_render, "photos", lambda split, size: shades[: len(PHOTOS[split])])
    for index in range(12):
        clip, object_, motion = builtin_render.render(0, "train", index, frames=2, size=16)
        shade = np.median(clip[0].reshape(-1, 3), axis=0)[0] / 255 / builtin_render.BRIGHTNESS * 8 - 1
        names = [BACKDROPS[name.partition(".")[0]] for name in PHOTOS["train"]]
        made = recipe(0, "train", index)
        assert (object_, motion) == (made.object, made.motion)
        if abs(shade - round(shade)) < 0.2:  # the digit or the disc does not cover half of the clip
            assert caption(0, "train", index).endswith(f"over {names[round(shade)]}")


def test_captions_of_a_list_are_read_by_column(tmp_path: Path, videos: Path):
    lines = [
        "path,label,said",
        *(f"{path},x,square {i}" for i, path in enumerate(sorted(videos.rglob("*.mp4")))),
    ]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    source = (str(tmp_path / "list.csv"),)
    dataset = sources.load(source)
    found = caption_column.read(source, dataset, "said")
    assert sorted(found) == sorted(record.id for record in dataset.records)
    assert set(found.values()) == {f"square {i}" for i in range(16)}
    with pytest.raises(
        Exception,
        match=r"has no column 'caption' with a sentence about each video.*columns: path, label, said",
    ):
        caption_column.read(source, dataset, None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ApplyEyeMakeup", "Apply Eye Makeup"), ("YoYo", "Yo Yo"), ("brush_hair", "brush hair"), ("TaiChi", "Tai Chi"),
        ("playing TVgame", "playing TVgame"), ("Moving [something] up", "Moving something up"), ("abseiling", "abseiling"),
        ("BMXRiding", "BMX Riding"), ("HandstandPushups", "Handstand Pushups"),
    ],
)  # fmt: skip
def test_names_of_classes_become_words(name: str, words: str):
    assert cleaned(name) == words
