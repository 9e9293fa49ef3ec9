"""Which labelled videos are trained on, held out and tested on."""

from muybridge.config.stage_configs import FinetuneConfig
from muybridge.data.index import VideoRecord, check_classes, divide, few
from muybridge.stages.job.job import Job
from muybridge.stages.training.tasks import ROLE as META
from muybridge.stages.training.tasks import wants_held_out
from muybridge.stages.training.validation import ROLE, hold_out


def parts_of(job: Job) -> dict[str, list[VideoRecord]]:
    """Labelled training videos, those held out of them if any are, and test videos.

    Raises:
        UsageError: too few videos on a side.
    """
    config: FinetuneConfig = job.config
    train, test = divide(job.dataset, *config.split)
    job.notes.extend(check_classes(job.dataset, train, test))
    chosen = few([r for r in train if r.label >= 0], config.labels_per_class, config.seed)
    parts, classes = {"train": chosen, "test": test}, job.dataset.classes
    if config.validation:
        parts["train"], parts[ROLE] = hold_out(parts["train"], config.validation, config.seed, classes)
    if wants_held_out(config):
        parts["train"], parts[META] = hold_out(
            parts["train"], config.meta_share, config.seed, classes, "--meta-share"
        )
    return parts
