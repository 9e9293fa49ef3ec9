"""The embedded data sets: what a frame tells, what only motion tells, and that rendering is repeatable."""

import csv
import json
import re
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data.decode import video
from muybridge.data.sets import builtin, builtin_assets
from muybridge.data.sets.builtin import MOTIONS, OBJECTS, BuiltinPaths, ensure, partner
from muybridge.data.sets.builtin_render import program, recipe, render

SMALL = {"train": 14, "test": 6, "frames": 6, "size": 16}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BuiltinPaths:
    return ensure(tmp_path_factory.mktemp("builtin"), **SMALL)


@pytest.fixture(scope="module")
def rendered() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gray clips ``n t h w`` of 960 training clips at 18 pixels, object and motion indices."""
    clips = [render(3, "train", index, frames=4, size=18) for index in range(960)]
    gray = np.stack([clip.mean(-1) for clip, _, _ in clips]).astype(np.float32) / 255
    return (
        gray,
        np.array([OBJECTS.index(made[1]) for made in clips]),
        np.array([MOTIONS.index(made[2]) for made in clips]),
    )


def ridge_accuracy(features: np.ndarray, labels: np.ndarray, penalty: float = 300.0) -> float:
    """Accuracy on the second half of a one-against-all ridge regression fitted on the first half."""
    half = len(labels) // 2
    features = (features - features[:half].mean(0)) / (features[:half].std(0) + 1e-3)
    fit, goal = features[:half], np.eye(labels.max() + 1)[labels[:half]]
    weights = np.linalg.solve(fit.T @ fit + penalty * np.eye(fit.shape[1]), fit.T @ (goal - goal.mean(0)))
    return float(((features[half:] @ weights).argmax(1) == labels[half:]).mean())


def spectrum(frame: np.ndarray) -> np.ndarray:
    """Log magnitudes of the Fourier transform: a picture's shapes, wherever they lie."""
    size = np.abs(np.fft.fft2(frame))[..., : frame.shape[-1] // 2 + 1]
    return np.log(size + 0.3).reshape(len(frame), -1)


def margin(chance: float, count: int) -> float:
    """Three standard deviations of the accuracy of guessing."""
    return 3 * float(np.sqrt(chance * (1 - chance) / count))


def test_reversal_pairs_are_adjacent() -> None:
    assert len(set(MOTIONS)) == 12
    for left, right in zip(MOTIONS[::2], MOTIONS[1::2], strict=True):
        assert (partner(left), partner(right)) == (right, left)
    with pytest.raises(ValueError, match="no motion 'hover'"):
        partner("hover")


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_reversed_program_is_one_of_the_partner(motion: str) -> None:
    mine = program(np.random.default_rng(7), motion, 12)
    other = program(np.random.default_rng(7), partner(motion), 12)
    np.testing.assert_array_equal(mine[:, ::-1], other)
    assert (mine.min() >= 0) & (mine.max() <= 1)
    assert (np.ptp(mine, axis=1) > 1e-9).sum() == 1


def test_each_motion_sweeps_its_own_attribute_its_own_way() -> None:
    for pair, motion in enumerate(MOTIONS[0:10:2]):
        values = program(np.random.default_rng(pair), motion, 9)
        assert (np.diff(values[pair]) > 0).all()
    for motion, sign in (("accelerate", 1), ("decelerate", -1)):
        values = program(np.random.default_rng(1), motion, 9)
        speed = np.abs(np.diff(values[:2], axis=1)).sum(0)
        assert (sign * np.diff(speed) > 0).all()


def test_pixels_follow_the_motion() -> None:
    shift = {"move-right": [], "move-left": []}
    for index in (i for i in range(120) if MOTIONS[i % 12] in shift):
        clip, _, motion = render(0, "train", index, frames=6, size=36)
        bright = np.clip(clip.astype(float).mean(-1) - 150, 0, None) + 1e-6
        centre = (bright * np.arange(36)).sum((1, 2)) / bright.sum((1, 2))
        shift[motion].append(centre[-1] - centre[0])
    assert np.median(shift["move-right"]) > 3
    assert np.median(shift["move-left"]) < -3


def test_at_a_random_time_each_attribute_has_one_distribution() -> None:
    def sample(motion: str) -> np.ndarray:
        rng = np.random.default_rng(MOTIONS.index(motion))
        return np.sort([program(rng, motion, 24)[:, rng.integers(24)] for _ in range(1000)], axis=0)

    levels = np.linspace(0, 1, 41)
    shares = np.stack(
        [[np.searchsorted(row, levels) / 1000 for row in sample(motion).T] for motion in MOTIONS]
    )
    assert np.abs(shares - shares.mean(0)).max() < 0.07


def test_one_frame_at_a_random_time_tells_the_object_only(
    rendered: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    gray, objects, motions = rendered
    when = np.random.default_rng(0).integers(gray.shape[1], size=len(gray))
    frame = gray[np.arange(len(gray)), when]
    count = len(gray) // 2
    for features in (frame, spectrum(frame)):
        assert abs(ridge_accuracy(features.reshape(len(gray), -1), motions) - 1 / 12) < margin(1 / 12, count)
    assert ridge_accuracy(spectrum(frame), objects) > 1 / 10 + 3 * margin(1 / 10, count)


def test_two_frames_in_order_tell_the_motion(rendered: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    gray, _, motions = rendered
    change = (gray[:, -1] - gray[:, 0]).reshape(len(gray), -1)
    assert ridge_accuracy(change, motions) > 1 / 12 + 5 * margin(1 / 12, len(gray) // 2)


@pytest.mark.parametrize(("split", "count"), [("train", 2000), ("test", 800)])
def test_labels_are_balanced_and_independent(split: str, count: int) -> None:
    recipes = [recipe(0, split, index) for index in range(count)]
    table = np.zeros((10, 12))
    for one in recipes:
        table[OBJECTS.index(one.object), MOTIONS.index(one.motion)] += 1
    assert np.ptp(table.sum(0)) <= 1
    assert np.ptp(table.sum(1)) == 0
    assert np.ptp(table) <= 1
    uses = Counter(one.digit for one in recipes)
    assert max(uses.values()) - min(uses.values()) <= 1


def test_splits_share_no_digit_and_no_photo() -> None:
    pools = {
        split: {row for label in range(10) for row in builtin_assets.digit_pool(split, label)}
        for split in ("train", "test")
    }
    assert not pools["train"] & pools["test"]
    assert len(pools["train"]) + len(pools["test"]) == 1797
    assert not set(builtin_assets.PHOTOS["train"]) & set(builtin_assets.PHOTOS["test"])


def test_render_is_a_pure_function() -> None:
    first = render(1, "test", 5, frames=4, size=20)
    render(1, "test", 6, frames=4, size=20)
    again = render(1, "test", 5, frames=4, size=20)
    assert first[0].shape == (4, 20, 20, 3)
    assert first[0].dtype == np.uint8
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1:] == again[1:]
    assert (render(2, "test", 5, frames=4, size=20)[0] != first[0]).any()


def test_tables_and_files(made: BuiltinPaths) -> None:
    for path, labels in ((made.objects, OBJECTS), (made.motions, MOTIONS)):
        table = rows(path)
        assert list(table[0]) == ["path", "label", "split", "group"]
        assert Counter(row["split"] for row in table) == {"train": 14, "test": 6}
        assert all((path.parent / row["path"]).is_file() and row["label"] in labels for row in table)
        assert all(re.fullmatch(r"digit-\d{4}", row["group"]) for row in table)
    assert [row["path"] for row in rows(made.objects)] == [row["path"] for row in rows(made.motions)]
    info = video.probe(made.folder / "clips/test/00000.mp4")
    assert (info.frames, info.height, info.width, float(info.fps)) == (6, 16, 16, 12.0)


def test_the_manifest_fingerprints_every_file(made: BuiltinPaths) -> None:
    manifest = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == set(contents(made.folder)) - {"manifest.json"}
    assert manifest["settings"]["train"] == 14
    assert "pillow" in manifest["versions"]
    assert not [name for name in contents(made.folder) if Path(name).name.startswith(".")]


def test_the_second_call_renders_nothing(made: BuiltinPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "_make", None)
    assert ensure(made.folder.parents[1], **SMALL) == made


def test_same_bytes_with_two_workers(made: BuiltinPaths, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    twin = ensure(tmp_path, workers=2, progress=lambda done, total: seen.append((done, total)), **SMALL)
    assert contents(twin.folder) == contents(made.folder)
    assert seen == [(done, 20) for done in range(1, 21)]


def test_same_bytes_after_a_kill(made: BuiltinPaths, tmp_path: Path) -> None:
    twin = ensure(tmp_path, **SMALL)
    (twin.folder / "manifest.json").unlink()
    twin.motions.unlink()
    for index in (0, 3, 13):
        (twin.folder / f"clips/train/{index:05d}.mp4").unlink()
    (twin.folder / "clips/test/.half.mp4").write_bytes(b"half")
    done: list[int] = []
    ensure(tmp_path, progress=lambda count, _: done.append(count), **SMALL)
    assert done == [18, 19, 20]
    assert contents(twin.folder) == contents(made.folder)


def test_missing_and_cut_files_are_made_again(made: BuiltinPaths, tmp_path: Path) -> None:
    twin = ensure(tmp_path, **SMALL)
    (twin.folder / "clips/train/00001.mp4").unlink()
    (twin.folder / "clips/train/00002.mp4").write_bytes(b"cut")
    ensure(tmp_path, **SMALL)
    assert contents(twin.folder) == contents(made.folder)


def test_two_processes_at_once(made: BuiltinPaths, tmp_path: Path) -> None:
    call = f"ensure(Path({str(tmp_path)!r}), **{SMALL!r})"
    code = f"from pathlib import Path; from muybridge.data.sets.builtin import ensure; {call}"
    pair = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(60) for process in pair] == [0, 0]
    (folder,) = (tmp_path / "builtin").glob("*/")
    assert contents(folder) == contents(made.folder)


@pytest.mark.parametrize(
    "wrong",
    [{"train": -1}, {"test": 0}, {"frames": 1}, {"size": 8}, {"seed": -1}, {"train": 2.5}, {"workers": 0}],
)
def test_bad_numbers_are_refused_by_name(wrong: dict[str, int], tmp_path: Path) -> None:
    (name,) = wrong
    with pytest.raises(UsageError, match=rf"{name} must be .*at least \d+, not"):
        ensure(tmp_path, **(SMALL | wrong))
    assert not list(tmp_path.iterdir())


def test_bad_clips_are_refused() -> None:
    for split, index, frames, size in (
        ("val", 0, 8, 36),
        ("test", -1, 8, 36),
        ("test", 0, 1, 36),
        ("test", 0, 8, 4),
    ):
        with pytest.raises(ValueError, match="render: wanted"):
            render(0, split, index, frames=frames, size=size)


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    builtin_assets.photos.cache_clear()
    builtin_assets.digits.cache_clear()
    ensure(tmp_path, seed=5, **SMALL)


def test_a_missing_photo_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(builtin_assets.PHOTOS, "test", ("gone.png",))
    builtin_assets.photos.cache_clear()
    with pytest.raises(MuybridgeError, match=r"gone\.png.*nothing is downloaded.*force-reinstall"):
        render(0, "test", 0, frames=4, size=16)
    builtin_assets.photos.cache_clear()


def test_it_needs_no_torch() -> None:
    code = "import sys, muybridge.data.sets.builtin; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
