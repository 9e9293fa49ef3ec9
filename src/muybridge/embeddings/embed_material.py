"""The videos of an embedding and their clips: a run's from the frame cache, as the run was tested; any other model's from the files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread

import torch

from muybridge.config.config_fields import ConfigFields
from muybridge.config.embed_config import EmbedConfig
from muybridge.core.errors import UsageError
from muybridge.data import cache
from muybridge.data.decode import video_traits as traits
from muybridge.data.index import Dataset, VideoRecord
from muybridge.data.loader import check_broken
from muybridge.embeddings.loaded_model import LoadedModel
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing.predict import PIXELS, View
from muybridge.stages.testing.tested import Cached, Chunk, Tested, direct, fitting
from muybridge.stages.training.material import Material, limited

Decode = Callable[[Sequence[VideoRecord], int], None]
AHEAD = 2
"""Chunks that are read while the model computes."""


@dataclass(frozen=True)
class EmbedMaterial:
    """What is embedded.

    Attributes:
        records: in order, broken ones included.
        tested: their clips.
        batch: clips per forward pass.
        broken: path and reason of those that are known to be broken.
        notes: on videos that are short or otherwise unusual.
    """

    records: Sequence[VideoRecord]
    tested: Tested
    batch: int
    broken: list[dict[str, str]]
    notes: list[str]


def dataset_of(config: EmbedConfig, model: LoadedModel, memory: ResolveCache) -> Dataset:
    """The data set that a config names, else that of the run.

    Raises:
        UsageError: neither; or one without videos.
    """
    asked: ConfigFields = {
        "data": config.data, "label": config.label, "group": config.group, "root": config.root,
        "where": config.where, "allow_links": config.allow_links, "stream": config.stream,
    }  # fmt: skip
    if not config.data:
        if not model.origin.data.get("data"):
            raise UsageError(
                f"--data: wanted videos to embed; {model.origin.name} is no run that names some. Give a folder, a list or a name of"
                " `muybridge list datasets`."
            )
        own = model.origin.data
        asked = {
            "data": own["data"], "label": config.label or own.get("label"), "group": config.group or own.get("group"),
            "root": config.root or own.get("root"), "where": config.where or own.get("where") or (),
            "allow_links": config.allow_links or own.get("allow_links", False),
            "stream": own.get("stream") if config.stream is None else config.stream,
        }  # fmt: skip
    dataset = memory.load_for(asked)
    if not dataset.records:
        raise UsageError(f"--data {' '.join(config.data)}: holds no videos.")
    return dataset


def material_of(
    config: EmbedConfig, dataset: Dataset, model: LoadedModel, device: torch.device, decode: Decode
) -> EmbedMaterial:
    """Videos and clips, in the order of the data set; of a run decoded into the cache first.

    Args:
        config: what was asked for.
        dataset: the videos.
        model: whose clips.
        device: where it computes.
        decode: builds the cache of some videos at a size, shown to the user.

    Raises:
        UsageError: too many broken videos, or none that can be read.
    """
    records, reader = limited(dataset.records, config.limit), model.reader
    protocol = reader.protocol
    if not reader.squares:
        batch = config.batch or fitting(protocol, device)
        tested, notes = direct(records, protocol, batch, config.workers, config.allow_broken)
        broken = [
            {"path": str(one.video), "reason": tested.error(place)} for place, one in enumerate(records) if tested.error(place)
        ]  # fmt: skip
        return EmbedMaterial(records, tested, batch, broken, notes)
    decode(records, protocol.short_side)
    size = cache.Geometry(protocol.short_side, protocol.short_side)
    planned = cache.plan(records, size, files=[dataset.files[record.id] for record in records])
    store = cache.build(records, planned)
    broken = check_broken(records, store.errors, config.allow_broken)
    batch = config.batch or min(64, max(1, PIXELS // (protocol.frames * protocol.crop**2)))
    law = protocol.law
    places = {record.id: place for place, record in enumerate(records)}
    material = Material({"test": records}, store, places, broken)
    view = View(law, protocol.temporal, protocol.crop, batch)
    fine = [place for place, error in enumerate(store.errors) if not error]
    short = sum(not law.fits(int(store.frames[place])) for place in fine)
    notes = traits.notes(planned.traits)
    if short:
        notes.append(
            f"{short} video{'s are' if short > 1 else ' is'} shorter than the {law.span} frames of a clip (policy: {law.short})"
        )
    return EmbedMaterial(records, Cached(view, material), batch, broken, notes)


@contextmanager
def ahead(chunks: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Chunks in order, ``AHEAD`` of them read in a thread of their own while those before are in use.

    What the thread raises is raised where its chunk would have come.
    """
    ready: Queue[Chunk | BaseException | None] = Queue(AHEAD)
    stopped = Event()

    def put(one: Chunk | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ready.put(one, timeout=0.1)
            except Full:
                continue
            return

    def read() -> None:
        try:
            for one in chunks:
                put(one)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    def taken() -> Iterator[Chunk]:
        while (one := ready.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one

    thread = Thread(target=read, daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        thread.join()
