"""The verb ``audit``: how far a model can be trusted on some videos, within some minutes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from muybridge.api.running import claim, in_place
from muybridge.api.stage_functions import options_of
from muybridge.config import stage_configs as configs
from muybridge.config.keywords import AuditFields, Word, Words
from muybridge.core.text.screen import Screen, screen

if TYPE_CHECKING:
    from torch import Tensor

    from muybridge.audit.conduct import Audit
    from muybridge.stages.testing.models import TestedModel


@options_of(configs.AuditConfig)
def audit(
    model: "Word | Callable[[Tensor], Tensor]",
    data: Words | None = None,
    *,
    minutes: float = 5.0,
    name: str | None = None,
    class_names: Sequence[str] | None = None,
    out: Word | None = None,
    **values: Unpack[AuditFields],
) -> "Audit":
    """Say how far a model can be trusted on your videos, within some minutes.

    Args:
        model: what ``muybridge.robustness`` takes: the folder of a run, the name of a model, or an object.
        data: folders, lists or names of data sets; of a run its own when not given.
        minutes: that it may take; it measures the first clips and chooses videos, conditions and severities to fit.
        name: of a model that is an object; needed for a callable without weights whose results are kept.
        class_names: classes of such a model in the order of its scores; those of the data set when not given.
        out: folder of the results; those of an object lie in a temporary folder, and go with what is returned, when not given.
        values: the other arguments are those of `muybridge audit --help`.

    Returns:
        Its ``card`` with verdicts, numbers and limits, the ``run`` behind it, and the ``folder`` of the pages.

    Raises:
        UsageError: model and data do not fit together, or the minutes are too few for anything (says the least).

    Example:
        >>> import muybridge
        >>> def always_left(frames):
        ...     return frames.new_tensor([1.0, 0.0]).expand(len(frames), 2)
        >>> found = muybridge.audit(always_left, "videos", minutes=0.5, frames=4, stride=1, short_side=32, crop=32)
        >>> found.card.verdicts[0].short
        '50.0 %, not told from chance'
    """
    from muybridge.stages.testing.models import given

    named = {"data": data, "minutes": float(minutes), **values}
    said = {key: value for key, value in named.items() if value is not None}
    if isinstance(model, str | os.PathLike):
        base = configs.change(configs.AuditConfig(), said | {"model": model} | _place(out), "muybridge.audit")
        return _made(base, None)
    subject = given(model, name, tuple(class_names) if class_names else None, kept=out is not None)

    def made(place: Path) -> "Audit":
        told = said | {"model": subject.name, "out": place}
        return _made(configs.change(configs.AuditConfig(), told, "muybridge.audit"), subject)

    return in_place(out, made)


def _place(out: Word | None) -> dict[str, Word]:
    return {} if out is None else {"out": out}


def _made(config: configs.AuditConfig, subject: "TestedModel | None") -> "Audit":
    from muybridge.core.errors import UsageError

    if config.dry_run:
        raise UsageError(
            "muybridge.audit: dry_run prints a plan on the command line: `muybridge audit ... --dry-run`."
        )
    found = run_audit(config, subject=subject)
    assert found is not None, "only a dry run ends without a card"
    return found


def run_audit(
    config: configs.AuditConfig, show: Screen | None = None, subject: "TestedModel | None" = None
) -> "Audit | None":
    """Audit under ``config.out``: claims the folder, shows progress, writes and publishes the pages; None for a dry run.

    Args:
        config: what to do.
        show: where progress goes.
        subject: a model that was handed over as an object.
    """
    from muybridge.audit.conduct import audit as conduct
    from muybridge.core.machine.cores import worker_count
    from muybridge.runs.mirror import publish_pages
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.resolve_cache import ResolveCache
    from muybridge.studies.study import render

    check_numbers(config)
    if not config.dry_run:
        claim(config)
    with show or screen() as bars:
        found = conduct(
            config, bars, subject, ResolveCache(lambda: render(worker_count(config.workers), bars))
        )
    if found is not None:
        publish_pages(config.out)
    return found
