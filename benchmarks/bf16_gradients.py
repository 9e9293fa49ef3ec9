"""Are the gradients of 3-d convolutions in bfloat16 those of float32, on this processor?

``python benchmarks/bf16_gradients.py [--shapes N]`` prints, for shapes as the last stages of a video network have them, the relative error
of the output and of the gradients of input and weights, the worst of five. Freed memory is filled with NaN in between, so that what is read
without being written shows. Each shape runs in a process of its own: some end in a crash.

Seen on an AMD EPYC with AVX512-BF16 and no AMX (torch 2.14.1, oneDNN 3.12): output and gradient of the input .003 everywhere; gradient of
the weights NaN for 3x1x1 and 3x3x3 over 2 frames and for 1x7x7 over 1 pixel, .003 to .005 elsewhere; other runs over more shapes crashed.
"""

import argparse
import multiprocessing

import torch
from torch import Tensor, nn

SHAPES = [
    (channels, kernel, frames, size)
    for channels in (3, 4, 16)
    for kernel in ((3, 1, 1), (1, 3, 3), (3, 3, 3), (1, 7, 7))
    for frames in (2, 4, 8)
    for size in (1, 4)
]


def poison() -> None:
    """Leave NaN in the memory that is handed out next."""
    for power in range(8, 21, 2):
        _ = [torch.full((1 << power,), float("nan")) for _ in range(20)]


def error(channels: int, kernel: tuple[int, ...], frames: int, size: int) -> list[float]:
    """Relative errors of output, gradient of the input and of the weights."""
    conv = nn.Conv3d(channels, 16, kernel, padding=[k // 2 for k in kernel], bias=False)
    conv = conv.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    clip = (
        torch.randn(4, channels, frames, size, size)
        .contiguous(memory_format=torch.channels_last_3d)
        .requires_grad_()
    )

    def outcome() -> tuple[Tensor, ...]:
        poison()
        out = conv(clip)
        poison()
        found = torch.autograd.grad(out.float().square().sum(), (clip, conv.weight))
        return out.detach(), *found

    exact = outcome()
    with torch.autocast("cpu", torch.bfloat16):
        half = outcome()
    return [float((a - b.float()).norm() / a.norm()) for a, b in zip(exact, half, strict=True)]


def worst(shape: tuple[int, tuple[int, ...], int, int]) -> list[float]:
    """The worst of five; NaN counts as worst."""
    torch.set_num_threads(1)
    rows = torch.tensor([error(*shape) for _ in range(5)])
    return torch.where(rows.isnan().any(0), float("nan"), rows.amax(0)).tolist()


def work(shape: tuple[int, tuple[int, ...], int, int]) -> None:
    """In a process of its own."""
    print("output {:.3g}, input {:.3g}, weights {:.3g}".format(*worst(shape)), flush=True)


def main() -> None:
    """A line a shape."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", type=int, default=len(SHAPES))
    context = multiprocessing.get_context("fork")
    for shape in SHAPES[: parser.parse_args().shapes]:
        print(
            "{} channels, kernel {}, {} frames of {size}x{size}: ".format(*shape[:3], size=shape[3]),
            end="",
            flush=True,
        )
        process = context.Process(target=work, args=(shape,))
        process.start()
        process.join()
        if process.exitcode:
            print(f"crash ({process.exitcode})")


if __name__ == "__main__":
    main()
