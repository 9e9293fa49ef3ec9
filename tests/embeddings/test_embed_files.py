"""What a name after ``--out`` may be, what is there already, and what a kill, a full disk or a flipped bit leave: nothing is lost."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

import muybridge
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.embeddings import embed_videos, feature_files, row_parts
from muybridge.runs.records import Run

OUTS = ("rows.parquet", "rows.npz", "rows")
Bytes = dict[str, bytes]


def content(path: Path) -> Bytes:
    """Bytes of a file, or of the files of a folder, by name."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {one.name: one.read_bytes() for one in files}


def embed(run: Run, out: Path, **options: Any) -> Any:
    return muybridge.embed(run, out=out, batch=2, layers=["pooled", "stages.2"], workers=1, **options)


@pytest.fixture
def each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part for every chunk, and blocks of five rows."""
    monkeypatch.setattr(row_parts, "SECONDS", -1.0)
    monkeypatch.setattr(feature_files, "ROWS", 5)
    monkeypatch.setattr(feature_files.Content.regular, "__defaults__", (5, feature_files.GROUP))


@pytest.mark.parametrize(
    ("stage", "name"), [("pretrain", "rows.parquet"), ("pretrain", "rows.npz"), ("probe", "rows")]
)
def test_the_bytes_do_not_depend_on_kills(
    stage: str,
    name: str,
    trained: dict[str, Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    each: None,
) -> None:
    wanted = content(embed(trained[stage], tmp_path / "whole" / name).path)
    out = tmp_path / "killed" / name
    block = embed_videos._block
    for times in (3, 2):
        left = iter(range(times))

        def killed(*arguments: Any, left: Any = left) -> Any:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return block(*arguments)

        monkeypatch.setattr(embed_videos, "_block", killed)
        with pytest.raises(KeyboardInterrupt):
            embed(trained[stage], out)
        assert not (out.exists() and feature_files.read_facts(out))
    parts = sorted((tmp_path / "killed" / f"{name}.parts").glob("rows-*"))
    assert len(parts) == 5
    monkeypatch.setattr(embed_videos, "_block", block)
    with monkeypatch.context() as patch:
        patch.setattr(embed_videos, "WRITERS", {})  # another kill, while the file is made
        with pytest.raises(KeyError):
            embed(trained[stage], out)
    assert content(embed(trained[stage], out).path) == wanted
    assert not out.with_name(out.name + ".parts").exists()


@pytest.mark.parametrize("harm", ["flipped", "short", "gone", "foreign"])
def test_a_damaged_part_is_computed_anew(
    harm: str, trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: None
) -> None:
    wanted = content(embed(trained["pretrain"], tmp_path / "whole" / "rows.parquet").path)
    out = tmp_path / "rows.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(embed_videos, "WRITERS", {})
        with pytest.raises(KeyError):
            embed(trained["pretrain"], out)
    parts = sorted((tmp_path / "rows.parquet.parts").glob("rows-*"))
    assert len(parts) == 8
    data = bytearray(parts[3].read_bytes())
    data[-3] ^= 4
    if harm == "gone":
        parts[3].unlink()
    elif harm == "foreign":
        (parts[3].parent / "rows-00000003-00000004-abc.safetensors").write_bytes(b"")
        (parts[3].parent / ".rows.0.part").write_bytes(b"left over")
    else:
        parts[3].write_bytes(data if harm == "flipped" else data[:-9])
    said: list[str] = []
    monkeypatch.setattr("muybridge.core.text.screen.Plain.say", lambda _, text: said.append(text))
    assert content(embed(trained["pretrain"], out).path) == wanted
    assert any("goes on behind 6 of 16 videos" in one for one in said) == (harm != "foreign")


@pytest.mark.parametrize("name", OUTS)
def test_a_full_disk_loses_nothing(
    name: str, run: Any, trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: None
) -> None:
    wanted = content(embed(trained["finetune"], tmp_path / "whole" / name).path)
    out = tmp_path / "full" / name
    words = (
        "embed",
        trained["finetune"].path,
        "--out",
        out,
        "--batch",
        2,
        "--layers",
        "pooled",
        "stages.2",
        "--workers",
        1,
    )
    sync, left = os.fsync, iter(range(6))

    def full(number: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(number)

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run(*words)
    assert code == 1
    assert "the disk is full. What is encoded is kept in" in " ".join(err.split())
    kept = len(list(out.with_name(name + ".parts").glob("rows-*")))
    assert kept == 5  # one of the six is the request
    left = iter(range(12))  # the request, the other parts, and not the file
    code, _, err = run(*words)
    assert (code, "the disk is full" in " ".join(err.split())) == (1, True)
    left = iter(range(10**6))
    code, _, err = run(*words)
    assert code == 0, err
    assert content(out) == wanted


def test_what_is_there_is_not_written_over(trained: dict[str, Run], tmp_path: Path) -> None:
    for name in OUTS:
        out = tmp_path / name
        embed(trained["pretrain"], out)
        before = content(out)
        with pytest.raises(
            UsageError,
            match=r"holds embeddings of pretrain .* asked for were those of finetune .*--overwrite",
        ):
            embed(trained["finetune"], out)
        with pytest.raises(UsageError, match=r"float32.*float16"):
            embed(trained["pretrain"], out, dtype="float16")
        assert content(out) == before
        replaced = embed(trained["finetune"], out, overwrite=True)
        assert replaced.facts["model"]["weights"] == trained["finetune"].signature
        assert content(out) != before
    (tmp_path / "mine.npz").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    for name in ("mine.npz", "mine"):
        with pytest.raises(UsageError, match="holds no finished embeddings"):
            embed(trained["pretrain"], tmp_path / name)
    with pytest.raises(UsageError, match=r"did not write, as thesis.tex; nothing was removed"):
        embed(trained["pretrain"], tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "mine"
    (tmp_path / "new.npz.parts").mkdir()
    (tmp_path / "new.npz.parts" / "mine").write_text("mine")
    with pytest.raises(UsageError, match="Move it"):
        embed(trained["pretrain"], tmp_path / "new.npz", overwrite=True)
    assert (tmp_path / "new.npz.parts" / "mine").read_text() == "mine"


def test_parts_of_another_request(
    trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: None
) -> None:
    out = tmp_path / "rows.npz"
    with monkeypatch.context() as patch:
        patch.setattr(embed_videos, "WRITERS", {})
        with pytest.raises(KeyError):
            embed(trained["pretrain"], out)
    with pytest.raises(UsageError, match="holds unfinished embeddings of pretrain"):
        embed(trained["finetune"], out)
    other = embed(trained["finetune"], out, overwrite=True)
    assert np.array_equal(other.features(), embed(trained["finetune"], tmp_path / "new.npz").features())


def test_names_that_can_be_no_embeddings(run: Any, trained: dict[str, Run], tmp_path: Path) -> None:
    for out, said in (
        (tmp_path / "rows.csv", "nothing is known that ends in .csv. Wanted FILE.parquet, FILE.npz"),
        ("/proc/muybridge/rows.npz", "/proc/muybridge"),
        ("", "--out: wanted FILE.parquet"),
    ):
        code, _, err = run("embed", trained["pretrain"].path, "--out", out)
        assert code in (1, 2)
        assert said in " ".join(err.split())
        assert "bug" not in err


def test_what_is_asked_for_amiss(run: Any, trained: dict[str, Run], videos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out, model = ("--out", tmp_path / "rows.npz"), trained["finetune"].path
    for words, said in (
        ((model, "--layers", "poled", *out), "the nearest are pooled"),
        ((model, "--layers", "heads", *out), "the nearest are head"),
        ((model, "--layers", "head", "head", *out), "head stands there twice"),
        ((model, "--data", tmp_path / "empty", *out), "empty"),
        ((model, "--limit", 0, *out), "--limit 0: wanted 1 or more"),
        (("r3d-tiny", *out), "--data: wanted videos to embed"),
        (("r3d-tiny", "--data", videos, "--mean", 0.5, *out), "knows by itself what it wants"),
        ((model, "--weights", "x.pt", *out), "goes with models that are no run"),
        (out, "wanted a MODEL"),
    ):
        code, _, err = run("embed", *words)
        assert (code, said in " ".join(err.split())) == (2, True), err
        assert list(tmp_path.glob("rows*")) == []


def test_one_process_at_a_time(trained: dict[str, Run], tmp_path: Path) -> None:
    (tmp_path / "rows.npz.parts").mkdir()
    with (
        FileLock(tmp_path / "rows.npz.parts" / ".lock"),
        pytest.raises(MuybridgeError, match="another process writes it"),
    ):
        embed(trained["pretrain"], tmp_path / "rows.npz")
    embed(trained["pretrain"], tmp_path / "rows.npz")


def test_damaged_files_are_said(trained: dict[str, Run], tmp_path: Path) -> None:
    for name in OUTS:
        found = embed(trained["pretrain"], tmp_path / name)
        path = next((tmp_path / name).glob("features-*")) if name == "rows" else tmp_path / name
        data = bytearray(path.read_bytes())
        place = len(data) - 50 if name == "rows" else data.index(b"pooled") + 200
        data[place] ^= 255
        path.write_bytes(data[: -len(data) // 2] if name != "rows" else data)
        with pytest.raises((MuybridgeError, UsageError), match=r"damaged|holds no embeddings"):
            type(found)(found.path).features("pooled")


@pytest.mark.slow
def test_kill_9_at_any_time(trained: dict[str, Run], videos: Path, tmp_path: Path) -> None:
    """Real kills at growing times, into the writing of the file; the bytes are those of a run that nobody killed."""
    code = (
        "import sys, muybridge\nfrom muybridge.embeddings import row_parts\nrow_parts.SECONDS = -1.0\n"
        "print('begins', flush=True)\nmuybridge.embed(sys.argv[1], out=sys.argv[2], batch=1, layers=['all'], workers=1)\n"
    )
    words = [sys.executable, "-c", code, str(trained["pretrain"].path)]
    begun = time.monotonic()
    subprocess.run([*words, str(tmp_path / "whole.parquet")], check=True, capture_output=True)
    length = time.monotonic() - begun
    for share in np.linspace(0.1, 1.05, 12):
        process = subprocess.Popen(
            [*words, str(tmp_path / "killed.parquet")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(length * share)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([*words, str(tmp_path / "killed.parquet")], check=True, capture_output=True)
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_signal_within_a_chunk_waits_until_it_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Asked(BaseException):
        pass

    def ask(*_: object) -> None:
        raise Asked

    class Interrupted(list[row_parts.Block]):
        def append(self, block: row_parts.Block) -> None:  # the rows are there and are not counted yet
            super().append(block)
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, ask)
    try:
        parts = row_parts.FeatureParts(tmp_path / "parts", "owner")
        parts.items = Interrupted()
        with pytest.raises(Asked):
            parts.add(row_parts.Block(["a"], [0], {"pooled": np.zeros((1, 2), np.float32)}))
        parts.flush()
    finally:
        signal.signal(signal.SIGTERM, before)
    again = row_parts.FeatureParts(tmp_path / "parts", "owner")
    assert (again.stop, again.facts().videos) == (1, ["a"])
