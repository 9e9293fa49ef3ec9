"""What changes how pictures look is found by the doctor and noted in results."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from make_videos import encode

import muybridge
from muybridge.data import cache
from muybridge.data.decode import video
from muybridge.data.decode import video_traits as traits
from muybridge.data.doctor import likeness
from muybridge.data.doctor.examine import survey
from muybridge.data.lists import folder

MADE = {
    "hdr": {"options": {"x264-params": "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"}},
    "pixels": {"options": {"x264-params": "sar=4/3"}},
    "varying": {"times": lambda i: 40 * i + 900 * (i // 20)},
    "plain": {},
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``root/{a,b}/NAME.mp4``, each with the trait that it is named by."""
    root = tmp_path_factory.mktemp("odd")
    for number, (name, how) in enumerate(MADE.items()):
        (root / "ab"[number % 2]).mkdir(exist_ok=True)
        encode(root / "ab"[number % 2] / f"{name}.mp4", "libx264", frames=40, **how)
    return root


@pytest.mark.parametrize("name", MADE)
def test_a_trait_is_found_where_it_is_and_only_there(name: str, odd: Path):
    (path,) = odd.rglob(f"{name}.mp4")
    assert set(video.probe(path).traits) == {name} - {"plain"}
    assert set(video.watch(path, lambda picture: None).traits) == {name} - {"plain"}


def test_the_doctor_names_them(odd: Path, tmp_path: Path, run):
    found = survey(folder.read(odd), root=tmp_path)
    kinds = {Path(one.video).stem: one.kind for one in found.findings if one.kind in traits.WORDS}
    assert kinds == {name: name for name in MADE if name != "plain"}
    _, out, _ = run("data", "doctor", odd)
    assert all(words.split(":")[0] in out for name, words in traits.WORDS.items() if name in MADE)
    _, out, _ = run("data", "doctor", odd, "--json")
    assert {"verdict", "splits", "seconds", "sizes", "classes", "findings"} <= json.loads(out).keys()


def test_results_note_them(odd: Path, tmp_path: Path):
    planned = cache.plan(folder.read(odd).records, cache.Geometry(16, 16), root=tmp_path)
    notes = traits.notes(planned.traits)
    assert [note.split()[:2] for note in notes] == [["1", "video"]] * 3
    again = cache.plan(folder.read(odd).records, cache.Geometry(16, 16), root=tmp_path)
    assert again.traits == planned.traits, "as kept"


def test_a_run_notes_them(odd: Path, tmp_path: Path):
    small = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 2}
    run = muybridge.probe(data=odd, out=tmp_path, fold=0, folds=2, **small)
    assert any("high dynamic range" in note for note in run.result["notes"])


def test_a_film_of_twenty_frames_in_three_hours_has_a_rate(tmp_path: Path):
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "b").mkdir()
    encode(tmp_path / "set" / "a" / "slow.mp4", "libx264", frames=20, bframes=0, times=lambda i: 540_000 * i)
    encode(tmp_path / "set" / "b" / "plain.mp4", "libx264", frames=20)
    found = survey(folder.read(tmp_path / "set"), root=tmp_path / "kept")
    assert any(one.kind == "rate" and "0.00185" in one.detail for one in found.findings)


def scene(seed: int, frames: int) -> np.ndarray:
    """A textured scene that a camera pans over."""
    rng = np.random.default_rng(seed)
    wide = rng.integers(0, 256, (16, 16 + frames)).astype(np.float32)
    wide = (wide + np.roll(wide, 1, 1) + np.roll(wide, 2, 1)) / 3
    return np.stack([wide[:, i : i + 16] for i in range(frames)]).astype(np.uint8)


def test_cuts_are_found_and_motion_is_none():
    for seed in range(20):
        still = np.repeat(scene(seed, 1), 30, axis=0)
        other = np.repeat(scene(seed + 100, 1), 30, axis=0)
        assert likeness.cuts(np.concatenate([still, other])) == [30]
        assert likeness.cuts(scene(seed, 60)) == []
        assert likeness.cuts(still) == []
    flash = np.repeat(scene(0, 1), 30, axis=0)
    flash[12] = 255
    assert likeness.cuts(flash) == []
    assert likeness.cuts(still[:3]) == []


def test_an_old_look_is_not_read_as_a_new_one(odd: Path, tmp_path: Path):
    (tmp_path / "doctor-2").mkdir()
    first = survey(folder.read(odd), root=tmp_path)
    shutil.rmtree(tmp_path / "doctor-2")
    assert survey(folder.read(odd), root=tmp_path) == first
