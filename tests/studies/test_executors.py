"""Slots, memory and Slurm: where a cell goes, and that it starts only where there is room."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import trivial

from muybridge.core.errors import UsageError
from muybridge.core.machine import machine_memory
from muybridge.core.plain_data import write_json
from muybridge.core.text.screen import Plain
from muybridge.store.storage import local
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.executors import local as processes
from muybridge.studies.executors.local import Local, visible_gpus
from muybridge.studies.executors.portable import portable_config
from muybridge.studies.executors.room import UNKNOWN, Room, kind
from muybridge.studies.executors.worker import describe
from muybridge.studies.plan import Cell

MB = 1 << 20


@pytest.fixture
def cells(videos, tmp_path, monkeypatch):
    """Four cells of the trivial stage."""
    asked = trivial.install(tmp_path / "package")
    monkeypatch.setenv("TRIVIAL", str(asked))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "package"), prepend=":")
    with trivial.on_path(tmp_path / "package"):
        yield trivial.cells(videos, tmp_path / "out", 4)


def on(cell: Cell, device: str) -> Cell:
    return replace(cell, job=replace(cell.job, config=replace(cell.job.config, device=device)))


class Idle:
    """Stands in for a worker process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment, self.given = environment, []
        self.process = SimpleNamespace(pid=1, is_alive=lambda: True)

    def give(self, config) -> None:
        self.given.append(config)

    def stop(self) -> None:
        pass


@pytest.fixture
def machine(monkeypatch):
    """Two processors, two GPUs, memory without end."""
    monkeypatch.setattr(processes, "visible_gpus", lambda: ["3", "5"])
    monkeypatch.setattr(processes, "Worker", Idle)
    monkeypatch.setattr(machine_memory, "available", lambda: None)
    return Local(2)


def test_a_gpu_takes_one_cell_and_processors_take_the_others(machine, cells):
    assert [machine.start(on(cell, "auto")) for cell in cells[:3]] == [True, True, False]
    assert [machine.start(on(cell, "cpu")) for cell in (*cells[2:], cells[0])] == [True, True, False]
    given = [(slot.worker.environment, slot.worker.given[0].device) for slot in machine.slots]
    assert given == [
        ({}, "cpu"),
        ({}, "cpu"),
        ({"CUDA_VISIBLE_DEVICES": "3"}, "cuda"),
        ({"CUDA_VISIBLE_DEVICES": "5"}, "cuda"),
    ]


def test_a_named_gpu_is_waited_for(machine, cells):
    assert machine.start(on(cells[0], "cuda:1"))
    assert not machine.start(on(cells[1], "cuda:1"))
    assert machine.gpus["5"].cell is not None
    assert machine.gpus["3"].cell is None


def test_without_gpus_processors_take_all(monkeypatch, cells):
    monkeypatch.setattr(processes, "visible_gpus", list)
    monkeypatch.setattr(processes, "Worker", Idle)
    monkeypatch.setattr(machine_memory, "available", lambda: None)
    machine = Local(1)
    assert machine.start(on(cells[0], "auto"))
    assert not machine.start(on(cells[1], "auto"))


@pytest.mark.parametrize(
    ("named", "count", "found"),
    [("", 2, ["0", "1"]), ("4,7", 2, ["4", "7"]), ("GPU-a,GPU-b", 2, ["GPU-a", "GPU-b"]), ("", 0, []), ("-1", 0, [])],
)  # fmt: skip
def test_gpus_are_called_as_the_environment_calls_them(monkeypatch, named, count, found):
    import torch

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert visible_gpus() == found


def test_a_cell_starts_only_where_its_kind_fits_beside_what_the_others_will_take(cells, monkeypatch):
    room = Room()
    monkeypatch.setattr(machine_memory, "available", lambda: 500 * MB)
    monkeypatch.setattr(machine_memory, "resident", lambda _: 100 * MB)
    assert room.is_enough(cells[0], [])
    assert not room.is_enough(cells[1], [(cells[0], 1)])
    room.learn(cells[0], 250 * MB)
    assert room.is_enough(cells[1], [(cells[0], 1)])  # 150 to come and 250 fit into 500
    room.learn(cells[0], 310 * MB)
    assert not room.is_enough(cells[1], [(cells[0], 1)])  # 210 to come and 310 do not
    assert room.is_enough(cells[1], [])
    room.learn(cells[2], 200 * MB)
    assert room.expected(cells[1]) == 310 * MB


def test_an_unknown_kind_is_reckoned_as_the_largest_known(cells):
    room = Room()
    assert room.expected(cells[0]) == UNKNOWN
    room.learn(cells[0], 3 * UNKNOWN)
    other = replace(
        cells[1], job=replace(cells[1].job, config=replace(cells[1].job.config, backbone="r3d-tiny"))
    )
    assert kind(other) != kind(cells[0])
    assert room.expected(other) == 3 * UNKNOWN


def test_past_runs_tell_what_their_kind_takes(cells):
    room = Room()
    cells[0].run.path.mkdir(parents=True)
    write_json(cells[0].run.path / "result.json", {"peak_memory": 7 * MB})
    room.recall(cells[0])
    assert room.is_known(cells[1])
    assert room.expected(cells[1]) == 7 * MB


def test_memory_is_read_from_the_kernel_and_the_container(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(machine_memory, "CGROUP", tmp_path / "cgroup")
    assert machine_memory.available() is None
    assert machine_memory.peak() == machine_memory.resident(1) == 0
    for name, text in {
        "proc/meminfo": "MemTotal:  9000 kB\nMemAvailable:    5000 kB\nHugePages_Total:  0\n",
        "proc/self/status": "Name:\tpython\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n",
        "cgroup/memory.max": "max\n",
        "cgroup/memory.current": "3072000\n",
        "cgroup/memory.stat": "anon 5\ninactive_file 1024000\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine_memory.available() == 5000 * 1024
    assert machine_memory.peak() == 300 * 1024
    assert machine_memory.resident() == 200 * 1024
    (tmp_path / "cgroup/memory.max").write_text("4096000\n")
    assert machine_memory.available() == 4096000 - 3072000 + 1024000


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_the_peak_is_that_of_this_cell():
    """In a process of its own: the heap of this one may have room for the block that is resident already."""
    code = """
from muybridge.core.machine import machine_memory
block = bytearray(200 << 20)
high = machine_memory.peak()
del block
machine_memory.restart_peak()
before = machine_memory.peak()
block = bytearray(50 << 20)
print(high, machine_memory.peak() - before)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    high, grown = map(int, out.split())
    assert high >= 200 * MB
    assert grown == pytest.approx(50 * MB, rel=0.2)


def test_a_cell_for_another_machine_names_its_store(cells, tmp_path, monkeypatch):
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "stores"))
    assert portable_config(cells[0]) == cells[0].job.config
    out = local("s3://bucket/study").absolute()
    inside = replace(cells[0], job=replace(cells[0].job, config=replace(cells[0].job.config, out=out)))
    assert local(portable_config(inside).out) == out
    assert str(portable_config(inside).out) == "s3:/bucket/study"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "the disk is full"),
        (OSError(30, "Read-only file system", "/out/x"), "/out/x: cannot be written (Read-only file system)"),
        (OSError(116, "Stale file handle", "/out/x"), "Make --out writable again"),
        (ValueError("odd"), "ValueError: odd"),
        (UsageError("no such thing"), "no such thing"),
    ],
)
def test_errors_of_a_worker_in_words(error, said):
    assert said in describe(error)


@pytest.mark.parametrize("cluster", ["debug", pytest.param("local", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore")
def test_cells_as_jobs_of_submitit(cells, tmp_path, cluster):
    pytest.importorskip("submitit")
    (tmp_path / "package" / "asked" / "1.fail").touch()
    cells = [cells[0], replace(cells[1], needs=frozenset({cells[0].job.signature})), cells[2]]
    outcome = run_cells(cells, 2, Plain(), "slurm", f"cluster={cluster},timeout_min=5")
    assert outcome.done == {cells[0].job.signature, cells[2].job.signature}
    assert "was asked to fail" in outcome.failed[cells[1].job.signature]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("gpu", "wanted NAME=VALUE"),
        ("cluster=debug,no_such_thing=3", "no_such_thing"),
        ("cluster=nowhere", "nowhere"),
    ],
)
def test_wrong_parameters_of_slurm_are_refused(cells, address, said):
    pytest.importorskip("submitit")
    with pytest.raises(UsageError, match=said):
        run_cells(cells, 1, Plain(), "slurm", address)


@pytest.mark.parametrize("name", ["ray", "submitit"])
def test_an_executor_that_is_not_installed_says_how_to_have_it(cells, name, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"pip install 'muybridge\["):
        run_cells(cells, 1, Plain(), {"ray": "ray", "submitit": "slurm"}[name])
