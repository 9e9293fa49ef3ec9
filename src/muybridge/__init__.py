"""Muybridge: what has a video model learnt, and how far can it be trusted?

Every verb of the command line is a function here with the same argument names; torch is imported when one is called.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a type checker sees the functions; at run time they come with their first use
    from muybridge.api import (
        audit,
        claims,
        compare,
        distill,
        diversity,
        embed,
        export,
        finetune,
        knn,
        load,
        neighbours,
        pretrain,
        probe,
        quickstart,
        report,
        retrieval,
        review,
        robustness,
        runs,
        similarity,
        study,
        zeroshot,
    )

__version__ = "0.2.0"
__all__ = [
    "audit",
    "claims",
    "compare",
    "distill",
    "diversity",
    "embed",
    "export",
    "finetune",
    "knn",
    "load",
    "neighbours",
    "pretrain",
    "probe",
    "quickstart",
    "report",
    "retrieval",
    "review",
    "robustness",
    "runs",
    "similarity",
    "study",
    "zeroshot",
]


def _verb(name: str) -> Any:
    return getattr(import_module("muybridge.api"), name)


def _is_outside(name: str) -> bool:
    """Whether another package offers a stage of that name."""
    from importlib.metadata import entry_points  # slower than all the rest of this file

    return bool(entry_points(group="muybridge.stages", name=name))


if not TYPE_CHECKING:  # else a type checker takes every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import the verbs on first use, so that ``import muybridge`` stays light."""
        if name in __all__ or (not name.startswith("_") and _is_outside(name)):
            return _verb(name)
        raise AttributeError(f"module 'muybridge' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The verbs, for whoever looks or presses TAB."""
    return [*__all__, "__version__"]


class _Verb(ModuleType):
    """A folder that is called like a verb, and may be called as one."""

    def __call__(self, *words: object, **options: object) -> Any:
        return _verb(self.__name__.rpartition(".")[2])(*words, **options)


class _Front(ModuleType):
    """The import system puts a folder in the place of the verb of its name, as ``muybridge.report``: it stays callable."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front
