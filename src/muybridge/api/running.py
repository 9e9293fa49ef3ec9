"""Running one stage or one study: the folder is claimed, videos are decoded with all workers, progress is shown, pages are written.

The command line and the Python functions (``api``) both come here, with a config that is whole.
"""

import os
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import finalize

from muybridge.config.keywords import Word
from muybridge.config.stage_configs import Control, SimilarityConfig
from muybridge.core.errors import MuybridgeError
from muybridge.core.machine.machine_memory import peak
from muybridge.core.text.forecast import Forecast
from muybridge.core.text.plurals import counted
from muybridge.core.text.screen import Screen, screen
from muybridge.runs import out as folder
from muybridge.runs.mirror import publish_pages, working_copy
from muybridge.runs.records import Run
from muybridge.studies.study_configs import StudyConfig

if TYPE_CHECKING:
    from muybridge.stages.job.job import Job
    from muybridge.stages.testing.models import TestedModel
    from muybridge.studies.files.find import Recipe
    from muybridge.studies.study import Finished

R = TypeVar("R")
Announce = Callable[[Any, Callable[[str], None]], None]


def run_stage(
    config: Control,
    show: Screen | None = None,
    announce: Announce | None = None,
    subject: "TestedModel | None" = None,
) -> Run:
    """Run one stage under ``config.out``: claims the folder, decodes with all workers, trains or measures, returns the run.

    Args:
        config: what to do; with ``dry_run`` nothing is written.
        show: where progress goes.
        announce: told the resolved config before work starts.
        subject: a model under test that was handed over as an object.
    """
    from muybridge.core.machine.cores import worker_count
    from muybridge.data.index import check_there
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.resolve import resolve
    from muybridge.stages.job.resolve_cache import ResolveCache
    from muybridge.stages.training.training import idle
    from muybridge.studies.study import decode, render

    check_numbers(config)
    if config.dry_run:
        job = resolve(config, subject=subject)
        check_there(job.dataset, config.allow_broken)
        return job.run
    claim(config)
    workers = worker_count(config.workers)
    with show or screen() as bars:
        job = resolve(config, subject=subject, memory=ResolveCache(lambda: render(workers, bars)))
        if announce:
            announce(job.config, bars.say)
        size = getattr(config, "size", None)
        if size and config.limit is None and not job.run.done:
            decode(job.dataset.records, size, workers, bars, config.allow_broken)
        if job.run.done:
            bars.say(
                f"{job.run.path}: finished before, not computed again; another --out or --overwrite does"
            )
        elif hint := idle(job.config):
            bars.say(hint)
        for name, part in job.parts.items():
            _execute(part, f"{job.stage} {name}", bars)
        return _execute(job, job.stage, bars)


def _execute(job: "Job[Control]", task: str, bars: Screen) -> Run:
    """Run one job with a bar; what it will take is said once it is measured."""
    from muybridge.stages.job.execute import execute
    from muybridge.stages.job.job import stage_of

    forecast = Forecast(task, stage_of(job.stage).shorter, bars.say, memory_words)

    def progress(done: int, total: int, values: dict[str, float]) -> None:
        bars.update(task, done, total, _detail(values))
        forecast(done, total)

    run = execute(job, progress, bars.say)
    bars.finish(task)
    return run


def memory_words() -> str:
    """Most memory that this process took since its run began, of the GPU where it has one; nothing where that is not known."""
    import torch

    on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    most = torch.cuda.max_memory_allocated() if on_gpu else peak()
    return f"{most / 1e9:.1f} GB of {'GPU ' if on_gpu else ''}memory so far" if most else ""


def run_similarity(config: SimilarityConfig, announce: Announce | None = None) -> Run:
    """Run the stage ``similarity`` and draw its maps into ``OUT/figures`` as PNG, PDF and SVG."""
    run = run_stage(config, announce=announce)
    if run.done and os.environ.get("RANK", "0") == "0":
        from muybridge.report.figures.map_figures import write_map

        write_map(working_copy(config.out), run)
    return run


def run_study(
    recipe: "Recipe",
    config: StudyConfig,
    show: Screen | None = None,
    announce: Announce | None = None,
    retry: bool = False,
) -> "Finished":
    """Run a study under ``config.out`` and write its report; with ``dry_run`` only plan it.

    Args:
        recipe: what ``studies.files.find.find`` makes of a name or a file.
        config: its options.
        show: where progress goes.
        announce: told the config before work starts.
        retry: run failed cells, and those that hang on them, alone.

    Raises:
        MuybridgeError: some cells failed; the others are finished and in the report.
    """
    from muybridge.report import write_report
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.settled import absolute
    from muybridge.studies.cell_runner import Outcome
    from muybridge.studies.files.find import make_plan
    from muybridge.studies.study import Finished, run

    check_numbers(config)
    config = absolute(config)
    if config.dry_run:
        return Finished(make_plan(recipe, config), Outcome())
    claim(config)
    with show or screen() as bars:
        if announce:
            announce(config, bars.say)
        finished = run(recipe, config, bars, retry)
    failed = finished.outcome.failed
    if finished.outcome.done:
        write_report(config.out)
    publish_pages(config.out)
    if failed:
        first = next(cell for cell in finished.cells if cell.job.signature in failed)
        raise MuybridgeError(
            f"{len(failed)} of {counted(len(finished.cells), 'run')} failed; the first, {first.name}: {failed[first.job.signature]} "
            f"The other runs are kept in {config.out}; the same command tries the failed ones again."
        )
    return finished


def in_place(out: Word | None, make: Callable[[Path], R]) -> R:
    """What ``make`` makes in ``out``; without one in a temporary folder, which goes with what is returned, or when it fails."""
    if out is not None:
        return make(Path(out))
    place = Path(mkdtemp(prefix="muybridge-"))
    try:
        made = make(place)
    except BaseException:
        rmtree(place, ignore_errors=True)
        raise
    finalize(made, rmtree, place, ignore_errors=True)
    return made


def claim(config: Control) -> None:
    """Claim the folder, once: of several processes under torchrun the first does it and the others wait."""
    if os.environ.get("RANK", "0") == "0":
        folder.claim(config.out, resume=config.resume, overwrite=config.overwrite)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from muybridge.train import distributed, precision

        distributed.start(precision.choose(config.device, config.precision).device)
        distributed.barrier()


def _detail(values: dict[str, float]) -> str:
    shown = {"loss": ".3f", "accuracy": ".3f", "effective_rank": ".1f", "knn": ".3f"}
    return " ".join(f"{name} {values[name]:{form}}" for name, form in shown.items() if name in values)


def resolved_config(config: Control) -> Control:
    """The config that a stage would run with: what it takes from its inputs and data filled in; nothing is written."""
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.resolve import resolve

    check_numbers(config)
    resolved: Control = resolve(config).config
    return resolved
