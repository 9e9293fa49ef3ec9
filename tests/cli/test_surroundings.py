"""The command where a machine is odd: no home, other letters, closed streams, little memory, a reader who leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from muybridge.core.errors import explained

COMMAND = [sys.executable, "-m", "muybridge"]


def call(words: list[str], shell: str = "", **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process, behind a line of the shell."""
    kept = {
        name: os.environ[name] for name in ("PATH", "PYTHONPATH", "MUYBRIDGE_CACHE") if name in os.environ
    }
    line = f'{shell} exec "$@"' if "exec" not in shell else shell
    return subprocess.run(
        ["/bin/sh", "-c", line, "sh", *COMMAND, *words],
        env=kept | env,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_letters_that_the_output_lacks_are_no_crash(env: dict[str, str], videos: Path, tmp_path: Path):
    folder = tmp_path / "ünïcode ☃"
    folder.symlink_to(videos)
    done = call(["data", "doctor", str(folder), "--json"], **env)
    assert b"This is a bug" not in done.stderr
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout.decode(env.get("PYTHONIOENCODING", "utf-8")))
    assert call(["data", "doctor", str(folder)], **env).returncode == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_crash_and_are_not_printed_into_files(closed: str, tmp_path: Path):
    done = call(["list", "datasets"], shell=f'exec "$@" {closed}')
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


def test_a_reader_who_leaves_is_no_crash():
    done = call(["list", "perturbations"], shell='"$@" | head -c 1; true; exit 0; exec')
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_without_a_home_it_is_said_what_to_set(tmp_path: Path):
    """A user without an entry, as in a container that was started with another number."""
    if os.getuid() != 0:
        pytest.skip("only the first user becomes another")
    code = "import os, sys; os.setgid(54321); os.setuid(54321); from muybridge.cli.main import main; sys.exit(main(['info']))"
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, timeout=120, check=False, cwd="/"
    )
    if b"Permission" in done.stderr or b"No module" in done.stderr:
        pytest.skip("another user cannot read this environment")
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr
    assert done.returncode == 0 or b"MUYBRIDGE_CACHE" in done.stderr


WORDS = [
    (MemoryError(), "--batch"),
    (
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
        ),
        "--batch",
    ),
    (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "--batch"),
    (OSError(12, "Cannot allocate memory"), "--batch"),
    (RuntimeError("can't start new thread"), "ulimit -u"),
    (RuntimeError("Could not determine home directory."), "MUYBRIDGE_CACHE"),
    (OSError(28, "No space left on device", "/x/y"), "/x/y: the disk is full"),
    (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
]


@pytest.mark.parametrize(("error", "words"), WORDS, ids=[type(error).__name__ for error, _ in WORDS])
def test_what_is_no_bug_is_not_called_one(error: Exception, words: str):
    assert words in explained(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("x"),
        KeyError("x"),
        ZeroDivisionError(),
    ],
)
def test_what_is_a_bug_is_not_explained_away(error: Exception):
    assert not explained(error)
