"""Run folders: content-addressed, written atomically, readable without torch.

``runs/<stage>/<signature>/`` holds ``config.yaml``, ``env.json``, ``metrics.jsonl``, ``weights.safetensors``, ``predictions.parquet``,
``strips.npz``, ``state/`` (only while unfinished) and ``result.json``, which is written last: a folder without it counts as not done.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_names import is_plain
from muybridge.core.text.redact import redact
from muybridge.runs.contents.result import RESULT, WORDS, read_result
from muybridge.runs.contents.result_fields import ResultFields
from muybridge.runs.metrics import CURVE, read_metrics

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Run:
    """One run folder, read lazily."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def stage(self) -> str:
        """Which stage made it."""
        return self.path.parent.name

    @property
    def signature(self) -> str:
        """Hash of everything that decides its content."""
        return self.path.name

    @property
    def done(self) -> bool:
        """Whether it was finished: something is called ``result.json``, which need not be sound, or even a file."""
        return os.path.lexists(self.path / RESULT)

    @cached_property
    def result(self) -> ResultFields:
        """Content of ``result.json``: config, inputs, data, budget, command.

        Raises:
            MuybridgeError: damaged, changed after it was written, of another run, or written by a newer version.
        """
        content = read_result(self.path)
        words = {name: value for name, value in content.items() if name in WORDS}
        return cast(ResultFields, {**content, **redact(words)})

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Training curve, one row per logged step; of a run that goes on, as far as it had come at the first look."""
        return read_metrics(self.path / "metrics.jsonl", CURVE)

    def _repr_html_(self) -> str:
        """A small table for notebooks: what the run is, its numbers and notes; what is wrong where it cannot be read."""
        return run_html(self.path, self._facts())

    def _facts(self) -> dict[str, str]:
        """What ``_repr_html_`` shows; showing a run never fails."""
        try:
            result = self.result if self.done else {}
        except (MuybridgeError, OSError) as error:
            return {"status": "damaged", "why": str(error)}
        said = {"status": "done" if self.done else "not finished", "what": result.get("summary")}
        for name in ("facets", "numbers", "budget"):
            found = result.get(name)
            plain = found if isinstance(found, dict) else {}
            said[name] = ", ".join(
                f"{key} {value}" for key, value in plain.items() if isinstance(value, str | int | float)
            )
        said["notes"] = "; ".join(map(str, result.get("notes", [])))
        return {name: str(value) for name, value in said.items() if value}

    @property
    def strips(self) -> "dict[str, np.ndarray]":
        """Film strips, uint8 ``t h w 3`` each, by name.

        Raises:
            MuybridgeError: damaged.
        """
        # NumPy is a third of the time that a `--help` takes.
        from muybridge.runs.contents.strips import read_strips

        return read_strips(self.path / "strips.npz")

    @property
    def strip_names(self) -> list[str]:
        """Names of its film strips, without a look at their pixels; errors as of ``strips``."""
        from muybridge.runs.contents.strips import read_strips

        return list(read_strips(self.path / "strips.npz", pixels=False))


def run_html(path: Path, facts: Mapping[str, str]) -> str:
    """A run as a table in HTML; every text is escaped, since run folders may come from anybody."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in {**facts, "folder": str(path)}.items()
    )
    return f"<table><caption>{escape(path.parent.name)} {escape(path.name)}</caption>{rows}</table>"


def folders(out: Path) -> Iterator[Run]:
    """Every run folder below ``out/runs``, finished or not; hidden ones are none; links are told, as nobody should take them for absent."""
    for stage in _subfolders(out / "runs"):
        for path in _subfolders(stage):
            yield Run(path)


def _subfolders(folder: Path) -> list[Path]:
    """Folders with names of ours, and links to folders."""
    try:
        with os.scandir(folder) as found:
            return [
                folder / one.name
                for one in found
                if is_plain(one.name) and os.path.isdir(one.path)  # noqa: PTH112 - of many, and never raises
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_runs(out: Path) -> list[Run]:
    """Every finished run below ``out/runs``, sorted by stage and signature; ``runs.run_index`` says which of them are sound."""
    return sorted((run for run in folders(out) if run.done), key=lambda run: (run.stage, run.signature))
