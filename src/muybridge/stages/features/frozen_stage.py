"""What stages on frozen features share."""

from typing import TypeVar

from torch import nn

from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import Data, NeighboursConfig, Transfer
from muybridge.stages.features.frozen import Frozen
from muybridge.stages.features.norm_calibration import CALIBRATION, calibration_clips
from muybridge.stages.job.job import Job, Stage, Work, views_of
from muybridge.stages.testing.predict import View, forward_budget
from muybridge.stages.training.material import Material
from muybridge.train.precision import Compute

D = TypeVar("D", bound=Data)


class FrozenStage(Stage[D]):
    """A stage that encodes every training and test video once per view and trains no backbone."""

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """All videos, and those that the norms of a random backbone are calibrated on."""
        calibrated = min(train, CALIBRATION) if config.get("init") == "random" else 0
        return Work(0.0, float(views_of(config) * (train + test + calibrated)))


def frozen_budget(
    job: Job[Transfer | NeighboursConfig],
    backbone: nn.Module,
    view: View,
    material: Material,
    frozen: Frozen,
    compute: Compute,
    began: float,
    answered: str = "",
) -> dict[str, object]:
    """What such a stage cost: every clip as often as it went through the backbone, and apart those whose features lay in the cache.

    Args:
        job: whose backbone may have been calibrated.
        backbone: its network.
        view: how clips were cut.
        material: the videos.
        frozen: their features.
        compute: where and in which format.
        began: start on the monotonic clock.
        answered: role of videos that went through it once more, to be answered.
    """
    errors = material.store.errors
    again = sum(not errors[place] for place in material.numbers(answered)) if answered else 0
    clips = calibration_clips(job, view, material) + frozen.encoded + view.views * again
    return forward_budget(backbone, view, clips, compute, began, frozen.cached)
