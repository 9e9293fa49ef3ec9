"""Tidy CSV tables across experiments: official splits, sources by targets, few labels, last and best-validation weights."""

from collections.abc import Iterator

from muybridge.report.formats.tidy import Row, bounds, where
from muybridge.report.gather.across import Crossed, Frame, Labels, Splits, best_epochs, kinds, two_weights
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.score import Scored


def split_rows(found: list[Splits]) -> Iterator[Row]:
    """One row per arm and official split, and one for the mean over the splits that are there."""
    for one in found:
        base = {
            **_frame(one.frame),
            "data": one.family,
            "splits": len(one.by_number),
            "official_splits": one.of,
        }
        for name in one.arms:
            for number, scored in one.by_number.items():
                if name in scored.arms:
                    yield {
                        **base,
                        "arm": name,
                        "split": number,
                        **bounds("accuracy", scored.arms[name].accuracy()),
                    }
            mean = one.mean(name)
            if mean:
                yield {**base, "arm": name, "split": "mean", **bounds("accuracy", mean)}


def crossed_rows(found: list[Crossed], all_of: Gathered) -> Iterator[Row]:
    """One row per arm and target."""
    told = kinds(all_of)
    for one in found:
        for target, scored in one.targets.items():
            for name, arm in scored.arms.items():
                task, source = one.rows[name]
                what = {
                    "arm": name,
                    "task": task,
                    "source": source,
                    "source_kind": told.get(source),
                    "target": target,
                }
                yield {
                    **_frame(one.frame),
                    **what,
                    "target_kind": told.get(target),
                    **bounds("accuracy", arm.accuracy()),
                }


def label_rows(found: list[Labels]) -> Iterator[Row]:
    """One row per arm and number of labels per class; for all labels their mean."""
    for one in found:
        for at, words, scored in one.points:
            for name, arm in scored.arms.items():
                yield {
                    **where(scored),
                    "arm": name,
                    "labels_per_class": at,
                    "all": words == "all",
                    **bounds("accuracy", arm.accuracy()),
                }


def weights_rows(scored: list[Scored], all_of: Gathered) -> Iterator[Row]:
    """One row per arm and set of weights, over seeds."""
    for one in scored:
        for found in two_weights(one, all_of):
            for weights, value in (("last", found.last), ("best-validation", found.best)):
                epochs = " ".join(f"{epoch:g}" for epoch in best_epochs(found.runs))
                yield {
                    **where(one),
                    "arm": found.name,
                    "weights": weights,
                    **bounds("accuracy", value),
                    "best_epochs": epochs,
                }


def _frame(frame: Frame) -> Row:
    told = frame.variant
    return {"stage": frame.stage, "protocol": frame.protocol, "hash": told.hash, "backbone": told.backbone}
