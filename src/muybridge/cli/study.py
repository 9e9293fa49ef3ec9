"""``muybridge study``: list, plan, run, status, retry and report, of shipped studies and of study files."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muybridge.cli import show
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.terminal import visible
from muybridge.runs.contents.study_file import NAME, read_study

if TYPE_CHECKING:
    from muybridge.studies.cost import Estimate
    from muybridge.studies.files.find import Recipe
    from muybridge.studies.state import State

HELP = """usage: muybridge study list [--json]
       muybridge study ACTION NAME_OR_FILE [OPTIONS]

  list     the shipped studies
  plan     every run: what exists, what is missing, what it will cost
  run      what is missing; a finished run is never computed again
  status   how far each run is, from the run folders; --watch keeps looking
  retry    failed runs, and those that hang on them, alone
  report   write report.html, report.md and tables/*.csv

FILE is a Python file with `cells(config)`, which is executed, or a YAML file (docs/studies.md). status, retry and report take over the
options of the last run in the same --out. `muybridge study run NAME_OR_FILE --help` shows the options.
"""
EVERY = 2.0
"""Seconds between two looks of ``status --watch``."""
SHOWN = 1000
"""Cells that ``plan`` names."""


def run(words: Sequence[str]) -> int:
    """Run ``muybridge study``.

    Raises:
        UsageError: no such action, study or option.
    """
    action, *rest = words or ("--help",)
    if action in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if action == "list":
        return _list(rest)
    if action not in ACTIONS:
        known = ("list", *ACTIONS)
        raise UsageError(f"study has no {action!r}.{suggestion(action, known)} Known: {', '.join(known)}.")
    if not rest or rest[0].startswith("-"):
        raise UsageError(
            f"study {action}: wanted the name of a study or a file (.py, .yaml); `muybridge study list` lists the names."
        )
    return named(rest[0], f"muybridge study {action} {rest[0]}", rest[1:], action)


def named(name: str, program: str, words: Sequence[str], action: str = "run") -> int:
    """One action on one study.

    Args:
        name: of a shipped study, or a file.
        program: shown in ``--help``.
        words: options.
        action: one of ``ACTIONS``.
    """
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.settled import absolute
    from muybridge.studies.files.find import find

    recipe = find(name)
    watch = action == "status" and "--watch" in words
    config = _config(recipe, program, [word for word in words if not (watch and word == "--watch")], action)
    check_numbers(config)
    if config.dry_run:
        action = "plan"
    return ACTIONS[action](recipe, absolute(config), watch)


def _config(recipe: "Recipe", program: str, words: list[str], action: str) -> Any:
    """The options; those of the last run in the same folder stand where ``status``, ``retry`` and ``report`` are not told otherwise."""
    from muybridge.cli.main import parse
    from muybridge.config.stage_configs import change

    config = parse(recipe.config, program, words)
    path = config.out / NAME
    if action in ("plan", "run") or not os.path.lexists(path):
        return config
    before = read_study(config.out)
    if before.get("name") != recipe.name:
        raise UsageError(
            f"--out {config.out}: holds the study {before.get('name')!r}, not {recipe.name!r}. Give the --out of its run."
        )
    default = recipe.config()
    _consented(config, before, path, action)
    told = {name: value for name, value in vars(config).items() if value != getattr(default, name)}
    kept = {
        name: value
        for name, value in before.get("config", {}).items()
        if name in vars(default) and name != "trust_code"
    }
    return replace(change(default, kept, str(path)), **told)


def _consented(config: Any, before: Mapping[str, Any], path: Path, action: str) -> None:
    """Refuse what a ``study.json`` would run and the user did not name: code, and where cells are sent.

    Raises:
        UsageError: says which option allows it.
    """
    from muybridge.stages.job import consent

    kept = before.get("config", {})
    consent.demand(kept, path, consent.given(vars(config)))
    address = kept.get("address")
    if action == "retry" and address and address != config.address:
        raise UsageError(
            f"{path}: its address is {address}, so runs would be sent there. Files do not decide where something is run: allow it with"
            f" --address {address}."
        )


def _list(words: Sequence[str]) -> int:
    from muybridge.studies import STUDIES

    unknown = [word for word in words if word != "--json"]
    if unknown:
        raise UsageError(f"study list has no {unknown[0]!r}; it takes --json.")
    return show.catalogue("studies", STUDIES, "--json" in words)


def _planned(recipe: "Recipe", config: Any) -> Any:
    from muybridge.runs import out
    from muybridge.studies.files.find import make_plan

    out.check(config.out, resume=config.resume, overwrite=config.overwrite)
    return make_plan(recipe, config)


def _plan(recipe: "Recipe", config: Any, watch: bool) -> int:
    """What a study would do: one line per run, then the sums."""
    from muybridge.studies.cost import estimate
    from muybridge.studies.state import finished
    from muybridge.studies.study import worker_count

    show.resolved(config)
    cells = _planned(recipe, config)
    done = finished(cells)
    for cell in cells[:SHOWN]:
        word = "exists" if cell.job.signature in done else "to do "
        print(f"{word}  {cell.run.path}  {cell.name.rsplit(' ', 1)[0]}")
    if len(cells) > SHOWN:
        print(f"... and {len(cells) - SHOWN:,} more")
    print(f"{len(cells):,} runs: {len(done):,} exist, {len(cells) - len(done):,} to do")
    if len(done) < len(cells):
        print(_cost(estimate(cells, done), len(cells) - len(done), worker_count(config.workers)))
    first = cells[0].job
    show.say_cache(first.dataset.records, getattr(first.config, "size", None))
    return 0


def _cost(found: "Estimate", missing: int, workers: int) -> str:
    """The estimate in words."""
    parts = []
    if found.told:
        parts.append(
            f"{_hours(found.seconds)} of one worker for {found.told:,} of {missing:,} runs, by past runs of like kind"
            f" ({_hours(found.seconds / workers)} with {workers})"
        )
    if found.flops:
        parts.append(f"{found.flops:.2g} floating-point operations for runs without a past one of like kind")
    if found.unknown:
        parts.append(f"{found.unknown:,} runs of networks whose cost is not known")
    return "cost: " + "; ".join(parts)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.1f} min"


def _run(recipe: "Recipe", config: Any, watch: bool, retry: bool = False) -> int:
    from muybridge import api

    api.run_study(recipe, config, announce=show.resolved, retry=retry)
    return show.study_result(config.out)


def _retry(recipe: "Recipe", config: Any, watch: bool) -> int:
    from muybridge.studies.files.find import make_plan
    from muybridge.studies.state import count, states

    failed = count(states(make_plan(recipe, config)))["failed"]
    if not failed:
        print(f"{config.out}: no run has failed")
        return 0
    return _run(recipe, config, watch, retry=True)


def _status(recipe: "Recipe", config: Any, watch: bool) -> int:
    """How far each run is."""
    from muybridge.studies.files.find import make_plan
    from muybridge.studies.state import count, states

    cells = make_plan(recipe, config)
    while True:
        found = states(cells)
        numbers = count(found)
        if watch and sys.stdout.isatty():
            print("\x1b[2J\x1b[H", end="")
        for state in found:
            if state.word in ("running", "failed") or state.detail:
                print(visible(_line(state)))
        print(
            f"{len(cells):,} runs: " + ", ".join(f"{number:,} {word}" for word, number in numbers.items()),
            flush=True,
        )
        if not watch or numbers["done"] + numbers["failed"] == len(cells):
            return 0
        time.sleep(EVERY)


def _line(state: "State") -> str:
    beat = f", last sign of life {state.age:.0f} s ago" if state.word == "running" else ""
    return f"{state.word:<8} {state.cell.name}: {state.detail}{beat}"


def _report(recipe: "Recipe", config: Any, watch: bool) -> int:
    from muybridge import api

    if not (config.out / NAME).is_file():
        raise MuybridgeError(
            f"{config.out}: no study was run here. Run it first: muybridge study run {recipe.name} --out {config.out}."
        )
    api.report(config.out)
    return show.study_result(config.out)


PREREG = """usage: muybridge prereg NAME [OPTIONS]

Write OUT/prereg.yaml: what the study NAME will do and how it will be judged, before its first run. The options are those of
`muybridge study run NAME`; the study refuses others later. Known: diversity-and-robustness.
"""


def prereg(words: Sequence[str]) -> int:
    """Run ``muybridge prereg``.

    Raises:
        UsageError: no such study, or its folder has runs or a pre-registration already.
    """
    if not words or words[0] in ("-h", "--help"):
        print(PREREG, end="")
        return 0
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.settled import absolute
    from muybridge.studies.files.find import find
    from muybridge.studies.preregister import content_of, register

    recipe = find(words[0])
    if recipe.name != "diversity-and-robustness":
        raise UsageError(
            f"prereg {words[0]}: this study has no pre-registration; wanted diversity-and-robustness."
        )
    config: Any = _config(recipe, f"muybridge prereg {words[0]}", list(words[1:]), "run")
    check_numbers(config)
    config = absolute(config)
    if config.dry_run:
        found = content_of(config)
        print(f"{len(found['sets'])} sets, power {found['power']}")
        return 0
    path, name = register(config)
    print(f"{path}\nsha256 {name}")
    return 0


ACTIONS: dict[str, Callable[["Recipe", Any, bool], int]] = {
    "plan": _plan,
    "run": _run,
    "status": _status,
    "retry": _retry,
    "report": _report,
}
