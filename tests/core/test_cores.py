"""Cores are counted, not hyperthreads, within what the process is bound to and what its container grants."""

import os
import sys
from pathlib import Path

import pytest

from muybridge.core.machine import cores as module
from muybridge.core.machine.cores import cores, slots, worker_count
from muybridge.stages.testing.tested import threads_for

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system binds no process")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of four cores with two hyperthreads each: processors 0 and 4, 1 and 5, ..., all of them allowed, no quota."""
    for number in range(8):
        folder = tmp_path / "cpu" / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "core_cpus_list").write_text(f"{number % 4},{number % 4 + 4}\n")
    (tmp_path / "groups").mkdir()
    (tmp_path / "member").write_text("0::/a/b\n")
    monkeypatch.setattr(module, "TOPOLOGY", tmp_path / "cpu")
    monkeypatch.setattr(module, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(module, "MEMBER", tmp_path / "member")
    bind(monkeypatch, range(8))
    return tmp_path


def bind(monkeypatch: pytest.MonkeyPatch, numbers: range | set[int]) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(numbers))


def grant(system: Path, text: str, group: str = "", name: str = "cpu.max") -> None:
    folder = system / "groups" / group
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text + "\n")


def test_two_hyperthreads_are_one_core_and_room_for_two_processes(system: Path):
    assert cores() == 4
    assert slots() == 8
    grant(system, "250000 100000")
    assert slots() == 3


@pytest.mark.parametrize(("bound", "number"), [({0, 4}, 1), ({0, 1}, 2), ({0, 1, 4, 5, 6}, 3)])
def test_only_what_the_process_is_bound_to_counts(
    bound: set[int], number: int, system: Path, monkeypatch: pytest.MonkeyPatch
):
    bind(monkeypatch, bound)
    assert cores() == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("max 100000", 4), ("250000 100000", 3), ("20000 100000", 1), ("rubbish", 4), ("1 0", 4)],
)
def test_a_quota_bounds_them(text: str, number: int, system: Path):
    grant(system, text)
    assert cores() == number


def test_the_least_quota_of_the_groups_above_counts(system: Path):
    grant(system, "300000 100000", "a/b")
    grant(system, "200000 100000", "a")
    assert cores() == 2


def test_quota_of_the_older_kind(system: Path):
    (system / "member").write_text("4:memory:/x\n3:cpu,cpuacct:/y\n")
    grant(system, "200000", "cpu/y", "cpu.cfs_quota_us")
    grant(system, "100000", "cpu/y", "cpu.cfs_period_us")
    assert cores() == 2
    grant(system, "-1", "cpu/y", "cpu.cfs_quota_us")
    assert cores() == 4


def test_a_group_cannot_lead_out_of_its_folder(system: Path):
    (system / "member").write_text("0::/../../other\n")
    (system / "cpu.max").write_text("100000 100000")
    assert cores() == 4


def test_without_words_of_the_system_every_processor_counts(system: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TOPOLOGY", system / "none")
    monkeypatch.setattr(module, "MEMBER", system / "none")
    assert cores() == 8


@pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")
def test_this_machine_has_some():
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_threads_are_by_cores_and_workers_by_processors(system: Path, monkeypatch: pytest.MonkeyPatch):
    assert (worker_count(0), worker_count(7), threads_for(0), threads_for(3)) == (8, 7, 2, 3)
    bind(monkeypatch, {0, 4})
    assert (worker_count(0), threads_for(0)) == (2, 1)


def test_info_says_both(system: Path, run):
    code, out, _ = run("info")
    assert code == 0
    assert "4 (8 logical)" in next(line for line in out.splitlines() if line.startswith("cores"))
    import json

    facts = json.loads(run("info", "--json")[1])
    assert (facts["cores"], facts["processors"]) == (4, 8)
