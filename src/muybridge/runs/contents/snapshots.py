"""A pretraining run on its way: ``weights-25.safetensors`` beside its ``weights.safetensors`` is the backbone after 25 % of the steps.

At that point the learning rate is where the whole run's schedule has it, not at its end: a run of a quarter of the length is another run.
"""

import re

SHARES = (25, 50, 75)
"""Per cent of the steps at which the backbone is kept."""
_NAME = re.compile(r"(.+[/\\]pretrain[/\\][^/\\]+)[/\\]weights-(25|50|75)\.safetensors")


def name_of(share: int) -> str:
    """File of a snapshot."""
    return f"weights-{share}.safetensors"


def split(init: str) -> tuple[str, int | None]:
    """Run folder and share of an ``--init`` that names a snapshot; all of it and None of any other."""
    found = _NAME.fullmatch(init) if init.endswith(".safetensors") else None
    return (found[1], int(found[2])) if found else (init, None)


def steps_of(steps: int) -> dict[int, tuple[int, ...]]:
    """Shares by the optimiser step after which they are kept; short runs keep several after one step."""
    kept = {share: max(1, round(steps * share / 100)) for share in SHARES}
    return {step: tuple(share for share in SHARES if kept[share] == step) for step in kept.values()}
