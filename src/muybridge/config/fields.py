"""Values of YAML, JSON and Python as the fields of a config want them. Imports no torch."""

import os
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin


def fit_value(kind: object, value: object) -> object:
    """A value as its field wants it: text for paths and runs, tuples for lists, numbers for numbers.

    Raises:
        ValueError: a value of another type.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    options = (
        [option for option in get_args(kind) if option is not NoneType]
        if isinstance(kind, UnionType) or get_origin(kind) is Union
        else [kind]
    )
    if value is None and len(options) < len(get_args(kind)):
        return None
    if len(options) == 1:
        return _fit(options[0], value)
    for wanted in options:
        try:
            return _fit(wanted, value)
        except ValueError:
            continue
    raise ValueError(f"{value!r}; wanted {' or '.join(map(_said, options))}")


def _said(wanted: object) -> str:
    """A type in words."""
    if get_origin(wanted) is Literal:
        return " or ".join(map(repr, get_args(wanted)))
    return str(getattr(wanted, "__name__", wanted))


def _fit(wanted: Any, value: Any) -> Any:
    """As ``fit_value``, for one type."""
    if get_origin(wanted) is tuple:
        items = [value] if isinstance(value, str | int) else list(value)
        return tuple(fit_value(get_args(wanted)[0], item) for item in items)
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise ValueError(f"{value!r}; wanted one of {', '.join(map(repr, get_args(wanted)))}")
        return value
    if wanted is Path:
        return Path(value)
    if wanted is float and isinstance(value, str | int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
        raise ValueError(f"{value!r}; wanted {wanted.__name__}")
    return value
