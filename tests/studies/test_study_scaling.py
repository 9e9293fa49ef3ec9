"""What a study does grows with its cells, and what a folder's verbs do with its runs, and no faster: lines are counted, never seconds."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trivial

from line_counts import counted, squares
from muybridge.cli.main import main
from muybridge.config.stage_configs import FinetuneConfig, KnnConfig, PretrainConfig, ProbeConfig
from muybridge.core.catalogue import Entry
from muybridge.core.text.screen import Plain
from muybridge.data import file_hashes
from muybridge.runs.contents.study_file import read_study
from muybridge.studies import cell_runner
from muybridge.studies.cell_runner import Outcome, run_cells
from muybridge.studies.cost import estimate
from muybridge.studies.executors import EXECUTORS
from muybridge.studies.files.find import Recipe
from muybridge.studies.plan import Cell, Study, plan
from muybridge.studies.state import finished, states, to_retry
from muybridge.studies.study_configs import StudyConfig
from muybridge.studies.study_record import write_plan

FEW, TIMES = 8, 4


class Quiet(Plain):
    """A screen that says nothing."""

    def say(self, text: str) -> None:
        pass


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("package")
    asked = trivial.install(folder)
    with trivial.on_path(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIVIAL", str(asked))
        patch.setitem(EXECUTORS, "here", Entry("in this process", "trivial:Here"))
        patch.setattr(cell_runner, "PAUSE", 0.01)
        patch.setattr(file_hashes, "YOUNG", 0)  # whether a hash is kept is to hang on no clock
        patch.setattr(file_hashes, "TICK", 0)
        patch.setattr(cell_runner, "LOOK_AHEAD", 2)  # a bound that toy studies do not reach
        yield folder


def grid(videos: Path, out: Path, seeds: int) -> Study:
    """A pretraining, a probe, kNN and a fine-tuning of it for every seed."""
    common: dict[str, Any] = {"data": (str(videos),), "out": out, "device": "cpu", "precision": "fp32"}
    for seed in range(seeds):
        init = yield PretrainConfig(**common, seed=seed, objective="rotnet", budget=96)
        for kind in (ProbeConfig, KnnConfig, FinetuneConfig):
            yield kind(**common, seed=seed, init=init, fold=0)


def recipe(videos: Path, out: Path, seeds: int) -> Recipe:
    return Recipe(
        "grid", "A grid", StudyConfig, lambda config: grid(videos, out, seeds), ("study", "run", "grid.py")
    )


STEPS: dict[str, Callable[[list[Cell], Recipe], object]] = {
    "plan": lambda cells, one: plan(one.cells(None)),
    "finished": lambda cells, one: finished(cells),
    "estimate": lambda cells, one: estimate(cells, set()),
    "states": lambda cells, one: states(cells),
    "to retry": lambda cells, one: to_retry(cells),
    "write": lambda cells, one: write_plan(one, StudyConfig(out=cells[0].job.config.out), cells, Outcome()),
    "read": lambda cells, one: read_study(cells[0].job.config.out),
}


@pytest.fixture(scope="module")
def planned(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[Cell], Recipe]]:
    found = []
    for seeds in (FEW, FEW * TIMES):
        one = recipe(videos, tmp_path_factory.mktemp("out"), seeds)
        found.append((plan(one.cells(None)), one))
    return found


@pytest.mark.parametrize("step", STEPS)
def test_four_times_the_cells_are_four_times_the_work(step: str, planned: list[tuple[list[Cell], Recipe]]):
    few, many = (counted(partial(STEPS[step], *one)) for one in planned)
    assert few
    assert "\n".join(squares(few, many, TIMES, 3 * FEW * TIMES)) == ""


def test_running_them_neither(videos: Path, package: Path, tmp_path: Path):
    counts = []
    for number in (FEW, FEW * TIMES):
        # Every second cell waits for the first, so that one result lets many go.
        needs = dict.fromkeys(range(2, number, 2), 0)
        cells = trivial.cells(videos, tmp_path / str(number), number, needs)
        counts.append(counted(lambda cells=cells: run_cells(cells, 1, Quiet(), "here")))
        counts.append(counted(lambda cells=cells: run_cells(cells, 1, Quiet(), "here")))  # all done before
        assert len(finished(cells)) == number
    assert "\n".join(squares(counts[0], counts[2], TIMES, 3 * FEW * TIMES)) == ""
    assert "\n".join(squares(counts[1], counts[3], TIMES, 3 * FEW * TIMES)) == ""


def runs(folder: Path, seeds: int) -> Path:
    """Made-up runs of one arm with this many seeds: pretraining and probe."""
    import fake_study as fake

    names = [f"v{place:02d}" for place in range(12)]
    for seed in range(seeds):
        facets = {"arm": "vcop", "data": "builtin-motions", "seed": seed, "backbone": "r2plus1d-tiny"}
        told = {"data": fake.data("builtin-motions"), "chance": 1 / 12}
        fake.write_run(folder, "pretrain", facets, metrics=fake.curve("vcop", seed, 0.1, 5), **told)
        clean = fake.rows(0.5, 12, names, names, f"{seed}")
        fake.write_run(folder, "probe", facets, clean, **told)
    return folder


def command(*words: object) -> None:
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main([str(word) for word in words])
    assert code == 0, said.getvalue()


VERBS: dict[str, tuple[object, ...]] = {
    "runs ls": ("runs", "ls", "--sort", "accuracy", "--out"),
    "runs ls again": ("runs", "ls", "--json", "--out"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "report"))
        return [runs(tmp_path_factory.mktemp("runs"), seeds) for seeds in (FEW, FEW * TIMES)]


@pytest.mark.parametrize("verb", VERBS)
def test_four_times_the_runs_are_four_times_the_work(verb: str, folders: list[Path]):
    few, many = (counted(lambda folder=folder: command(*VERBS[verb], folder)) for folder in folders)
    assert few
    assert "\n".join(squares(few, many, TIMES, 6 * FEW * TIMES)) == ""


def test_the_count_sees_a_square(planned: list[tuple[list[Cell], Recipe]]):
    from muybridge.studies.state import count

    def square(cells: list[Cell]) -> None:
        for place, _ in enumerate(cells):
            count(states(cells[:1]) * place)

    few, many = (counted(lambda cells=cells: square(cells)) for cells, _ in planned)
    found: list[str] = squares(few, many, TIMES, 3 * FEW * TIMES)
    assert any("state.py" in line for line in found)
