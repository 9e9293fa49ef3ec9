"""Hostile stores: looking at one, fetching from it and publishing to it touch nothing outside and give nothing away."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
import result_folder
from fsspec.implementations.memory import MemoryFileSystem
from hostile_runs import FACTS, KINDS_OF_FILES, NAMES, TEXTS
from result_folder import resealed

from muybridge.core.errors import MuybridgeError
from muybridge.runs import out
from muybridge.runs.kept import restore
from muybridge.runs.mirror import fetch, publish, publish_pages
from muybridge.runs.records import Run, find_runs
from muybridge.store.storage import Store, local

Call = Callable[..., tuple[int, str, str]]
LISTED = ("runs/../../outside/project", "runs/probe/..", "runs/../runs/../x", "runs/..",
          "runs/probe/0123456789abcdef/..", "runs/Probe/" + "0" * 16,
          "runs/probe/" + "g" * 16, "runs/probe/../../../" + "0" * 16)  # fmt: skip


class Evil(MemoryFileSystem):
    """A store whose listings say more than there is."""

    protocol = "evil"
    store: dict[str, Any] = {}  # noqa: RUF012 - as fsspec has it
    pseudo_dirs = [""]  # noqa: RUF012

    def glob(self, path: str, **_: Any) -> list[str]:
        root = path.partition("/runs/")[0]
        return [f"{root}/{name}/result.json" for name in LISTED]

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        return [
            {"name": f"{path}/{name}", "size": 3, "type": "file"}
            for name in ("..", ".", "", "../../outside/.bashrc", "muybridge.json")
        ]

    def cat_file(self, path: str, *_: Any, **__: Any) -> bytes:
        if path.endswith("muybridge.json"):
            return b'{"made by": "muybridge", "layout": 1}'
        return json.dumps({"version": 1, "files": {"a": FACTS}}).encode()


fsspec.register_implementation("evil", Evil, clobber=True)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "out"
    result_folder.build(folder)
    return folder


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of the user, near enough to be reached by dots."""
    folder = tmp_path / "outside"
    (folder / "project").mkdir(parents=True)
    (folder / ".bashrc").write_text("alias ls='ls -F'\n")
    (folder / "id_rsa").write_text("PRIVATE KEY of the user")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "a" / "b" / "stores"))
    return folder


@pytest.fixture
def untouched(outside: Path) -> Iterator[None]:
    def state() -> dict[str, str]:
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for path in outside.rglob("*")
        }

    before = state()
    yield
    assert state() == before


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path / 'a' / 'b' / 'c' / 'store'}"
        return
    name = uuid4().hex
    yield f"memory://{name}/a/b/store"
    fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


def few(names: Iterable[str], *quick: str) -> list[Any]:
    """All of the names, those that are not named again marked as slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def uploaded(
    sound: Path, tmp_path: Path, url: str, change: Callable[[dict[str, Run]], object]
) -> dict[str, Run]:
    """Put a changed copy of the sound folder into a store, as its owner could; returns its runs in the working copy."""
    copy = tmp_path / "theirs"
    shutil.copytree(sound, copy)
    runs = {run.stage: run for run in find_runs(copy)}
    change(runs)
    for path in copy.rglob("*"):
        if path.is_file():
            Store("/".join((url, *path.relative_to(copy).parts[:-1]))).write(path.name, path.read_bytes())
    return {stage: Run(local(url) / run.path.relative_to(copy)) for stage, run in runs.items()}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", few(NAMES, "far up", "absolute"))
def test_names_of_files_lead_nowhere(
    sound: Path, tmp_path: Path, url: str, run: Call, name: str, caplog: pytest.LogCaptureFixture
):
    payload = b"echo owned\n"
    facts = {"bytes": len(payload), "mtime_ns": 0, "sha256": hashlib.sha256(payload).hexdigest()}
    runs = uploaded(sound, tmp_path, url, lambda runs: resealed(runs["probe"], files={NAMES[name]: facts}))
    code, text, error = run("runs", "ls", "--out", url)
    assert (code, "7 runs" in text) == (0, True), error
    assert f"probe/{runs['probe'].signature} is left out" in caplog.text
    assert not runs["probe"].path.exists()
    for use in (fetch, restore):
        with pytest.raises(MuybridgeError, match="Nothing was touched"):
            use(runs["probe"])
    assert not runs["probe"].path.exists()


@pytest.mark.usefixtures("untouched")
def test_names_of_runs_lead_nowhere(tmp_path: Path, run: Call):
    code, _, error = run("runs", "ls", "--out", "evil://place/a")
    assert (code, "holds no runs" in error) == (2, True)
    assert list((tmp_path / "a" / "b").rglob("*")) == []
    out.claim(Path("evil://place/a"))
    assert [path.name for path in (tmp_path / "a" / "b").rglob("*") if path.is_file()] == [out.MARKER]


def grown(run: Run) -> None:
    """A result that says that a small file is a large one."""
    told = json.loads((run.path / "result.json").read_text())
    told["files"]["predictions.parquet"]["bytes"] = 1 << 50
    resealed(run, files=told["files"])


def exchanged(run: Run) -> None:
    (run.path / "predictions.parquet").write_bytes(b"other")


CHANGES: dict[str, Callable[[Run], object]] = {
    "a file is another one": exchanged,
    "a file is gone": lambda run: (run.path / "predictions.parquet").unlink(),
    "a size that lies": grown,
    "of another run": lambda run: resealed(run, signature="0" * 16),
    "of another stage": lambda run: resealed(run, stage="robustness"),
    **{
        f"result {name}": lambda run, text=text: (run.path / "result.json").write_text(text)
        for name, text in list(TEXTS.items())[::4]
    },
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "change", few(CHANGES, "a file is another one", "a size that lies", "result deep lists")
)
def test_a_run_that_is_not_what_was_published_is_said_and_left_out(
    sound: Path, tmp_path: Path, url: str, run: Call, change: str, caplog: pytest.LogCaptureFixture
):
    runs = uploaded(sound, tmp_path, url, lambda runs: CHANGES[change](runs["probe"]))
    code, _, error = run("runs", "ls", "--out", url)
    assert code == 0, error
    assert f"probe/{runs['probe'].signature} is left out" in caplog.text
    assert not runs["probe"].done
    assert Store(f"{url}/runs/probe/{runs['probe'].signature}").read("result.json") is not None, (
        "looking deletes nothing"
    )


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("kind", KINDS_OF_FILES)
@pytest.mark.parametrize("name", ["result.json", "predictions.parquet"])
@pytest.mark.timeout(60)
def test_pipes_and_the_like_in_a_shared_folder_do_not_hang(
    sound: Path, tmp_path: Path, run: Call, kind: str, name: str, caplog: pytest.LogCaptureFixture
):
    store = tmp_path / "store"
    shutil.copytree(sound, store)
    path = next(store.glob(f"runs/probe/*/{name}"))
    path.unlink()
    KINDS_OF_FILES[kind](path)
    code, _, error = run("runs", "ls", "--out", f"file://{store}")
    assert code == 0, error
    assert "is left out" in caplog.text
    assert not [path for path in (tmp_path / "a").rglob("result.json") if path.parent.parent.name == "probe"]


def test_links_in_a_shared_folder_are_not_read(
    sound: Path, tmp_path: Path, outside: Path, run: Call, caplog: pytest.LogCaptureFixture
):
    """A result that lists the user's key, and a link to it: nothing is copied anywhere."""
    store = tmp_path / "store"
    shutil.copytree(sound, store)
    one = Run(next(store.glob("runs/probe/*")))
    (one.path / "strips.npz").unlink()
    key = outside / "id_rsa"
    facts = {
        "bytes": key.stat().st_size,
        "mtime_ns": 0,
        "sha256": hashlib.sha256(key.read_bytes()).hexdigest(),
    }
    resealed(one, files={"strips.npz": facts})
    (one.path / "strips.npz").symlink_to(key)
    run("runs", "ls", "--out", f"file://{store}")
    assert "is a link" in caplog.text
    assert not list((tmp_path / "a").rglob("strips.npz")) or all(
        path.read_bytes() != key.read_bytes() for path in (tmp_path / "a").rglob("strips.npz")
    )


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ["predictions.parquet", "result.json", ".lease.0"])
def test_links_in_a_shared_folder_are_not_written_through(
    sound: Path, tmp_path: Path, outside: Path, name: str
):
    url = f"file://{tmp_path / 'store'}"
    out.claim(Path(url))
    folder = local(url)
    shutil.copytree(sound / "runs", folder / "runs")
    one = Run(next(folder.glob("runs/knn/*")))
    place = tmp_path / "store" / one.path.relative_to(folder)
    place.mkdir(parents=True)
    (place / name).symlink_to(outside / ".bashrc")
    try:
        publish(one)
        Store(f"{url}/{one.path.relative_to(folder)}").renew(".lease.0", b"x")
    except MuybridgeError:
        pass
    except FileNotFoundError:
        assert name != ".lease.0"


def test_links_in_a_folder_of_results_are_not_published(sound: Path, tmp_path: Path, url: str, outside: Path):
    out.claim(Path(url))
    folder = local(url)
    shutil.copytree(sound / "runs", folder / "runs")
    one = Run(next(folder.glob("runs/knn/*")))
    key = outside / "id_rsa"
    (one.path / "stolen.json").symlink_to(key)
    (one.path / "notes.txt").write_text("of the user")
    (folder / "stolen.md").symlink_to(key)
    (folder / "tables").symlink_to(outside)
    os.link(key, folder / "stolen key")
    publish(one)
    publish_pages(folder)
    store = Store(url)
    everything = store.fs.find(store.root)
    assert any(path.endswith("predictions.parquet") for path in everything)
    assert not [
        path
        for path in everything
        if path.endswith(("stolen.json", "notes.txt", "stolen.md", "id_rsa", "stolen key"))
    ]
    assert all(b"PRIVATE" not in store.fs.cat_file(path) for path in everything)


def test_a_link_in_the_place_of_a_file_is_not_published(sound: Path, tmp_path: Path, url: str, outside: Path):
    out.claim(Path(url))
    folder = local(url)
    shutil.copytree(sound / "runs", folder / "runs")
    one = Run(next(folder.glob("runs/knn/*")))
    (one.path / "predictions.parquet").unlink()
    (one.path / "predictions.parquet").symlink_to(outside / "id_rsa")
    with pytest.raises(MuybridgeError, match="is a link"):
        publish(one)
    store = Store(url)
    assert all(b"PRIVATE" not in store.fs.cat_file(path) for path in store.fs.find(store.root))
