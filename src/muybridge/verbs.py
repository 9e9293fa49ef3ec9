"""The verbs as Python functions: ``muybridge.pretrain(data=[...], objective="vcop", out="runs")`` and so on."""

import dataclasses
import inspect
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


def run_stage(config: Control, show: Screen | None = None) -> Run:
    """Run one stage under ``config.out``: claims the folder, decodes with all workers, trains or measures, returns the run."""
    from muybridge.stages.job import execute, resolve
    from muybridge.studies.study import decode, render, worker_count

    if config.dry_run:
        return resolve(config).run
    folder.claim(config.out, resume=config.resume, overwrite=config.overwrite)
    workers = worker_count(config.workers)
    with show or screen() as bars:
        if getattr(config, "data", None):
            render(config, workers, bars)
        job = resolve(config)
        size = getattr(config, "size", None)
        if size and config.limit is None:
            decode(job.dataset.records, size, workers, bars)
        run = execute(
            config, lambda done, total, values: bars.update(job.stage, done, total, _detail(values))
        )
        bars.finish(job.stage)
    return run


def run_study(name: str, config: Control, show: Screen | None = None) -> "Finished":
    """Run a study under ``config.out`` and write its report.

    Raises:
        MuybridgeError: some cells failed; the others are finished and in the report.
    """
    from muybridge.report import write_report
    from muybridge.studies.study import run

    folder.claim(config.out, resume=config.resume, overwrite=config.overwrite)
    with show or screen() as bars:
        finished = run(name, config, bars)
    write_report(config.out)
    failed = finished.outcome.failed
    if failed:
        first = next(cell for cell in finished.cells if cell.job.signature in failed)
        raise MuybridgeError(
            f"{len(failed)} of {len(finished.cells)} runs failed; the first, {first.name}: {failed[first.job.signature]} "
            f"The other runs are finished and in {config.out / 'report.html'}; the same command tries the failed ones again."
        )
    return finished


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
