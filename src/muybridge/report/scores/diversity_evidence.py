"""Diversity of losses against robustness: the runs of a pre-registered study as sets, the evidence, the verdict in words."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from muybridge.core.seeding import rng
from muybridge.core.text.plurals import counted, inflected
from muybridge.measure.accuracy import video_level
from muybridge.measure.diversity.association import Association, power
from muybridge.measure.diversity.verdict import NOTHING, Evidence, Sets, Verdict, verdict
from muybridge.measure.intervals import CLEAN
from muybridge.measure.robustness.altered import PARTNER, by_kind
from muybridge.measure.robustness.robustness_scores import chance_corrected
from muybridge.report.gather.collect import Gathered
from muybridge.runs.contents.predictions import Predictions
from muybridge.runs.contents.prereg_file import read_prereg
from muybridge.runs.records import Run

OUTCOMES = {"primary": "R_pres", "beside": "R_pres_all"}


@dataclass
class Registered:
    """What was registered, and what the runs of a folder say of it.

    Attributes:
        prereg: content of ``prereg.yaml``.
        numbers: by backbone and arm, by set (its losses in order), the numbers by name.
        foreign: runs of the study under another hash, which count nowhere.
        left_out: why sets are left out, by words.
    """

    prereg: Mapping[str, Any]
    numbers: dict[tuple[str, str], dict[tuple[str, ...], dict[str, float]]] = field(default_factory=dict)
    foreign: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        """Whether the data come with Muybridge."""
        return all(str(one).startswith("builtin-") for one in self.prereg["population"]["data"])

    def sets(self, backbone: str, arm: str, role: str = "confirmatory") -> Sets:
        """The registered sets of a role; what was not run is NaN."""
        rows = [(one["id"], tuple(one["losses"])) for one in self.prereg["sets"] if one["role"] == role]
        pool = sorted({loss for _, losses in rows for loss in losses})
        found, measured = self.numbers.get((backbone, arm), {}), self.numbers.get((backbone, "diversity"), {})
        told = [{**found.get(losses, {}), **measured.get(losses, {})} for _, losses in rows]
        names = sorted({name for one in told for name in one})
        return Sets(
            [name for name, _ in rows],
            np.array([[float(loss in losses) for loss in pool] for _, losses in rows]).reshape(
                len(rows), len(pool)
            ),
            {name: np.array([one.get(name, math.nan) for one in told]) for name in names},
        )


def registered(all_of: Gathered) -> Registered | None:
    """The pre-registered study of a folder; None where there is none.

    Raises:
        MuybridgeError: its pre-registration was changed.
    """
    prereg = read_prereg(all_of.folder)
    if not prereg:
        return None
    made = Registered(prereg)
    by_signature = {run.signature: run for run in all_of.runs}
    for run in all_of.runs:
        config = run.result.get("config", {})
        if run.stage not in ("robustness", "diversity"):
            continue
        if config.get("prereg") != prereg["sha256"]:
            made.foreign += 1
        elif run.stage == "diversity":
            _put(made, run.result["facets"]["backbone"], "diversity", config, _diversity(run))
        else:
            model = by_signature.get(run.result.get("inputs", {}).get("model", {}).get("signature", ""))
            if model is not None and run.signature in all_of.rows:
                rows = video_level(all_of.rows[run.signature])
                _put(
                    made,
                    model.result["facets"]["backbone"],
                    _arm(model),
                    model.result["config"],
                    _outcomes(made, model, rows),
                )
    return made


def _arm(model: Run) -> str:
    config = model.result["config"]
    if config.get("auxiliary_only_views"):
        return "views"
    return {"fixed": "sum"}.get(config["weighting"], str(config["weighting"]))


def _put(
    made: Registered, backbone: str, arm: str, config: Mapping[str, Any], numbers: Mapping[str, float]
) -> None:
    """Add a run; several seeds of a set are averaged."""
    own = made.numbers.setdefault((backbone, arm), {}).setdefault(tuple(config.get("auxiliary") or ()), {})
    for name, value in numbers.items():
        own.setdefault(f"sum of {name}", 0.0)
        own.setdefault(f"number of {name}", 0.0)
        own[f"sum of {name}"] += value
        own[f"number of {name}"] += 1
        own[name] = own[f"sum of {name}"] / own[f"number of {name}"]


def _diversity(run: Run) -> dict[str, float]:
    """Measures of a set: those by gradient as means over the points, NaN where one is undefined."""
    told = run.result.get("diversity", {})
    points = [one for one in told.get("points", []) if one["scope"] == "all"]
    found = {"Rao": _number(told.get("Rao")), "D0": _number(told.get("D0"))}
    for name in ("D2", "D3", "D3norm", "D4", "D5"):
        values = [_number(one["measures"][name]["value"]) for one in points]
        found[name] = sum(values) / len(values) if values else math.nan
    naive = [_number(one["naive"]["D3norm"]) for one in points]
    return {**found, "naive": sum(naive) / len(naive) if naive else math.nan}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _outcomes(made: Registered, model: Run, rows: Predictions) -> dict[str, float]:
    """Robustness of a model in the registered cells; nothing of a model that is hardly above chance."""
    classes = list(model.result["data"]["classes"])
    chance = 1 / len(classes)
    clean = _accuracy(rows, *CLEAN)
    if not clean > min(3 * chance, (1 + chance) / 2):
        words = "clean accuracy not above three times chance, or half way from chance to 1 where that is less"
        made.left_out[words] = made.left_out.get(words, 0) + 1
        return {}
    found = {"clean": math.log(max(clean, 1e-6) / max(1 - clean, 1e-6)), "accuracy": clean}
    types: dict[str, list[float]] = {name: [] for name in OUTCOMES.values()}
    for one in made.prereg["perturbations"]:
        cells = [_accuracy(rows, one["name"], severity) for severity in one["severities"]]
        if one["class"] == "altering":
            found["S_alt"] = _partners(rows, one["name"], one["severities"], classes, made.prereg["partners"])
            continue
        score = float(np.mean([float(chance_corrected(clean, cell, chance)) for cell in cells]))
        types["R_pres_all"].append(score)
        if one["counts"] == "primary":
            types["R_pres"].append(score)
    return found | {name: float(np.mean(values)) for name, values in types.items() if values}


def _accuracy(rows: Predictions, name: str, severity: int) -> float:
    own = rows.condition(name, severity)
    return float(own.correct.mean()) if len(own) else math.nan


def _partners(
    rows: Predictions, name: str, severities: Sequence[int], classes: Sequence[str], partners: Mapping[str, str]
) -> float:  # fmt: skip
    """Share of reversed clips that are called what they now show; NaN without a map of partners, or one that does not fit."""
    if set(partners) != set(classes):
        return math.nan
    cells = [rows.condition(name, severity) for severity in severities]
    marks = [by_kind(own, partners, classes).get(PARTNER) for own in cells if len(own)]
    found = [float(one.accuracy[0]) for one in marks if one is not None]
    return float(np.mean(found)) if len(found) == len(cells) else math.nan


def evidence(made: Registered) -> Evidence:
    """Everything that the verdict looks at."""
    first, *others = made.prereg["population"]["backbones"]
    x, y = made.prereg["hypothesis"]["primary"]["x"], made.prereg["hypothesis"]["primary"]["y"]
    base = made.sets(first, "sum")

    def partial(sets: Sets, a: str, b: str, members: bool = True, given: Sequence[str] = ()) -> Association:
        if not {a, b, *given} <= set(sets.numbers):
            return NOTHING
        return sets.partial(a, b, rng(0, "diversity", a, b, *given), members, given)

    combined = made.sets(first, "meltr")
    if {y} <= set(combined.numbers) and {y} <= set(base.numbers):
        gain = combined.numbers[y] - base.numbers[y]
        combined = Sets(combined.ids, combined.membership, {**combined.numbers, "gain": gain})
    return Evidence(
        primary=partial(base, x, y),
        second=partial(made.sets(others[0], "sum"), x, y) if others else NOTHING,
        placebo=partial(made.sets(first, "sum", "placebo"), x, y, members=False),
        every_cell=partial(base, x, "R_pres_all"),
        plain=partial(base, x, y, members=False),
        accuracy=partial(base, x, y, given=("clean",)),
        combiner=partial(combined, x, "gain"),
        only_views=partial(made.sets(first, "views"), x, y, members=False),
        altering=partial(base, x, "S_alt"),
        naive=partial(base, "naive", y),
        secondary={name: partial(base, name, y) for name in made.prereg["hypothesis"]["secondary"]},
    )


def judge(made: Registered) -> tuple[Evidence, Verdict]:
    """Evidence and verdict under the registered bounds."""
    found, primary = evidence(made), made.prereg["hypothesis"]["primary"]
    return found, verdict(found, float(primary["sesoi"]), float(primary["alpha"]))


def words(made: Registered, found: Evidence, said: Verdict) -> Iterator[str]:
    """The answer for a layman, and what must stand beside it."""
    where = ", ".join(made.prereg["population"]["data"])
    answer = {
        "supported": "Yes, here: the more diverse the auxiliary losses, the less accuracy is lost when time is disturbed.",
        "refuted": "No, here: more diverse auxiliary losses did not make the networks more robust in time.",
        "undetermined": "It cannot be told from these runs.",
    }[said.word]
    yield f"{said.word.upper()} on {where}. {answer} Because: {'; '.join(said.reasons)}."
    if made.synthetic:
        yield "SYNTHETIC: drawn clips answer for themselves. This is no answer on Something-Something V2 or any other real videos."
    n = found.primary.n
    covariates = max(
        0,
        len({loss for one in made.prereg["sets"] if one["role"] == "confirmatory" for loss in one["losses"]})
        - 1,
    )
    yield (
        f"{n} of {sum(one['role'] == 'confirmatory' for one in made.prereg['sets'])} registered sets are judged; the power to see a rank "
        f"correlation of 0.5 in them is {power(0.5, n, covariates):.2f}."
    )
    if made.foreign:
        yield f"{made.foreign} runs carry another pre-registration or none; they count nowhere."
    for reason, number in made.left_out.items():
        yield f"{counted(number, 'run')} {inflected(number, 'is')} left out: {reason}."
    for one in made.prereg["deviations"]:
        yield f"Deviation: {one}"
