"""Plan a study, decode its videos, run its cells and write down how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from muybridge.core.machine.cores import worker_count
from muybridge.core.text.screen import Screen
from muybridge.data import cache
from muybridge.data.index import VideoRecord
from muybridge.data.loader import check_broken
from muybridge.data.sets import builtin
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.studies import tuning
from muybridge.studies.cell_runner import Outcome, run_cells
from muybridge.studies.cost import ahead
from muybridge.studies.files.find import Recipe, make_plan
from muybridge.studies.plan import Cell
from muybridge.studies.state import to_retry
from muybridge.studies.study_configs import StudyConfig
from muybridge.studies.study_record import write_plan
from muybridge.train.precision import choose

FEW = 32


@dataclass(frozen=True)
class Finished:
    """A study that has ended, with or without failures."""

    cells: Sequence[Cell]
    outcome: Outcome


def run(recipe: Recipe, config: StudyConfig, screen: Screen, retry: bool = False) -> Finished:
    """Run what is missing of a study and write ``study.json``; a study without failures can be asked for again at no cost.

    Args:
        recipe: the study.
        config: its options.
        screen: where progress goes.
        retry: run failed cells, and those that hang on them, alone.
    """
    workers = worker_count(config.workers)
    memory = ResolveCache(lambda: render(workers, screen))
    cells = make_plan(recipe, config, memory)
    if config.trials > 1 and cells[0].job.config.out != config.out:
        finished = _run(recipe, replace(config, out=tuning.folder(config)), cells, workers, screen, retry)
        if finished.outcome.failed:
            return finished
        tuning.write_choice(cells, config)
        cells = make_plan(recipe, config, memory)
    return _run(recipe, config, cells, workers, screen, retry)


def _run(
    recipe: Recipe, config: StudyConfig, cells: Sequence[Cell], workers: int, screen: Screen, retry: bool
) -> Finished:
    """Run planned cells and write ``study.json`` into ``config.out``."""
    write_plan(recipe, config, cells, Outcome())
    chosen = to_retry(cells) if retry else cells
    _say_cost(chosen, config, workers, screen)
    warm(chosen, workers, screen)
    slots = min(workers, len(chosen)) if config.executor == "local" else config.workers
    outcome = run_cells(chosen, slots, screen, config.executor, config.address)
    write_plan(recipe, config, cells, outcome)
    return Finished(cells, outcome)


def _say_cost(cells: Sequence[Cell], config: StudyConfig, workers: int, screen: Screen) -> None:
    """Say what a study will take before it does; networks are measured only where they will run, and never on a GPU, which is theirs."""
    done = {cell.job.signature for cell in cells if cell.run.done}
    missing = len(cells) - len(done)
    if config.is_timed or not missing:
        return
    here = config.executor == "local" and choose(config.device).device.type == "cpu"
    found = ahead(cells, done, here)
    if found:
        screen.say(found.words(missing, workers, config.shorter))


def render(workers: int, screen: Screen) -> None:
    """Render the embedded videos if they are not there yet."""
    task = "render embedded videos"
    builtin.ensure(progress=lambda done, total: screen.update(task, done, total), workers=workers)
    screen.finish(task)


def warm(cells: Sequence[Cell], workers: int, screen: Screen) -> None:
    """Decode every data set of the cells once, with the size said before it is built."""
    planned: dict[tuple[str, int], Sequence[VideoRecord]] = {}
    for cell in cells:
        size = getattr(cell.job.config, "size", None)
        if size and cell.job.config.limit is None and not cell.run.done:
            planned.setdefault((cell.job.dataset.fingerprint, size), cell.job.dataset.records)
    for (_, size), records in planned.items():
        decode(records, size, workers, screen, cells[0].job.config.allow_broken)


def decode(
    records: Sequence[VideoRecord], size: int, workers: int, screen: Screen, allow_broken: bool
) -> None:
    """Build one cache with a bar; few videos are not worth the start of other processes.

    Raises:
        UsageError: more than 1 % of the videos are broken and that was not allowed.
    """
    workers = workers if len(records) >= FEW else 1
    caching = cache.plan(records, cache.Geometry(size, size), workers=workers)
    if not (caching.folder / "index.json").is_file():
        screen.say(f"cache: {caching}")
    task = "decode videos"
    store = cache.build(
        records, caching, workers=workers, progress=lambda done, total: screen.update(task, done, total)
    )
    screen.finish(task)
    check_broken(records, store.errors, allow_broken)
