"""A perturbed copy of one video, or a contact sheet of all types and severities."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from muybridge.cli.flags import Options, Single
from muybridge.core.catalogue import require, suggestion
from muybridge.core.errors import UsageError
from muybridge.perturb.profiles import DEFAULT, SEVERITIES, profile_of

if TYPE_CHECKING:
    from muybridge.core.clip import Clip

VIDEOS = (".mp4", ".mov", ".mkv", ".avi")
STRIP = 8
"""Frames of a film strip."""

LARGEST = 1 << 29
"""Bytes of frames that are held at once; perturbing needs up to twelve times as much."""


@dataclass(frozen=True, kw_only=True)
class Perturb(Options):
    """Write a perturbed copy of one video, or a contact sheet of all types and severities.

      muybridge perturb FILE --type TYPE --severity S --out OUT
      muybridge perturb FILE --sheet SHEET.png

    What OUT's suffix means: .mp4 and other videos are compressed (H.264, crf 12: some noise is lost); .npy holds the exact frames, uint8
    `t h w 3`; .png is a film strip. `muybridge list perturbations` names the types and `muybridge list profiles` who holds them.
    """

    file: Annotated[Path, tyro.conf.Positional]
    """a video"""
    type: str | None = None
    """a name of `muybridge list perturbations`"""
    severity: int | None = None
    """1 to 5"""
    out: Path | None = None
    """what to write: a video, .npy or .png"""
    sheet: Path | None = None
    """contact sheet to write, .png"""
    profile: str = DEFAULT
    """table of constants, a name of `muybridge list profiles`"""
    seed: int = 0
    """another one gives other random draws"""
    frames: int | None = None
    """that many frames, evenly spaced; all, or 16 of a sheet, when not given"""
    size: int | None = None
    """centre crop of that side, pixels; native, or 224 of a sheet, when not given"""

    def run(self) -> int:
        """Write it.

        Raises:
            UsageError: options that cannot be served.
            MuybridgeError: the video cannot be read or the result not written.
        """
        if (self.sheet is None) == (self.type is None):
            both = self.sheet is not None
            raise UsageError(
                f"perturb: {'--sheet and --type do not go together' if both else 'nothing to do'}; give --type TYPE --severity S"
                " --out OUT for one perturbed video, or --sheet SHEET.png for all types and severities."
            )
        _check_common(self)
        try:
            return (
                _one(self, *_target(self))
                if self.sheet is None
                else _sheet(self, _sheet_file(self.sheet, self))
            )
        except ValueError as error:
            raise UsageError(f"{self.file}: {error}") from error


PERTURB = Single("perturb", Perturb)


def _check_common(options: Perturb) -> None:
    """Refuse what cannot be served before a video is decoded."""
    profile_of(options.profile)
    for name, value, least in (("frames", options.frames, 1), ("size", options.size, 8)):
        if value is not None and value < least:
            raise UsageError(f"perturb: --{name} {value}; wanted {least} or more.")


def _target(options: Perturb) -> tuple[str, int, Path]:
    """Type, severity and file of one perturbed video, checked."""
    from muybridge.perturb import PERTURBATIONS
    from muybridge.perturb.apply import ladder_of

    type_ = options.type or ""
    require("perturbations", PERTURBATIONS, type_)
    ladder_of(profile_of(options.profile), type_)
    if options.severity not in SEVERITIES:
        said = "is missing" if options.severity is None else str(options.severity)
        raise UsageError(f"perturb: --severity {said}; wanted 1 to 5.")
    if options.out is None:
        raise UsageError("perturb: --out is missing; name a video (.mp4), .npy or .png.")
    _suffix("--out", options.out, {*VIDEOS, ".npy", ".png"})
    _there(options.file)
    return type_, options.severity, options.out


def _sheet_file(sheet: Path, options: Perturb) -> Path:
    """File of a contact sheet, checked."""
    _suffix("--sheet", sheet, {".png"})
    extra = [
        f"--{name}"
        for name, value in (("severity", options.severity), ("out", options.out))
        if value is not None
    ]
    if extra:
        raise UsageError(
            f"perturb: --sheet shows all severities and is itself the file; leave out {' and '.join(extra)}."
        )
    _there(options.file)
    return sheet


def _there(file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"{file}: no such file{_nearby(file)}")


def _suffix(flag: str, path: Path, known: set[str]) -> None:
    if path.suffix.lower() not in known:
        raise UsageError(
            f"perturb: {flag} {path} ends in {path.suffix or 'no suffix'}; known: {' '.join(sorted(known))}."
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(f"perturb: {flag} {path}: there is no folder {path.parent}; make it first.")


def _nearby(path: Path) -> str:
    folder = path.parent
    return f".{suggestion(path.name, [one.name for one in folder.iterdir()])}" if folder.is_dir() else "."


def _one(options: Perturb, type_: str, severity: int, out: Path) -> int:
    """Perturb one video."""
    from muybridge.measure.frame_order import distinct_frames, kendall_tau
    from muybridge.perturb.sheet import cell
    from muybridge.perturb.temporal import ORDERS

    clip, fps, which = _read(options, options.frames, options.size)
    shown = cell(clip, type_, severity, options.profile, options.seed)
    _write(out, shown, fps)
    clean = clip.frames[0].permute(1, 2, 3, 0).numpy()
    t, h, w = clean.shape[:3]
    print(f"{type_} {severity} of {options.profile}, seed {options.seed}, on {which} of {w}x{h}")
    print(f"  parameters: {_parameters(options.profile, type_, severity)}")
    print(f"  to the clean clip: {_distance(clean, shown.frames)}")
    if type_ in ORDERS:
        print(
            f"  order: Kendall's tau {kendall_tau(shown.order):.2f}, {distinct_frames(shown.order)} of {t} frames shown"
        )
    print(out)
    return 0


def _parameters(profile: str, type_: str, severity: int) -> str:
    from muybridge.perturb.apply import ladder_of

    row = ladder_of(profile_of(profile), type_).severities[severity - 1]
    return ", ".join(f"{name} {value}" for name, value in row.items()) or "none"


def _distance(clean: Any, shown: object) -> str:
    import numpy as np

    difference = clean.astype(np.int32) - shown
    square = float(np.square(difference).mean())
    if not square:
        return "no pixel differs"
    return f"PSNR {10 * np.log10(255**2 / square):.1f} dB, mean difference {np.abs(difference).mean():.1f} of 255"


def _sheet(options: Perturb, sheet: Path) -> int:
    """Draw the contact sheet."""
    from muybridge.core.files import atomic
    from muybridge.core.text.screen import screen
    from muybridge.perturb.sheet import draw

    clip, _, which = _read(options, options.frames or 16, options.size or 224)
    size = options.size or 224
    title = f"{options.file.name}, {which} of {size}x{size}"
    with screen() as bars:
        page = draw(
            clip, options.profile, title, options.seed, lambda done, all: bars.update("sheet", done, all)
        )
    with atomic(sheet, "wb") as file:
        page.save(file, "png")
    print(sheet)
    return 0


def _read(options: Perturb, frames: int | None, size: int | None) -> "tuple[Clip, float, str]":
    """The video as a batch of one clip, its rate in frames per second, and in words which frames were taken."""
    import numpy as np
    import torch

    from muybridge.core.clip import UNLABELLED, Clip
    from muybridge.data.decode.video import probe, read

    info = probe(options.file)
    count = min(frames or info.frames, info.frames)
    wanted = np.arange(count) * info.frames // count
    height, width = (size or info.height), (size or info.width)
    if count * height * width * 3 > LARGEST:
        raise UsageError(
            f"{options.file}: {count} frames of {width}x{height} are too many to hold at once; give --frames N or --size N."
        )
    pictures = read(options.file, wanted, height=size, width=size)
    batch = torch.from_numpy(pictures).permute(3, 0, 1, 2)[None].contiguous()
    clip = Clip(batch, torch.tensor([UNLABELLED]), (options.file.name,))
    which = f"all {count} frames" if count == info.frames else f"{count} of {info.frames} frames"
    return clip, info.fps * count / info.frames, which


def _write(path: Path, shown: Any, fps: float) -> None:
    """Frames as a video, an array or a strip, by the suffix."""
    import numpy as np

    from muybridge.core.files import atomic
    from muybridge.data.decode.video import write

    if path.suffix.lower() == ".npy":
        with atomic(path, "wb") as file:
            np.save(file, shown.frames)
    elif path.suffix.lower() == ".png":
        from PIL import Image

        t = len(shown.frames)
        chosen = np.unique(np.linspace(0, t - 1, STRIP).round().astype(int))
        with atomic(path, "wb") as file:
            Image.fromarray(np.concatenate(list(shown.frames[chosen]), axis=1)).save(file, "png")
    else:
        write(path, np.ascontiguousarray(shown.frames), fps, crf=12)
