"""A password in the URL of a store opens it and stands nowhere else: in no file of run, store, cache or log, and in no word."""

import logging
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import fsspec
import pytest

import muybridge
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import read_json, write_json
from muybridge.runs import out
from muybridge.runs.kept import note
from muybridge.runs.records import Run
from muybridge.store.storage import Store, StoreError, local, portable, store_of
from muybridge.studies.executors.portable import portable_config

Call = Callable[..., tuple[int, str, str]]
S = "h7nter2XsEcRet"
FLAGS = ("--device", "cpu", "--workers", "1")


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "stores"))


@pytest.fixture
def url() -> Iterator[str]:
    """A store in memory; what it takes for a path there is where its secret lies."""
    yield f"memory://me:{S}@place/study"
    memory = fsspec.filesystem("memory")
    for path in [path for path in memory.store if S in path]:
        memory.store.pop(path)


def tell_tales(*folders: Path) -> list[str]:
    """Files and names below folders in which the secret stands."""
    return [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if S in str(path.relative_to(folder)) or (path.is_file() and S.encode() in path.read_bytes())
    ]


def test_nothing_that_is_written_or_said_holds_it(
    run: Call,
    videos: Path,
    tmp_path: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG, "muybridge")
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "sys.argv", ["muybridge", "pretrain", "--data", str(videos), "--out", url, "--hub-token", S]
    )
    words = ("--data", videos, "--objective", "vcop", "--budget", "16", "--batch", "8", *FLAGS, "--out", url)
    said = [run("pretrain", *words)]
    assert said[0][0] == 0, said[0][2]
    folder = Path(said[0][1].splitlines()[-1])
    start = f"{url}/runs/pretrain/{folder.name}"
    said.append(run("probe", "--data", videos, "--init", start, *FLAGS, "--out", url))
    exported = tmp_path / "exported"
    exported.mkdir()
    said += [
        run("report", url), run("runs", "ls", "--out", url), run("runs", "ls", "--json", "--out", url),
        run("runs", "show", folder.name, "--out", url),
        run("runs", "export", exported / "one.zip", "--run", folder.name, "--out", url),
        run("runs", "export", exported / "rows.csv", "--out", url),
        run("pretrain", *words), run("--debug", "report", f"{url}/nowhere"),
        run("probe", "--init", f"{url}/runs/pretrain/{'0' * 16}", "--out", url),
    ]  # fmt: skip
    assert [code for code, _, _ in said] == [0] * 9 + [2, 2], [one[2] for one in said]
    assert not [text for _, text, error in said for text in (text, error) if S in text]
    assert S not in caplog.text
    assert tell_tales(tmp_path) == []
    memory = fsspec.filesystem("memory")
    published = [path for path in memory.store if S in path]
    assert any(path.endswith("result.json") for path in published)
    assert not [path for path in published if S.encode() in memory.cat_file(path)]
    told = read_json(folder / "result.json")
    assert told["config"]["out"] == "memory://me:***@place/study"
    assert "--out 'memory://me:***@place/study'" in told["command"]
    assert read_json(folder / "env.json")["argv"][-4:] == [
        "--out",
        "memory://me:***@place/study",
        "--hub-token",
        "***",
    ]
    assert [row["status"] for row in muybridge.runs(url)] == ["done", "done"]


def test_a_store_that_does_not_answer_is_said_without_it(
    url: str, monkeypatch: pytest.MonkeyPatch, run: Call
):
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, f"403 for https://me:{S}@host?X-Amz-Signature={S} with {{'secret': '{S}'}}")

    for name in ("ls", "glob"):
        monkeypatch.setattr(type(Store(url).fs), name, refused)
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        out.claim(Path(url))
    assert S not in str(caught.value)
    code, text, error = run("--debug", "runs", "ls", "--out", url)
    assert (code, S in text + error) == (1, False)


def test_errors_of_other_kinds_and_their_traces_are_said_without_it(
    run: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise RuntimeError(f"connection string AccountKey={S}")

    monkeypatch.setattr("muybridge.runs.mirror.working_copy", broken)
    code, _, error = run("--debug", "report", tmp_path)
    assert (code, "Traceback" in error, S in error) == (1, True, False)


def test_a_journal_and_an_old_record_are_read_and_written_without_it(tmp_path: Path, run: Call):
    path = tmp_path / "out" / "runs" / "pretrain" / ("a" * 16)
    path.mkdir(parents=True)
    note(Run(path), "damaged", what=f"s3://k:{S}@b/x", token=S)
    (path / "error.log").write_text(f"https://h/x?sig={S}\n\ntrace")
    config = {"out": f"sftp://me:{S}@host/x", "seed": 3, "hub_token": S}
    old = path.with_name("b" * 16)
    command = f"muybridge probe --out sftp://me:{S}@host/x"
    write_json(
        old / "result.json",
        {
            "version": 1,
            "config": config,
            "command": command,
            "notes": [f"see https://{S}@h/a"],
            "summary": "s",
        },
    )
    write_json(
        old / "env.json", {"argv": ["muybridge", f"--password={S}"], "proxy": f"http://u:{S}@proxy:3128"}
    )
    (path / "config.yaml").write_text(f"init: sftp://me:{S}@host/x\n")
    assert S not in (path / "journal.jsonl").read_text()
    said = [
        run("runs", "ls", "--json", "--out", tmp_path / "out"), run("runs", "show", "b" * 8, "--out", tmp_path / "out"),
        run("runs", "export", tmp_path / "rows.jsonl", "--out", tmp_path / "out"), run("report", tmp_path / "out"),
        run("runs", "export", tmp_path / "one.zip", "--run", "b" * 8, "--out", tmp_path / "out"),
    ]  # fmt: skip
    assert [code for code, _, _ in said] == [0] * 5, said
    assert not [text for _, text, error in said for text in (text, error) if S in text]
    pages = [
        tmp_path / "out" / "report.html",
        tmp_path / "out" / "report.md",
        tmp_path / "rows.jsonl",
        *(tmp_path / "out" / "tables").iterdir(),
    ]
    assert not [page.name for page in pages if S in page.read_text()]
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert not [name for name in packed.namelist() if S.encode() in packed.read(name)]


def test_places_are_told_apart_without_it():
    first, second = (local(f"https://host/x?bucket={name}&token={S}") for name in "ab")
    assert first != second
    assert S not in str(first)
    assert local(f"sftp://me:{S}@host/x") == local("sftp://me:other@host/x"), (
        "the same place with another password"
    )
    assert local(f"sftp://me:{S}@host/x") == local("sftp://me:***@host/x")
    assert portable(str(local(f"sftp://me:{S}@host/x/"))) == "sftp://me:***@host/x"
    assert portable(f"{local('sftp://host/~me/x')}/runs") == "sftp://host/~me/x/runs"


def test_a_working_copy_whose_password_is_not_known_is_read_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("muybridge.store.storage._WHOLE", {})
    folder = local("memory://me:***@place/other")
    folder.mkdir(parents=True)
    assert store_of(folder) is None
    with pytest.raises(UsageError, match="its password is not known here"):
        out.claim(folder)
    local(f"memory://me:{S}@place/other")
    assert store_of(folder) is not None


def test_an_older_working_copy_loses_it_from_its_name(tmp_path: Path):
    url = f"sftp://me:{S}@host/x"
    before = tmp_path / "stores" / quote(url, safe="")
    before.mkdir(parents=True)
    (before / "muybridge.json").touch()
    assert (local(url) / "muybridge.json").exists()
    assert [path.name for path in (tmp_path / "stores").iterdir() if S in path.name] == []


@pytest.mark.slow
def test_workers_of_this_machine_are_told_it_and_write_it_nowhere(
    run: Call, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url = f"file://{tmp_path}/place/store?token={S}"
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    study = tmp_path / "small.yaml"
    study.write_text(f"cells:\n  - pretrain: {{data: [{videos}], objective: vcop, budget: 16, batch: 8}}\n")
    code, text, error = run("study", "run", study, *FLAGS, "--out", url)
    assert code == 0, error
    assert S not in text + error
    told = [
        path
        for path in tell_tales(tmp_path)
        if S not in os.path.relpath(path, tmp_path / "place").partition("/")[0]
    ]
    assert told == []
    assert list((tmp_path / "place" / f"store?token={S}").glob("runs/*/*/result.json"))


def test_other_machines_are_not_told_it():
    cell = SimpleNamespace(job=SimpleNamespace(config=SimpleNamespace(out=local(f"sftp://me:{S}@host/x"))))
    with pytest.raises(UsageError, match="not handed to other machines"):
        portable_config(cell)
