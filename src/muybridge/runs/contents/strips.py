"""Film strips of a run: named clips in one ``.npz``, small enough for a page."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as layout

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic, open_plain

MOST = 1 << 28
"""Most bytes of all strips of a run, unpacked."""
NAME = 500
"""Most letters of a strip's name."""


CLIP = "clip:"
"""How the names of strips of single clips begin."""


def clip_name(video: str, perturbation: str, severity: int) -> str:
    """Name of the strip of a test clip under one condition."""
    return f"{CLIP}{video}:{perturbation}:{severity}"


def clip_of(name: str) -> tuple[str, str, int] | None:
    """Video, perturbation and severity of the strip of a test clip; None of other strips."""
    words = name.removeprefix(CLIP).rsplit(":", 2)
    if not name.startswith(CLIP) or len(words) != 3 or not words[2].isdecimal() or len(words[2]) > 3:
        return None
    return words[0], words[1], int(words[2])


def write_strips(path: Path, strips: Mapping[str, np.ndarray]) -> None:
    """Write film strips (uint8 ``t h w 3``) atomically."""
    with atomic(path, "wb") as file:
        np.savez_compressed(file, **dict(strips))  # type: ignore[arg-type]


def read_strips(path: Path, pixels: bool = True) -> dict[str, np.ndarray]:
    """Film strips, uint8 ``t h w 3`` each, by name; none where there is no file. Nothing is unpickled.

    Args:
        path: of the file.
        pixels: whether they are wanted, or only a look at what they are.

    Raises:
        MuybridgeError: no archive of strips, or larger than any that is written.
    """
    try:
        with open_plain(path, MOST) as file, zipfile.ZipFile(file) as packed:
            members = packed.infolist()
            if sum(member.file_size for member in members) > MOST:
                raise ValueError(f"over {MOST:,} bytes unpacked")
            return {_name(member): _strip(packed, member, pixels) for member in members}
    except FileNotFoundError:
        return {}
    except MuybridgeError:
        raise
    except Exception as error:  # whatever a torn or made-up archive makes of zipfile, zlib and NumPy
        said = " ".join(str(error).split())[:200]
        raise MuybridgeError(f"{path}: damaged (no film strips: {said}). Run its command again.") from error


def _name(member: zipfile.ZipInfo) -> str:
    name = member.filename.removesuffix(".npy")
    if name == member.filename or len(name) > NAME:
        raise ValueError(f"a strip called {member.filename!r:.80}")
    return name


def _strip(packed: zipfile.ZipFile, member: zipfile.ZipInfo, pixels: bool) -> Any:
    """One strip; what its header says is held against the bytes that are there before memory is taken for it."""
    with packed.open(member) as file:
        version = layout.read_magic(file)
        read = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
        shape, fortran, kind = read(file)
        size = int(np.prod(shape, dtype=object)) if shape else 0
        if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or not 0 < size < member.file_size:
            raise ValueError(f"{member.filename!r:.80} is {kind} of shape {shape!r:.80}")
        if not pixels:
            return None
        raw = file.read(size + 1)
    if len(raw) != size:
        raise ValueError(f"{member.filename!r:.80} has {len(raw):,} bytes of {size:,}")
    return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if fortran else "C")
