"""The command ``muybridge``: sub-commands over the configs; torch is imported only by the commands that compute."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # spinning threads on a shared machine cost a factor of 5 to 11

from muybridge import __version__
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import MuybridgeError, UsageError, explained
from muybridge.core.text.redact import redacted
from muybridge.core.text.terminal import finish, hush, settle, visible
from muybridge.runs.stages import STAGES, is_known, names, summaries


def steps() -> str:
    """Lines of the help for the stages, and for what is one under another name."""
    lines = summaries() | {
        "distill": "train a student on labels and on the softened answers of one or more teachers"
    }
    return "\n".join(f"  {name:<12} {summary}" for name, summary in lines.items())


def help_text() -> str:
    """What ``muybridge --help`` prints."""
    return f"""usage: muybridge COMMAND [OPTIONS]

What has a video model learnt, and how far can it be trusted?

start here
  quickstart   pretrain, probe, fine-tune, perturb and report in minutes; --data FOLDER for your own videos

one step
{steps()}
  compare      two robustness runs side by side: differences with intervals, verdicts in words
  perturb      write a perturbed video, or a contact sheet of all types and severities
  weights      convert public weights to safetensors
  data         doctor | prepare | subset | preview: look at videos before you train on them

many steps
  prereg       write what a study will do and how it will be judged, before its first run
  study        list | plan | run | status | retry | report, of a NAME or a FILE (.py, .yaml)
  report       write report.html, report.md and tables/*.csv of a folder
  runs         ls | show | best | rm | export: the runs of a folder

papers and claims
  claims       add | list | show | attribute | verify | review | report | export | calibrate: sentences with verdicts, in a ledger
  review       run | new | corpus | search | extract | ...: a literature synthesis that a reader can check

results of others
  published    add | show: take in a table of published numbers with its facts, and what is wrong with it

to look up
  list         backbones | objectives | perturbations | datasets | weightings | stages [--json]
  info         versions, hardware, cache [--json] [--remove-cache]; recipes [TASK]: how pretext tasks are trained, value by value

`muybridge COMMAND --help` shows the options of a command. --debug shows the traceback of an error. Version {__version__}.
"""


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
        print(help_text(), end="")
        return 0
    if words[0] in ("-V", "--version"):
        print(f"muybridge {__version__}")
        return 0
    verb, rest = words[0], words[1:]
    run = COMMANDS.get(verb) or (_stage if is_known(verb) else None)
    if run is None:
        near = suggestion(verb, [*COMMANDS, *names()])
        raise UsageError(f"no command {verb!r}.{near} `muybridge --help` lists the commands.")
    return run(verb, rest)


def _stage(verb: str, words: list[str], function: str = "run_stage", program: str = "") -> int:
    from muybridge.cli import show
    from muybridge.config.stage_configs import kind_of

    config = parse(kind_of(verb), f"muybridge {program or verb}", words)
    from muybridge import api

    if config.dry_run:
        return show.stage_plan(config)
    run = getattr(api, function)(config, announce=show.resolved)
    return 0 if os.environ.get("RANK", "0") != "0" else show.result(run)


def _distill(verb: str, words: list[str]) -> int:
    """Fine-tuning with teachers: ``--student`` is its backbone, and teachers are weighed by AE-KD unless something else is asked for."""
    words = [
        "--backbone" + word.removeprefix("--student") if word.partition("=")[0] == "--student" else word
        for word in words
    ]
    known = {word.partition("=")[0] for word in words}
    if not known & {"-h", "--help", "--teachers", "--config"}:
        raise UsageError(
            "distill: wanted --teachers with one or more folders OUT/runs/finetune|probe/SIGNATURE."
        )
    chosen = known & {"--weighting", "--config"}
    return _stage("finetune", words if chosen else [*words, "--weighting", "ae-kd"], program=verb)


def _similarity(verb: str, words: list[str]) -> int:
    """The words in front of the first flag are A and B."""
    flags = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    if flags > 2:
        raise UsageError(f"similarity compares two networks, got {' '.join(words[:flags])!r}.")
    named = [word for pair in zip(("--a", "--b"), words[:flags], strict=False) for word in pair]
    return _stage(verb, named + words[flags:], "run_similarity")


def _quickstart(verb: str, words: list[str]) -> int:
    from muybridge.cli import study

    return study.named("quickstart", f"muybridge {verb}", words)


def _compare(verb: str, words: list[str]) -> int:
    from muybridge.cli import compare

    return compare.run(words)


def _data(verb: str, words: list[str]) -> int:
    from muybridge.cli import data

    return data.run(words)


def _perturb(verb: str, words: list[str]) -> int:
    from muybridge.cli import perturb

    return perturb.run(words)


def _weights(verb: str, words: list[str]) -> int:
    from muybridge.cli import weights

    return weights.run(words)


def _study(verb: str, words: list[str]) -> int:
    from muybridge.cli import study

    return study.run(words)


def _prereg(verb: str, words: list[str]) -> int:
    from muybridge.cli import study

    return study.prereg(words)


def _report(verb: str, words: list[str]) -> int:
    if any(word in ("-h", "--help") for word in words):
        print(
            "usage: muybridge report [DIR or URL]\n\nWrite DIR/report.html, DIR/report.md and DIR/tables/*.csv (default: muybridge-out)."
        )
        return 0
    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise UsageError(f"report takes one folder, got {' '.join(words)!r}.")
    from muybridge.cli import show
    from muybridge.report import write_report
    from muybridge.runs.mirror import publish_pages, working_copy

    folder = working_copy(words[0] if words else "muybridge-out")
    write_report(folder)
    publish_pages(folder)
    return show.study_result(folder)


def _published(verb: str, words: list[str]) -> int:
    from muybridge.cli import published

    return published.run(words)


def _runs(verb: str, words: list[str]) -> int:
    from muybridge.cli import runs

    return runs.run(words)


def _claims(verb: str, words: list[str]) -> int:
    from muybridge.cli import claims, review

    return claims.run(words) if verb == "claims" else review.run(words)


def _list(verb: str, words: list[str]) -> int:
    from muybridge.cli import show

    json = "--json" in words
    kinds = [word for word in words if word != "--json"]
    tables = show.tables()
    if not kinds or kinds[0] in ("-h", "--help"):
        print(f"usage: muybridge list KIND [--json]\n\nKIND: {', '.join(tables)}")
        return 0
    if len(kinds) > 1 or kinds[0] not in tables:
        word = kinds[-1]
        raise UsageError(
            f"list has no {word!r}.{suggestion(word, tables)} Known: {', '.join(tables)}, and --json."
        )
    return show.catalogue(kinds[0], tables[kinds[0]], json)


def _info(verb: str, words: list[str]) -> int:
    from muybridge.cli import show

    if words[:1] == ["recipes"]:
        return show.recipes(words[1:])
    unknown = [word for word in words if word not in ("--json", "--remove-cache", "-h", "--help")]
    if unknown:
        raise UsageError(
            f"info has no {unknown[0]!r}.{suggestion(unknown[0], ('recipes', '--json', '--remove-cache'))}"
        )
    if "-h" in words or "--help" in words:
        print(
            "usage: muybridge info [--json] [--remove-cache]\n       muybridge info recipes [TASK] [--json]\n\n"
            "Versions, hardware and the size of the cache; or delete the cache; or every value by which pretext tasks are trained."
        )
        return 0
    return show.remove_cache() if "--remove-cache" in words else show.info("--json" in words)


def parse(kind: Any, program: str, words: list[str]) -> Any:
    """A config from the defaults, a preset, a file and flags, each over the one before.

    Raises:
        UsageError: unknown preset, file or field; unknown flags exit with 2 and the nearest flag.
    """
    import tyro

    from muybridge.config.presets import PRESETS
    from muybridge.config.stage_configs import change
    from muybridge.stages.job.base import give_way, preset, read_fields

    words, name = _take(words, "--preset")
    words, file = _take(words, "--config")
    words = _joined(words)
    fields = read_fields(Path(file)) if file else {}
    base = change(preset(kind, name or "tiny", fields | _asked(words)), fields, f"--config {file}")
    known = "|".join(name for name, values in PRESETS.items() if not values or kind.stage in values)
    note = f"\n\nBesides: --preset {known} and --config FILE (YAML) give values that the flags override."
    return give_way(
        tyro.cli(kind, prog=program, args=words, default=base, description=kind.__doc__ + note),
        name or "tiny",
    )


def _asked(words: list[str]) -> dict[str, str]:
    """Task and preset of it that the flags name, the last of several as everywhere; they choose what the flags start from."""
    found = {}
    for name in ("objective", "objective_preset"):
        rest, value = _take([_dashed(word) for word in words], "--" + name.replace("_", "-"))
        while value is not None:
            found[name] = value
            rest, value = _take(rest, "--" + name.replace("_", "-"))
    return found


def _dashed(word: str) -> str:
    """A flag as it is documented; underscores are taken too."""
    flag, sign, value = word.partition("=")
    return flag.replace("_", "-") + sign + value if word.startswith("--") else word


def _joined(words: list[str]) -> list[str]:
    """``--range -1-1`` as one word, since a value that begins with a dash is taken for a flag."""
    pairs = [place for place in range(len(words) - 1) if words[place : place + 2] == ["--range", "-1-1"]]
    return [
        "--range=-1-1" if place in pairs else word
        for place, word in enumerate(words)
        if place - 1 not in pairs
    ]


def _take(words: list[str], flag: str) -> tuple[list[str], str | None]:
    """Remove ``flag VALUE`` or ``flag=VALUE`` from the words."""
    for i, word in enumerate(words):
        if word == flag:
            if i + 1 == len(words):
                raise UsageError(f"{flag} wants a value.")
            return words[:i] + words[i + 2 :], words[i + 1]
        if word.startswith(flag + "="):
            return words[:i] + words[i + 1 :], word.split("=", 1)[1]
    return words, None


COMMANDS: dict[str, Callable[[str, list[str]], int]] = {
    "quickstart": _quickstart,
    **dict.fromkeys(STAGES, _stage),
    "distill": _distill,
    "similarity": _similarity,
    "compare": _compare,
    "data": _data,
    "perturb": _perturb,
    "weights": _weights,
    "prereg": _prereg,
    "study": _study,
    "report": _report,
    "published": _published,
    "runs": _runs,
    "claims": _claims,
    "review": _claims,
    "list": _list,
    "info": _info,
}

if __name__ == "__main__":
    sys.exit(main())
