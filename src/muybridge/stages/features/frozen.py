"""Features of a frozen backbone, computed once: what probe, kNN, retrieval and neighbours all start from.

They are kept in the cache under a hash of the weights, of how clips are cut and of the content of the videos, so that all stages and all
folds of a data set share them. The same videos are always encoded in the same batches: whether features come from the cache or not, and
whether they were computed in one go, changes no bit.
"""

import hashlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from filelock import FileLock
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional as F

from muybridge.config.stage_configs import Data, Transfer
from muybridge.core.catalogue import names_code
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.machine.paths import cache_root
from muybridge.core.networks.features import Features
from muybridge.core.networks.gather import rank
from muybridge.core.plain_data import canonical
from muybridge.data.index import VideoRecord, check_classes, divide
from muybridge.stages.job.job import Job, Progress
from muybridge.stages.testing import own_code
from muybridge.stages.testing.models import key_of
from muybridge.stages.testing.predict import View, encoded, pooled
from muybridge.stages.training.material import Material, law_of, prepare
from muybridge.store.part_files import Parts
from muybridge.train.distributed import broadcast
from muybridge.train.precision import Compute

FORMAT = 2
SECONDS = 30.0
"""After this long what was computed is written."""
Kind = Literal["pooled", "conv5"]


@dataclass(frozen=True)
class Frozen:
    """Features of some videos.

    Attributes:
        rows: by video and view; one row per video where views were averaged.
        places: row of each video by its id; broken videos are missing.
        encoded: clips that went through the backbone for them now.
        cached: clips whose features lay in the cache.
    """

    rows: Float32[np.ndarray, "n views d"]
    places: dict[str, int]
    encoded: int = 0
    cached: int = 0

    def known(self, records: Sequence[VideoRecord]) -> list[VideoRecord]:
        """Those of the records that have features."""
        return [record for record in records if record.id in self.places]

    def of(self, records: Sequence[VideoRecord]) -> Float32[np.ndarray, "m views d"]:
        """Features of records, in order."""
        return self.rows[[self.places[record.id] for record in records]]

    def mean_of(self, records: Sequence[VideoRecord]) -> Float32[np.ndarray, "m d"]:
        """Features averaged over the views."""
        mean: np.ndarray = self.of(records).mean(axis=1)
        return mean


def conv5(found: Features) -> Float32[Tensor, "b d"]:
    """The last map behind MaxPool3d(1, 2, 2), flattened, as in VCOP's ``retrieve_clips.py``; a side of one stays.

    Raises:
        UsageError: a backbone without a map.
    """
    if "last" not in found.maps:
        raise UsageError("--features conv5: this backbone puts out no map; use --features pooled.")
    last: Float[Tensor, "b c t h w"] = found.maps["last"]
    kernel = (1, min(2, last.shape[3]), min(2, last.shape[4]))
    return F.max_pool3d(last, kernel).flatten(1)


READERS: dict[Kind, Callable[[Features], Tensor]] = {"pooled": pooled, "conv5": conv5}


def frozen_features(
    job: Job[Data],
    backbone: Any,
    view: View,
    material: Material,
    compute: Compute,
    kind: Kind = "pooled",
    progress: Progress | None = None,
) -> Frozen:
    """Features of every video of a stage that can be decoded, whatever its role: from the cache, or computed and kept there.

    Several processes share what is to be computed; the first keeps it and has it, the others get nothing.

    Args:
        job: names the backbone.
        backbone: with the weights it is to have.
        view: how clips are cut.
        material: the videos.
        compute: where and in which format.
        kind: ``pooled``, a row per view; or ``conv5``, averaged over the views.
        progress: told how many videos are done.
    """
    videos = {record.id: record for records in material.parts.values() for record in records}
    whole = [videos[name] for name in sorted(videos) if not material.store.errors[material.places[name]]]
    files = [material.store.files[material.places[record.id]] for record in whole]
    weights = key_of(backbone, job.config.backbone + _code(job.config.backbone, backbone))
    folder = cache_root() / "features" / _name(weights, kind, view, compute, material, files)
    seen = replace(material, parts={"frozen": whole})
    if rank() > 0:
        for _ in encoded(backbone, view, seen, "frozen", compute, broadcast(0), READERS[kind]):
            pass
        return Frozen(np.empty((0, view.views, 0), np.float32), {})
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if job.config.overwrite:  # what hangs on the run goes with it
            for path in folder.glob("*.npy"):
                path.unlink()
        with _Parts(folder, folder.name) as parts:
            start = broadcast(parts.stop)
            for rows, _ in encoded(backbone, view, seen, "frozen", compute, start, READERS[kind]):
                by_video = rows.reshape(-1, view.views, rows.shape[1])
                parts.add(by_video if kind == "pooled" else by_video.mean(axis=1, keepdims=True))
                if progress:
                    progress(parts.stop, len(whole), {})
        parts.flush()
    kept = start * view.views
    places = {record.id: place for place, record in enumerate(whole)}
    return Frozen(parts.read(), places, len(whole) * view.views - kept, kept)


def _code(name: str, backbone: object) -> str:
    """What stands in the name of features for a backbone of the user's own: its code."""
    return (own_code.named(name) if names_code(name) else "") + own_code.held(backbone)


def _name(
    weights: str, kind: Kind, view: View, compute: Compute, material: Material, files: Sequence[str]
) -> str:
    """Hash of all that decides the features."""
    machine = [torch.__version__, torch.get_num_threads(), str(compute.device), compute.precision]
    clips = [vars(view) | {"law": repr(view.law)}, material.store.kind, vars(material.store.geometry)]
    told = [FORMAT, weights, kind, machine, clips, list(files)]
    return hashlib.sha256(canonical(told).encode()).hexdigest()[:16]


def divided(job: Job[Transfer]) -> Material:
    """Labelled training videos and test videos of a transfer, decoded; notes on what the split cannot test fairly.

    Raises:
        UsageError: too few videos on a side, or too many broken ones.
    """
    train, test = divide(job.dataset, *job.config.split)
    job.notes.extend(check_classes(job.dataset, train, test))
    labelled = [record for record in train if record.label >= 0]
    return prepare(job, {"train": labelled, "test": test}, job.config, law_of(job.config))


class _Parts(Parts[np.ndarray]):
    """Features of one list of videos in order: arrays ``b views d``."""

    prefix, suffix = "features", ".npy"

    def add(self, rows: Float32[np.ndarray, "b views d"]) -> None:
        """The features of the next videos."""
        self.put(rows, len(rows))

    def is_due(self) -> bool:
        """Whether they have waited long."""
        return time.monotonic() - self.since > SECONDS

    def content(self, items: list[np.ndarray]) -> memoryview:
        """One array."""
        buffer = io.BytesIO()
        np.save(buffer, np.concatenate(items))
        return buffer.getbuffer()

    def read(self) -> Float32[np.ndarray, "n views d"]:
        """All of them.

        Raises:
            MuybridgeError: a damaged file.
        """
        try:
            return np.concatenate([np.load(path, allow_pickle=False) for path in self.files])
        except (OSError, ValueError) as error:
            raise MuybridgeError(
                f"{self.folder}: damaged features ({error}). Delete the folder and run the same command again."
            ) from error
