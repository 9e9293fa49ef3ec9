"""A password in the URL of a store, over all stages and the verbs behind them: none of their records and words holds it."""

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

import muybridge
from muybridge.core.plain_data import read_json
from muybridge.runs.stages import STAGES as KNOWN

Call = Callable[..., tuple[int, str, str]]
S = "h7nter2XsEcRet"
URL = f"memory://me:{S}@place/everywhere"
CLIPS = ("--frames", 4, "--stride", 1, "--size", 20, "--crop", 16, "--batch", 4)
DATA = ("--data", "LIST", "--workers", 1)
FEW = ("--batch", 6, "--permutations", 20, "--replicates", 20)
OWN = ("--gradient-batches", 4, "--gradient-batch", 4, "--points", 50, 100, "--redraws", 50)
STAGES: dict[str, tuple[object, ...]] = {
    "pretrain": ("pretrain", *DATA, *CLIPS, "--objective", "video-text", "--budget", 3, "--budget-unit", "steps"),
    "finetune": ("finetune", *DATA, *CLIPS, "--init", "pretrain", "--epochs", 1),
    "distill": ("distill", *DATA, *CLIPS, "--teachers", "finetune", "--epochs", 1),
    "probe": ("probe", *DATA, *CLIPS, "--init", "pretrain"),
    "knn": ("knn", *DATA, *CLIPS, "--init", "pretrain"),
    "retrieval": ("retrieval", *DATA, *CLIPS, "--init", "pretrain"),
    "neighbours": ("neighbours", *DATA, *CLIPS, "--init", "pretrain"),
    "robustness": ("robustness", *DATA, "--model", "finetune", "--types", "jumbling"),
    "robustness of a probe": ("robustness", *DATA, "--model", "probe", "--types", "jumbling"),
    "zeroshot": ("zeroshot", *DATA, "--model", "pretrain", "--templates", "bare"),
    "similarity": ("similarity", "finetune", "pretrain", *DATA, *FEW),
    "diversity": ("diversity", *DATA, *CLIPS, *OWN, "--epochs", 2, "--auxiliary", "rotnet", "speed"),
}  # fmt: skip
"""The command of each stage; LIST is a list of videos, a stage in the place of a run is the URL of the one that it made."""
CLAIMS = """
claims:
  - {id: A1, say: A above B cannot be decided., enough_units: {sizes: [1, 2]}}
"""


@pytest.fixture
def place(tmp_path: Path, videos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with videos, sentences and claims; caches and working copies lie there too, the store in memory."""
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "stores"))
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MUYBRIDGE_HUB_TOKEN", S)
    lines = ["path,label,split,caption"]
    for label in ("left", "right"):
        shutil.copytree(videos / label, tmp_path / "videos" / label)
        for i, path in enumerate(sorted((tmp_path / "videos" / label).iterdir())):
            lines.append(f"{path},{label},{'train' if i % 2 else 'test'},a square that moves {label} now")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    (tmp_path / "own.yaml").write_text(CLAIMS)
    yield tmp_path
    memory = fsspec.filesystem("memory")
    for path in [path for path in memory.store if S in path]:
        memory.store.pop(path)


def told(words: tuple[object, ...], place: Path, made: dict[str, Path]) -> list[str]:
    """The words of a command with the list and the URLs of the runs so far."""
    *texts, verb = [*map(str, words[1:]), str(words[0])]
    known = {name: f"{URL}/runs/{path.parent.name}/{path.name}" for name, path in made.items()}
    return [verb, *(known.get(text, text) for text in texts)]


def test_every_stage_is_here():
    assert {str(words[0]) for words in STAGES.values()} == {*KNOWN, "distill"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_stage_writes_or_says_it(place: Path, run: Call, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "muybridge")
    made: dict[str, Path] = {}
    said: list[tuple[int, str, str]] = []

    def call(*words: object) -> str:
        said.append(run(*words))
        assert said[-1][0] == 0, (words, said[-1][2])
        return said[-1][1]

    for name, words in STAGES.items():
        full = [text.replace("LIST", str(place / "list.csv")) for text in told(words, place, made)]
        before = set(map(str, made.values()))
        call(*full, "--device", "cpu", "--out", URL)
        (new,) = {str(one["path"]) for one in muybridge.runs(URL)} - before
        made[name] = Path(new)
    book = ("--out", place / "book")
    result = made["zeroshot"] / "result.json"
    call("claims", "add", place / "own.yaml", result, *book)
    call("claims", "verify", "--runs", URL, *book)
    call("claims", "list", "--json", *book)
    call("claims", "report", *book)
    call("claims", "export", *book)
    call("compare", made["robustness"], made["robustness of a probe"], "--out", place / "compared")
    call("report", URL)
    (place / "exported").mkdir()
    for name, path in made.items():
        call("runs", "show", path.name, "--out", URL)
        call("runs", "export", place / "exported" / f"{name}.zip", "--run", path.name, "--out", URL)
        assert "memory://me:***@place/everywhere" in read_json(path / "result.json")["command"], name
    assert not [text for _, text, error in said for text in (text, error) if S in text]
    assert S not in caplog.text
    found = [
        path
        for path in place.rglob("*")
        if S in path.name or (path.is_file() and S.encode() in path.read_bytes())
    ]
    assert found == []
    memory = fsspec.filesystem("memory")
    published = [path for path in memory.store if S in path]
    assert len([path for path in published if path.endswith("/result.json")]) == len(STAGES)
    assert not [path for path in published if S.encode() in memory.cat_file(path)]
