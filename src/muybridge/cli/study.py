"""``muybridge study``: list, plan, run, status, retry and report, of shipped studies and of study files."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from muybridge.cli import look_up, show
from muybridge.cli.flags import Branch, Flags, Options, Single, described_type, parse, show_commands, unknown
from muybridge.cli.stage_verbs import flags_of, print_config, read_config
from muybridge.config.config_fields import fields_of
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.plurals import counted
from muybridge.core.text.terminal import visible
from muybridge.runs.contents.study_file import NAME, read_study
from muybridge.studies import STUDIES
from muybridge.studies.study_configs import CONFIGS, DiversityStudyConfig, QuickstartConfig, StudyConfig

if TYPE_CHECKING:
    from muybridge.studies.files.find import Recipe
    from muybridge.studies.plan import Cell
    from muybridge.studies.state import State

ABOUT = """
A study is many runs: shipped ones have names (`muybridge study list`), yours are files. FILE is a Python file with `cells(config)`, which
is executed, or a YAML file (docs/studies.md). status, retry and report take over the options of the last run in the same --out.

`muybridge study run NAME_OR_FILE --help` shows the options of that study.
"""
EVERY = 2.0
"""Seconds between two looks of ``status --watch``."""
SHOWN = 1000
"""Cells that ``plan`` names."""


@dataclass(frozen=True, kw_only=True)
class Listed(Options):
    """The shipped studies."""

    json: bool = False
    """print everything as JSON"""

    def run(self) -> int:
        """Print them."""
        return look_up.show_rows("studies", self.json)


WATCH = (("watch", Annotated[bool, tyro.conf.arg(help="Keep looking until every run has ended.")], False),)


@dataclass(frozen=True)
class StudyVerb:
    """A command on a study: the first word names it, and the others are its options."""

    name: str
    action: "Action"

    def run(self, words: Sequence[str]) -> int:
        """Run the action.

        Raises:
            UsageError: no such study or option.
        """
        program = f"muybridge {self.name}"
        if not words or words[0] in ("-h", "--help"):
            if not words:
                raise UsageError(f"{self.name}: {NO_NAME}")
            return show_common(program, self.action.about, self.action.own)
        if words[0].startswith("-"):
            raise UsageError(f"{self.name}: {NO_NAME}")
        return named(words[0], f"{program} {words[0]}", words[1:], self.action)

    def branch(self) -> Branch:
        """The names of the studies, each with its options; those that are taken over need not be given again."""
        if self.action.takes_over:
            out = ("out", Annotated[Path, tyro.conf.arg(help="Folder of the results.")], StudyConfig.out)
            folder = [(name, kind, field(default=default)) for name, kind, default in (out, *self.action.own)]
            return dict.fromkeys(self.action.studies, make_dataclass("Folder", folder))
        return {name: flags_of(CONFIGS[name], self.action.own) for name in self.action.studies}


NO_NAME = "wanted the name of a study or a file (.py, .yaml); `muybridge study list` lists the names."


def show_common(program: str, about: str, own: Sequence[tuple[str, object, object]]) -> int:
    """Print the help of an action without a study: the names, and the options that every study has."""
    names = "\n".join(f"  {name:<24}  {entry.summary}" for name, entry in STUDIES.items())
    parse(
        flags_of(StudyConfig, own),
        f"{program} NAME_OR_FILE",
        ["--help"],
        f"{about[0].upper()}{about[1:]}.\n{ABOUT}\n{names}",
        markers=(),
    )
    return 0


class StudyGroup:
    """``muybridge study``."""

    def run(self, words: Sequence[str]) -> int:
        """Run the action that the first word names.

        Raises:
            UsageError: no such action, study or option.
        """
        if not words or words[0] in ("-h", "--help"):
            kinds: dict[str, Flags] = {"list": Listed}
            kinds |= {name: described_type(one.about) for name, one in ACTIONS.items()}
            show_commands("study", ABOUT, kinds)
            return 0
        name, *rest = words
        if name == "list":
            return Single("study list", Listed).run(rest)
        if name not in ACTIONS:
            raise unknown("study", name, {"list": None, **ACTIONS})
        return StudyVerb(f"study {name}", ACTIONS[name]).run(rest)

    def branch(self) -> Branch:
        """Its actions."""
        below = {name: StudyVerb(f"study {name}", action).branch() for name, action in ACTIONS.items()}
        return {"list": Listed, **below}


class QuickstartVerb:
    """``muybridge quickstart``: the study of that name."""

    def run(self, words: Sequence[str]) -> int:
        """Run it."""
        return named("quickstart", "muybridge quickstart", words, ACTIONS["run"])

    def branch(self) -> Branch:
        """Its options."""
        return flags_of(QuickstartConfig)


def named(name: str, program: str, words: Sequence[str], action: "Action") -> int:
    """One action on one study.

    Args:
        name: of a shipped study, or a file.
        program: shown in ``--help``.
        words: options.
        action: what to do.
    """
    if name in CONFIGS:  # help and wrong words need no torch, which comes with the imports below
        read_config(CONFIGS[name], program, words, action.own)
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.settled import absolute
    from muybridge.studies.files.find import find

    recipe = find(name)
    config, besides = _config(recipe, program, words, action)
    check_numbers(config)
    if besides["print_config"]:
        return print_config(absolute(config))
    if config.dry_run and action.plans:
        action = ACTIONS["plan"]
    config = absolute(config)
    if action.plans and not action.takes_over:
        config = recipe.fit(config, lambda words: print(words, file=sys.stderr))
    return action.act(recipe, config, besides.get("watch", False))


def _config(
    recipe: "Recipe", program: str, words: Sequence[str], action: "Action"
) -> tuple[StudyConfig, dict[str, Any]]:
    """The options; those of the last run in the same folder stand where ``status``, ``retry`` and ``report`` are not told otherwise."""
    from muybridge.config.stage_configs import change

    config, besides = read_config(recipe.config, program, words, action.own)
    path = config.out / NAME
    if not action.takes_over or not os.path.lexists(path):
        return config, besides
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
    return replace(change(default, kept, str(path)), **told), besides


def _consented(config: StudyConfig, before: Mapping[str, Any], path: Path, action: "Action") -> None:
    """Refuse what a ``study.json`` would run and the user did not name: code, and where cells are sent.

    Raises:
        UsageError: says which option allows it.
    """
    from muybridge.stages.job import consent

    kept = before.get("config", {})
    consent.demand(kept, path, consent.given(fields_of(config)))
    address = kept.get("address")
    if action is ACTIONS["retry"] and address and address != config.address:
        raise UsageError(
            f"{path}: its address is {address}, so runs would be sent there. Files do not decide where something is run: allow it with"
            f" --address {address}."
        )


def _planned(recipe: "Recipe", config: StudyConfig) -> "list[Cell]":
    from muybridge.runs import out
    from muybridge.studies.files.find import make_plan

    out.check(config.out, resume=config.resume, overwrite=config.overwrite)
    return make_plan(recipe, config)


def _plan(recipe: "Recipe", config: StudyConfig, watch: bool) -> int:
    """What a study would do: one line per run, then the sums."""
    from muybridge.core.machine.cores import worker_count
    from muybridge.studies.cost import estimate
    from muybridge.studies.state import finished

    show.resolved(config)
    cells = _planned(recipe, config)
    done = finished(cells)
    for cell in cells[:SHOWN]:
        word = "exists" if cell.job.signature in done else "to do "
        print(f"{word}  {cell.run.path}  {cell.name.rsplit(' ', 1)[0]}")
    if len(cells) > SHOWN:
        print(f"... and {len(cells) - SHOWN:,} more")
    print(f"{counted(len(cells), 'run')}: {len(done):,} exist, {len(cells) - len(done):,} to do")
    if len(done) < len(cells):
        found = estimate(cells, done, measure=True)
        print(found.words(len(cells) - len(done), worker_count(config.workers), config.shorter))
    first = cells[0].job
    show.say_cache(first.dataset.records, getattr(first.config, "size", None))
    return 0


def _run(recipe: "Recipe", config: StudyConfig, watch: bool, retry: bool = False) -> int:
    from muybridge import api

    api.run_study(recipe, config, announce=show.resolved, retry=retry)
    return show.study_result(config.out)


def _retry(recipe: "Recipe", config: StudyConfig, watch: bool) -> int:
    from muybridge.studies.files.find import make_plan
    from muybridge.studies.state import count, states

    failed = count(states(make_plan(recipe, config)))["failed"]
    if not failed:
        print(f"{config.out}: no run has failed")
        return 0
    return _run(recipe, config, watch, retry=True)


def _status(recipe: "Recipe", config: StudyConfig, watch: bool) -> int:
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
            f"{counted(len(cells), 'run')}: "
            + ", ".join(f"{number:,} {word}" for word, number in numbers.items()),
            flush=True,
        )
        if not watch or numbers["done"] + numbers["failed"] == len(cells):
            return 0
        time.sleep(EVERY)


def _line(state: "State") -> str:
    beat = f", last sign of life {state.age:.0f} s ago" if state.word == "running" else ""
    return f"{state.word:<8} {state.cell.name}: {state.detail}{beat}"


def _report(recipe: "Recipe", config: StudyConfig, watch: bool) -> int:
    from muybridge import api

    if not (config.out / NAME).is_file():
        raise MuybridgeError(
            f"{config.out}: no study was run here. Run it first: muybridge study run {recipe.name} --out {config.out}."
        )
    api.report(config.out)
    return show.study_result(config.out)


REGISTERED = "diversity-and-robustness"
"""The study that has a pre-registration."""


def _prereg(recipe: "Recipe", config: StudyConfig, watch: bool) -> int:
    """Write what the study will do.

    Raises:
        UsageError: its folder has runs or a pre-registration already.
    """
    from muybridge.studies.preregister import content_of, register

    if recipe.name != REGISTERED or not isinstance(config, DiversityStudyConfig):
        raise UsageError(f"prereg {recipe.name}: this study has no pre-registration; wanted {REGISTERED}.")
    if config.dry_run:
        found = content_of(config)
        print(f"{len(found['sets'])} sets, power {found['power']}")
        return 0
    path, name = register(config)
    print(f"{path}\nsha256 {name}")
    return 0


@dataclass(frozen=True)
class Action:
    """What can be done with a study.

    Attributes:
        about: in a line.
        act: does it, with the study, its absolute config, and whether to keep looking.
        takes_over: whether options not given are those of the last run in the same folder.
        own: flags that it has besides.
        plans: whether ``--dry-run`` shows the plan instead.
        studies: shipped ones that it works on.
    """

    about: str
    act: "Callable[[Recipe, StudyConfig, bool], int]"
    takes_over: bool = False
    own: Sequence[tuple[str, object, object]] = ()
    plans: bool = True
    studies: Sequence[str] = tuple(STUDIES)


ACTIONS = {
    "plan": Action("every run: what exists, what is missing, what it will cost", _plan),
    "run": Action("what is missing; a finished run is never computed again", _run),
    "status": Action(
        "how far each run is, from the run folders; --watch keeps looking", _status, True, WATCH
    ),
    "retry": Action("failed runs, and those that hang on them, alone", _retry, True),
    "report": Action("write report.html, report.md and tables/*.csv", _report, True),
}
STUDY, QUICKSTART = StudyGroup(), QuickstartVerb()
PREREG = StudyVerb(
    "prereg",
    Action(
        "Write OUT/prereg.yaml: what the study NAME will do and how it will be judged, before its first run. The options are those of "
        f"`muybridge study run NAME`; the study refuses others later. Known: {REGISTERED}",
        _prereg,
        plans=False,
        studies=(REGISTERED,),
    ),
)
