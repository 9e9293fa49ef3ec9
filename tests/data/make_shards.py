"""Tar shards made by code: samples in the true naming, and one shard for every way in which a tar can be bad."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Files = Sequence[tuple[str, bytes]]


def pack(path: Path, files: Files, format: int = tarfile.PAX_FORMAT) -> Path:
    """A tar of the files, in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=format) as tar:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def sample(key: str, video: bytes = b"video", **said: Any) -> list[tuple[str, bytes]]:
    """The files of one sample: ``cls="run"`` gives ``<key>.cls``, a mapping gives JSON."""
    files = [(f"{key}.mp4", video)]
    for ending, value in said.items():
        text = json.dumps(value) if isinstance(value, Mapping) else str(value)
        files.append((f"{key}.{ending}", text.encode()))
    return files


def special(path: Path, **fields: Any) -> Path:
    """A tar of one good member and one with other fields: ``type=tarfile.SYMTYPE, linkname="/etc/passwd"``."""
    with tarfile.open(path, "w") as tar:
        good = tarfile.TarInfo("good.mp4")
        good.size = 3
        tar.addfile(good, io.BytesIO(b"abc"))
        member = tarfile.TarInfo("odd.mp4")
        for name, value in fields.items():
            setattr(member, name, value)
        tar.addfile(member)
    return path
