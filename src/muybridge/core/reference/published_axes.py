"""Names of modules in the networks of the benchmark, in the order in which they fire, and ours beside them: the axis of its figures.

Its R(2+1)D is that of VCOP's code (``R2Plus1DNet`` with one block a stage): 95 modules, of which the four empty ``blocks`` never fire. Ours
computes the same with 85: the ReLUs inside a block and behind its sum are functions here. Where several of its modules put out one tensor
(the last ReLU of a block, the block, the stage around it) ours stands beside each; where ours has no module the row stays blank.
"""

from collections.abc import Iterator

Pair = tuple[str, str | None]


def r2plus1d() -> list[Pair]:
    """Name there and name here, None for what has no module here; what never fires there stands last."""
    found: list[Pair] = list(_convolution("conv1", "stages.0.0"))
    found += [("bn1", "stages.0.1"), ("relu1", "stages.0.2")]
    for stage in range(1, 5):
        found += _stage(f"conv{stage + 1}", f"stages.{stage}", shortcut=stage > 1)
    found += [("pool", "projection"), ("network", "network")]
    return [*found, *((f"conv{stage}.blocks", None) for stage in range(2, 6))]


def _stage(there: str, here: str, shortcut: bool) -> Iterator[Pair]:
    block = f"{there}.block1"
    yield from _convolution(f"{block}.conv1", f"{here}.conv1")
    yield f"{block}.bn1", f"{here}.norm1"
    yield f"{block}.relu1", None
    yield from _convolution(f"{block}.conv2", f"{here}.conv2")
    yield f"{block}.bn2", f"{here}.norm2"
    if shortcut:
        yield from _convolution(f"{block}.downsampleconv", f"{here}.shortcut.0")
        yield f"{block}.downsamplebn", f"{here}.shortcut.1"
    for name in (f"{block}.outrelu", block, there):
        yield name, here


def _convolution(there: str, here: str) -> Iterator[Pair]:
    """Spatial convolution, batch norm, ReLU, temporal convolution, and the whole."""
    for number, part in enumerate(("spatial_conv", "bn", "relu", "temporal_conv")):
        yield f"{there}.{part}", f"{here}.{number}"
    yield there, here


AXES = {"r2plus1d": r2plus1d}
"""By backbone."""
