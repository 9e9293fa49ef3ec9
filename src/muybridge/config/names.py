"""What a name after ``--model`` or ``--init`` is: a run folder, a file of weights, a public model, or code."""

from collections.abc import Collection
from pathlib import Path

from muybridge.core.catalogue import names_code
from muybridge.core.plain_names import READABLE
from muybridge.runs.contents import snapshots

ZOO = ("torchvision:", "hf:")
"""How public models begin."""


def is_external(model: str) -> bool:
    """Whether a ``--model`` names a public or foreign model and no run folder."""
    return model == "i3d" or model.startswith(ZOO) or names_code(model)


def is_run_of(model: str, stages: Collection[str]) -> bool:
    """Whether a ``--model`` names a run folder of one of some stages (``OUT/runs/STAGE/SIGNATURE``); never that of an object."""
    stage = Path(model).parent
    return not is_external(model) and stage.name in stages and stage.parent.name == "runs"


def starts_from_run(init: str) -> bool:
    """Whether an ``--init`` names a run of ours or a snapshot in one: neither random weights nor a file of weights."""
    return init != "random" and not is_weights(init)


def is_weights(init: str) -> bool:
    """Whether an ``--init`` names a file of weights and no run folder, nor a snapshot in one."""
    return init.endswith(READABLE) and snapshots.split(init)[1] is None
