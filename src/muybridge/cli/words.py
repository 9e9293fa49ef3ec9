"""Options of the verbs that have no config; wrong ones are said as everything else is."""

import argparse
from typing import NoReturn

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError


class Words(argparse.ArgumentParser):
    """A parser of options whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        """Unknown or missing words, in the house's one paragraph.

        Raises:
            UsageError: always.
        """
        word = message.removeprefix("unrecognized arguments: ").split()[0]
        near = suggestion(word, self._option_string_actions) if word.startswith("--") else ""
        verb = self.prog.removeprefix("muybridge ")
        raise UsageError(f"{verb}: {message}.{near} `{self.prog} --help` shows the options.")
