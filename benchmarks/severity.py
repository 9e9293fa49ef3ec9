"""How far every severity of a profile moves a clip: PSNR, mean difference, Kendall's tau and distinct frames.

    python benchmarks/severity.py [--profile muybridge-1] [--sizes 224 112 32] [--draws 8] [--write]

The clips pan over the photos that come with scikit-image: 16 frames, a third of the picture from the first to the last. Random types are
drawn ``draws`` times per photo; PSNR is that of the mean squared error over all of them. ``--write`` puts the tables of ``muybridge-1``
into docs/robustness-profiles.md.
"""

import argparse
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional as F

from muybridge.core.clip import Clip
from muybridge.measure.frame_order import distinct_frames, kendall_tau
from muybridge.perturb import TYPES
from muybridge.perturb.apply import ladder_of, perturb
from muybridge.perturb.profiles import SEVERITIES, profile_of
from muybridge.perturb.streams import streams
from muybridge.perturb.temporal import ORDERS, order_of

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
PAGE = Path(__file__).parent.parent / "docs" / "robustness-profiles.md"


@dataclass(frozen=True)
class Moved:
    """What one severity of one type does, over all clips and draws.

    Attributes:
        psnr: dB to the clean clip; infinite where nothing changed.
        difference: mean absolute difference, grey levels.
        tau: mean of Kendall's tau of the frame order; 1 for types that keep it.
        distinct: mean number of different frames.
    """

    psnr: float
    difference: float
    tau: float
    distinct: float


def panning(size: int, frames: int = 16) -> UInt8[Tensor, "b 3 t size size"]:
    """One clip per photo: a square window of 3/5 of the short side slides along the diagonal."""
    from skimage import data

    return torch.stack(
        [_pan(torch.from_numpy(getattr(data, name)()[..., :3]), size, frames) for name in PHOTOS]
    )


def _pan(photo: UInt8[Tensor, "h w 3"], size: int, frames: int) -> UInt8[Tensor, "3 t size size"]:
    side = min(photo.shape[:2]) * 3 // 5
    far = min(photo.shape[:2]) // 3
    starts = [round(far * t / max(1, frames - 1)) for t in range(frames)]
    windows = torch.stack([photo[s : s + side, s : s + side] for s in starts]).permute(0, 3, 1, 2).float()
    small = F.interpolate(windows, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return small.round().clamp(0, 255).to(torch.uint8).transpose(0, 1).contiguous()


def measure(profile: str, type: str, severity: int, clips: Tensor, draws: int = 8) -> Moved:
    """Perturb every clip ``draws`` times, a deterministic type twice, and compare with the clean ones."""
    squares, differences, taus, distinct = [], [], [], []
    names = [f"photo {i}" for i in range(len(clips))]
    for view in range(draws):
        clean = Clip(clips, torch.zeros(len(clips), dtype=torch.int64), names)
        views = [view] * len(clips)
        shown = perturb(clean, type, severity, profile=profile, dataset="severity", views=views).frames
        difference = shown.double() - clips
        squares.append(difference.square().mean().item())
        differences.append(difference.abs().mean().item())
        order = np.tile(np.arange(clips.shape[2]), (len(clips), 1))
        if type in ORDERS:
            table = profile_of(profile)
            drawn = streams(table.label, "severity", names, views, type, severity)
            order = order_of(type, clips, drawn, **ladder_of(table, type).severities[severity - 1]).numpy()
        taus.append(kendall_tau(order).mean())
        distinct.append(distinct_frames(order).mean())
        if view and squares[view] == squares[0]:
            break  # deterministic
    square = float(np.mean(squares))
    psnr = 10 * math.log10(255**2 / square) if square else math.inf
    return Moved(psnr, float(np.mean(differences)), float(np.mean(taus)), float(np.mean(distinct)))


def table(profile: str, size: int, draws: int) -> str:
    """Markdown: one row per type, five severities in each cell."""
    clips = panning(size)
    lines = [
        "| type | PSNR, dB | mean difference, levels | Kendall's tau | distinct frames |",
        "| --- | --- | --- | --- | --- |",
    ]
    held = profile_of(profile).types
    for type in (type for types in TYPES.values() for type in types if type in held):
        moved = [measure(profile, type, severity, clips, draws) for severity in SEVERITIES]
        cells = [
            " ".join(_decibel(one.psnr) for one in moved),
            " ".join(f"{one.difference:.1f}" for one in moved),
        ]
        ordered = type in ORDERS
        cells.append(" ".join(f"{one.tau:.2f}" for one in moved) if ordered else "")
        cells.append(" ".join(f"{one.distinct:.1f}" for one in moved) if ordered else "")
        lines.append(f"| `{type}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _decibel(psnr: float) -> str:
    return "same" if math.isinf(psnr) else f"{psnr:.1f}"


def write(tables: dict[int, str]) -> None:
    """Replace the tables between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    for size, rows in tables.items():
        mark = f"<!-- measured {size} -->"
        text = re.sub(f"{mark}.*?{mark}", lambda _: f"{mark}\n{rows}\n{mark}", text, flags=re.DOTALL)  # noqa: B023
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Print the tables, or write them to the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="muybridge-1")
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 112, 32])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    torch.set_num_threads(1)
    tables = {size: table(words.profile, size, words.draws) for size in words.sizes}
    for size, rows in tables.items():
        print(f"\n{words.profile}, 16 frames of {size}x{size}, severities 1 to 5\n\n{rows}")
    if words.write:
        write(tables)


if __name__ == "__main__":
    main()
