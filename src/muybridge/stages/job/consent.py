"""Whose code may be called: what the user types is consent, what a run folder or a ``study.json`` says is not.

``module:function`` may stand in a run that somebody else made. Before it is imported the user has to name it: as ``--backbone`` or
``--model`` of the command, in a file of the user's own (``--config``, a study file), or with ``--trust-code``.
"""

from collections.abc import Collection, Iterator, Mapping

from muybridge.config.config_fields import ConfigFields
from muybridge.core.catalogue import names_code
from muybridge.core.errors import UsageError

FIELDS = ("backbone", "backbones", "model", "weights", "a", "b")
"""Of configs of stages and studies: those whose words can name code; tests/stages/test_consent.py looks for others."""


def code_in(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Field and ``module:function`` of everything in a config that names code; ``MODEL=FILE`` words name it in front."""
    for field in FIELDS:
        value = values.get(field)
        words = value if isinstance(value, list | tuple) else [value]
        for word in (word.partition("=")[0] for word in words if isinstance(word, str)):
            if names_code(word):
                yield field, word


def given(values: ConfigFields) -> set[str]:
    """Code that a config of the user's own allows: what it names itself, and its ``trust_code``."""
    return {*values["trust_code"], *(word for _, word in code_in(values))}


def demand(values: Mapping[str, object], where: object, trusted: Collection[str]) -> None:
    """Refuse code that data name and the user did not.

    Args:
        values: a config that was read from somewhere.
        where: the file it stands in.
        trusted: what the user named, as ``given`` finds it.

    Raises:
        UsageError: says what would be called, where it stands and how to allow it.
    """
    for field, word in code_in(values):
        if word not in trusted:
            module, _, function = word.partition(":")
            raise UsageError(
                f"{where}: its {field} is {word}, so module {module} would be imported and {function} called. Files do not decide"
                f" what is run: if you know this code, allow it with --trust-code {word}."
            )
