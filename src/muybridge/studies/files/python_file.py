"""Studies in Python files. To read such a file is to run it: it is the user's own program, with all that a program may do.

A file defines ``cells(config)``, a generator that yields stage configs and is sent the folder of each run; and, if it wants options of
its own, ``Config``, a frozen dataclass on top of ``StudyConfig``. ``TITLE`` names its report, ``CLAIMS`` lists what it claims
(``core.text.claim_words``).
"""

import dataclasses
import sys
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType
from typing import Any

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.studies.plan import Study
from muybridge.studies.study_configs import StudyConfig


def load(path: Path) -> ModuleType:
    """Run a file; returns what it defines.

    Raises:
        UsageError: it raises (its own line is named), or defines no ``cells``.
    """
    module = ModuleType(f"muybridge_study_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except Exception as error:
        raise _told(error, path) from error
    if not callable(getattr(module, "cells", None)):
        raise UsageError(f"{path}: defines no `cells(config)`; wanted a generator that yields stage configs.")
    return module


def config_of(module: ModuleType, path: Path) -> type[StudyConfig]:
    """The options of a study file.

    Raises:
        UsageError: ``Config`` is something else than a frozen dataclass on top of ``StudyConfig``.
    """
    kind: object = getattr(module, "Config", StudyConfig)
    if isinstance(kind, type) and issubclass(kind, StudyConfig) and dataclasses.is_dataclass(kind):
        return kind
    raise UsageError(
        f"{path}: Config: wanted `@dataclass(frozen=True, kw_only=True) class Config(StudyConfig)`, with StudyConfig of"
        " muybridge.studies.study_configs and a default for every field."
    )


def guarded(module: ModuleType, path: Path) -> Callable[[Any], Study]:
    """The generator of a file; what goes wrong in it names the line."""

    def cells(config: StudyConfig) -> Study:
        try:
            made = module.cells(config)
            if not isinstance(made, Generator):
                raise UsageError(
                    f"{path}: cells(config) returns {type(made).__name__}; wanted a generator: yield the configs."
                )
            yield from made
        except Exception as error:
            raise _told(error, path) from error

    return cells


def place(study: Study, path: Path) -> str:
    """The line of the file in which a suspended generator stands; empty if it has ended."""
    line = 0
    inner: Any = study
    while inner is not None and (frame := getattr(inner, "gi_frame", None)) is not None:
        if frame.f_code.co_filename == str(path):
            line = frame.f_lineno
        inner = inner.gi_yieldfrom
    return f"{path}, line {line}" if line else ""


def _told(error: Exception, path: Path) -> MuybridgeError:
    """The error with the last line of the file that led to it."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return UsageError(f"{path}, line {error.lineno}: {type(error).__name__}: {error.msg}.")
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    text = str(error) if isinstance(error, MuybridgeError) else f"{type(error).__name__}: {error}."
    return UsageError(text if text.startswith(str(path)) else f"{where}: {text}")
