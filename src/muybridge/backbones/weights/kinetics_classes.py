"""Class names of Kinetics-400 in the order of the public I3D weights."""

from pathlib import Path

FILE = Path(__file__).with_name("kinetics400.txt")
"""One name a line; Kay et al., 2017, arXiv 1705.06950."""


def kinetics400() -> tuple[str, ...]:
    """The 400 names."""
    return tuple(
        line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    )
