"""``muybridge perturb``: one perturbed video, or a contact sheet."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from muybridge.data.decode.video import probe, read_all, write


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Twelve frames of a bright bar that moves over a gradient."""
    frames = np.empty((12, 48, 64, 3), np.uint8)
    frames[:] = (3 * np.arange(64))[:, None]
    for t in range(12):
        frames[t, :, 5 * t : 5 * t + 6] = (220, 120, 40)
    path = tmp_path_factory.mktemp("perturb") / "moving.mp4"
    write(path, frames, 12.0, crf=10)
    return path


@pytest.fixture
def one(run, file):
    """Run ``perturb FILE --type ...`` and give the exit code, what was said, and what went wrong."""

    def call(type="jumbling", severity=3, out=None, *words):
        flags = ["--type", type, "--severity", severity, *(["--out", out] if out else [])]
        return run("perturb", file, *flags, *words)

    return call


def test_exact_frames_and_what_was_done(one, file, tmp_path):
    code, said, _ = one("reversal", 1, tmp_path / "o.npy")
    assert code == 0
    assert np.array_equal(np.load(tmp_path / "o.npy"), read_all(file)[::-1])
    for part in (
        "reversal 1 of muybridge-1, seed 0, on all 12 frames of 64x48",
        "Kendall's tau -1.00",
        "12 of 12",
        "PSNR",
    ):
        assert part in said
    assert said.splitlines()[-1] == str(tmp_path / "o.npy")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_a_video_keeps_rate_size_and_length(one, file, tmp_path, suffix):
    out = tmp_path / f"o{suffix}"
    assert one("reversal", 1, out)[0] == 0
    written = probe(out)
    assert (written.frames, written.fps, written.height, written.width) == (12, 12.0, 48, 64)
    assert np.abs(read_all(out).astype(int) - read_all(file)[::-1]).mean() < 3


def test_a_strip_has_eight_frames_side_by_side(one, tmp_path):
    assert one("static_rotation", 2, tmp_path / "o.png")[0] == 0
    with Image.open(tmp_path / "o.png") as strip:
        assert strip.size == (8 * 64, 48)


def test_profile_frames_size_and_seed_are_followed(one, tmp_path):
    words = ("--profile", "samples-2022", "--frames", 6, "--size", 32)
    frames = {}
    for seed in (0, 1):
        out = tmp_path / f"{seed}.npy"
        code, said, _ = one("gaussian_noise", 5, out, *words, "--seed", seed)
        assert code == 0
        assert f"of samples-2022, seed {seed}, on 6 of 12 frames of 32x32" in said
        assert "sigma 0.38" in said
        frames[seed] = np.load(out)
        assert frames[seed].shape == (6, 32, 32, 3)
    assert not np.array_equal(frames[0], frames[1])
    assert one("gaussian_noise", 5, tmp_path / "again.npy", *words)[0] == 0
    assert np.array_equal(np.load(tmp_path / "again.npy"), frames[0])


def test_the_sheet_is_a_picture(run, file, tmp_path):
    out = tmp_path / "sheet.png"
    code, said, _ = run("perturb", file, "--sheet", out, "--profile", "ssl-noise", "--size", 64)
    assert (code, said.strip()) == (0, str(out))
    with Image.open(out) as page:
        width, height = page.size
    assert width > 6 * 64
    assert height > 4 * 64
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"], "nothing else is left behind"


WRONG = [
    (("--type", "jumblin", "--severity", 3, "--out", "o.mp4"), "Did you mean 'jumbling'"),
    (("--type", "fog", "--severity", 3, "--out", "o.mp4"), "imagenet-c and mini-kinetics-c have it"),
    (("--type", "jumbling", "--severity", 0, "--out", "o.mp4"), "--severity 0; wanted 1 to 5"),
    (("--type", "jumbling", "--severity", 6, "--out", "o.mp4"), "--severity 6; wanted 1 to 5"),
    (("--type", "jumbling", "--severity", "x", "--out", "o.mp4"), "--severity x: wanted a whole number"),
    (("--type", "jumbling", "--out", "o.mp4"), "--severity is missing; wanted 1 to 5"),
    (("--type", "jumbling", "--severity", 3), "--out is missing"),
    (("--type", "jumbling", "--severity", 3, "--out", "o.txt"), "ends in .txt; known: .avi .mkv"),
    (("--type", "jumbling", "--severity", 3, "--out", "no/o.mp4"), "there is no folder no"),
    (("--type", "jumbling", "--severity", 3, "--out", "o.mp4", "--frames", 1), "at least two, got 1"),
    (
        ("--type", "jumbling", "--severity", 3, "--out", "o.mp4", "--frames", 0),
        "--frames 0; wanted 1 or more",
    ),
    (("--type", "jumbling", "--severity", 3, "--out", "o.mp4", "--size", 4), "--size 4; wanted 8 or more"),
    ((), "nothing to do; give --type"),
    (("--type", "jumbling", "--sheet", "s.png"), "--sheet and --type do not go together"),
    (("--sheet", "s.png", "--severity", 3), "leave out --severity"),
    (("--sheet", "s.jpg"), "ends in .jpg; known: .png"),
    (("--sheet", "s.png", "--profile", "muybridge-2"), "Did you mean 'muybridge-1'"),
    (("--sheet", "s.png", "--frames", 1), "at least two, got 1"),
    (("--sheets", "s.png"), "Did you mean '--sheet'"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda value: "_".join(map(str, value))[:40])
def test_what_cannot_be_served_is_said_in_one_line(run, file, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("perturb", file, *words)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_missing_and_broken_files(run, file, tmp_path):
    code, _, err = run("perturb", file.with_name("movin.mp4"), "--sheet", tmp_path / "s.png")
    assert code == 2
    assert "no such file. Did you mean 'moving.mp4'?" in err
    (tmp_path / "text.mp4").write_text("not a video")
    code, _, err = run("perturb", tmp_path / "text.mp4", "--sheet", tmp_path / "s.png")
    assert code == 1
    assert "cannot be opened as a video" in err


def test_a_video_too_large_to_hold_is_refused(run, file, tmp_path, monkeypatch):
    monkeypatch.setattr("muybridge.cli.perturb.LARGEST", 12 * 48 * 64 * 3 - 1)
    flags = ("--type", "reversal", "--severity", 1, "--out", tmp_path / "o.npy")
    code, _, err = run("perturb", file, *flags)
    assert code == 2
    assert "12 frames of 64x48 are too many to hold at once" in err
    assert run("perturb", file, *flags, "--frames", 11)[0] == 0


def test_help_needs_no_torch():
    code = "import sys; from muybridge.cli.main import main; main(['perturb', '--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert "--sheet" in done.stdout
