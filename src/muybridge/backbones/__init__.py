"""Video backbones: ``nn.Module`` with ``dim`` and ``forward(frames) -> Features``; each owns its mean and std.

A name is a catalogue entry, with ``-tiny`` behind it for the small variant that trains on a CPU in seconds.
"""

from muybridge.core.catalogue import Entry

BACKBONES = {
    "r2plus1d": Entry(
        "R(2+1)D, one residual block a stage, 512-d (the benchmark's medium network)",
        "muybridge.backbones.r2plus1d:R2Plus1D",
        {"group": "medium"},
    ),
    "r2plus1d-tiny": Entry(
        "plain (2+1)D of width 16 to 128 for 8x32x32 clips, 128-d, for work on a CPU",
        "muybridge.backbones.r2plus1d:tiny",
        {"group": "tiny"},
    ),
}
