"""A study survives kill -9 at random moments, a full disk and a corrupted result, and ends with the rows of an undisturbed one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trivial
from chaos import Chaos, rows_of, small_disk

from muybridge.runs.metrics import read_metrics
from muybridge.runs.records import find_runs
from muybridge.runs.seal import damage
from muybridge.store import generations

TRIVIAL = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {package!r}]
import trivial
from muybridge.runs import out
from muybridge.core.text.screen import Plain
from muybridge.studies.cell_runner import run_cells
from muybridge.store.storage import local

out.claim(Path(sys.argv[2]))
cells = trivial.cells(Path(sys.argv[1]), local(sys.argv[2]), {number}, needs={{5: 0, 6: 5}})
sys.exit(1 if run_cells(cells, {workers}, Plain()).failed else 0)
"""
MACHINE = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {package!r}]
import trivial
from muybridge.runs import out
from muybridge.core.catalogue import Entry
from muybridge.core.text.screen import Plain
from muybridge.store.storage import local
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.executors import EXECUTORS

EXECUTORS["here"] = Entry("in this process", "trivial:Here")
out.claim(Path(sys.argv[2]))
sys.exit(1 if run_cells(trivial.cells(Path(sys.argv[1]), local(sys.argv[2]), 8), 1, Plain(), "here").failed else 0)
"""
REAL = """
import sys
from dataclasses import replace
from pathlib import Path
from muybridge.runs import out
from muybridge.core.text.screen import Plain
from muybridge.config.stage_configs import (
    FinetuneConfig, NeighboursConfig, PretrainConfig, ProbeConfig, RobustnessConfig,
)
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.plan import plan


def study(data, folder):
    control = {"out": folder, "device": "cpu", "workers": 1}
    common = {**control, "data": (data,), "frames": 4, "stride": 1, "size": 20, "crop": 16}
    few = {"epochs": 1, "labels_per_class": 2, "batch": 4}
    for seed in range(3):
        for task in ("rotnet", "vcop"):
            init = yield PretrainConfig(**common, seed=seed, objective=task, budget=36, batch=6)
            yield ProbeConfig(**common, seed=seed, init=init)
            model = yield FinetuneConfig(**common, **few, seed=seed, init=init)
            yield RobustnessConfig(**control, model=model, types=("gaussian_noise",), severities=(1,))
            yield NeighboursConfig(**common, seed=seed, init=init)
    for seed in range(15):
        yield FinetuneConfig(**common, **few, seed=seed)
        yield NeighboursConfig(**common, seed=seed)


out.claim(Path(sys.argv[2]))
cells = plan(study(sys.argv[1], Path(sys.argv[2])))
assert len(cells) == 60
sys.exit(1 if run_cells(cells, 2, Plain()).failed else 0)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, bool]]:
    """A folder for the study, and whether it is a small disk of its own."""
    folder = tmp_path / "disk"
    own = small_disk(folder)
    yield folder, own
    if own:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def check(chaos: Chaos, number: int) -> None:
    """No result was half, none was computed twice but the corrupted one."""
    assert len(find_runs(chaos.out)) == number
    assert not chaos.half_read
    assert chaos.written_again() <= chaos.corrupted
    for path in chaos.corrupted:
        events = [row["event"] for row in read_metrics(path / "journal.jsonl")]
        assert events.count("damaged") == 1


def test_a_small_study_survives(videos, tmp_path, monkeypatch):
    asked = trivial.install(tmp_path / "package")
    monkeypatch.setenv("TRIVIAL", str(asked))
    script = tmp_path / "driver.py"
    tests = str(Path(__file__).parent)
    script.write_text(TRIVIAL.format(tests=tests, package=str(tmp_path / "package"), number=12, workers=1))
    chaos = Chaos([sys.executable, str(script), str(videos), str(tmp_path / "out")], tmp_path / "out")
    with chaos.watched():
        (asked / "4.wait").touch()
        chaos.until(4)
        chaos.kill(driver=True)
        chaos.corrupt()
        (asked / "4.wait").unlink()
        (asked / "9.wait").touch()
        chaos.until(9)
        chaos.kill(driver=False)
        (asked / "9.wait").unlink()
        assert chaos.finish() == 0, chaos.log.read_text()
    assert chaos.kills == {"driver": 1, "worker": 1}
    with trivial.on_path(tmp_path / "package"):
        expected = {
            f"trivial/{cell.job.signature}": trivial.rows(number)
            for number, cell in enumerate(trivial.cells(videos, tmp_path / "out", 12))
        }
    assert rows_of(chaos.out) == expected
    check(chaos, 12)


def journals(stores: Path) -> list[str]:
    """Signature of every try that began on a machine."""
    return [
        path.parent.name
        for path in stores.rglob("journal.jsonl")
        for row in read_metrics(path)
        if row["event"] == "began"
    ]


def test_a_machine_takes_over_from_a_dead_one_through_the_store(videos, tmp_path, monkeypatch):
    asked = trivial.install(tmp_path / "package")
    monkeypatch.setenv("TRIVIAL", str(asked))
    monkeypatch.setenv("MUYBRIDGE_LEASE", "8")
    script = tmp_path / "driver.py"
    script.write_text(MACHINE.format(tests=str(Path(__file__).parent), package=str(tmp_path / "package")))
    store = tmp_path / "store"
    words = [sys.executable, str(script), str(videos), f"file://{store}"]
    a, b = (Chaos(words, store, stores=tmp_path / name) for name in "ab")
    (asked / "3.wait").touch()
    a.until(3)
    b.until(7)
    a.kill(driver=True)
    (asked / "3.wait").unlink()
    assert b.finish() == 0, b.log.read_text()
    assert len(find_runs(store)) == 8
    assert not [run for run in find_runs(store) if damage(run.path, thorough=True)]
    with trivial.on_path(tmp_path / "package"):
        third = trivial.cells(videos, store, 4)[3].job.signature
    first, second = journals(tmp_path / "a"), journals(tmp_path / "b")
    assert set(first) & set(second) == {third}
    assert len(first) + len(second) == 9
    assert not [path for path in store.rglob(".lease*") if generations.held(path.name)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_sixty_cells_survive_twenty_kills_a_full_disk_and_a_corrupted_result(videos, tmp_path, disk):
    script = tmp_path / "driver.py"
    script.write_text(REAL)
    command = [sys.executable, str(script), str(videos)]
    undisturbed = Chaos([*command, str(tmp_path / "undisturbed")], tmp_path / "undisturbed")
    assert undisturbed.finish() == 0, undisturbed.log.read_text()
    expected = rows_of(undisturbed.out)
    assert len(expected) == 60

    out = disk[0] / "out"
    chaos = Chaos([*command, str(out)], out, seed=6)
    chaos.log = tmp_path / "disturbed.log"
    moments = sorted(chaos.random.sample(range(1, 58), 20))
    with chaos.watched():
        for number, moment in enumerate(moments):
            chaos.until(moment)
            chaos.kill(driver=number % 2 == 0)
            if number == 8:
                chaos.corrupt()
            if number == 12:
                chaos.run_full(own_disk=disk[1])
        assert chaos.finish() == 0, chaos.log.read_text()
    assert sum(chaos.kills.values()) == 20
    assert min(chaos.kills.values()) >= 5
    assert rows_of(out) == expected
    check(chaos, 60)
