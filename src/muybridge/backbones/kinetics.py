"""Class names of Kinetics-400 in the order of the public I3D weights."""

from importlib.resources import files


def kinetics400() -> tuple[str, ...]:
    """The 400 names; Kay et al., 2017, arXiv 1705.06950."""
    lines = files("muybridge.backbones").joinpath("kinetics400.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
