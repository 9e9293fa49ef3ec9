"""One parser for every command: tyro makes flags of dataclasses; what cannot be served is said in one paragraph, as everywhere."""

import io
import re
import shutil
import sys
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields, make_dataclass, replace
from inspect import cleandoc
from operator import getitem
from typing import Annotated, Any, Protocol, TextIO, TypeVar

import tyro

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

T = TypeVar("T")
Word = Annotated[str, tyro.conf.Positional]
Words = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")]
Each = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]
"""A flag that is given once for each of its values."""
Flags = type[object]
"""A dataclass whose fields are flags."""
Branch = Flags | Mapping[str, "Branch"]
"""What completion knows of a command: its flags, or the commands below it."""

SMALL = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone, tyro.conf.PositionalMetavarFromFieldName)
"""Of commands without a config: ``--json`` has no ``--no-json``, and nobody types None."""
WANTED = {"INT": ("a whole number", "whole numbers"), "FLOAT": ("a number", "numbers")}
"""Words for what tyro calls a value of a type: one, and several."""
WIDEST = 120
ABOUT = "{ABOUT}"
"""Stands for the description until the help is printed, as tyro would set ours as one line."""


class Options(ABC):
    """Base of the options of a command; the first paragraph of the docstring says what it does, the fields' docstrings are its help."""

    @abstractmethod
    def run(self) -> int:
        """Do it; returns the exit code."""


class Verb(Protocol):
    """A command as ``main`` sees it."""

    def run(self, words: Sequence[str]) -> int:
        """Run it with the words behind its name; returns the exit code."""
        ...

    def branch(self) -> Branch:
        """What can be completed behind its name."""
        ...


@dataclass(frozen=True)
class Single:
    """A command that is one dataclass of options.

    Attributes:
        words: what its first word may be, with the flags behind it; tyro completes commands and no words.
    """

    name: str
    options: type[Options]
    words: Mapping[str, Flags] | None = None

    def run(self, words: Sequence[str]) -> int:
        """Parse the words and run; where one of several words must follow, none asks for help."""
        asked = words or (["--help"] if self.words else [])
        return parse(self.options, f"muybridge {self.name}", asked).run()

    def branch(self) -> Branch:
        """Its options, or its words."""
        return self.words or self.options


@dataclass(frozen=True)
class Group:
    """Commands below a name.

    Attributes:
        about: what they have in common, shown by ``--help``.
    """

    name: str
    about: str
    commands: Mapping[str, type[Options]]

    def run(self, words: Sequence[str]) -> int:
        """Run the command that the first word names.

        Raises:
            UsageError: no such command; says the nearest.
        """
        if not words or words[0] in ("-h", "--help"):
            show_commands(self.name, self.about, self.commands)
            return 0
        name, *rest = words
        if name not in self.commands:
            raise unknown(self.name, name, self.commands)
        return Single(f"{self.name} {name}", self.commands[name]).run(rest)

    def branch(self) -> Branch:
        """Its commands."""
        return self.commands


def unknown(verb: str, name: str, known: Mapping[str, object]) -> UsageError:
    """An error that says the nearest of the known names."""
    return UsageError(f"{verb} has no {name!r}.{suggestion(name, known)} Known: {', '.join(known)}.")


def show_commands(name: str, about: str, commands: Mapping[str, Flags]) -> None:
    """Print the help of a group."""
    tree = tree_of({one: described_type(first_line(kind)) for one, kind in commands.items()})
    parse(tree, f"muybridge {name}", ["--help"], about)


def described_type(about: str) -> Flags:
    """A type without options, for a line in a list of commands."""
    kind = make_dataclass("Command", [])
    kind.__doc__ = about
    return kind


def first_line(kind: Flags) -> str:
    """The first paragraph of a docstring in one line."""
    return " ".join(cleandoc(kind.__doc__ or "").partition("\n\n")[0].split())


def tree_of(branch: Branch) -> Any:
    """A type that tyro reads as commands and their options."""
    if isinstance(branch, type):
        return branch
    union: object = None
    for name, below in branch.items():
        about = first_line(below) if isinstance(below, type) else ""
        one: Any = getitem(Annotated, (tree_of(below), tyro.conf.subcommand(name=name, description=about)))
        union = one if union is None else union | one
    # A union of one is no choice to tyro, so a suppressed nothing is beside it.
    return union if len(branch) > 1 else union | Annotated[None, tyro.conf.Suppress]


def parse(
    kind: type[T],
    program: str,
    words: Sequence[str],
    about: str = "",
    default: Any = tyro.MISSING_NONPROP,
    markers: Sequence[object] = SMALL,
) -> T:
    """Options from words; ``--help`` prints and exits with 0.

    Args:
        kind: dataclass of the options.
        program: as it is called: ``muybridge runs ls``.
        words: behind it.
        about: of the help; the docstring of ``kind`` when not given.
        default: values that the words override.
        markers: of tyro.

    Raises:
        UsageError: unknown flags, with the nearest one; missing words; values of another type.
    """
    said, page = io.StringIO(), _Page(sys.stdout)
    try:
        with redirect_stderr(said), redirect_stdout(page):
            parsed: tuple[T, list[str]] = tyro.cli(
                kind,
                prog=program,
                args=list(words),
                description=ABOUT,
                return_unknown_args=True,
                config=tuple(markers),
                default=default,
            )
    except SystemExit as stop:
        if stop.code:
            raise UsageError(_refused(program, words, said.getvalue())) from None
        print(page.getvalue().replace(ABOUT, filled(about or cleandoc(kind.__doc__ or ""))), end="")
        raise
    return _with_rest(parsed[0], program, parsed[1])


class _Page(io.StringIO):
    """Takes the help in, and passes for the stream that it is meant for, as colours and boxes follow what that can show."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return (self._stream.encoding or "ascii").lower()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()


def _with_rest(found: T, program: str, rest: Sequence[str]) -> T:
    """The options with words that stood behind flags put to the others, where any number may be given.

    Raises:
        UsageError: a flag that there is not, or a word too many.
    """
    flags = [word for word in rest if word.startswith("-")]
    several = [one.name for one in fields(found) if one.type == Words] if not isinstance(found, type) else []  # type: ignore[arg-type]
    if rest and several and not flags:
        return replace(found, **{several[0]: (*getattr(found, several[0]), *rest)})  # type: ignore[type-var]
    if rest:
        word = (flags or rest)[0].partition("=")[0]
        known = ["--" + one.name.replace("_", "-") for one in fields(found)]  # type: ignore[arg-type]
        what = f"has no {word!r}.{suggestion(word, known)}" if flags else f"has one word too many: {word!r}."
        raise UsageError(f"{_verb(program)} {what} `{program} --help` shows the options.")
    return found


def _refused(program: str, words: Sequence[str], box: str) -> str:
    """What tyro says in a box, as a paragraph."""
    text = re.sub("\x1b\\[[0-9;]*m", "", box)
    parts = re.split("\n[^\n]*\N{BOX DRAWINGS LIGHT HORIZONTAL}{3}[^\n]*\n?", "\n" + text)
    told = [" ".join(part.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split()) for part in parts]
    said, more = (told[1] if len(told) > 1 else " ".join(told)), " ".join(told[2:3])
    verb, way = _verb(program), f"`{program} --help` shows the options."
    if choice := re.match(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*?),?\)", said):
        value, flag, known = choice[1], choice[2], re.findall("'(.*?)'", choice[3])
        return f"{verb}: {flag} {value}: wanted one of {', '.join(known)}.{suggestion(value, known)} {way}"
    if short := re.match(r"Missing value for argument '(.*)'", said):
        return f"{verb}: {short[1]} wants a value. {way}"
    if missing := re.match(r"Missing from [^:]*: (\S+)", said):
        names = [missing[1], *re.findall(r"\(required\) (\S+)", said)]
        return f"{verb}: required: {' and '.join(one.lower() for one in names)}. {way}"
    if value := re.match(r"Error parsing (\S+?):", said):
        kind = re.sub(r"\{None\}\||\[", "", (re.findall(re.escape(value[1]) + r" (\S+)", more) or ["STR"])[0])
        named = [WANTED.get(part, (part.strip("{}"),) * 2) for part in kind.split("|")]
        wanted = " or ".join(name[bool(re.search(re.escape(value[1]) + r" \[", more))] for name in named)
        return f"{verb}: {value[1]} {_given(value[1], words)}: wanted {wanted}. {way}"
    return f"{verb}: {said} {way}"


def _given(flag: str, words: Sequence[str]) -> str:
    """What stood behind a flag."""
    for place, word in enumerate(words):
        name, sign, value = word.replace("_", "-", word.count("_") if not word.count("=") else 0).partition(
            "="
        )
        if name == flag:
            behind = [value] if sign else list(words[place + 1 :])
            end = next((i for i, one in enumerate(behind) if one.startswith("--")), len(behind))
            return " ".join(behind[:end])
    return ""


def one_folder(verb: str, word: str, out: str) -> str:
    """The folder that stands as a word or behind ``--out``.

    Raises:
        UsageError: two different ones.
    """
    if word and out not in ("muybridge-out", word):
        raise UsageError(f"{verb} takes one folder, got {word} and --out {out}.")
    return word or out


def _verb(program: str) -> str:
    return program.removeprefix("muybridge ")


def filled(text: str) -> str:
    """A text set to the width of the terminal: paragraphs are filled, lines that are set in keep their place."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return "\n".join(_lines(text, width))


def _lines(text: str, width: int) -> list[str]:
    made: list[str] = []
    for part in text.strip("\n").split("\n\n"):
        made += [""] if made else []
        if re.search("^ ", part, re.MULTILINE):
            for line in part.splitlines():
                hang = re.match(r" *(\S+(?: \S+)*  +)?", line)
                made += textwrap.wrap(line, width, subsequent_indent=" " * (hang.end() if hang else 0)) or [
                    ""
                ]
        else:
            made += textwrap.wrap(" ".join(part.split()), width)
    return made
