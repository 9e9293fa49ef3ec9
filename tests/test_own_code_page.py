"""The page on one's own code is run as it stands there: its Python in one go, and the flags of its commands."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muybridge.cli.embed import Embed
from muybridge.cli.flags import parse

PAGE = Path(__file__).parent.parent / "docs" / "own-code.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """The blocks of a language, in order."""
    return [code for kind, code in BLOCK.findall(PAGE.read_text("utf-8")) if kind == language]


def test_the_python_of_the_page_does_what_it_says(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    shutil.copytree(videos, tmp_path / "my" / "videos")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec("\n".join(blocks("python")), names)
    assert names["rows"].shape == (16, 128)
    assert names["labels"].tolist() == [0] * 8 + [1] * 8
    assert len(names["accuracies"]) == 4
    assert names["fitted"] == 1
    assert names["losses"][-1] < names["losses"][0]
    assert not np.allclose(names["tuned"].features(), names["rows"])
    cosines = names["rows"] @ names["rows"].T
    norms = np.sqrt(np.diag(cosines))
    cosines = cosines / norms / norms[:, None] - 2 * np.eye(16)
    assert np.isclose(cosines[0, names["nearest"][0]], cosines[0].max(), atol=1e-6)
    said = capsys.readouterr().out
    assert "own run: 8 x3, 1x1 views, 32 px" in said
    assert "left/0.mp4 is nearest to" in said
    assert (tmp_path / "features.parquet").is_file()


def test_the_commands_of_the_page_are_understood() -> None:
    lines = [
        line for block in blocks("") for line in block.splitlines() if line.startswith("muybridge embed ")
    ]
    assert len(lines) == 3
    for line in lines:
        found = parse(Embed, "muybridge embed", line.split()[2:])
        assert found.model
        assert found.out
