"""The verbs as Python functions: ``muybridge.pretrain(data=[...], objective="vcop", out="runs")`` and so on."""

import dataclasses
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muybridge.core import out as folder
from muybridge.core.errors import MuybridgeError
from muybridge.core.records import Run
from muybridge.core.screen import Screen, screen
from muybridge.stages import config as configs
from muybridge.stages.config import (
    Control,
    FinetuneConfig,
    NeighboursConfig,
    PretrainConfig,
    ProbeConfig,
    RobustnessConfig,
)
from muybridge.studies.config import QuickstartConfig

if TYPE_CHECKING:
    from muybridge.studies.study import Finished

Announce = Callable[[Any, Callable[[str], None]], None]


def run_stage(config: Control, show: Screen | None = None, announce: Announce | None = None) -> Run:
    """Run one stage under ``config.out``: claims the folder, decodes with all workers, trains or measures, returns the run.

    Args:
        config: what to do; with ``dry_run`` nothing is written.
        show: where progress goes.
        announce: told the resolved config before work starts.
    """
    from muybridge.stages.check import check_numbers
    from muybridge.stages.job import execute, resolve
    from muybridge.studies.study import decode, render, worker_count

    check_numbers(config)
    if config.dry_run:
        return resolve(config).run
    _claim(config)
    workers = worker_count(config.workers)
    with show or screen() as bars:
        if getattr(config, "data", None):
            render(config, workers, bars)
        job = resolve(config)
        if announce:
            announce(job.config, bars.say)
        size = getattr(config, "size", None)
        if size and config.limit is None and not job.run.done:
            decode(job.dataset.records, size, workers, bars, config.allow_broken)
        run = execute(
            config, lambda done, total, values: bars.update(job.stage, done, total, _detail(values))
        )
        bars.finish(job.stage)
    return run


def run_study(
    name: str, config: Control, show: Screen | None = None, announce: Announce | None = None
) -> "Finished":
    """Run a study under ``config.out`` and write its report; with ``dry_run`` only plan it.

    Raises:
        MuybridgeError: some cells failed; the others are finished and in the report.
    """
    from muybridge.report import write_report
    from muybridge.stages.check import check_numbers
    from muybridge.stages.job import absolute
    from muybridge.studies.execute import Outcome
    from muybridge.studies.study import Finished, make_plan, run

    check_numbers(config)
    config = absolute(config)
    if config.dry_run:
        return Finished(make_plan(name, config), Outcome())
    _claim(config)
    with show or screen() as bars:
        if announce:
            announce(config, bars.say)
        finished = run(name, config, bars)
    failed = finished.outcome.failed
    if finished.outcome.done:
        write_report(config.out)
    if failed:
        first = next(cell for cell in finished.cells if cell.job.signature in failed)
        raise MuybridgeError(
            f"{len(failed)} of {len(finished.cells)} runs failed; the first, {first.name}: {failed[first.job.signature]} "
            f"The other runs are kept in {config.out}; the same command tries the failed ones again."
        )
    return finished


def _claim(config: Control) -> None:
    """Claim the folder, once: of several processes under torchrun the first does it and the others wait."""
    if os.environ.get("RANK", "0") == "0":
        folder.claim(config.out, resume=config.resume, overwrite=config.overwrite)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from muybridge.train import distributed, precision

        distributed.start(precision.choose(config.device, config.precision).device)
        distributed.meet()


def _detail(values: dict[str, float]) -> str:
    return " ".join(f"{name} {values[name]:.3f}" for name in ("loss", "accuracy") if name in values)


def _verb(name: str, kind: type[Control], run: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose keyword arguments are the fields of a config."""

    def verb(*, preset: str = "tiny", config: str | Path | None = None, **values: Any) -> Any:
        base = configs.preset(kind, preset)
        if config is not None:
            base = configs.from_file(base, Path(config))
        return run(configs.change(base, values, f"muybridge.{name}"))

    parameters = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in dataclasses.fields(kind)
    ]
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"{kind.__doc__}\n\nThe arguments are those of `muybridge {name} --help`."
    return verb


pretrain = _verb("pretrain", PretrainConfig, run_stage)
finetune = _verb("finetune", FinetuneConfig, run_stage)
probe = _verb("probe", ProbeConfig, run_stage)
robustness = _verb("robustness", RobustnessConfig, run_stage)
neighbours = _verb("neighbours", NeighboursConfig, run_stage)
quickstart = _verb("quickstart", QuickstartConfig, lambda config: run_study("quickstart", config))


def study(name: str, **values: Any) -> Any:
    """Run a shipped study; the arguments are those of `muybridge study run NAME --help`."""
    return run_study(name, configs.change(QuickstartConfig(), values, f"muybridge.study({name!r})"))


def report(out: str | Path = "muybridge-out") -> Any:
    """Write ``report.html``, ``report.md`` and ``tables/*.csv`` from the runs below ``out``."""
    from muybridge.report import write_report

    return write_report(Path(out))
