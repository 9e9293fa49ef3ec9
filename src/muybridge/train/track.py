"""Trackers on request: curves and final numbers of a run as TensorBoard, Weights & Biases or MLflow want them.

``metrics.jsonl`` is written always and is the truth; a tracker follows it line by line. A run that goes on after a kill is tracked anew
from its first line, in the place of what was tracked before. Nothing leaves the machine: everything lies below ``OUT/track``, and only
``WANDB_MODE=online`` in the environment makes wandb send. Packages are imported on use (the extra ``track``).
"""

import json
import logging
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from filelock import FileLock

from muybridge.core.errors import UsageError
from muybridge.runs.records import Run

LOG = logging.getLogger("muybridge")
QUIET = {
    "WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true",
}  # fmt: skip
"""Defaults of the environment: no network, no words of their own, and a folder as MLflow's store; what the user has set stays."""


@runtime_checkable
class Tracker(Protocol):
    """What a tracker of one run can do; made from the folder ``OUT/track``, the run, its label and its config."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row of the training curve."""
        ...

    def finish(self, numbers: Mapping[str, float], done: bool) -> None:
        """Final numbers, and whether the run came to its end."""
        ...


class TensorBoard:
    """Event files in ``OUT/track/tensorboard/LABEL``."""

    def __init__(self, root: Path, run: Run, label: str, config: Mapping[str, object]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder = root / "tensorboard" / label
        shutil.rmtree(folder, ignore_errors=True)
        self._writer: Any = SummaryWriter(str(folder))
        self._writer.add_text("config", "\n".join(f"    {name}: {value}" for name, value in config.items()))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One scalar per name."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self, numbers: Mapping[str, float], done: bool) -> None:
        """Scalars ``final/NAME``."""
        for name, value in numbers.items():
            self._writer.add_scalar(f"final/{name}", value)
        self._writer.close()


class Wandb:
    """An offline run in ``OUT/track/wandb``; `wandb sync` sends it later."""

    def __init__(self, root: Path, run: Run, label: str, config: Mapping[str, object]) -> None:
        import wandb

        for old in (root / "wandb").glob(f"offline-run-*-{run.signature}"):
            shutil.rmtree(old, ignore_errors=True)
        self._run: Any = wandb.init(
            project="muybridge", id=run.signature, name=label, job_type=run.stage, dir=str(root), config=dict(config),
            reinit="create_new", settings=wandb.Settings(console="off"),
        )  # fmt: skip

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row, all names at once."""
        self._run.log(dict(values), step=step)

    def finish(self, numbers: Mapping[str, float], done: bool) -> None:
        """The summary of the run."""
        self._run.summary.update({f"final/{name}": value for name, value in numbers.items()})
        self._run.finish(exit_code=0 if done else 1)


class Mlflow:
    """A run of the experiment ``muybridge`` in the file store ``OUT/track/mlflow``."""

    def __init__(self, root: Path, run: Run, label: str, config: Mapping[str, object]) -> None:
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        root.mkdir(parents=True, exist_ok=True)
        self._client: Any = MlflowClient(tracking_uri=(root / "mlflow").absolute().as_uri())
        with FileLock(root / ".mlflow.lock"):  # two processes that begin would make the experiment twice
            found = self._client.get_experiment_by_name("muybridge")
            experiment = found.experiment_id if found else self._client.create_experiment("muybridge")
        for old in self._client.search_runs([experiment], f"tags.signature = '{run.signature}'"):
            self._client.delete_run(old.info.run_id)
        tags = {"signature": run.signature, "stage": run.stage}
        self._id = self._client.create_run(experiment, run_name=label, tags=tags).info.run_id
        self._client.log_batch(
            self._id, params=[Param(name, str(value)[:500]) for name, value in config.items()]
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One batch of metrics."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self._client.log_batch(
            self._id, metrics=[Metric(name, value, now, step) for name, value in values.items()]
        )

    def finish(self, numbers: Mapping[str, float], done: bool) -> None:
        """Metrics ``final/NAME``, and the status."""
        self.log(0, {f"final/{name}": value for name, value in numbers.items()})
        self._client.set_terminated(self._id, "FINISHED" if done else "FAILED")


TRACKERS: dict[str, Callable[[Path, Run, str, Mapping[str, object]], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": Wandb,
    "mlflow": Mlflow,
}


def require(names: Sequence[str]) -> None:
    """Refuse trackers whose package is not installed.

    Raises:
        UsageError: names the extra.
    """
    absent = [name for name in names if find_spec(name) is None]
    if absent:
        raise UsageError(
            f"--track {absent[0]}: {absent[0]} is not installed. pip install 'muybridge[track]', or leave --track out."
        )


class Tracking:
    """The trackers of one run; one that fails is dropped with a warning and never stops the run.

    Args:
        run: whose ``metrics.jsonl`` is followed.
        names: of trackers; none makes everything here do nothing.
        facets: name it for people, as ``probe-vcop-builtin-motions-0-1a2b3c4d``.
        config: shown beside it.
    """

    def __init__(
        self, run: Run, names: Sequence[str], facets: Mapping[str, object], config: Mapping[str, object]
    ) -> None:
        self.run, self.names, self.config = run, names, config
        words = (run.stage, *(facets.get(name, "") for name in ("arm", "data", "seed")), run.signature[:8])
        self.label = re.sub(r"[^\w.-]+", "-", "-".join(map(str, words)))
        self._open: dict[str, Tracker] = {}
        self._curve = _Tail(run.path / "metrics.jsonl")
        self._numbers: dict[str, float] = {}
        self._done = False

    def __enter__(self) -> Self:
        for name, value in QUIET.items() if self.names else ():
            os.environ.setdefault(name, value)
        root = self.run.path.parents[2] / "track"
        for name in self.names:
            self._guarded(name, self._start, name, root)
        return self

    def follow(self) -> None:
        """Hand on the rows that the training curve has gained."""
        if not self._open:
            return
        for row in self._curve:
            values = scalars(row)
            step = int(values.pop("step", 0))
            for name, tracker in list(self._open.items()):
                self._guarded(name, tracker.log, step, values)

    def final(self, numbers: Mapping[str, object]) -> None:
        """The final numbers of a run that came to its end; mappings are flattened, everything but numbers is left out."""
        self._numbers, self._done = scalars(numbers), True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.follow()
        for name, tracker in list(self._open.items()):
            self._guarded(name, tracker.finish, self._numbers, self._done)

    def _start(self, name: str, root: Path) -> None:
        self._open[name] = TRACKERS[name](root, self.run, self.label, self.config)

    def _guarded(self, name: str, do: Callable[..., None], *arguments: object) -> None:
        try:
            do(*arguments)
        except Exception as error:
            self._open.pop(name, None)
            said = f"{type(error).__name__}: {error}"
            LOG.warning("--track %s: stopped tracking %s (%s); the run goes on", name, self.label, said)


class _Tail:
    """The rows that a growing JSONL file has gained since the last look; whole lines only."""

    def __init__(self, path: Path) -> None:
        self.path, self.read = path, 0

    def __iter__(self) -> Iterator[dict[str, object]]:
        size = self.path.stat().st_size if self.path.is_file() else 0
        if size <= self.read:
            return
        with self.path.open("rb") as file:  # what was read before is not read again: a training has many rows
            file.seek(self.read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self.read += len(whole)
        yield from (json.loads(line) for line in whole.splitlines())


def scalars(row: Mapping[str, object], inside: str = "") -> dict[str, float]:
    """The finite numbers of a row by name; those of a mapping in it as ``NAME/INNER``."""
    found: dict[str, float] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= scalars(value, f"{inside}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[f"{inside}{name}"] = float(value)
    return found
