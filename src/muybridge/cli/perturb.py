"""A perturbed copy of one video, or a contact sheet of all types and severities."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muybridge.cli.words import Words
from muybridge.core.catalogue import require, suggestion
from muybridge.core.errors import UsageError

if TYPE_CHECKING:
    from muybridge.core.clip import Clip

USAGE = """muybridge perturb FILE --type TYPE --severity S --out OUT [--profile P] [--seed N] [--frames N] [--size N]
       muybridge perturb FILE --sheet SHEET.png [--profile P] [--seed N] [--frames N] [--size N]"""

EPILOG = """What OUT's suffix means: .mp4 and other videos are compressed (H.264, crf 12: some noise is lost);
.npy holds the exact frames, uint8 `t h w 3`; .png is a film strip.

`muybridge list perturbations` names the types and the profiles that hold them."""

VIDEOS = (".mp4", ".mov", ".mkv", ".avi")
STRIP = 8
"""Frames of a film strip."""

LARGEST = 1 << 29
"""Bytes of frames that are held at once; perturbing needs up to twelve times as much."""


def run(words: list[str]) -> int:
    """Run the command; returns the exit code.

    Raises:
        UsageError: options that cannot be served.
        MuybridgeError: the video cannot be read or the result not written.
    """
    options = _parser().parse_args(words)
    if (options.sheet is None) == (options.type is None):
        both = options.sheet is not None
        raise UsageError(
            f"perturb: {'--sheet and --type do not go together' if both else 'nothing to do'}; give --type TYPE --severity S"
            " --out OUT for one perturbed video, or --sheet SHEET.png for all types and severities."
        )
    _check(options)
    try:
        return _sheet(options) if options.sheet else _one(options)
    except ValueError as error:
        raise UsageError(f"{options.file}: {error}") from error


def _parser() -> argparse.ArgumentParser:
    from muybridge.perturb.profiles import DEFAULT

    parser = Words(
        prog="muybridge perturb",
        usage=USAGE,
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a video")
    parser.add_argument("--type", help="a name of `muybridge list perturbations`")
    parser.add_argument("--severity", type=int, help="1 to 5")
    parser.add_argument("--out", type=Path, help="what to write: a video, .npy or .png")
    parser.add_argument("--sheet", type=Path, help="contact sheet to write, .png")
    parser.add_argument("--profile", default=DEFAULT, help=f"table of constants (default: {DEFAULT})")
    parser.add_argument(
        "--seed", type=int, default=0, help="another one gives other random draws (default: 0)"
    )
    parser.add_argument(
        "--frames", type=int, help="that many frames, evenly spaced (default: all; sheet: 16)"
    )
    parser.add_argument(
        "--size", type=int, help="centre crop of that side, pixels (default: native; sheet: 224)"
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be served before a video is decoded."""
    from muybridge.perturb import PERTURBATIONS
    from muybridge.perturb.apply import ladder_of
    from muybridge.perturb.profiles import SEVERITIES, profile_of

    profile = profile_of(options.profile)
    for name, least in (("frames", 1), ("size", 8)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise UsageError(f"perturb: --{name} {value}; wanted {least} or more.")
    if options.sheet:
        _suffix("--sheet", options.sheet, {".png"})
        extra = [f"--{name}" for name in ("severity", "out") if getattr(options, name) is not None]
        if extra:
            raise UsageError(
                f"perturb: --sheet shows all severities and is itself the file; leave out {' and '.join(extra)}."
            )
    else:
        require("perturbations", PERTURBATIONS, options.type)
        ladder_of(profile, options.type)
        if options.severity not in SEVERITIES:
            said = "is missing" if options.severity is None else str(options.severity)
            raise UsageError(f"perturb: --severity {said}; wanted 1 to 5.")
        if options.out is None:
            raise UsageError("perturb: --out is missing; name a video (.mp4), .npy or .png.")
        _suffix("--out", options.out, {*VIDEOS, ".npy", ".png"})
    if not options.file.is_file():
        raise UsageError(f"{options.file}: no such file{_nearby(options.file)}")


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


def _one(options: argparse.Namespace) -> int:
    """Perturb one video."""
    from muybridge.measure.frame_order import distinct_frames, kendall_tau
    from muybridge.perturb.sheet import cell
    from muybridge.perturb.temporal import ORDERS

    clip, fps, which = _read(options, options.frames, options.size)
    shown = cell(clip, options.type, options.severity, options.profile, options.seed)
    _write(options.out, shown, fps)
    clean = clip.frames[0].permute(1, 2, 3, 0).numpy()
    t, h, w = clean.shape[:3]
    print(
        f"{options.type} {options.severity} of {options.profile}, seed {options.seed}, on {which} of {w}x{h}"
    )
    print(f"  parameters: {_parameters(options)}")
    print(f"  to the clean clip: {_distance(clean, shown.frames)}")
    if options.type in ORDERS:
        print(
            f"  order: Kendall's tau {kendall_tau(shown.order):.2f}, {distinct_frames(shown.order)} of {t} frames shown"
        )
    print(options.out)
    return 0


def _parameters(options: argparse.Namespace) -> str:
    from muybridge.perturb.apply import ladder_of
    from muybridge.perturb.profiles import profile_of

    row = ladder_of(profile_of(options.profile), options.type).severities[options.severity - 1]
    return ", ".join(f"{name} {value}" for name, value in row.items()) or "none"


def _distance(clean: Any, shown: Any) -> str:
    difference = clean.astype(np.int32) - shown
    square = float(np.square(difference).mean())
    if not square:
        return "no pixel differs"
    return f"PSNR {10 * np.log10(255**2 / square):.1f} dB, mean difference {np.abs(difference).mean():.1f} of 255"


def _sheet(options: argparse.Namespace) -> int:
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
    with atomic(options.sheet, "wb") as file:
        page.save(file, "png")
    print(options.sheet)
    return 0


def _read(options: argparse.Namespace, frames: int | None, size: int | None) -> "tuple[Clip, float, str]":
    """The video as a batch of one clip, its rate in frames per second, and in words which frames were taken."""
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
