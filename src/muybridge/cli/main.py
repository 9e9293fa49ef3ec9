"""The command ``muybridge``: sub-commands over the configs; torch is imported only by the commands that compute."""

import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # spinning threads on a shared machine cost a factor of 5 to 11

from muybridge import __version__
from muybridge.core.catalogue import Entry, suggestion
from muybridge.core.errors import MuybridgeError, UsageError, explained
from muybridge.core.text.redact import redacted
from muybridge.core.text.terminal import finish, hush, settle, visible
from muybridge.runs.stages import STAGES, is_known, names, summaries

if TYPE_CHECKING:
    from muybridge.cli.flags import Verb

STAGE = Entry("a stage", "muybridge.cli.stage_verbs:stage_verb")
COMMANDS = {
    "start here": {
        "quickstart": Entry(
            "pretrain, probe, fine-tune, perturb and report in minutes; --data FOLDER for your own videos",
            "muybridge.cli.study:QUICKSTART",
        ),
        "audit": Entry(
            "how far can a model be trusted on your videos: one page of verdicts within --minutes", "muybridge.cli.audit:AUDIT"
        ),
    },
    "one step": {
        **{name: Entry(stage.summary, STAGE.target) for name, stage in STAGES.items()},
        "distill": Entry(
            "train a student on labels and on the softened answers of one or more teachers", STAGE.target
        ),
        "compare": Entry(
            "two robustness runs side by side: differences with intervals, verdicts in words",
            "muybridge.cli.compare:COMPARE",
        ),
        "embed": Entry("write features of videos into a file, for your own code", "muybridge.cli.embed:EMBED"),
        "perturb": Entry(
            "write a perturbed video, or a contact sheet of all types and severities", "muybridge.cli.perturb:PERTURB"
        ),
        "export": Entry(
            "write a run's network or answers for other programs: safetensors, torch-export, onnx, hf, fiftyone",
            "muybridge.cli.models.export:EXPORT",
        ),
        "push": Entry("send an exported folder to the Hugging Face Hub", "muybridge.cli.models.export:PUSH"),
        "pull": Entry("fetch one from there", "muybridge.cli.models.export:PULL"),
        "weights": Entry("convert public weights to safetensors", "muybridge.cli.models.weights:WEIGHTS"),
        "data": Entry(
            "doctor | prepare | subset | preview: look at videos before you train on them", "muybridge.cli.data:DATA"
        ),
    },
    "many steps": {
        "prereg": Entry(
            "write what a study will do and how it will be judged, before its first run", "muybridge.cli.study:PREREG"
        ),
        "study": Entry(
            "list | plan | run | status | retry | report, of a NAME or a FILE (.py, .yaml)", "muybridge.cli.study:STUDY"
        ),
        "report": Entry(
            "write report.html, report.md and tables/*.csv of a folder", "muybridge.cli.look_up:REPORT"
        ),
        "runs": Entry("ls | show | best | rm | export (tables, archives): the runs of a folder", "muybridge.cli.runs:RUNS"),
    },
    "papers and claims": {
        "claims": Entry(
            "add | list | show | attribute | verify | review | report | export | calibrate: sentences with verdicts, in a ledger",
            "muybridge.cli.papers.claims:CLAIMS",
        ),
        "review": Entry(
            "run | new | corpus | search | extract | ...: a literature synthesis that a reader can check",
            "muybridge.cli.papers.review:REVIEW",
        ),
    },
    "results of others": {
        "published": Entry(
            "add | show: take in a table of published numbers with its facts, and what is wrong with it",
            "muybridge.cli.papers.published:PUBLISHED",
        ),
    },
    "to look up": {
        "list": Entry("KIND: stages, studies, backbones, objectives, presets, ... [--json]", "muybridge.cli.look_up:LIST"),
        "info": Entry(
            "versions, hardware, cache [--json] [--remove-cache]; recipes [TASK]: how pretext tasks are trained, value by value",
            "muybridge.cli.look_up:INFO",
        ),
        "completion": Entry("bash | zsh | fish: what a shell needs to complete commands and flags", "muybridge.cli.completion:COMPLETION"),
    },
}  # fmt: skip
"""Commands under the headings of the help; each names an object with ``run`` and ``branch``, imported when it is called."""

TABLE = {name: entry for part in COMMANDS.values() for name, entry in part.items()}


class Interrupted(BaseException):
    """The process was asked to stop; not an ``Exception``, so that nothing on the way takes it for a failure."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 for failures, 2 for usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    settle()
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return _run(words)
    except Interrupted:
        return _fail("stopped. Finished runs are kept; the same command goes on where it stopped.", 1, debug)
    except MuybridgeError as error:
        return _fail(str(error), error.exit_code, debug)
    except BrokenPipeError:
        hush()
        return 1
    except SystemExit as stop:  # tyro leaves like this when it has printed the help
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        words_ = explained(error)
        return _fail(
            words_ or f"{type(error).__name__}: {error}. This is a bug; --debug shows where.", 1, debug
        )
    finally:
        finish()


def _interrupt(*_: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        import traceback

        print(redacted(traceback.format_exc()), end="", file=sys.stderr)
    print(f"muybridge: {visible(redacted(message))}", file=sys.stderr)
    return code


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(top_help())
        return 0
    if words[0] in ("-V", "--version"):
        print(f"muybridge {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name not in TABLE and not is_known(name):
        near = suggestion(name, [*TABLE, *names()])
        raise UsageError(f"no command {name!r}.{near} `muybridge --help` lists the commands.")
    return verb(name).run(rest)


def verb(name: str) -> "Verb":
    """The command called ``name``."""
    found = TABLE.get(name, STAGE).load()
    made: Verb = found(name) if name == "distill" or is_known(name) else found
    return made


def top_help() -> str:
    """What ``muybridge --help`` prints, without the parser, whose import would take most of the time."""
    width = min(shutil.get_terminal_size().columns, 120)

    def line(name: str, words: str) -> str:
        return textwrap.fill(words, width, initial_indent=f"  {name:<13}", subsequent_indent=" " * 15)

    outside = {name: words for name, words in summaries().items() if name not in STAGES}
    parts = []
    for heading, part in COMMANDS.items():
        told = {name: entry.summary for name, entry in part.items()} | (
            outside if heading == "one step" else {}
        )
        parts.append("\n".join([heading, *(line(name, words) for name, words in told.items())]))
    end = (
        "`muybridge COMMAND --help` shows the options of a command. --debug shows the traceback of an error. "
        f"Version {__version__}."
    )
    return "\n\n".join(
        [
            "usage: muybridge COMMAND [OPTIONS]",
            "What has a video model learnt, and how far can it be trusted?",
            *parts,
            textwrap.fill(end, width),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
