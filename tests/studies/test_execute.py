"""Cells run once each; deaths, failures, damage and other processes cost no more than they must."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trivial

from muybridge.core.catalogue import Entry
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import read_json
from muybridge.core.text.screen import Plain
from muybridge.runs.metrics import read_metrics
from muybridge.runs.mirror import place_of
from muybridge.runs.out import MARKER, claim
from muybridge.store.lease import hold
from muybridge.studies import cell_runner
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.executors import EXECUTORS


class Heard(Plain):
    """A screen that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def __contains__(self, text: str) -> bool:
        return any(text in line for line in self.lines)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("package")
    trivial.install(folder)
    with trivial.on_path(folder):
        yield folder / "asked"


@pytest.fixture
def asked(package: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRIVIAL", str(package))
    monkeypatch.setitem(EXECUTORS, "here", Entry("in this process", "trivial:Here"))
    monkeypatch.setattr(cell_runner, "PAUSE", 0.1)
    yield package
    for path in package.iterdir():
        path.unlink()


@pytest.fixture
def screen() -> Heard:
    return Heard()


def names(cells, *numbers):
    return {cells[number].job.signature for number in numbers}


def events(cell):
    return [row["event"] for row in read_metrics(cell.run.path / "journal.jsonl")]


def tells_its_peak_of_memory(cell):
    content = read_json(cell.run.path / "result.json")
    assert 50e6 < content["peak_memory"] < 5e9
    assert json.loads(json.dumps(content)) == content


def test_every_cell_runs_once_and_a_second_command_starts_nothing(
    videos, asked, tmp_path, screen, monkeypatch
):
    cells = trivial.cells(videos, tmp_path, 5, needs={0: 4, 1: 0})
    assert run_cells(cells, 2, screen).done == names(cells, 0, 1, 2, 3, 4)
    for cell in cells:
        tells_its_peak_of_memory(cell)
    assert [events(cell) for cell in cells] == [["began", "finished"]] * 5
    ended = [read_metrics(cells[n].run.path / "journal.jsonl")[-1]["time"] for n in (4, 0, 1)]
    assert ended == sorted(ended)
    monkeypatch.setattr(cell_runner, "pick", None)
    assert run_cells(cells, 2, screen).done == names(cells, 0, 1, 2, 3, 4)
    assert "5 of 5 runs were finished before and are not computed again" in screen


def test_a_failure_keeps_its_log_and_spares_all_but_its_followers(videos, asked, tmp_path, screen):
    (asked / "1.fail").touch()
    cells = trivial.cells(videos, tmp_path, 5, needs={2: 1, 3: 2})
    outcome = run_cells(cells, 1, screen, "here")
    assert outcome.done == names(cells, 0, 4)
    assert "was asked to fail" in outcome.failed[cells[1].job.signature]
    assert f"its input {cells[2].job.signature} failed" in outcome.failed[cells[3].job.signature]
    assert "Traceback" in (cells[1].run.path / "error.log").read_text()
    (asked / "1.fail").unlink()
    assert len(run_cells(cells, 1, screen, "here").done) == 5
    assert not (cells[1].run.path / "error.log").exists()
    assert events(cells[0]) == ["began", "finished"]


def test_a_worker_that_dies_costs_one_more_try(videos, asked, tmp_path, screen):
    (asked / "0.die").touch()
    cells = trivial.cells(videos, tmp_path, 2)
    assert run_cells(cells, 1, screen).done == names(cells, 0, 1)
    assert events(cells[0]) == ["began", "began", "finished"]
    assert "its process died; tried once more" in screen


def test_a_worker_that_dies_twice_fails_its_cell_only(videos, asked, tmp_path, screen):
    (asked / "0.die-always").touch()
    cells = trivial.cells(videos, tmp_path, 2)
    outcome = run_cells(cells, 2, screen)
    assert outcome.done == names(cells, 1)
    assert "died twice (exit code -9)" in outcome.failed[cells[0].job.signature]


def test_a_full_disk_is_said_and_the_rest_goes_on(videos, asked, tmp_path, screen):
    (asked / "0.full").touch()
    cells = trivial.cells(videos, tmp_path, 2)
    outcome = run_cells(cells, 1, screen, "here")
    assert outcome.done == names(cells, 1)
    assert "the disk is full" in outcome.failed[cells[0].job.signature]


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("rows.bin", lambda path: path.write_bytes(b"x" * path.stat().st_size)),
        ("rows.bin", lambda path: path.write_bytes(path.read_bytes()[:-1])),
        ("rows.bin", lambda path: path.unlink()),
        ("result.json", lambda path: path.write_text("{")),
        ("result.json", lambda path: path.write_text(path.read_text().replace("cell 0", "cell 7"))),
    ],
)
def test_a_damaged_run_is_computed_again(videos, asked, tmp_path, screen, name, harm):
    cells = trivial.cells(videos, tmp_path, 2)
    run_cells(cells, 1, screen, "here")
    sound = {path.name: path.read_bytes() for path in cells[0].run.path.glob("rows.bin")}
    harm(cells[0].run.path / name)
    assert run_cells(cells, 1, screen, "here").done == names(cells, 0, 1)
    assert f"damaged ({name}" in screen or f"{name}: damaged" in screen
    assert events(cells[0]) == ["began", "finished", "damaged", "began", "finished"]
    assert events(cells[1]) == ["began", "finished"]
    assert {path.name: path.read_bytes() for path in cells[0].run.path.glob("rows.bin")} == sound
    assert cells[0].run.result["summary"] == "cell 0"


def test_a_run_that_was_copied_elsewhere_is_still_sound(videos, asked, tmp_path, screen):
    cells = trivial.cells(videos, tmp_path, 1)
    run_cells(cells, 1, screen, "here")
    os.utime(cells[0].run.path / "rows.bin", ns=(1, 1))
    run_cells(cells, 1, screen, "here")
    assert events(cells[0]) == ["began", "finished"]


def test_what_another_process_computes_is_left_for_later(videos, asked, tmp_path, screen, monkeypatch):
    cells = trivial.cells(videos, tmp_path, 3)
    path = cells[0].run.path
    path.mkdir(parents=True)
    release = threading.Event()

    def other() -> None:
        with hold(path, place_of(cells[0].run)):
            release.wait(60)

    holder = threading.Thread(target=other)
    holder.start()

    def let_go() -> None:
        deadline = time.monotonic() + 60
        while not (cells[1].run.done and cells[2].run.done) and time.monotonic() < deadline:
            time.sleep(0.05)
        release.set()

    threading.Thread(target=let_go).start()
    outcome = run_cells(cells, 1, screen, "here")
    holder.join()
    assert outcome.done == names(cells, 0, 1, 2)
    assert f"process {os.getpid()} on" in screen
    assert "computes it. Others first." in screen


def test_two_studies_at_once_compute_every_cell_once(videos, asked, tmp_path, monkeypatch):
    cells = trivial.cells(videos, tmp_path, 8)
    outcomes = []
    studies = [
        threading.Thread(target=lambda: outcomes.append(run_cells(cells, 1, Heard(), "here")))
        for _ in range(2)
    ]
    for study in studies:
        study.start()
    for study in studies:
        study.join()
    assert [outcome.done for outcome in outcomes] == [names(cells, *range(8))] * 2
    assert [events(cell).count("began") for cell in cells] == [1] * 8


def test_a_folder_that_vanishes_is_named(videos, asked, tmp_path, screen):
    out = tmp_path / "out"
    claim(out)
    (asked / "0.wait").touch()
    cells = trivial.cells(videos, out, 2)

    def vanish() -> None:
        while not cells[0].run.path.is_dir():
            time.sleep(0.05)
        (out / MARKER).unlink()

    threading.Thread(target=vanish).start()
    with pytest.raises(MuybridgeError, match="vanished while the study ran"):
        run_cells(cells, 1, screen)


def test_a_worker_with_other_data_is_found_out(videos, asked, tmp_path, screen):
    from dataclasses import replace

    cells = trivial.cells(videos, tmp_path, 1)
    other = replace(cells[0], job=replace(cells[0].job, signature="0" * 16))
    outcome = run_cells([other], 1, screen, "here")
    assert f"signed it as {cells[0].job.signature}" in outcome.failed["0" * 16]


def test_an_unknown_executor_is_refused_with_the_nearest(videos, asked, tmp_path, screen):
    cells = trivial.cells(videos, tmp_path, 1)
    with pytest.raises(UsageError, match="Did you mean 'local'"):
        run_cells(cells, 1, screen, executor="locale")
    with pytest.raises(UsageError, match="local executor has none"):
        run_cells(cells, 1, screen, address="somewhere:6379")
