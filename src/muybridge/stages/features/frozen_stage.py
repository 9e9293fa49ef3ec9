"""What stages on frozen features share."""

from collections.abc import Mapping
from typing import Any, TypeVar

from muybridge.config.stage_configs import Data
from muybridge.stages.features.norm_calibration import CALIBRATION
from muybridge.stages.job.job import Stage, Work, views_of

D = TypeVar("D", bound=Data)


class FrozenStage(Stage[D]):
    """A stage that encodes every training and test video once per view and trains no backbone."""

    def work(self, config: Mapping[str, Any], backbone: str, train: int, test: int) -> Work:
        """All videos, and those that the norms of a random backbone are calibrated on."""
        calibrated = min(train, CALIBRATION) if config.get("init") == "random" else 0
        return Work(0.0, float(views_of(config) * (train + test + calibrated)))
