"""Factors of a study, found in its cells: the fields of its configs that take several values and that no other factor decides."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

from muybridge.config.stage_configs import as_dict
from muybridge.runs.contents.snapshots import split
from muybridge.runs.signing import NOT_SIGNED
from muybridge.studies.plan import Cell

FIRST = ("objective", "backbone", "data", "seed", "fold")
"""Fields that explain others and are not explained by them: a stride chosen for each task is no factor beside the task."""
LEFT_OUT = NOT_SIGNED - {"data"}


def factors(cells: Sequence[Cell]) -> dict[str, dict[str, object]]:
    """``stage.field`` to value for each cell, by signature; inputs' factors included."""
    by_stage: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_stage[cell.job.stage].append(cell)
    own: dict[str, dict[str, object]] = {}
    for stage, some in by_stage.items():
        own |= _varied(stage, some)
    found: dict[str, dict[str, object]] = {}
    for cell in cells:
        name = cell.job.signature
        through = (found[need] for need in sorted(cell.needs))
        found[name] = {key: value for one in (*through, own[name]) for key, value in one.items()}
    return found


def _varied(stage: str, cells: Sequence[Cell]) -> dict[str, dict[str, object]]:
    """The factors of the cells of one stage, by signature."""
    configs = {cell.job.signature: as_dict(cell.job.config) | _length(cell.job.config) for cell in cells}
    fields = [name for name in dict.fromkeys(chain(*configs.values())) if name not in LEFT_OUT]
    told: dict[str, tuple[str, ...]] = dict.fromkeys(configs, ())
    found: dict[str, dict[str, object]] = {name: {} for name in configs}
    for field in sorted(fields, key=lambda field: FIRST.index(field) if field in FIRST else len(FIRST)):
        texts = {name: repr(config.get(field)) for name, config in configs.items()}
        if len(set(texts.values())) < 2 or (field not in FIRST and _decided(told, texts)):
            continue
        for name, config in configs.items():
            told[name] += (texts[name],)
            found[name][f"{stage}.{field}"] = config.get(field)
    return found


def _length(config: object) -> dict[str, int]:
    """Per cent of a pretraining run after which its backbone was taken."""
    init = getattr(config, "init", "random")
    return {} if init == "random" else {"length": split(init)[1] or 100}


def _decided(told: Mapping[str, tuple[str, ...]], texts: Mapping[str, str]) -> bool:
    """Whether the factors so far leave a field no choice."""
    seen: dict[tuple[str, ...], str] = {}
    return all(seen.setdefault(told[name], text) == text for name, text in texts.items())
