"""Every verb takes tar shards where it takes a folder."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from make_shards import pack, sample

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--frames", 4, "--stride", 1, "--size", 20, "--crop", 16, "--batch", 4)


@pytest.fixture
def packed(videos: Path, tmp_path: Path) -> Path:
    """The moving squares in one shard for training and one for testing."""
    files = sorted(videos.rglob("*.mp4"))
    for split, part in (("train", files[::2]), ("test", files[1::2])):
        samples = [sample(f"{f.parent.name}-{f.stem}", f.read_bytes(), cls=f.parent.name) for f in part]
        pack(tmp_path / "set" / f"{split}-000000.tar", [file for one in samples for file in one])
    return tmp_path / "set"


def result(out: str) -> dict[str, object]:
    """``result.json`` of the run whose folder was printed last."""
    content: dict[str, object] = json.loads((Path(out.split()[-1]) / "result.json").read_text())
    return content


@pytest.mark.slow
def test_training_and_testing_on_shards(run: Run, packed: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    code, said, error = run(
        "pretrain", "--data", packed / "{train,test}-{000000..000000}.tar", *out, "--budget", 16, *QUICK
    )
    assert code == 0, error
    code, said, error = run("probe", "--data", packed, "--init", said.split()[-1], *out, *QUICK)
    assert code == 0, error
    assert result(said)["data"]["videos"] == {"train": 8, "test": 8}  # type: ignore[index]
    code, said, error = run("finetune", "--data", packed, *out, *QUICK, "--epochs", 1)
    assert code == 0, error
    code, said, error = run(
        "robustness", "--model", said.split()[-1], *out, "--types", "gaussian_noise", "--severities", 1
    )
    assert code == 0, error
    assert result(said)["data"]["broken"] == []  # type: ignore[index]


def test_the_data_verbs_on_shards(
    run: Run, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    _, said, _ = run("data", "doctor", packed, "--workers", 1, "--json")
    content = json.loads(said)
    assert (content["videos"], content["frames"]) == (16, 16 * 24)
    assert run("data", "preview", packed, "--out", tmp_path / "sheet.png")[0] == 0
    assert run("data", "prepare", packed, "--size", 20, "--workers", 1)[0] == 0
    listed = tmp_path / "some.csv"
    assert run("data", "subset", packed, "--split", "train", "--number", 0.5, "--out", listed)[0] == 0
    with listed.open() as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert len(paths) == 4
    assert all(path.startswith(f"{packed}/train-000000.tar::") for path in paths)
    assert run("data", "prepare", listed, "--size", 20, "--workers", 1)[0] == 0


def test_topping_up_is_printed_and_comes_back_with_the_list(run: Run, videos: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(videos, root)
    for name in ("3", "4", "5", "6", "7"):
        (root / "left" / f"{name}.mp4").unlink()
    said = "2 videos: taken from a larger class, since smaller ones have too few"
    code, out, _ = run("data", "subset", root, "--number", 10, "--out", tmp_path / "ten.csv")
    assert code == 0
    assert f"note: {said}" in out
    code, out, _ = run(
        "probe", "--data", tmp_path / "ten.csv", "--folds", 2, "--out", tmp_path / "out", *QUICK
    )
    assert code == 0
    assert said in result(out)["notes"]  # type: ignore[operator]
    assert run("data", "subset", root, "--number", 6, "--out", tmp_path / "six.csv")[1].count("note") == 0


@pytest.mark.parametrize("number", ["0", "12", "0.0", "1.5", "x", "-0.1", "nan", "1e9.", "inf."])
def test_numbers_that_cannot_be(run: Run, videos: Path, tmp_path: Path, number: str) -> None:
    code, _, error = run("data", "subset", videos / "left", f"--number={number}", "--out", tmp_path / "x.csv")
    assert (code, f"--number {number}: wanted 1 to 8" in error) == (2, True)


def test_links_are_allowed_by_the_flag_and_do_not_change_the_signature(
    run: Run, videos: Path, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    root.mkdir()
    for label in ("left", "right"):
        (root / label).symlink_to(videos / label)
    words = ("probe", "--data", root, "--out", tmp_path / "out", *QUICK)
    code, _, error = run(*words)
    assert code == 2
    assert "--allow-links" in error
    code, out, _ = run(*words, "--allow-links")
    assert code == 0
    root_run = out.split()[-1]
    for label in ("left", "right"):
        (root / label).unlink()
        shutil.copytree(videos / label, root / label)
    assert run(*words)[1].split()[-1] == root_run
