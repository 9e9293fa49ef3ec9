"""Figures as files beside a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from muybridge.core.files import atomic


@dataclass(frozen=True)
class Figure:
    """A picture for papers: the name of its file, and its bytes by the ending of the file."""

    slug: str
    draw: Callable[[], Mapping[str, bytes]]


def write_figures(folder: Path, figures: Sequence[Figure]) -> list[Path]:
    """Write ``figures/SLUG.ENDING`` of every figure; no link below ``folder`` is followed."""
    paths = []
    for figure in figures:
        for kind, content in figure.draw().items():
            paths.append(folder / "figures" / f"{figure.slug}.{kind}")
            with atomic(paths[-1], "wb", below=folder) as file:
                file.write(content)
    return paths
