"""Predictions: one row per decision, from which every accuracy, interval and table is derived."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int64

from muybridge.core.errors import MuybridgeError
from muybridge.core.records import atomic

WHOLE = ("label", "view", "severity")
"""Columns of whole numbers."""


@dataclass(frozen=True)
class Predictions:
    """Columns of a ``predictions.parquet``; all of length n.

    Attributes:
        video: id of the video.
        group: source group (subject, scene) that never straddles a split; the video itself where none is known.
        label: true class index.
        view: which clip of the video, from 0.
        perturbation: ``"clean"`` or a name of ``muybridge list perturbations``.
        severity: 0 for clean, else 1 to 5.
        scores: logits; NaN rows stand for videos that could not be decoded and count as wrong.
    """

    video: np.ndarray
    group: np.ndarray
    label: Int64[np.ndarray, "n"]
    view: Int64[np.ndarray, "n"]
    perturbation: np.ndarray
    severity: Int64[np.ndarray, "n"]
    scores: Float32[np.ndarray, "n k"]

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"Predictions: columns of different length {lengths}")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def predicted(self) -> Int64[np.ndarray, "n"]:
        """Class with the highest score; -1 where there are no scores."""
        missing = np.isnan(self.scores).any(axis=1)
        return np.where(missing, -1, np.nan_to_num(self.scores, nan=-np.inf).argmax(axis=1))

    @property
    def correct(self) -> Bool[np.ndarray, "n"]:
        """Whether the top-1 class is the label; never where there is no label."""
        right: np.ndarray = (self.predicted == self.label) & (self.label >= 0)
        return right

    def where(self, rows: Bool[np.ndarray, "n"]) -> "Predictions":
        """The rows of a mask."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def condition(self, perturbation: str, severity: int) -> "Predictions":
        """The rows of one perturbation and severity."""
        return self.where((self.perturbation == perturbation) & (self.severity == severity))


def concatenate(parts: list[Predictions]) -> Predictions:
    """Rows of several runs below each other (folds, or conditions)."""
    return Predictions(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Predictions)
        }
    )


def write_predictions(path: Path, rows: Predictions) -> None:
    """Write rows as Parquet, atomically; the bytes depend on the rows only."""
    import pyarrow.parquet as pq

    with atomic(path, "wb") as file:
        pq.write_table(as_table(rows), file)


def as_table(rows: Predictions) -> Any:
    """The rows as a ``pyarrow.Table``."""
    import pyarrow as pa

    columns = {
        field.name: getattr(rows, field.name).tolist() for field in fields(rows) if field.name != "scores"
    }
    flat = pa.array(rows.scores.ravel(), pa.float32())
    scores = pa.FixedSizeListArray.from_arrays(flat, rows.scores.shape[1])
    schema = pa.schema(
        [(name, pa.int64() if name in WHOLE else pa.string()) for name in columns] + [("scores", scores.type)]
    )
    return pa.table({**columns, "scores": scores}, schema=schema)


def read_predictions(path: Path, only: str | None = None) -> Predictions:
    """Read what ``write_predictions`` wrote.

    Args:
        path: of the file.
        only: read the rows of one perturbation; of a large file nothing else is kept in memory.

    Raises:
        MuybridgeError: damaged or missing file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        wanted = None if only is None else [("perturbation", "=", only)]
        table = pq.read_table(path, filters=wanted).select([field.name for field in fields(Predictions)])
    except (OSError, KeyError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise MuybridgeError(
            f"{path}: no predictions ({said}). Delete the run folder and run again."
        ) from error
    scores = table["scores"].combine_chunks()
    width = scores.type.list_size
    return Predictions(
        video=np.array(table["video"].to_pylist(), dtype=str),
        group=np.array(table["group"].to_pylist(), dtype=str),
        label=table["label"].to_numpy().astype(np.int64),
        view=table["view"].to_numpy().astype(np.int64),
        perturbation=np.array(table["perturbation"].to_pylist(), dtype=str),
        severity=table["severity"].to_numpy().astype(np.int64),
        scores=scores.flatten().to_numpy(zero_copy_only=False).reshape(-1, width).astype(np.float32),
    )
