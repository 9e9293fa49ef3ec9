"""The cells of a study file: for every combination of the factors' values, every cell, inputs first; equal ones are made once."""

import dataclasses
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import product
from pathlib import Path

from muybridge.config.names import is_external
from muybridge.config.stage_configs import Control, PretrainConfig, change
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.stages.job.base import trained
from muybridge.studies.files.yaml_file import COMMAND, INPUTS, File, Spec, read
from muybridge.studies.plan import Study
from muybridge.studies.study_configs import StudyConfig


class YamlStudy:
    """A study file that can be run.

    Attributes:
        title: of the report; empty if the file has none.
        place: where in the file the generator stands, for error messages.
    """

    def __init__(self, file: File) -> None:
        self.file, self.title, self.place = file, file.title, str(file.path)
        self.specs = [file.specs[name] for name in _order(file)]
        self.matters = _matters(file, self.specs)
        self.fitted = {spec.name: _fitted(file, spec) for spec in self.specs}

    @classmethod
    def read(cls, path: Path) -> "YamlStudy":
        """Read and check a file.

        Raises:
            UsageError: says what is wrong and the nearest known word.
        """
        return cls(read(path))

    def cells(self, config: StudyConfig) -> Study:
        """The generator of the cells; ``--seed`` and other flags hold for cells that do not say them."""
        names = [field.name for field in dataclasses.fields(Control) if field.name not in COMMAND - {"out"}]
        control = {name: getattr(config, name) for name in names}
        made: dict[tuple[object, ...], list[str]] = {}
        for point in self.points():
            for spec in self.specs:
                key = self._key(spec, point)
                if key not in made:
                    self.place = f"{self.file.path}, cell {spec.name!r}"
                    made[key] = []
                    for values in self._values(spec, point, made):
                        learnt = trained(values) if spec.kind is PretrainConfig else {}
                        made[key].append((yield spec.kind(**{**control, **learnt, **values})))

    def points(self) -> Iterator[dict[str, int]]:
        """Every combination that is not excluded: number of the value by factor."""
        factors = self.file.factors
        left_out = [
            {name: {factors[name].index(value) for value in values} for name, values in one.items()}
            for one in self.file.exclude
        ]
        for numbers in product(*(range(len(values)) for values in factors.values())):
            point = dict(zip(factors, numbers, strict=True))
            if not any(all(point[name] in values for name, values in one.items()) for one in left_out):
                yield point

    def _key(self, spec: Spec, point: Mapping[str, int]) -> tuple[object, ...]:
        """What tells a cell from others of its entry."""
        return spec.name, *(point[factor] for factor in self.matters[spec.name])

    def _values(
        self, spec: Spec, point: Mapping[str, int], made: Mapping[tuple[object, ...], list[str]]
    ) -> Iterator[dict[str, object]]:
        """Fields of an entry at a point, once for every combination of its inputs."""
        values = dict(spec.values)
        for field, factor in spec.taken.items():
            values[field] = self.fitted[spec.name][field][point[factor]]
        inputs = {field: values.pop(field) for field in INPUTS if field in values}
        folders = []
        for given in inputs.values():
            known = self.file.specs
            folders.append(
                [f for one in given for f in (made[self._key(known[one], point)] if one in known else [one])]
            )
        for chosen in product(*folders):
            yield values | dict(zip(inputs, chosen, strict=True))


def _fitted(file: File, spec: Spec) -> dict[str, list[object]]:
    """Values of the factors that an entry takes, as its fields want them."""
    return {
        field: [_fit(spec.kind, field, value) for value in file.factors[factor]]
        for field, factor in spec.taken.items()
    }


def _fit(kind: type[Control], field: str, value: object) -> object:
    if field in INPUTS:
        return list(value) if isinstance(value, list) else [value]
    return getattr(change(kind(), {field: value}, field), field)


def _order(file: File) -> list[str]:
    """Names of the entries, inputs first.

    Raises:
        UsageError: a cycle, or an input that is neither an entry nor a folder.
    """
    graph = {name: sorted(_references(file, spec)) for name, spec in file.specs.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        ring = " -> ".join(reversed(error.args[1]))
        raise UsageError(f"{file.path}: the cells go round in a circle: {ring}.") from error


def _references(file: File, spec: Spec) -> Iterator[str]:
    for field in INPUTS:
        given = list(spec.values.get(field, ()))
        for value in file.factors[spec.taken[field]] if field in spec.taken else ():
            given += value if isinstance(value, list) else [value]
        for one in given:
            if one in file.specs:
                yield one
            elif one != "random" and not is_external(one) and not {"/", "\\"} & set(one):
                near = suggestion(one, file.specs)
                raise UsageError(
                    f"{file.path}: cell {spec.name!r}: {field}: no cell {one!r}.{near} Known: {', '.join(file.specs)};"
                    " or random, or the folder of a run."
                )


def _matters(file: File, specs: list[Spec]) -> dict[str, list[str]]:
    """Factors that change an entry, itself or through its inputs, by its name."""
    found: dict[str, set[str]] = {}
    for spec in specs:
        through = (found[name] for name in _references(file, spec))
        found[spec.name] = set(spec.taken.values()).union(*through)
    return {name: [factor for factor in file.factors if factor in taken] for name, taken in found.items()}
