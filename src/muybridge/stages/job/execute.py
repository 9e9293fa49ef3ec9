"""Running a job: exactly once, whoever else wants it, with its account of what was done."""

import platform
import shutil
import sys
from datetime import UTC, datetime
from typing import Any, cast

import muybridge
from muybridge.config.stage_configs import Control, as_dict
from muybridge.core.errors import UsageError
from muybridge.core.machine.cores import cores, processors
from muybridge.core.machine.machine_memory import peak, restart_peak
from muybridge.core.networks.gather import rank
from muybridge.core.plain_data import write_json, write_yaml
from muybridge.core.text.redact import redact
from muybridge.measure.headline import headline
from muybridge.runs.contents.result import RECORD_VERSION, WORDS
from muybridge.runs.contents.result_fields import ResultFields
from muybridge.runs.kept import demand, is_sound, note, restore
from muybridge.runs.mirror import place_of, publish
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.stages.job.folds import pool
from muybridge.stages.job.job import Job, Progress, Result, stage_of
from muybridge.store.lease import Lease, Tell, hold
from muybridge.store.storage import portable, store_of
from muybridge.train import distributed
from muybridge.train.precision import choose
from muybridge.train.threads import computing
from muybridge.train.track import Tracking


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def execute(job: Job[Control], progress: Progress | None = None, tell: Tell | None = _say) -> Run:
    """Run a job unless its result exists; safe against other processes and machines and against being killed.

    Args:
        job: what to do, as ``resolve`` makes it of a config.
        progress: told how far it is.
        tell: told when another process computes the same run and this one waits; None does not wait.

    Raises:
        BusyError: another process computes it, and ``tell`` is None.
        LostLeaseError: another process took it over while this one was stopped.
    """
    distributed.start(choose(job.config.device).device)
    with distributed.together(), computing(vars(job.config).get("threads")):
        if rank() > 0:
            return _help(job)
        return _lead(job, progress, tell)


def _run(job: Job[Control], progress: Progress | None) -> Result:
    """Compute a job: its stage, or what joins the answers of its folds."""
    return pool(job, progress) if job.parts else stage_of(job.stage).run(job, progress)


def _help(job: Job[Control]) -> Run:
    """What every process but the first does: its share, if the first says that there is something to do; it writes nothing."""
    if distributed.broadcast(False):
        _inputs(job)
        _run(job, None)
    distributed.barrier()
    return job.run


def _lead(job: Job[Control], progress: Progress | None, tell: Tell | None) -> Run:
    run = job.run
    if store_of(run.path) is None and is_sound(run) and not (run.path / "state").exists():
        distributed.broadcast(False)
        distributed.barrier()
        return run
    run.path.mkdir(parents=True, exist_ok=True)
    with hold(run.path, place_of(run), tell) as lease:
        for draft in run.path.glob(".*.part"):
            draft.unlink(missing_ok=True)
        if restore(run):
            distributed.broadcast(False)
        else:
            _execute(job, progress, lease)
        publish(run)
        shutil.rmtree(run.path / "state", ignore_errors=True)
        (run.path / "error.log").unlink(missing_ok=True)
    distributed.barrier()
    return Run(run.path)


def _execute(job: Job[Control], progress: Progress | None, lease: Lease) -> None:
    _inputs(job)
    path = job.run.path
    note(job.run, "began")
    restart_peak()
    config = _portable(as_dict(job.config))
    write_yaml(path / "config.yaml", config)
    write_json(path / "env.json", redact(environment()))
    distributed.broadcast(True)

    with Tracking(job.run, job.config.track, job.facets, config) as tracking:

        def watched(done: int, total: int, values: dict[str, float]) -> None:
            if lease.lost:
                lease.check()
            tracking.follow()
            if progress:
                progress(done, total, values)

        told: dict[str, Any] = describe(job) | _run(job, watched) | {"peak_memory": peak()}
        told = _with_checkpoint(told, job)
        told |= {"numbers": headline(job.run, cast(ResultFields, told))} | {
            name: redact(told[name]) for name in WORDS if name in told
        }
        tracking.final(told["numbers"] | {"budget": told.get("budget", {})})
    content = seal(path, told)
    lease.check()
    write_json(path / "result.json", content)
    note(job.run, "finished")


def _with_checkpoint(told: dict[str, Any], job: Job[Control]) -> dict[str, Any]:
    """A result with what was taken of a file of public weights, in a note too."""
    facts = {name: value for name, value in job.checkpoint.items() if name != "note"}
    if not facts:
        return told
    said = [job.checkpoint["note"]] if job.checkpoint["note"] else []
    return told | {"checkpoint": facts, "notes": [*said, *told.get("notes", [])]}


def _inputs(job: Job[Control]) -> None:
    """Have every input here, finished and sound."""
    for name, needed in job.inputs.items():
        demand(needed)
        if not needed.done:
            raise UsageError(f"--{name} {needed.path}: this run is not finished; run its command first.")


def _portable(values: dict[str, object]) -> dict[str, object]:
    """Values of a config with the URLs of what lies in a store, and no secrets."""
    told = {name: portable(value) if isinstance(value, str) else value for name, value in values.items()}
    found: dict[str, object] = redact(told)
    return found


def describe(job: Job[Control]) -> dict[str, object]:
    """What every ``result.json`` says of its run."""
    return {
        "version": RECORD_VERSION,
        "stage": job.stage,
        "signature": job.signature,
        "config": _portable(as_dict(job.config)),
        "facets": job.facets,
        "inputs": {
            name: {"stage": run.stage, "signature": run.signature} for name, run in job.inputs.items()
        },
        "precision": job.config.precision,
        "limited": job.config.limit is not None,
        "transductive": job.transductive,
        "notes": job.notes,
        "command": job.command,
    }


def environment() -> dict[str, object]:
    """Versions and machine of a run."""
    import numpy
    import torch

    return {
        "muybridge": muybridge.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "cores": cores(),
        "processors": len(processors()),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "argv": sys.argv,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
