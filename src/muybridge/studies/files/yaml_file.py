"""Studies in YAML files: reading and checking; docs/studies.md describes the format, ``yaml_cells`` makes the cells."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from muybridge.config.stage_configs import Control, RobustnessConfig, change, kind_of
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.claim_words import claim_words
from muybridge.runs import stages

PARTS = ("title", "factors", "common", "cells", "exclude", "claims")
COMMAND = frozenset({"out", "resume", "overwrite", "dry_run"})
"""Fields that belong to the command and not to the study."""
INPUTS = ("init", "model")
"""Fields that name cells; a list of several makes a cell of each."""


def fields_of(kind: type[Control]) -> list[str]:
    """Fields of a stage that a file can set."""
    return [field.name for field in dataclasses.fields(kind) if field.name not in COMMAND]


def shared_fields(kind: type[Control]) -> list[str]:
    """Fields that a cell takes from ``common`` and from factors without a cell's name: a model is tested as it was trained."""
    if kind is not RobustnessConfig:
        return fields_of(kind)
    return [
        name for name in fields_of(kind) if name in (*fields_of(Control), "profile", "types", "severities")
    ]


@dataclasses.dataclass(frozen=True)
class Spec:
    """One entry of ``cells``.

    Attributes:
        name: the stage, or what its ``name`` says.
        kind: config of the stage.
        values: the fields it says itself, and those of ``common``, as the config wants them.
        taken: factors by the fields they set.
    """

    name: str
    kind: type[Control]
    values: Mapping[str, Any]
    taken: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class File:
    """A study file found in order.

    Attributes:
        path: where it lies.
        title: of the report; empty if the file has none.
        factors: their values, as written.
        specs: by name.
        exclude: combinations that are left out: factor to values.
        claims: in the words of ``core.text.claim_words``.
    """

    path: Path
    title: str
    factors: Mapping[str, list[object]]
    specs: Mapping[str, Spec]
    exclude: list[dict[str, list[object]]]
    claims: list[dict[str, object]]


def read(path: Path) -> File:
    """Read a file.

    Raises:
        UsageError: not YAML, or not a study; says what and the nearest known word.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as YAML ({error}).") from error
    if not isinstance(content, dict) or not content.get("cells"):
        raise UsageError(f"{path}: the study is empty; wanted `cells:` with a list of stages.")
    return _Reader(path, content).file()


class _Reader:
    """Checks the parts of a file against each other."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path, self.content = path, content
        self.known(content, PARTS, "key")
        self.factors = self.read_factors()
        self.common = self.mapping("common", content.get("common"))
        self.said = dict(self.read_cells())
        known = {field for kind, _ in self.said.values() for field in shared_fields(kind)}
        self.known(self.common, known, "field", "common: ")
        for factor in self.factors:
            self.check_factor(factor, known)

    def file(self) -> File:
        """All of it."""
        specs = {name: self.spec(name, kind, said) for name, (kind, said) in self.said.items()}
        used = {factor for spec in specs.values() for factor in spec.taken.values()}
        for factor in self.factors:
            if factor not in used:
                raise self.error(f"factor {factor!r} changes nothing: every cell says {factor!r} itself.")
        exclude = [self.excluded(one) for one in self.content.get("exclude") or []]
        claims = claim_words(self.content.get("claims") or [], str(self.path))
        return File(self.path, str(self.content.get("title") or ""), self.factors, specs, exclude, claims)

    def error(self, text: str) -> UsageError:
        """An error that names the file."""
        return UsageError(f"{self.path}: {text}")

    def known(self, words: Iterable[object], known: Iterable[str], what: str, where: str = "") -> None:
        """Refuse unknown words with the nearest known one."""
        table = sorted(known)
        for word in words:
            if word not in table:
                near = suggestion(str(word), table)
                raise self.error(f"{where}no {what} {word!r}.{near} Known: {', '.join(table)}.")

    def mapping(self, name: str, value: Any) -> dict[str, Any]:
        """``name: value`` lines; none at all is fine."""
        if not isinstance(value or {}, dict):
            raise self.error(f"{name}: wanted `name: value` lines.")
        return dict(value or {})

    def read_factors(self) -> dict[str, list[object]]:
        """Values by factor."""
        found = self.mapping("factors", self.content.get("factors"))
        for name, values in found.items():
            if not isinstance(values, list) or not values:
                raise self.error(f"factor {name!r}: wanted a list of values, as [0, 1].")
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice is not None:
                raise self.error(f"factor {name!r}: {twice!r} stands there twice.")
        return found

    def read_cells(self) -> Iterator[tuple[str, tuple[type[Control], dict[str, object]]]]:
        """Stage and fields of each cell by name."""
        cells, names = self.content["cells"], set()
        for cell in cells if isinstance(cells, list) else [cells]:
            if not isinstance(cell, dict) or len(cell) != 1:
                raise self.error(
                    f"cells: {cell!r}: wanted a list of stages, as `- probe: {{data: my/videos}}`."
                )
            ((stage, value),) = cell.items()
            self.known([stage], stages.names(), "stage", "cells: ")
            said = self.mapping(f"cell {stage!r}", value)
            name = str(said.pop("name", stage))
            self.known(said, fields_of(kind_of(stage)), "field", f"cell {name!r}: ")
            if name in names:
                raise self.error(
                    f"two cells are called {name!r}; give one another name, as `- {stage}: {{name: other, ...}}`."
                )
            names.add(name)
            yield name, (kind_of(stage), said)

    def check_factor(self, factor: str, known: Iterable[str]) -> None:
        """A factor is a field of some cell, or ``CELL.FIELD``."""
        cell, dot, field = factor.rpartition(".")
        if dot:
            self.known([cell], self.said, "cell", f"factor {factor!r}: ")
            known = fields_of(self.said[cell][0])
        self.known([field], known, "field", f"factor {factor!r}: ")

    def spec(self, name: str, kind: type[Control], said: dict[str, object]) -> Spec:
        """A cell with what it takes from ``common`` and from the factors."""
        shared = shared_fields(kind)
        own = {field: f"{name}.{field}" for field in fields_of(kind) if f"{name}.{field}" in self.factors}
        taken = {field: field for field in shared if field in self.factors and field not in said} | own
        values = {field: value for field, value in self.common.items() if field in shared} | said
        fixed = {field: value for field, value in values.items() if field not in taken}
        for field, factor in taken.items():
            for value in self.factors[factor]:
                self.fit(kind, field, value, f"factor {factor!r}")
        return Spec(name, kind, {f: self.fit(kind, f, v, f"cell {name!r}") for f, v in fixed.items()}, taken)

    def fit(self, kind: type[Control], field: str, value: object, where: str) -> object:
        """A value as its field wants it; several inputs stay a list."""
        if field in INPUTS:
            return [str(one) for one in value] if isinstance(value, list) else [str(value)]
        return getattr(change(kind(), {field: value}, f"{self.path}: {where}"), field)

    def excluded(self, one: object) -> dict[str, list[object]]:
        """An entry of ``exclude``: the values of each factor it names."""
        found = {}
        for factor, value in self.mapping("exclude", one).items():
            self.known([factor], self.factors, "factor", "exclude: ")
            found[factor] = value if isinstance(value, list) else [value]
            for wanted in found[factor]:
                if wanted not in self.factors[factor]:
                    near = suggestion(str(wanted), map(str, self.factors[factor]))
                    raise self.error(f"exclude: factor {factor!r} has no value {wanted!r}.{near}")
        if not found:
            raise self.error("exclude: an empty entry would leave out everything.")
        return found
