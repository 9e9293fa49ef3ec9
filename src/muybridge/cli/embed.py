"""``muybridge embed MODEL --data D --out F``: features of videos in a file. Imports no torch by itself."""

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from muybridge.cli.flags import Options, Single, Word
from muybridge.config.embed_config import EmbedConfig
from muybridge.core.errors import UsageError
from muybridge.core.text.plurals import counted
from muybridge.core.text.terminal import visible

if TYPE_CHECKING:
    from muybridge.embeddings.embed_request import Request


@dataclass(frozen=True, kw_only=True)
class Embed(EmbedConfig, Options):
    """Write what a model makes of videos, one row a video or a clip, with ids, labels, splits and groups beside.

      muybridge embed runs/pretrain/SIGNATURE --data my/videos --out features.parquet
      muybridge embed torchvision:r3d_18 --weights r3d_18.pt --data list.csv --views 1 --out features.npz
      muybridge embed hf:my-videomae --data my/videos --layers pooled stages --dtype float16 --out features

    MODEL is the folder of a pretrain, finetune or probe run or a snapshot in one; i3d, torchvision:NAME, hf:NAME_OR_FOLDER or
    module:function; NAME=FILE; or a backbone of `muybridge list backbones` (untrained). Clips are cut as a run was tested, else by
    --protocol. Stopped or killed, the same command goes on where it stopped and ends with the same bytes. In Python: muybridge.embed, and
    muybridge.load for the model itself (docs/own-code.md).
    """

    model: Word = ""
    """a run, a public model, or code of yours"""

    def run(self) -> int:
        """Embed and say where.

        Raises:
            UsageError: no model, or what it and the data cannot give.
        """
        if not self.model:
            raise UsageError("embed: wanted a MODEL. `muybridge embed --help` says what it may be.")
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UsageError("embed runs in one process; start it without torchrun.")
        from muybridge import api

        config = EmbedConfig(**{one.name: getattr(self, one.name) for one in fields(EmbedConfig)})
        found = api.run_embed(config, announce=announced)
        if not self.dry_run:
            print(visible(repr(found)))
        return 0


def announced(request: "Request") -> None:
    """Say what is embedded before it is."""
    videos = (
        len(request.dataset)
        if request.config.limit is None
        else min(request.config.limit, len(request.dataset))
    )
    protocol = request.model.clip_protocol
    print(visible(f"{request.model.origin.name}; clips: {protocol}"))
    print(
        visible(
            f"{counted(videos, 'video')} of {request.dataset.name}, {counted(videos * protocol.views, 'clip')}, a row a"
            f" {request.config.per}, {request.config.dtype}, into {request.out}"
        )
    )


EMBED = Single("embed", Embed)
