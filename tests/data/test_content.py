"""Hashes of whole files: every byte counts, they are kept for as long as nothing changed, and an error is no other file."""

import errno
import hashlib
import os
import sqlite3
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from muybridge.core.errors import MuybridgeError
from muybridge.data import file_hashes
from muybridge.data.file_hashes import content_hashes, sampled_hash
from muybridge.data.index import Dataset, VideoRecord, fingerprint

OLD = 1_600_000_000
content_tick = file_hashes.TICK


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(file_hashes, "TICK", 0)
    return tmp_path / "cache"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read."""
    seen: list[str] = []
    plain = file_hashes._read
    monkeypatch.setattr(file_hashes, "_read", lambda place: (seen.append(place.file.name), plain(place))[1])
    return seen


def made(path: Path, data: bytes, age: int = OLD) -> Path:
    path.write_bytes(data)
    os.utime(path, (age, age))
    return path


def test_the_hash_is_that_of_size_and_all_bytes(tmp_path: Path):
    data = os.urandom(3 * file_hashes.BLOCK + 17)
    expected = hashlib.blake2b(f"{len(data)} ".encode() + data, digest_size=16).hexdigest()
    assert content_hashes([made(tmp_path / "a", data)]) == [expected]


def test_films_that_differ_between_the_blocks_that_were_once_hashed_are_two(tmp_path: Path):
    one, other = bytearray(400_000), bytearray(400_000)
    other[100_000] = 1
    paths = [made(tmp_path / "a", one), made(tmp_path / "b", other)]
    assert sampled_hash(paths[0]) == sampled_hash(paths[1]), "what versions before 0.2 saw"
    assert len(set(content_hashes(paths))) == 2


@pytest.mark.parametrize("place", [0, 1, 65_536, 130_000, 199_999])
def test_one_flipped_bit_anywhere_is_another_file_although_size_and_time_stay(
    place: int, tmp_path: Path, cache: Path
):
    path = made(tmp_path / "a", bytes(200_000))
    before = fingerprint(path)
    data = bytearray(200_000)
    data[place] ^= 0x80
    made(path, data)
    assert fingerprint(path) != before


def test_files_are_read_once_and_again_when_anything_about_them_changed(tmp_path: Path, read: list[str]):
    paths = [made(tmp_path / name, name.encode() * 1000) for name in "abc"]
    first = content_hashes(paths)
    assert sorted(read) == ["a", "b", "c"]
    assert content_hashes(paths[::-1]) == first[::-1]
    assert len(read) == 3
    made(paths[1], b"x" * 1000, OLD + 1)
    assert content_hashes(paths) != first
    assert read[3:] == ["b"]


def test_another_process_finds_them(tmp_path: Path, cache: Path):
    path = made(tmp_path / "a", b"content")
    time.sleep(2 * content_tick / 1e9)
    code = f"from pathlib import Path; from muybridge.data.file_hashes import content_hashes; print(*content_hashes([Path({str(path)!r})]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with sqlite3.connect(cache / "content-1.sqlite") as base:
        assert base.execute("SELECT hash FROM content").fetchall() == [(done.stdout.strip(),)]
    assert content_hashes([path]) == [done.stdout.strip()]


def test_a_young_file_is_not_kept(tmp_path: Path, read: list[str]):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = path.stat()
    first = content_hashes([path])
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content_hashes([path]) != first
    assert len(read) == 2


@pytest.mark.parametrize(
    "code", [errno.EMFILE, errno.ENFILE, errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOMEM, errno.ETIMEDOUT]
)
@pytest.mark.parametrize("where", ["_read", "extent"])
def test_an_error_that_may_pass_is_an_error(
    code: int, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = made(tmp_path / "a", b"content")

    def fails(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(file_hashes, where, fails)
    with pytest.raises(MuybridgeError, match=rf"a: cannot be read \({os.strerror(code)}\)"):
        content_hashes([path])


def test_too_many_open_files_is_an_error_and_no_other_fingerprint(tmp_path: Path):
    path = made(tmp_path / "a", b"content")
    code = (
        "import resource, sys; from pathlib import Path; from muybridge.data.file_hashes import content_hashes\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30)); held = []\n"
        "try:\n while True: held.append(open('/dev/null'))\nexcept OSError: pass\n"
        "print(content_hashes([Path(sys.argv[1])]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MuybridgeError" in done.stderr
    assert "Too many open files" in done.stderr


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = made(tmp_path / "a", b"content")
    plain = file_hashes._read

    def slow(place: file_hashes.Extent) -> str:
        found = plain(place)
        path.write_bytes(b"content and more")
        return found

    monkeypatch.setattr(file_hashes, "_read", slow)
    with pytest.raises(MuybridgeError, match="changed while it was read"):
        content_hashes([path])


def test_what_is_not_there_or_no_file_gets_a_hash_of_its_name_without_waiting(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    names = ["pipe", "folder", "nothing", "folder/nothing", "pipe/below", "x" * 300]
    paths = [tmp_path / name for name in names]
    assert content_hashes(paths) == [
        hashlib.blake2b(f"missing {path.name}".encode(), digest_size=16).hexdigest() for path in paths
    ]


def test_members_of_a_tar_are_hashed_as_files_are(tmp_path: Path):
    alone = [made(tmp_path / name, os.urandom(5000)) for name in ("a.mp4", "b.mp4")]
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for path in alone:
            tar.add(path, path.name)
    members = [Path(f"{tmp_path / 's.tar'}::{path.name}") for path in alone]
    assert content_hashes(members) == content_hashes(alone)
    assert content_hashes(members) == content_hashes(alone)


@pytest.mark.parametrize("damage", [b"", b"no database", None])
def test_a_damaged_file_of_hashes_costs_time_only(damage: bytes | None, tmp_path: Path, cache: Path):
    path = made(tmp_path / "a", b"content")
    first, kept = content_hashes([path]), cache / "content-1.sqlite"
    if damage is None:
        with sqlite3.connect(kept) as base:
            base.execute("UPDATE content SET hash = 'nonsense'")
    else:
        kept.write_bytes(damage)
    assert [content_hashes([path]) for _ in range(3)] == [first] * 3
    with sqlite3.connect(kept) as base:
        assert base.execute("SELECT hash FROM content").fetchall() == [tuple(first)]


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(made(tmp_path / "file", b"")))
    path = made(tmp_path / "a", b"content")
    assert content_hashes([path]) == content_hashes([path])


def test_runs_of_versions_before_know_their_data_again(tmp_path: Path):
    path = made(tmp_path / "a.mp4", b"content")
    data = Dataset("d", (VideoRecord("a", str(path), 0, "train", "a"),), ("x",))
    before = data._signed({"a": sampled_hash(path)})
    assert before != data.fingerprint
    assert data.has(before)
    assert data.has(data.fingerprint)
    assert not data.has("0" * 16)
    assert not data.has(None)
