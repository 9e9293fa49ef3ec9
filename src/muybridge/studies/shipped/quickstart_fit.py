"""How much of a quickstart on own videos fits into some minutes: tried on this machine, chosen once, kept with the study."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from muybridge.config.stage_configs import PretrainConfig, as_dict, change
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.machine.cores import worker_count
from muybridge.runs.contents.study_file import read_study
from muybridge.stages.job.check import check_numbers
from muybridge.stages.job.execute import execute
from muybridge.stages.job.resolve import resolve
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.studies.cost import estimate
from muybridge.studies.plan import Cell, plan
from muybridge.studies.shipped.quickstart import CELLS, cells
from muybridge.studies.study_configs import QuickstartConfig

MINUTES = 5.0
"""What a quickstart on own videos may take, unless told otherwise."""
FITTED = ("budget", "epochs", "severities")
"""Fields that are chosen."""
APART = frozenset(
    (*FITTED, "out", "resume", "overwrite", "dry_run", "workers", "device", "track", "executor", "address")
)
"""Fields in which two commands may differ that are one study."""
SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08)
"""Shares of the clips and passes, the largest that fits is taken."""
LEAST_CLIPS, LEAST_EPOCHS = 600, 2
TRIAL = 12
"""Training steps of the trial."""
STARTS, EACH = 15.0, 1.5
"""Seconds for processes to start and a report to be written, and for each run to begin and end."""
Say = Callable[[str], None]


def fitted(config: QuickstartConfig, say: Say = lambda words: None) -> QuickstartConfig:
    """The config with clips, passes and severities that fit into its minutes; as it is on the embedded data, or where clips are given.

    The same command in the same folder gets what was chosen for it before, so that it goes on where it stopped.

    Args:
        config: with full paths.
        say: told what was chosen, and what was left out.

    Raises:
        UsageError: not even the least fits; says how many minutes it takes.
    """
    minutes = MINUTES if config.minutes is None else config.minutes
    if not config.data or config.budget is not None or not minutes:
        return config
    if minutes < 0:
        raise UsageError(f"--minutes {minutes:g}: wanted a number above 0, or 0 for no limit.")
    before = _before(config)
    if before is not None:
        return before
    say(f"a trial of {TRIAL} steps decides what fits into {minutes:g} minutes (--minutes)")
    began = time.monotonic()
    whole = plan(cells(config), ResolveCache())
    cost = _Cost(whole, config, _rate(whole))
    left = 60 * minutes - (time.monotonic() - began)
    steps = [_scaled(config, share, whole) for share in SHARES]
    steps.append(replace(steps[-1], severities=config.severities[len(config.severities) // 2 :][:1]))
    step = next((one for one in steps if cost.seconds(one) <= left), None)
    if step is None:
        least = (cost.seconds(steps[-1]) + 60 * minutes - left) / 60
        raise UsageError(
            f"--minutes {minutes:g}: the least of a quickstart on these videos takes about {least:.1f} on this machine. Give more, or less"
            " to do: --limit, fewer --tasks, a smaller --crop, or a list with a split column, which is one fold."
        )
    say(_words(config, step, cost.seconds(step) / 60, minutes))
    return step


def _before(config: QuickstartConfig) -> QuickstartConfig | None:
    """What was chosen for the same command in this folder; None where none was."""
    try:
        told = read_study(config.out)
    except (MuybridgeError, OSError):
        return None
    kept: dict[str, object] = told.get("config", {})
    asked = as_dict(config)
    if told.get("name") != "quickstart" or any(
        kept.get(name) != asked[name] for name in asked.keys() - APART
    ):
        return None
    chosen = {name: kept.get(name) for name in FITTED}
    if None in chosen.values():
        return None
    try:
        found = change(config, chosen, f"{config.out}: its study")
        check_numbers(found)
    except UsageError:
        return None
    known = found.severities and set(found.severities) <= set(config.severities)
    return found if known else None


def _rate(whole: list[Cell]) -> float:
    """Seconds that training takes for each second that the network alone would: frames, views, heads and optimiser included."""
    first = next(cell.job.config for cell in whole if isinstance(cell.job.config, PretrainConfig))
    with tempfile.TemporaryDirectory(prefix="muybridge-trial-") as folder:
        tried = replace(first, out=Path(folder), budget=TRIAL * first.batch, budget_unit="clips", track=())
        job = resolve(tried)
        spent = float(execute(job).result["budget"]["seconds"])
        alone = estimate([Cell(job, frozenset())], set(), measure=True).measured
    return max(1.0, spent / alone) if alone else 1.0


class _Cost:
    """Wall time of a quickstart by what is asked of it; planned once, since every fold has cells of its own.

    Args:
        whole: the plan of ``config``.
        config: what it was made of.
        rate: of ``_rate``.
    """

    def __init__(self, whole: list[Cell], config: QuickstartConfig, rate: float) -> None:
        self.config, self.cells, self.workers = config, len(whole), worker_count(config.workers)
        self.clips = _clips(whole)
        self.spent = {stage: self._spent(whole, stage, rate) for stage in {cell.job.stage for cell in whole}}

    def _spent(self, whole: list[Cell], stage: str, rate: float) -> float:
        """Seconds of one worker for the cells of a stage: by past runs of like kind, else by the networks alone."""
        others = {cell.job.signature for cell in whole if cell.job.stage != stage}
        found = estimate(whole, others, measure=True)
        return found.seconds + rate * (found.measured or 0.0)

    def seconds(self, chosen: QuickstartConfig) -> float:
        """What it takes with the clips, passes and severities of ``chosen``."""
        types = len(CELLS["types"])
        conditions = [1 + types * len(one.severities) for one in (chosen, self.config)]
        shares = {
            "pretrain": (chosen.budget or self.clips) / self.clips,
            "finetune": chosen.epochs / self.config.epochs,
            "robustness": conditions[0] / conditions[1],
        }
        work = sum(shares.get(stage, 1.0) * spent for stage, spent in self.spent.items())
        return work / self.workers + STARTS + EACH * self.cells / self.workers


def _clips(whole: list[Cell]) -> int:
    """Clips of the first pretraining."""
    return next(cell.job.config.budget for cell in whole if isinstance(cell.job.config, PretrainConfig))


def _scaled(config: QuickstartConfig, share: float, whole: list[Cell]) -> QuickstartConfig:
    """The config with a share of the clips that each task has, and of the passes over labels."""
    clips = _clips(whole)
    budget = max(min(clips, LEAST_CLIPS), int(clips * share) // 100 * 100)
    return replace(config, budget=budget, epochs=max(LEAST_EPOCHS, round(config.epochs * share)))


def _words(config: QuickstartConfig, chosen: QuickstartConfig, expected: float, minutes: float) -> str:
    passes = f"{chosen.epochs} of {config.epochs} passes over the labels"
    severities = " ".join(map(str, chosen.severities))
    rest = [one for one in config.severities if one not in chosen.severities]
    left_out = f"; severities {' '.join(map(str, rest))} are left out" if rest else ""
    return (
        f"within --minutes {minutes:g} (about {expected:.1f} by a trial of {TRIAL} steps): {chosen.budget:,} clips a task,"
        f" {passes}, severities {severities}{left_out}. --minutes 0 runs all."
    )
