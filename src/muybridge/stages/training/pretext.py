"""The pretext task of a config, with its options and its own random weights."""

from functools import partial

from muybridge.config.stage_configs import PretrainConfig
from muybridge.core.catalogue import pick
from muybridge.core.errors import UsageError
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Objective
from muybridge.stages.training.material import seeded
from muybridge.stages.training.options import options


def build_objective(config: PretrainConfig, dim: int) -> Objective:
    """The pretext task of a config.

    Raises:
        UsageError: a value that it cannot have.
    """
    kind: type[Objective] = pick("objectives", OBJECTIVES, config.objective)
    try:
        return seeded(partial(kind, dim, **options(config)), config.seed)
    except ValueError as error:
        raise UsageError(f"--complexity or --objective-options: {error}.") from error
