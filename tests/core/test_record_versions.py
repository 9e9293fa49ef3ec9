"""Run folders that versions of before wrote, kept here as text, are read; one of a later version is refused."""

import json
import os
from pathlib import Path

import pytest

from muybridge.core.errors import MuybridgeError
from muybridge.runs.contents.result import RECORD_VERSION
from muybridge.runs.records import find_runs
from muybridge.runs.run_index import Index
from muybridge.runs.seal import damage
from muybridge.runs.signing import signature

CONFIG = "backbone: r2plus1d-tiny\ndata:\n- builtin-objects\nseed: 0\n"
WRITTEN = 1_760_000_000 * 10**9
"""When the config was written, in nanoseconds."""
NAME = "e23955c8aa6b9881"
SECOND = (
    '{"version": 2, "stage": "probe", "signature": "e23955c8aa6b9881", "summary": "probe of r2plus1d-tiny on builtin-objects",'
    ' "command": "muybridge probe --data builtin-objects", "config": {"data": ["builtin-objects"], "seed": 0, "backbone": "r2plus1d-tiny"},'
    ' "inputs": {}, "notes": ["an old note"], "facets": {"arm": "random", "data": "builtin-objects", "seed": 0},'
    ' "numbers": {"accuracy": 0.25}, "data": {"name": "builtin-objects", "fingerprint": "0000000000000000",'
    ' "videos": {"train": 8, "test": 4}},'
    ' "files": {"config.yaml": {"bytes": 56, "mtime_ns": 1760000000000000000,'
    ' "sha256": "dfb600b5bea430b338683c9b87e054df3b48348e24420183854c972ac0bef1b6"}},'
    ' "sha256": "9f13ad81cc7341a2c1b783744dcc8a161b0d47e677bb5d390beef2da9f81b67e"}'
)
"""What Muybridge 0.1.0 wrote."""


def first() -> str:
    """The same of record version 1, which had no checksums."""
    told = {name: value for name, value in json.loads(SECOND).items() if name not in ("files", "sha256")}
    return json.dumps(told | {"version": 1})


@pytest.fixture
def put(tmp_path: Path):
    """A run folder with a ``result.json``."""

    def write(text: str) -> Path:
        folder = tmp_path / "runs" / "probe" / NAME
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        os.utime(folder / "config.yaml", ns=(WRITTEN, WRITTEN))
        (folder / "result.json").write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.mark.parametrize("text", [SECOND, first()], ids=["version 2", "version 1"])
def test_runs_of_before_are_read(put, tmp_path: Path, text: str):
    folder = put(text)
    (run,) = find_runs(tmp_path)
    assert run.result["numbers"] == {"accuracy": 0.25}
    assert run.result["notes"] == ["an old note"]
    assert damage(folder, thorough=True) == ""
    (row,) = Index(tmp_path, tmp_path / "index.sqlite").rows()
    assert (row.name, row.status, row.numbers) == (f"probe/{NAME}", "done", {"accuracy": 0.25})


def test_the_same_command_finds_a_run_of_before():
    assert signature("probe", json.loads(SECOND)["config"], {}) == NAME


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"accuracy": 0.25', '"accuracy": 0.95'), "changed after it was written"),
        (('"sha256": "9f13', '"sha": "9f13'), "no checksum"),
    ],
)
def test_a_run_of_version_2_that_was_changed_is_damaged(put, change: tuple[str, str], words: str):
    assert words in damage(put(SECOND.replace(*change)))


def test_a_run_of_a_later_version_is_refused_with_both_numbers(put, tmp_path: Path):
    put(SECOND.replace('"version": 2', f'"version": {RECORD_VERSION + 1}'))
    with pytest.raises(
        MuybridgeError,
        match=rf"record version {RECORD_VERSION + 1}.*up to {RECORD_VERSION}.*Update muybridge",
    ):
        assert find_runs(tmp_path)[0].result
