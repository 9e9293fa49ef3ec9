"""How robust is a network of your own? Any ``nn.Module``, or any function of frames, will do.

    python examples/robustness_of_your_module.py --data my/videos --out robust

Replace ``Brightness`` by your network: it gets frames as float32, ``b 3 t h w``, 0 to 1, and gives logits ``b k``.
"""

import argparse

from torch import Tensor, nn

import muybridge


class Brightness(nn.Module):
    """A network that sees nothing but the mean colour at six times: it cannot know a motion, and noise hardly moves it."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool3d((6, 1, 1))
        self.head = nn.Linear(18, classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames ``b 3 t h w`` to logits ``b k``."""
        logits: Tensor = self.head(self.pool(frames).flatten(1))
        return logits


def main() -> None:
    """Measure it under three types at two severities and print the scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", default="builtin-motions", help="folder or list of labelled videos, or a name"
    )
    parser.add_argument("--classes", type=int, default=12, help="number of classes of the data")
    parser.add_argument("--frames", type=int, default=8, help="of a clip")
    parser.add_argument(
        "--size",
        type=int,
        default=32,
        help="side of what the network sees, pixels; 112 or more for real videos",
    )
    parser.add_argument("--out", default="robust")
    options = parser.parse_args()

    run = muybridge.robustness(
        Brightness(options.classes),
        options.data,
        types=["gaussian_noise", "motion_blur", "reversal"],
        severities=[1, 3],
        frames=options.frames,
        stride=2,
        short_side=options.size,
        crop=options.size,
        out=options.out,
    )
    scores = run.scores()
    print(run.path)
    print(f"clean     {scores.clean.value:.3f} ({scores.clean.low:.3f} to {scores.clean.high:.3f})")
    for name, value in scores.types.items():
        print(f"{name:<15} {value:.3f}")
    print("in no mean, since they change the label:", ", ".join(scores.left_out) or "none")


if __name__ == "__main__":
    main()
