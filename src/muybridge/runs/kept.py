"""Whether a run is finished and sound, wherever it lies; what is not counts as not done."""

import os
import platform
from datetime import UTC, datetime

from muybridge.core.errors import MuybridgeError
from muybridge.core.text.redact import redact
from muybridge.runs.metrics import append_metrics
from muybridge.runs.mirror import DamagedError, fetch, retract
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow
from muybridge.runs.seal import damage, set_aside
from muybridge.store.storage import store_of

JOURNAL = "journal.jsonl"


def is_sound(run: Run) -> bool:
    """Whether a folder of this machine holds a finished run that nothing has changed; looks at no store.

    Its files but for the weights are hashed once and whenever anything about them has changed since (``runs.run_index``).
    """
    return run.done and row_of(run).status == "done"


def check_sound(run: Run) -> None:
    """Make sure that a run is finished and what was written, before anything of it is used.

    Raises:
        MuybridgeError: it is not; says what is wrong.
    """
    row = row_of(run)
    if row.status != "done":
        raise MuybridgeError(row.reason or f"{run.path}: is {row.status}. Run its command first.")


def row_of(run: Run) -> RunRow:
    """What the index of its folder says of a run."""
    return Index(run.path.parents[2]).row(run)


def restore(run: Run) -> bool:
    """Whether a run is finished: a damaged one counts as not done from here on, one of the store is fetched.

    The lease must be in hand.

    Raises:
        NameRefusedError: the result in the store names files that no run has.
    """
    wrong = run.done and damage(
        run.path, thorough=True, weights=False, partial=store_of(run.path) is not None
    )
    if wrong:
        _drop(run, str(wrong))
    try:
        fetch(run, weights=False)
    except DamagedError as error:
        retract(run)
        note(run, "damaged", what=str(error))
    return run.done


def demand(run: Run) -> None:
    """Make sure that an input is there with every file, and that each is what was written.

    Raises:
        MuybridgeError: it is damaged; it counts as not done now, and the next command computes it again.
    """
    here = store_of(run.path) is None
    wrong = run.done and damage(run.path, thorough=True, partial=not here)
    if not wrong and not here:
        try:
            fetch(run)
            wrong = run.done and damage(run.path)
        except DamagedError as error:
            wrong = str(error)
    if wrong:
        if run.done:
            _drop(run, str(wrong))
        retract(run)
        raise MuybridgeError(
            f"{run.path}: damaged ({wrong}). It counts as not done now; run its command or the study again."
        )


def note(run: Run, event: str, **facts: object) -> None:
    """One line in the journal of a run: what happened to it, when, where."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    row = {"event": event, "time": now, "host": platform.node(), "process": os.getpid(), **redact(facts)}
    append_metrics(run.path / JOURNAL, row)


def _drop(run: Run, wrong: str) -> None:
    set_aside(run.path)
    note(run, "damaged", what=wrong)
