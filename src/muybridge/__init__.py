"""Muybridge: what has a video model learnt, and how far can it be trusted?

Every verb of the command line is a function here with the same argument names; torch is imported when one is called.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"
__all__ = [
    "compare",
    "distill",
    "diversity",
    "finetune",
    "knn",
    "neighbours",
    "pretrain",
    "probe",
    "quickstart",
    "report",
    "retrieval",
    "robustness",
    "runs",
    "similarity",
    "study",
    "zeroshot",
]


def __getattr__(name: str) -> Any:
    """Import the verbs on first use, so that ``import muybridge`` stays light."""
    if name in __all__:
        return getattr(import_module("muybridge.verbs"), name)
    raise AttributeError(f"module 'muybridge' has no attribute {name!r}")


class _Front(ModuleType):
    """A verb keeps its name where a folder has it too: who imports ``muybridge.report.write`` must not lose the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front
