"""The examples in the docstrings of the verbs, run as they stand there, in a folder that holds a few videos."""

import doctest
import shutil
from pathlib import Path

import pytest

import muybridge
from muybridge import api


@pytest.fixture(scope="module")
def folder(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with ``videos``."""
    root = tmp_path_factory.mktemp("examples")
    shutil.copytree(videos, root / "videos")
    return root


@pytest.mark.parametrize("verb", muybridge.__all__)
def test_the_example_does_what_it_shows(verb: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    [example] = doctest.DocTestFinder(recurse=False).find(getattr(api, verb), verb, globs={})
    assert len(example.examples) > 1, "an example has an import and a call at least"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
