"""Figures as files beside a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from muybridge.core.files import atomic, first_line

MARK = "<!-- Made by Muybridge -->"
"""First line of the SVGs that a later report may remove."""
SIBLINGS = ("svg", "pdf")
"""What goes with such an SVG."""


def nothing() -> Mapping[str, bytes]:
    """What is drawn besides where nothing is."""
    return {}


@dataclass(frozen=True)
class Figure:
    """A picture for papers: the name of its file, and its bytes by the ending of the file.

    Attributes:
        slug: its name, the same for the same question whatever runs answer it.
        draw: always.
        asked: besides, where figures are asked for by name.
    """

    slug: str
    draw: Callable[[], Mapping[str, bytes]]
    asked: Callable[[], Mapping[str, bytes]] = nothing


def write_figures(folder: Path, figures: Sequence[Figure], asked: bool = False) -> list[Path]:
    """Write ``figures/SLUG.ENDING`` of every figure, and remove those that an earlier report left; no link below ``folder`` is followed."""
    paths = []
    for figure in figures:
        for kind, content in {**figure.draw(), **(figure.asked() if asked else {})}.items():
            paths.append(folder / "figures" / f"{figure.slug}.{kind}")
            with atomic(paths[-1], "wb", below=folder) as file:
                file.write(content)
    return paths


def remove_old(folder: Path, kept: Sequence[Path]) -> None:
    """Remove figures of an earlier report that the present one lacks; files of others stay."""
    stems = {path.stem for path in kept}
    for old in sorted((folder / "figures").glob("*.svg")):
        if old.stem not in stems and first_line(old).startswith(MARK):
            for kind in SIBLINGS:
                old.with_suffix(f".{kind}").unlink(missing_ok=True)
