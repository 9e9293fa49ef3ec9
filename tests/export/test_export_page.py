"""docs/export.md does what it says: its commands and its Python, run as they stand there, one behind the other."""

import re
import shlex
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from fake_hub import serving

import muybridge

Call = Callable[..., tuple[int, str, str]]
PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_commands_and_code_of_the_page_run(
    videos: Path, tmp_path: Path, run: Call, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("huggingface_hub")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").symlink_to(videos)
    made = muybridge.probe(data=str(videos), fold=0, backbone="c3d-tiny", out="runs", stride=1, batch=8)
    ran = 0
    with serving() as hub:
        constants = import_module("huggingface_hub.constants")
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        for language, block in BLOCKS:
            if language == "python":
                exec(compile(block, "docs/export.md", "exec"), {})
                ran += 1
            for line in block.splitlines() if not language else ():
                words = [str(made.path) if word == "RUN" else word for word in shlex.split(line)[1:]]
                code, _, said = run(*words)
                assert code == 0, f"{line}: {said}"
                ran += 1
    assert ran == 10
    assert (tmp_path / "back" / "config.json").read_bytes() == (tmp_path / "net" / "config.json").read_bytes()
