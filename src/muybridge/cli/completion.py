"""``muybridge completion SHELL``: a script that completes commands, flags and their values. Imports no torch."""

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from muybridge.cli.flags import SMALL, Branch, Options, Single, tree_of
from muybridge.cli.main import TABLE, verb


@dataclass(frozen=True, kw_only=True)
class Completion(Options):
    """Print what a shell needs to complete commands, flags and their values.

    The script calls python3, which must be on the PATH. Put it where the shell looks:

      bash   muybridge completion bash > ~/.local/share/bash-completion/completions/muybridge
      zsh    muybridge completion zsh > DIR/_muybridge, with DIR in $fpath
      fish   muybridge completion fish > ~/.config/fish/completions/muybridge.fish
    """

    shell: Annotated[Literal["bash", "zsh", "fish"], tyro.conf.Positional]
    """which shell"""

    def run(self) -> int:
        """Print the script."""
        print(script(self.shell), end="")
        return 0


def script(shell: str) -> str:
    """The script of a shell, made by tyro of all commands."""
    said = io.StringIO()
    tree: Mapping[str, Branch] = {name: verb(name).branch() for name in TABLE}
    try:
        with redirect_stdout(said):
            tyro.cli(
                tree_of(tree), prog="muybridge", args=["--tyro-write-completion", shell, "-"], config=SMALL
            )
    except SystemExit:  # tyro leaves when it has printed
        pass
    return "".join(map(_flat, said.getvalue().splitlines(keepends=True)))


def _flat(line: str) -> str:
    """A line with the descriptions of flags in one line each, as the script tells them apart by lines."""
    return line.replace("\\n", " ") if line.startswith("COMPLETION_SPEC = ") else line


@dataclass(frozen=True)
class NoFlags:
    """Nothing but ``--help``."""


COMPLETION = Single("completion", Completion, dict.fromkeys(("bash", "zsh", "fish"), NoFlags))
