"""Older processors, made of this one: libraries are told to leave out instructions that it has.

``ATEN_CPU_CAPABILITY`` (torch), ``NPY_DISABLE_CPU_FEATURES`` (numpy) and ``ONEDNN_MAX_CPU_ISA`` are read by the libraries; FFmpeg has
no such variable, so ``MUYBRIDGE_TEST_FFMPEG_CPU`` (its flags as a number, 0x3ff for all up to SSE4.2) is read here.
"""

import ctypes
import os
from pathlib import Path

import av
import numpy as np

VARIABLE = "MUYBRIDGE_TEST_FFMPEG_CPU"
SSE = 0x3FF


def limit_ffmpeg() -> None:
    """Leave FFmpeg the instructions that the environment names, all where it names none."""
    flags = os.environ.get(VARIABLE)
    if flags:
        [library] = Path(av.__file__).parent.with_name("av.libs").glob("libavutil*")
        ctypes.CDLL(str(library)).av_force_cpu_flags(int(flags, 0))


def optional() -> list[str]:
    """Features of this processor that numpy would use and can do without."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]


def older() -> dict[str, str]:
    """The environment of a process that uses what every x86-64 processor has."""
    numpys = (
        {"NPY_DISABLE_CPU_FEATURES": " ".join(optional())} if np.__version__ >= "2" and optional() else {}
    )
    return {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", VARIABLE: hex(SSE)} | numpys
