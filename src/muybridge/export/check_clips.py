"""The clips on which an export is compared with its network: of the run's own data where they can be read, else random ones."""

import torch
from jaxtyping import Float
from torch import Tensor

from muybridge.config.stage_configs import PretrainConfig, Transfer, change, kind_of
from muybridge.core.clip import to_unit
from muybridge.core.errors import MuybridgeError
from muybridge.data.index import VideoRecord
from muybridge.export.export_source import Source
from muybridge.export.run_data import dataset_of
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing.clip_protocol import Protocol, of_pretraining, of_run
from muybridge.stages.testing.tested import direct
from muybridge.stages.training.material import limited


def check_clips(source: Source, number: int) -> tuple[Float[Tensor, "b 3 t h w"], str]:
    """Clips in [0, 1], cut as the run cut them, and words that say which they are.

    Args:
        source: names the data set.
        number: clips, from as many videos; at least 1.
    """
    try:
        frames, name = _real(source, number)
    except (MuybridgeError, OSError) as error:
        why = " ".join(str(error).split())[:200]
        clip = source.facts["clip"]
        shape = (number, 3, clip["frames"], clip["crop"], clip["crop"])
        drawn = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        return drawn, f"{_counted(number)} of random pixels, as the videos of the run cannot be read ({why})"
    return frames, f"{_counted(len(frames))} of {name}"


def _counted(number: int) -> str:
    return f"{number} clip{'s' * (number != 1)}"


def _real(source: Source, number: int) -> tuple[Float[Tensor, "b 3 t h w"], str]:
    """Clips of test videos, of any where there are none.

    Raises:
        MuybridgeError: the list or its videos cannot be read.
    """
    dataset = dataset_of(source.run, source.config, ResolveCache())
    held = next((name for name in ("test", "val") if any(one.split == name for one in dataset.records)), None)
    records = limited([one for one in dataset.records if held in (None, one.split)], number)
    frames = _read(records, _protocol(source))
    return to_unit(frames), f"{f'the {held} split of ' if held else ''}{dataset.name}"


def _protocol(source: Source) -> Protocol:
    config = change(kind_of(source.run.stage)(), dict(source.config), source.run.signature)
    if isinstance(config, PretrainConfig):
        return of_pretraining(config)
    assert isinstance(config, Transfer)
    return of_run(config)


def _read(records: list[VideoRecord], protocol: Protocol) -> Tensor:
    """The first clip of each video that can be decoded, uint8.

    Raises:
        MuybridgeError: none can.
    """
    videos, _ = direct(records, protocol, 1, 1, allow_broken=True)
    chunks = [chunk.clip.frames[:1] for chunk in videos.read() if len(chunk.clip)]
    if not chunks:
        raise MuybridgeError("none of them can be decoded")
    return torch.cat(chunks)
