"""``push`` and ``pull`` against a server of this machine: what is sent, what is taken, and what is refused before it is fetched."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from exported_runs import probed
from fake_hub import FakeHub, serving

import muybridge
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.export.hub import pull, push

pytest.importorskip("huggingface_hub")
constants = import_module("huggingface_hub.constants")
Call = Callable[..., tuple[int, str, str]]
TOKEN = "hf_" + "abcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture(scope="module")
def exported(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    return muybridge.export(probed(videos, root / "out"), "hf", root / "net").path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with serving() as found:
        for name in ("ENDPOINT", "HUGGINGFACE_CO_URL_HOME"):
            monkeypatch.setattr(constants, name, found.url, raising=False)
        template = found.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        yield found


def test_what_was_pushed_is_pulled(exported: Path, hub: FakeHub, tmp_path: Path, run: Call):
    code, said, errors = run("push", exported, "me/net")
    assert code == 0, errors
    assert "me/net: 5 files" in said
    assert hub.private == {"me/net": True}
    code, told, errors = run("pull", "me/net", tmp_path / "back")
    assert code == 0, errors
    files = {one.name: one.read_bytes() for one in exported.iterdir()}
    assert {one.name: one.read_bytes() for one in (tmp_path / "back").iterdir()} == files
    assert f"Bearer {TOKEN}" in hub.tokens, "the token went to the hub"
    written = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert TOKEN not in said + told + errors
    assert TOKEN.encode() not in written + b"".join(hub.repos["me/net"].values())
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == ["back"]


def test_a_public_repository_is_asked_for(exported: Path, hub: FakeHub):
    push(exported, "me/net", public=True)
    assert hub.private == {"me/net": False}


def test_code_and_pickles_stay_where_they_are(exported: Path, hub: FakeHub, tmp_path: Path):
    push(exported, "me/net")
    hub.repos["me/net"] |= {
        "modeling.py": b"import os",
        "pytorch_model.bin": b"x",
        "../../evil": b"x",
        "sub/model.safetensors": b"x",
    }
    said = pull("me/net", tmp_path / "back")
    assert "left 4 there (modeling.py, pytorch_model.bin, '../../evil')" in said
    assert len(list((tmp_path / "back").iterdir())) == 5
    assert not [path for _, path in hub.asked if path.endswith((".py", ".bin", "evil"))]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda hub, files: files.pop("config.json"), UsageError, "has no config.json: not a folder of"),
        (lambda hub, files: hub.sizes.update({"config.json": 1 << 40}), UsageError, "Nothing was fetched"),
        (lambda hub, files: hub.sizes.update({"README.md": 3}), MuybridgeError, "Nothing was kept"),
        (
            lambda hub, files: files.update({"config.json": b'{"model_type": "videomae"}'}),
            UsageError,
            "was not written by",
        ),
        (
            lambda hub, files: files.update({"config.json": b"[" * 9999}),
            MuybridgeError,
            "cannot be read as JSON",
        ),
        (lambda hub, files: files.pop("head.safetensors"), MuybridgeError, "head.safetensors: is missing"),
    ],
    ids=["lacks", "large", "size", "foreign", "nested", "head"],
)
def test_what_is_no_such_folder_leaves_nothing(
    change: Callable[[FakeHub, dict[str, bytes]], object], error: type[MuybridgeError], said: str, exported: Path, hub: FakeHub,
    tmp_path: Path,
):  # fmt: skip
    push(exported, "me/net")
    change(hub, hub.repos["me/net"])
    with pytest.raises(error, match=said):
        pull("me/net", tmp_path / "back")
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == []


def test_a_network_that_is_code_is_not_pulled(exported: Path, hub: FakeHub, tmp_path: Path):
    push(exported, "me/net")
    files = hub.repos["me/net"]
    content = json.loads(files["config.json"])
    content["muybridge"]["backbone"] = "os:abort"
    files["config.json"] = json.dumps(content).encode()
    with pytest.raises(UsageError, match="which is no network of"):
        pull("me/net", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_repository_that_is_not_there(hub: FakeHub, tmp_path: Path, run: Call):
    code, _, said = run("pull", "nobody/nothing", tmp_path / "back")
    assert code == 1
    assert said.startswith("muybridge: pull nobody/nothing: ")
    assert said.rstrip().endswith("Nothing was kept.")
    assert TOKEN not in said
    assert not (tmp_path / "back").exists()


def test_other_files_are_not_sent(exported: Path, hub: FakeHub, tmp_path: Path):
    folder = shutil.copytree(exported, tmp_path / "net")
    (folder / "secrets.env").write_text("KEY=1")
    with pytest.raises(
        UsageError, match=r"holds secrets.env, which such a folder does not. Nothing was sent"
    ):
        push(folder, "me/net")
    with pytest.raises(MuybridgeError):
        push(tmp_path / "nowhere", "me/net")
    assert hub.asked == []


@pytest.mark.parametrize("repo", ["net", "a/b/c", "../net", "me/..", "me/n t", "https://x/y"])
def test_names_of_repositories(repo: str, hub: FakeHub, tmp_path: Path):
    with pytest.raises(UsageError, match="wanted a repository, OWNER/NAME"):
        pull(repo, tmp_path / "back")
    with pytest.raises(UsageError, match="wanted a branch, a tag or a commit"):
        pull("me/net", tmp_path / "back", revision="a b")
    assert hub.asked == []


def test_what_is_there_is_kept(exported: Path, hub: FakeHub, tmp_path: Path):
    push(exported, "me/net")
    folder = shutil.copytree(exported, tmp_path / "net")
    with pytest.raises(UsageError, match="is there"):
        pull("me/net", folder)
    (folder / "README.md").write_text("old")
    pull("me/net", folder, overwrite=True)
    assert (folder / "README.md").read_bytes() == (exported / "README.md").read_bytes()


def test_without_the_library_one_line_says_what_to_install(exported: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # what Python does where there is none
    with pytest.raises(
        UsageError, match=r"^push and pull need huggingface_hub: pip install 'muybridge\[hub\]'\.$"
    ):
        push(exported, "me/net")
