"""Stores: the same results whether they lie in a folder or behind a URL; one of two results stays, damage is noticed, nothing is lost."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from muybridge.core import files
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import write_json
from muybridge.runs import out
from muybridge.runs.kept import demand, restore
from muybridge.runs.mirror import DamagedError, fetch, publish, publish_pages, synchronise, working_copy
from muybridge.runs.records import Run
from muybridge.runs.seal import damage, seal
from muybridge.store import storage
from muybridge.store.storage import Store, StoreError, is_url, local, portable, store_of, whole

NAME = "runs/probe/0123456789abcdef"


@pytest.fixture(autouse=True)
def _own_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "here"))


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path / 'store'}"
        return
    name = uuid4().hex
    yield f"memory://{name}/study"
    memory = fsspec.filesystem("memory")
    if memory.exists(f"/{name}"):
        memory.rm(f"/{name}", recursive=True)


def finish(folder: Path, text: str = "rows") -> Run:
    """A finished run in a working copy."""
    run = Run(folder / NAME)
    run.path.mkdir(parents=True, exist_ok=True)
    (run.path / "predictions.parquet").write_text(text)
    (run.path / "weights.safetensors").write_text(f"weights of {text}")
    (run.path / ".lock").touch()
    (run.path / "state").mkdir(exist_ok=True)
    (run.path / "state" / "step").touch()
    write_json(
        run.path / "result.json",
        seal(run.path, {"version": 2, "stage": "probe", "signature": run.signature, "summary": text}),
    )
    return run


def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """The working copy of another machine."""
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "there"))
    return local(url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("s3:/bucket/a", "s3://bucket/a"),
        ("memory://x", "memory://x"),
        ("file:///tmp/x", "file:///tmp/x"),
        ("file:/tmp/x", "file:///tmp/x"),
        ("github+ssh://a/b", "github+ssh://a/b"),
    ],
)
def test_urls_survive_being_a_path(text, url):
    assert is_url(Path(text))
    assert whole(Path(text)) == whole(text) == url
    assert portable(str(local(Path(text)))) == url
    assert portable(f"{local(text)}/{NAME}") == f"{url}/{NAME}"
    assert local(f"{url}/{NAME}") == local(url) / NAME


@pytest.mark.parametrize("text", ["out", "/a/b", "C:/a", "hf:name", "module:function", "a:b/c", "s3://", "."])
def test_paths_and_names_are_no_urls(text):
    assert not is_url(text)
    assert local(text) == Path(text)
    assert portable(text) == text


def test_a_folder_has_no_store(tmp_path):
    assert store_of(tmp_path / "out" / NAME) is None
    run = finish(tmp_path / "out")
    publish(run)
    fetch(run)
    assert working_copy(tmp_path / "out") == tmp_path / "out"


def test_what_one_machine_publishes_another_finds(url, tmp_path, monkeypatch):
    out.claim(Path(url))
    run = finish(local(url))
    publish(run)
    there = elsewhere(tmp_path, monkeypatch, url)
    out.claim(Path(url))
    other = Run(there / NAME)
    assert other.done
    assert (other.path / "predictions.parquet").read_text() == "rows"
    assert not (other.path / "weights.safetensors").exists()
    assert not damage(other.path, partial=True)
    demand(other)
    assert (other.path / "weights.safetensors").read_text() == "weights of rows"
    assert not damage(other.path, thorough=True)
    assert {path.name for path in other.path.iterdir()} == {
        "predictions.parquet",
        "weights.safetensors",
        "result.json",
    }


def test_the_first_of_two_results_stays_and_the_second_takes_it_over(url, tmp_path, monkeypatch):
    publish(finish(local(url), "first"))
    run = finish(elsewhere(tmp_path, monkeypatch, url), "second")
    publish(run)
    assert Run(run.path).result["summary"] == "first"
    assert (run.path / "predictions.parquet").read_text() == "first"
    assert not damage(run.path, thorough=True)


def test_no_result_appears_before_its_files(url, monkeypatch):
    run = finish(local(url))
    put, order = Store.put, []
    monkeypatch.setattr(Store, "put", lambda store, path: (order.append(path.name), put(store, path)))
    create = Store.create
    monkeypatch.setattr(
        Store, "create", lambda store, name, content: (order.append(name), create(store, name, content))[1]
    )
    publish(run)
    assert order == ["predictions.parquet", "weights.safetensors", "result.json"]


@pytest.mark.parametrize("harm", [b"half", None])
def test_a_file_that_was_changed_in_the_store_is_noticed_and_computed_again(url, tmp_path, monkeypatch, harm):
    publish(finish(local(url)))
    store = Store(f"{url}/{NAME}")
    store.remove("predictions.parquet")
    if harm:
        store.write("predictions.parquet", harm)
    run = Run(elsewhere(tmp_path, monkeypatch, url) / NAME)
    with pytest.raises(DamagedError, match="not what was published"):
        fetch(run)
    assert not run.done
    assert not restore(run)
    publish(finish(local(url)))
    fetch(Run(run.path))
    assert (run.path / "predictions.parquet").read_text() == "rows"


@pytest.mark.parametrize("content", [b'{"version": 2, "summ', b"[]", b'{"sha256": "0"}'])
def test_half_a_result_in_the_store_is_none_and_is_written_over(url, tmp_path, monkeypatch, content):
    Store(f"{url}/{NAME}").write("result.json", content)
    run = Run(local(url) / NAME)
    fetch(run)
    assert not run.done
    publish(finish(local(url)))
    other = Run(elsewhere(tmp_path, monkeypatch, url) / NAME)
    fetch(other)
    assert other.result["summary"] == "rows"


def test_what_a_dead_try_left_here_is_replaced_by_what_was_published(url, tmp_path, monkeypatch):
    publish(finish(local(url)))
    run = Run(elsewhere(tmp_path, monkeypatch, url) / NAME)
    run.path.mkdir(parents=True)
    (run.path / "predictions.parquet").write_text("half of")
    (run.path / "weights.safetensors").write_text("another try")
    fetch(run, weights=False)
    assert (run.path / "predictions.parquet").read_text() == "rows"
    demand(run)
    assert (run.path / "weights.safetensors").read_text() == "weights of rows"


def test_a_store_that_vanishes_loses_nothing_and_the_next_command_publishes(url, monkeypatch):
    out.claim(Path(url))
    run = finish(local(url))

    def gone(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr(type(Store(url).fs), "put_file", gone)
        patch.setattr(files, "atomic", gone)
        with pytest.raises(StoreError, match=r"no route to host.* the same command publishes them"):
            publish(run)
    assert run.done
    assert Store(run_url(url)).read("result.json") is None
    out.claim(Path(url))
    assert json.loads(Store(run_url(url)).read("result.json"))["summary"] == "rows"


def run_url(url: str) -> str:
    return f"{url}/{NAME}"


def test_a_store_out_of_reach_is_said_before_anything_starts(url, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Access denied")

    monkeypatch.setattr(type(Store(url).fs), "ls", refused)
    with pytest.raises(StoreError, match=r"cannot be reached or written.*Access denied"):
        out.claim(Path(url))


def test_a_read_only_store_is_said_before_anything_starts(url, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(type(Store(url).fs), "pipe_file", refused)
    monkeypatch.setattr(files, "create", refused)
    with pytest.raises(StoreError, match="Read-only file system"):
        out.claim(Path(url))


def test_foreign_files_in_a_store_are_left_alone(url):
    Store(url).write("thesis.pdf", b"mine")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds files that Muybridge did not write"):
            out.claim(Path(url), overwrite=overwrite)
    assert Store(url).names() == ["thesis.pdf"]


def test_earlier_results_in_a_store(url, tmp_path, monkeypatch):
    out.claim(Path(url))
    publish(finish(local(url)))
    elsewhere(tmp_path, monkeypatch, url)
    with pytest.raises(UsageError, match="holds earlier results"):
        out.claim(Path(url), resume=False)
    out.claim(Path(url), overwrite=True)
    assert Store(url).names() == [out.MARKER]
    assert not Run(local(url) / NAME).done


def test_pages_of_a_study_are_published(url):
    out.claim(Path(url))
    (local(url) / "tables").mkdir()
    for name in ("report.md", "study.json", "tables/a.csv"):
        (local(url) / name).write_text(name)
    publish_pages(local(url))
    assert Store(url).read("report.md") == b"report.md"
    assert Store(f"{url}/tables").read("a.csv") == b"tables/a.csv"


def test_synchronise_brings_both_sides_together(url, tmp_path, monkeypatch):
    publish(finish(local(url)))
    there = elsewhere(tmp_path, monkeypatch, url)
    other = Run(there / "runs" / "pretrain" / ("f" * 16))
    other.path.mkdir(parents=True)
    write_json(other.path / "result.json", seal(other.path, {"version": 2}))
    synchronise(there)
    assert Store(url).find("runs/*/*/result.json") == [
        f"runs/pretrain/{'f' * 16}/result.json",
        f"{NAME}/result.json",
    ]
    assert Run(there / NAME).done


def test_an_unknown_protocol_names_what_is_missing():
    with pytest.raises(UsageError, match="nosuch"):
        out.claim(Path("nosuch://place"))


def test_weights_damaged_here_are_noticed_before_they_are_used(tmp_path):
    run = finish(tmp_path)
    (run.path / "weights.safetensors").write_text("weights of rowz")
    with pytest.raises(MuybridgeError, match=r"weights\.safetensors has other content"):
        demand(run)
    assert not run.done
    demand(run)


def test_a_newer_run_is_refused_and_kept(tmp_path):
    run = Run(tmp_path / NAME)
    run.path.mkdir(parents=True)
    write_json(run.path / "result.json", {"version": 99, "sha256": "of another kind"})
    assert restore(run)
    with pytest.raises(MuybridgeError, match="record version 99; this one reads up to 2"):
        _ = run.result
    write_json(tmp_path / out.MARKER, {"made by": "muybridge", "layout": 99})
    with pytest.raises(UsageError, match="layout 99"):
        out.claim(tmp_path)


def test_names_of_a_place_that_is_not_there_are_none(url):
    assert Store(f"{url}/nowhere").names() == []
    assert Store(f"{url}/nowhere").read("x") is None
    Store(f"{url}/nowhere").remove("x")
    assert storage.Store(url).find("runs/*/*/result.json") == []
