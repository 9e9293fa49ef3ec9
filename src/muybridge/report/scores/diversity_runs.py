"""The runs of the pre-registered study of diversity as sets of losses: diversity, robustness, and what the features say."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from muybridge.measure.diversity.loss_diversity import functional, vendi
from muybridge.measure.diversity.verdict import Sets
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN, Condition, Outcomes
from muybridge.measure.robustness.altered import PARTNER, by_kind
from muybridge.measure.robustness.answer_columns import Tested
from muybridge.measure.robustness.robustness_scores import chance_corrected
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.shares import Cells, VideoShares, estimate
from muybridge.runs.contents.prereg_file import Prereg, read_prereg
from muybridge.runs.contents.result import misfit
from muybridge.runs.records import Run

OUTCOMES = {"primary": "R_pres", "beside": "R_pres_all"}
_LOSSES = {"auxiliary": ([str], None)}
SET: dict[str, object] = {"config!": _LOSSES, "facets!": {"backbone": (str, None)}}
"""Kinds of what is read from a run of the study (``result.misfit``); one of another kind counts as another study's."""
NETWORK: dict[str, object] = {"config!": _LOSSES, "facets!": {"backbone!": str}, "data!": {"classes!": [str]}}
"""The same of a network that a run of the study looks at."""
MEASURED = "diversity"
"""Stands where the name of an arm stands, for what is measured of a set and not of an arm."""
PROBE = "probe"
"""Arm of the linear probes of the networks that the equal sum made."""
BY_GRADIENT = ("D2", "D3", "D3norm", "D4", "D5")
Losses = tuple[str, ...]
Key = tuple[str, str]
Cosines = list[tuple[list[str], np.ndarray]]


@dataclass
class Registered:
    """What was registered, and what the runs of a folder say of it.

    Attributes:
        prereg: content of ``prereg.yaml``.
        numbers: by backbone and arm, by set (its losses in order), the numbers by name.
        reach: by backbone and arm, by set, robustness with its interval over test videos (and seeds, where there are several).
        foreign: runs of the study under another hash, which count nowhere.
        left_out: why sets are left out, by words.
    """

    prereg: Prereg
    numbers: dict[Key, dict[Losses, dict[str, float]]] = field(default_factory=dict)
    reach: dict[Key, dict[Losses, Interval]] = field(default_factory=dict)
    foreign: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        """Whether the data come with Muybridge."""
        return all(str(one).startswith("builtin-") for one in self.prereg["population"]["data"])

    @property
    def networks(self) -> list[str]:
        """Backbones, and the first of them with longer clips, as ``numbers`` has them."""
        population = self.prereg["population"]
        backbones, frames = population["backbones"], population.get("frames", [])
        return backbones + [network(backbones[0], longer, frames) for longer in frames[1:]]

    def chosen(self, role: str = "confirmatory") -> list[tuple[str, Losses]]:
        """Name and losses of the registered sets of a role."""
        return [(one["id"], tuple(one["losses"])) for one in self.prereg["sets"] if one["role"] == role]

    def sets(self, backbone: str, arm: str, role: str = "confirmatory") -> Sets:
        """The registered sets of a role; what was not run is NaN."""
        rows = self.chosen(role)
        pool = sorted({loss for _, losses in rows for loss in losses})
        found, measured = (self.numbers.get((backbone, which), {}) for which in (arm, MEASURED))
        told = [{**found.get(losses, {}), **measured.get(losses, {})} for _, losses in rows]
        names = sorted({name for one in told for name in one})
        members = np.array([[float(loss in losses) for loss in pool] for _, losses in rows])
        return Sets(
            [name for name, _ in rows],
            members.reshape(len(rows), len(pool)),
            {name: np.array([one.get(name, math.nan) for one in told]) for name in names},
        )


@dataclass
class _Found:
    """What is collected on the way, and needed until all runs are seen."""

    counted: dict[Key, dict[Losses, list[tuple[Outcomes, float]]]] = field(default_factory=dict)
    cosines: dict[str, dict[Losses, Cosines]] = field(default_factory=dict)
    slopes: dict[str, dict[Losses, Mapping[str, float]]] = field(default_factory=dict)
    alike: dict[str, dict[frozenset[str], float]] = field(default_factory=dict)


def registered(all_of: Gathered) -> Registered | None:
    """The pre-registered study of a folder; None where there is none.

    Raises:
        MuybridgeError: its pre-registration was changed.
    """
    prereg = read_prereg(all_of.folder)
    if not prereg:
        return None
    made, found = Registered(prereg), _Found()
    by_signature = {run.signature: run for run in all_of.runs if not misfit(run.result, NETWORK)}
    for run in all_of.runs:
        if run.stage not in ("robustness", "diversity", "similarity"):
            continue
        if run.result.get("config", {}).get("prereg") != prereg["sha256"] or misfit(run.result, SET):
            made.foreign += 1
        elif run.stage == "diversity":
            _measured(made, found, run)
        elif run.stage == "similarity":
            _features(made, found, run, by_signature)
        elif run.signature in all_of.rows:
            model = _input(run, "model", by_signature)
            if model is not None:
                _tested(made, found, model, all_of.rows[run.signature], by_signature)
    for key, sets in found.counted.items():
        for losses, counted in sets.items():
            made.reach.setdefault(key, {})[losses] = _reach(made, key[1], counted)
    _add_effective(made, found)
    _add_functional(made, found)
    return made


def put(
    made: Registered, backbone: str, arm: str, config: Mapping[str, object], numbers: Mapping[str, float]
) -> None:
    """Add a run; several seeds of a set are averaged."""
    own = made.numbers.setdefault((backbone, arm), {}).setdefault(_losses(config), {})
    for name, value in numbers.items():
        own.setdefault(f"sum of {name}", 0.0)
        own.setdefault(f"number of {name}", 0.0)
        own[f"sum of {name}"] += value
        own[f"number of {name}"] += 1
        own[name] = own[f"sum of {name}"] / own[f"number of {name}"]


def _losses(config: Mapping[str, Any]) -> Losses:
    return tuple(config.get("auxiliary") or ())


def _input(run: Run, name: str, by_signature: Mapping[str, Run]) -> Run | None:
    """The run that another one started from, where it is there."""
    origin = run.result.get("inputs", {}).get(name)
    return by_signature.get(origin["signature"]) if origin else None


def network(backbone: str, frames: int | None, of: Sequence[int]) -> str:
    """Name of a backbone and, where its clips have another length than those of the primary outcome, of that: ``r2plus1d, 16 frames``."""
    return f"{backbone}, {frames} frames" if frames in of[1:] else backbone


def network_of(made: Registered, run: Run) -> str:
    """Name of a run's network, by which its numbers are kept."""
    frames = made.prereg["population"].get("frames", [])
    return network(str(run.result["facets"].get("backbone")), run.result["config"].get("frames"), frames)


def _arm(model: Run, by_signature: Mapping[str, Run]) -> tuple[str, Mapping[str, object]] | None:
    """Arm of a trained network and the config that names its losses: a probe's are those of the network below it."""
    config = model.result["config"]
    if model.stage == "probe":
        below = _input(model, "init", by_signature)
        return None if below is None else (PROBE, below.result["config"])
    if not _losses(config):
        return "matched" if config.get("budget") else "single", config
    if config.get("auxiliary_only_views"):
        return "views", config
    weighting = str(config.get("weighting"))
    return {"fixed": "sum"}.get(weighting, weighting), config


def _measured(made: Registered, found: _Found, run: Run) -> None:
    """Measures of a set: those by gradient as means over the points, NaN where one is undefined."""
    told, backbone = run.result.get("diversity", {}), network_of(made, run)
    points = [one for one in told.get("points", []) if one["scope"] == "all"]
    numbers = {"Rao": _number(told.get("Rao")), "D0": _number(told.get("D0"))}
    for name in BY_GRADIENT:
        for which, end in (("value", ""), ("low", " low"), ("high", " high")):
            numbers[name + end] = _mean([_number(one["measures"].get(name, {}).get(which)) for one in points])
    numbers["naive"] = _mean([_number(one["naive"].get("D3norm")) for one in points])
    config = run.result["config"]
    put(made, backbone, MEASURED, config, numbers)
    for one in points:
        whole = np.array([[_number(cell) for cell in row] for row in one["cosines"]])
        found.cosines.setdefault(backbone, {}).setdefault(_losses(config), []).append((one["names"], whole))


def _tested(
    made: Registered, found: _Found, model: Run, rows: Tested, by_signature: Mapping[str, Run]
) -> None:
    """Robustness of a network, of which nothing counts where it is hardly above chance."""
    told = _arm(model, by_signature)
    if told is None:
        return
    arm, config = told
    backbone, classes = network_of(made, model), list(model.result["data"]["classes"])
    counted, chance = rows.right, 1 / len(classes)
    cells = dict(zip(counted.conditions, counted.accuracy, strict=True))
    clean = float(cells.get(CLEAN, math.nan))
    numbers: dict[str, float] = {}
    if clean > min(3 * chance, (1 + chance) / 2):
        numbers = {"clean": math.log(max(clean, 1e-6) / max(1 - clean, 1e-6)), "accuracy": clean}
        numbers |= {name: float(of(cells)) for name, of in _scores(made, chance) if _whole(made, cells)}
        numbers |= _altered(made, rows, classes)
        if "R_pres" in numbers:
            found.counted.setdefault((backbone, arm), {}).setdefault(_losses(config), []).append(
                (counted, chance)
            )
    else:
        words = "clean accuracy not above three times chance, or half way from chance to 1 where that is less"
        made.left_out[words] = made.left_out.get(words, 0) + 1
    put(made, backbone, arm, config, numbers)
    slopes = _slopes(model) if arm == "meltr" else {}
    if slopes:
        found.slopes.setdefault(backbone, {})[_losses(config)] = slopes


def _preserving(made: Registered, counts: Sequence[str]) -> list[list[Condition]]:
    """Registered cells that keep the label, by type."""
    kept = [
        one for one in made.prereg["perturbations"] if one["class"] != "altering" and one["counts"] in counts
    ]
    return [[(one["name"], severity) for severity in one["severities"]] for one in kept]


def _whole(made: Registered, cells: Mapping[Condition, object]) -> bool:
    return all(cell in cells for one in _preserving(made, tuple(OUTCOMES)) for cell in one)


def _scores(made: Registered, chance: float) -> Iterator[tuple[str, Any]]:
    """Name of each outcome and what makes it of accuracies by condition, redrawn or not."""
    yield "R_pres", partial(_kept, _preserving(made, ("primary",)), chance)
    yield "R_pres_all", partial(_kept, _preserving(made, tuple(OUTCOMES)), chance)


def _kept(types: Sequence[Sequence[Condition]], chance: float, cells: Cells) -> np.ndarray:
    """Share of what clean accuracy has above chance that is kept: mean over severities, then over types."""
    own = [
        np.mean([chance_corrected(cells[CLEAN], cells[one], chance) for one in some], axis=0)
        for some in types
    ]
    return np.asarray(np.mean(own, axis=0))


def _reach(made: Registered, arm: str, counted: Sequence[tuple[Outcomes, float]]) -> Interval:
    """Robustness with what other test videos, and other seeds, would make of it."""
    score = dict(_scores(made, counted[0][1]))["R_pres"]
    return estimate(score, VideoShares(arm, [one for one, _ in counted])).interval()


def _altered(made: Registered, rows: Tested, classes: Sequence[str]) -> dict[str, float]:
    """Share of reversed clips that are called what they now show; NaN without a map of partners, or one that does not fit."""
    partners, found = made.prereg["partners"], {}
    for one in made.prereg["perturbations"]:
        if one["class"] != "altering":
            continue
        found["S_alt"] = math.nan
        if partners and {*partners, *partners.values()} - {""} <= set(classes):
            cells = [rows.under((one["name"], severity)) for severity in one["severities"]]
            marks = [by_kind(own, partners, classes).get(PARTNER) for own in cells if len(own)]
            shares = [float(mark.accuracy[0]) for mark in marks if mark is not None]
            found["S_alt"] = float(np.mean(shares)) if len(shares) == len(cells) else math.nan
    return found


def _slopes(model: Run) -> dict[str, float]:
    """Mean size of what a learned combiner weighed each auxiliary loss with, by loss; those of its terms are summed."""
    found: dict[str, list[float]] = {}
    for row in model.metrics:
        for loss in _losses(model.result["config"]):
            own = [abs(_number(value)) for name, value in row.items() if name.startswith(f"weight.{loss}.")]
            if own:
                found.setdefault(loss, []).append(sum(own))
    return {loss: _mean(values) for loss, values in found.items()}


def _features(made: Registered, found: _Found, run: Run, by_signature: Mapping[str, Run]) -> None:
    """Of two networks of one loss each how alike they are; of one network how far its features go with a perturbation."""
    sides = [_input(run, side, by_signature) for side in ("a", "b")]
    told, first = run.result.get("similarity", {}), sides[0]
    if first is None or first.stage != "finetune":
        return
    backbone = network_of(made, first)
    if told.get("drift"):
        arm = _arm(first, by_signature)
        if arm is not None:
            rows = told["drift"]
            twins = [_number((one.get("twin") or {}).get("value")) for one in rows]
            numbers = {"drift": _mean([_number(one["last"]) for one in rows]), "twin": _mean(twins)}
            put(made, backbone, arm[0], arm[1], numbers)
        return
    losses = [_losses(one.result["config"]) for one in sides if one is not None]
    if len(losses) == 2 and all(len(one) == 1 for one in losses):
        value = _number([None, *told.get("measures", {}).get("cka", {}).get("profile", ())][-1])
        found.alike.setdefault(backbone, {})[frozenset(one for own in losses for one in own)] = value


def _add_effective(made: Registered, found: _Found) -> None:
    """Diversity that a learned combiner really used: of the losses with a signal, weighted by its slopes."""
    for backbone, sets in found.slopes.items():
        for losses, slopes in sets.items():
            values = [
                _effective(names, whole, slopes)
                for names, whole in found.cosines.get(backbone, {}).get(losses, [])
            ]
            if values:
                made.numbers[backbone, "meltr"].setdefault(losses, {})["D3eff"] = _mean(values)


def _effective(names: Sequence[str], whole: np.ndarray, slopes: Mapping[str, float]) -> float:
    own = [place for place, name in enumerate(names) if name in slopes and np.isfinite(whole[place, place])]
    weights = np.array([slopes[names[place]] for place in own])
    if len(own) < 2 or not weights.sum() > 0:
        return math.nan
    return float(vendi(whole[np.ix_(own, own)], weights))


def _add_functional(made: Registered, found: _Found) -> None:
    """How unlike the networks are that each loss of a set makes alone."""
    for backbone, alike in found.alike.items():
        for _, losses in made.chosen():
            pairs = {pair: alike.get(frozenset(pair), math.nan) for pair in combinations(losses, 2)}
            square = [
                [1.0 if a == b else pairs.get((a, b), pairs.get((b, a), math.nan)) for b in losses]
                for a in losses
            ]
            numbers = made.numbers.setdefault((backbone, MEASURED), {}).setdefault(losses, {})
            numbers["D6"] = functional(np.array(square))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
