"""Tidy CSV tables: one observation per row, fractions and not percent, empty where a value is missing."""

import math
from collections.abc import Iterator
from pathlib import Path

from muybridge.core.files import atomic
from muybridge.core.text.csv_text import csv_text
from muybridge.measure.accuracy import confusion, per_class
from muybridge.measure.estimate import Interval
from muybridge.measure.robustness.robustness_scores import absolute, chance_corrected, relative
from muybridge.report.gather.collect import Gathered, facets
from muybridge.report.scores.robust import Perturbed, Robust, robust
from muybridge.report.scores.score import Arm, Scored
from muybridge.report.tables.accuracy_tables import caution, class_name
from muybridge.report.tables.run_tables import SHOWN
from muybridge.runs.records import Run

Row = dict[str, object]
POOLED = "mean"


def accuracy_rows(scored: list[Scored]) -> Iterator[Row]:
    """One row per arm and seed, and one for the mean over seeds."""
    for one in scored:
        for arm in one.arms.values():
            for seed in [*arm.rows, None]:
                yield {**where(one), "arm": arm.name, **_seed(seed), **_accuracy(one, arm, seed)}


def _accuracy(one: Scored, arm: Arm, seed: int | None) -> Row:
    deep = arm.clean()[0].scores.shape[1] >= 5
    runs = arm.runs if seed is None else one.experiment.arms[arm.name][seed]
    mean, top = arm.classes.balanced(arm.place(seed)), arm.classes.top(arm.place(seed))
    return {
        **bounds("accuracy", arm.accuracy(seed=seed)),
        "balanced": mean.value,
        "balanced_low": mean.low,
        "balanced_high": mean.high,
        "top5": top.value if deep else None,
        "top5_low": top.low if deep else None,
        "top5_high": top.high if deep else None,
        "chance": one.experiment.chance,
        "videos": arm.videos,
        "groups": arm.groups,
        "seeds": len(arm.rows) if seed is None else 1,
        "caution": caution(arm.accuracy(seed=seed), arm),
        "limited": any(run.result.get("limited", False) for run in runs),
        "signatures": " ".join(run.signature for run in runs),
    }


def comparison_rows(scored: list[Scored], perturbed: list[Perturbed]) -> Iterator[Row]:
    """One row per pair of arms and measure; ``p_holm`` is corrected over the pairs of one experiment and measure.

    The measure is ``accuracy`` without perturbation, or ``accuracy over types``: the mean over severities and types.
    """
    kinds = [(one, "accuracy", one.comparisons) for one in [*scored, *(one.scored for one in perturbed)]]
    kinds += [(one.scored, "accuracy over types", one.pairs) for one in perturbed]
    for one, measure, comparisons in kinds:
        for found in comparisons:
            pair = found.difference
            yield {
                **where(one),
                "measure": measure,
                "arm": pair.a,
                "against": pair.b,
                **bounds("difference", pair.interval),
                "p": pair.p,
                "p_holm": found.p,
                "separable": found.stands,
                "groups": pair.interval.groups,
                "seeds": pair.interval.seeds,
                "caution": caution(pair.interval, one.arms[pair.a], one.arms[pair.b]),
            }


def robustness_rows(found: list[Perturbed]) -> Iterator[Row]:
    """One row per arm, seed (and mean), perturbation and severity; ``mean`` and ``mean over categories`` included."""
    for one in found:
        for arm in one.scored.arms.values():
            for seed in [*arm.rows, None]:
                told = one.arms[arm.name] if seed is None else robust(one.scored, one.design, arm.name, seed)
                yield from _robustness(one, arm, seed, told)


def _robustness(one: Perturbed, arm: Arm, seed: int | None, told: Robust) -> Iterator[Row]:
    design, place = one.design, arm.place(seed)
    base = {**where(one.scored), "arm": arm.name, **_seed(seed), "clean": told.clean.value}
    for (name, severity), cell in told.cells.items():
        yield {
            **base,
            "category": design.categories.get(name),
            "perturbation": name,
            "severity": severity,
            "in_mean": name in design.kept,
            "seen": arm.name in design.seen.get(name, []),
            **bounds("accuracy", cell),
            **_scores(told.clean.value, cell.value, design.chance),
            "changed": arm.changed.share((name, severity), place).value,
            "lost": arm.lost.share((name, severity), place).value,
        }
    yield {**base, **_means(told)}
    for category, mean in told.categories.items():
        what = {"category": category, "perturbation": POOLED}
        yield {
            **base,
            **what,
            **bounds("accuracy", mean),
            **_scores(told.clean.value, mean.value, design.chance),
            "relative_low": told.kept[category].low,
            "relative_high": told.kept[category].high,
            **_fall(told.falls.get(category)),
        }


def _fall(one: Interval | None) -> Row:
    """How much further accuracy falls with every severity; nothing where no line goes through it."""
    return {} if one is None else {"fall_by_severity": one.value, "fall_low": one.low, "fall_high": one.high}


def _means(told: Robust) -> Row:
    scores = {"absolute": "absolute", "relative": "relative", "chance_corrected": "corrected"}
    scores |= {name: name for name in ("changed", "lost", "mce", "relative_mce", "relative_categories")}
    row: Row = {"perturbation": POOLED, "severity": None, "in_mean": None}
    if "types" in told.means:
        row |= bounds("accuracy", told.means["types"])
    row |= {column: told.means[name].value for column, name in scores.items() if name in told.means}
    if "categories" in told.means:
        row["accuracy_over_categories"] = told.means["categories"].value
    return {**row, **told.others}


def noise_rows(found: list[Perturbed]) -> Iterator[Row]:
    """One row per run and seed of the perturbations' noise."""
    for one in found:
        for noise in one.noise:
            for seed, value in noise.by_seed.items():
                yield {
                    **where(one.scored), **_run(noise.run), "noise_seed": seed, "accuracy_over_types": value, "sd": noise.spread,
                }  # fmt: skip


def _scores(clean: float, perturbed: float, chance: float) -> Row:
    corrected = float("nan") if math.isnan(chance) else float(chance_corrected(clean, perturbed, chance))
    kept = {"absolute": float(absolute(clean, perturbed)), "relative": float(relative(clean, perturbed))}
    return {**kept, "chance_corrected": corrected}


def per_class_rows(scored: list[Scored]) -> Iterator[Row]:
    """One row per arm, seed and class, and one for the mean over seeds with its interval."""
    for one in scored:
        for arm in one.arms.values():
            for index, mean in enumerate(arm.classes.each):
                videos = int((arm.clean()[0].label == index).sum())
                what = {"class": class_name(one, index), "videos": videos, **bounds("accuracy", mean)}
                yield {**where(one), "arm": arm.name, **_seed(None), **what}
            for seed in arm.rows:
                rows = arm.clean(seed)[0]
                for index, value in enumerate(per_class(rows)):
                    videos = int((rows.label == index).sum())
                    what = {"class": class_name(one, index), "videos": videos, "accuracy": float(value)}
                    yield {**where(one), "arm": arm.name, **_seed(seed), **what}


def confusion_rows(scored: list[Scored]) -> Iterator[Row]:
    """One row per arm, seed, true class and prediction that occurs; an empty prediction was not decoded."""
    for one in scored:
        for arm in one.arms.values():
            for seed in arm.rows:
                counts = confusion(arm.clean(seed)[0])
                for true, predicted in zip(*counts.nonzero(), strict=True):
                    answer = class_name(one, int(predicted)) if predicted < len(counts) else None
                    what = {"true": class_name(one, int(true)), "predicted": answer}
                    yield {
                        **where(one),
                        "arm": arm.name,
                        **_seed(seed),
                        **what,
                        "videos": int(counts[true, predicted]),
                    }


def budget_rows(all_of: Gathered) -> Iterator[Row]:
    """One row per run of any stage."""
    for run in all_of.runs:
        spent = run.result.get("budget", {})
        yield {
            **_run(run),
            **{key: spent.get(key) for key in (*SHOWN, "seconds")},
            **{key: spent.get(key) for key in ("asked", "unit", "kept")},
        }


def curve_rows(all_of: Gathered) -> Iterator[Row]:
    """One row per logged training step, as logged."""
    for run in all_of.runs:
        base = _run(run)
        for row in run.metrics:
            if "loss" not in row:
                continue
            told = {
                key: row.get(key)
                for key in ("step", "clips", "loss", "accuracy", "chance", "lr", "grad_norm")
            }
            yield {**base, **told}


def health_rows(all_of: Gathered) -> Iterator[Row]:
    """One row per look at the features during pretraining, as logged."""
    for run in all_of.runs:
        base = _run(run)
        for row in run.metrics:
            if isinstance(row.get("health"), dict):
                yield {**base, "step": row["step"], "clips": row.get("clips"), **row["health"]}


def term_rows(all_of: Gathered) -> Iterator[Row]:
    """One row per logged step and loss term of runs that weighted several: its value and its effective weight."""
    for run in all_of.runs:
        base = _run(run)
        for term in (run.result.get("weighting") or {}).get("terms", ()):
            for row in run.metrics:
                if term in row:
                    told = {"step": row["step"], "clips": row.get("clips"), "term": term, "loss": row[term]}
                    yield {**base, **told, "weight": row.get(f"weight.{term}")}


def run_rows(all_of: Gathered) -> Iterator[Row]:
    """One row per run: what it was and the command that makes it again."""
    for run in all_of.runs:
        result = run.result
        told = {key: result.get(key) for key in ("summary", "precision", "limited", "chance", "command")}
        fingerprint = result.get("data", {}).get("fingerprint")
        yield {**_run(run), **told, "fingerprint": fingerprint, "notes": "; ".join(result.get("notes", []))}


def write_csv(path: Path, rows: list[Row], below: Path) -> None:
    """Write rows atomically; the columns are those of the first row that has them, in order. No link below ``below`` is followed."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    shown = ({key: _shown(value) for key, value in row.items()} for row in rows)
    with atomic(path, below=below) as file:
        file.write(csv_text(columns, shown))


def _shown(value: object) -> object:
    """NaN and None become empty; floats keep ten digits, so that rounding noise never shows."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return "" if value is None else value


def where(one: Scored) -> Row:
    """Columns that say which experiment it is."""
    told = one.experiment
    return {"stage": told.stage, "protocol": told.protocol, "data": told.data, "profile": told.profile}


def _seed(seed: int | None) -> Row:
    return {"seed": POOLED if seed is None else seed}


def _run(run: Run) -> Row:
    told = facets(run)
    return {
        "stage": run.stage,
        "signature": run.signature,
        **{key: told[key] for key in ("protocol", "data", "arm", "seed", "fold")},
    }


def bounds(name: str, one: Interval) -> Row:
    """Columns of a value and its interval."""
    return {name: one.value, "low": one.low, "high": one.high}
