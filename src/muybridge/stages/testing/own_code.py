"""Code of the user's own, as it is signed: what decides a model's answers besides its weights.

Signed are the source of the module that a model comes from and of the modules of the user's that it imports, the instructions of its
classes as they are loaded (a notebook has no source, and an edited file may not be loaded yet), and what its parts hold that is plain:
numbers, words, arrays, lists of them. Muybridge, torch, torchvision, transformers, numpy and the standard library are not the user's; of
other installed packages only the module that is named. Not seen: what a function imports when it is called, and files that it reads.
"""

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from muybridge.core import seeding
from muybridge.core.catalogue import imported
from muybridge.stages.job.consent import code_in
from muybridge.stages.testing.model_key import add_tensor

LIBRARIES = frozenset(
    {*sys.stdlib_module_names, "muybridge", "torch", "torchvision", "transformers", "numpy"}
)
INSTALLED = tuple(
    os.path.join(os.path.realpath(sysconfig.get_path(name)), "")  # noqa: PTH118 ends in a slash
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
INSIDE = frozenset(vars(nn.Module())) - {"_parameters", "_buffers", "_modules"}
"""What every module holds that says nothing of what it computes."""
PLAIN = (str, bytes, int, float, complex, type(None), Path, Enum, slice, torch.dtype, torch.device)


def code_of(configs: Iterable[Mapping[str, object]], seed: int) -> dict[str, dict[str, str]]:
    """What is signed of the code that configs name: a hash for each ``module:function``; nothing where they name none.

    Raises:
        UsageError: it cannot be imported.
    """
    words = sorted({word for config in configs for _, word in code_in(config)})
    return {"code": {word: named(word, seed) for word in words}} if words else {}


def named(word: str, seed: int = 0) -> str:
    """Hash of the code behind ``module:function``, 16 digits; the module is imported, with torch's generator as when it is used."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.key(seed, "model"))
        found = imported(word)
    digest = _Digest()
    digest.sources([sys.modules[word.partition(":")[0]], *_modules_of([found])])
    digest.add(found)
    return digest.name


def held(model: object) -> str:
    """Hash of the code and the plain attributes of a network or another callable; empty where nothing of it is the user's."""
    parts = list(model.modules()) if isinstance(model, nn.Module) else [model]
    own = _modules_of(parts)
    if not own:
        return ""
    digest = _Digest()
    digest.sources(own)
    digest.add(model)
    return digest.name


def _modules_of(things: Iterable[object]) -> list[ModuleType]:
    """The modules in which the kinds of things were defined, those of the user alone."""
    kinds = [one if isinstance(one, type | FunctionType) else type(one) for one in things]
    names = {base.__module__ for kind in kinds for base in getattr(kind, "__mro__", (kind,))}
    return [sys.modules[name] for name in sorted(names) if name in sys.modules and not _is_library(name)]


def _is_library(name: str) -> bool:
    return name.partition(".")[0] in LIBRARIES - {"__main__"}


def _reached(module: ModuleType) -> Iterator[ModuleType]:
    """Modules of the user that a module has imported, or things of."""
    for value in list(vars(module).values()):
        name = None
        with suppress(Exception):  # whatever a foreign object does when it is asked
            name = value.__name__ if isinstance(value, ModuleType) else value.__module__
        other = sys.modules.get(name) if isinstance(name, str) else None
        if isinstance(other, ModuleType) and not _is_library(other.__name__):
            file = getattr(other, "__file__", None)
            if file is None or not os.path.realpath(file).startswith(INSTALLED):
                yield other


class _Digest:
    """A hash of things that hold each other; each is looked into once."""

    def __init__(self) -> None:
        self._hash, self._seen = hashlib.sha256(), dict[int, Any]()

    @property
    def name(self) -> str:
        """First 16 digits."""
        return self._hash.hexdigest()[:16]

    def sources(self, start: Iterable[ModuleType]) -> None:
        """Add the sources of modules and of those that they reach, by name."""
        found: dict[str, ModuleType] = {}
        todo = list(start)
        while todo:
            module = todo.pop()
            if module.__name__ not in found:
                found[module.__name__] = module
                todo += _reached(module)
        for name in sorted(found):
            file = getattr(found[name], "__file__", None)
            source = Path(file).read_bytes() if file and Path(file).is_file() else b""
            self._hash.update(f"{name} {len(source)} ".encode() + source)

    def add(self, value: object) -> None:
        """Add what is plain in a value, and the instructions of functions and classes; of all else the name of its kind."""
        self._hash.update(f"<{type(value).__module__}.{type(value).__qualname__} ".encode())
        if isinstance(value, PLAIN):
            self._hash.update(repr(value).encode())
        elif isinstance(value, Tensor):
            add_tensor(self._hash, "an attribute", value)
        elif isinstance(value, np.ndarray):
            self._hash.update(f"{value.dtype}{value.shape}".encode())
            self._hash.update(b"" if value.dtype.hasobject else value.tobytes())
        elif isinstance(value, set | frozenset):
            self._hash.update(repr(sorted(map(_word, value))).encode())
        elif isinstance(
            value, CodeType | tuple
        ):  # equal ones may be one object in one process and two in another
            self._add_all(_inside(value))
        elif id(value) not in self._seen:
            self._seen[id(value)] = value  # kept, so that the id stays its own
            self._add_all(_inside(value))
        self._hash.update(b">")

    def _add_all(self, values: Iterable[object]) -> None:
        for value in values:
            self.add(value)


def _word(value: object) -> str:
    """A word for what lies in a set, the same in every process: what is not plain says its kind, functions and classes their name."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_word, value))})"
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_word, value))})"
    kind = value if isinstance(value, type | FunctionType) else type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _inside(value: object) -> Iterable[object]:
    """What decides what a thing does, in an order that is the same in every process."""
    if isinstance(value, CodeType):
        return value.co_code, value.co_exceptiontable, value.co_names, value.co_varnames, value.co_consts
    if isinstance(value, FunctionType):
        cells = (_content(cell) for cell in value.__closure__ or ())
        return value.__code__, value.__defaults__, value.__kwdefaults__, *cells
    if isinstance(value, MethodType):
        return value.__func__, value.__self__
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if isinstance(value, staticmethod | classmethod):
        return (value.__func__,)
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, type):
        own = [base for base in value.__mro__ if not _is_library(base.__module__)]
        return [(base.__qualname__, _attributes(base)) for base in own]
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, nn.Module) or not _is_library(type(value).__module__):
        return type(value), {
            name: one for name, one in getattr(value, "__dict__", {}).items() if name not in INSIDE
        }
    return ()


def _attributes(kind: type) -> dict[str, object]:
    """Methods and values of a class; not what Python notes in it, as its lines."""
    return {name: one for name, one in vars(kind).items() if not name.startswith("__") or callable(one)}


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
