"""Use a pretext task and a perturbation of a package of your own, as any that came with Muybridge.

    pip install examples/own_package
    python examples/own_task_and_perturbation.py --data my/videos --out own

The package is ``examples/own_package``: one file, and two lines of entry points in its ``pyproject.toml``.
"""

import argparse

import muybridge


def main() -> None:
    """Pretrain with the package's task, fine-tune, and perturb with the package's type beside one of ours."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", default="builtin-objects", help="folder or list of labelled videos, or a name"
    )
    parser.add_argument("--budget", type=int, default=6000, help="clips of pretraining")
    parser.add_argument("--epochs", type=int, default=2, help="passes of fine-tuning")
    parser.add_argument("--out", default="own")
    options = parser.parse_args()

    pretrained = muybridge.pretrain(
        data=options.data, objective="brighter-half", budget=options.budget, out=options.out
    )
    print(pretrained.result["summary"])
    tuned = muybridge.finetune(data=options.data, init=pretrained, epochs=options.epochs, out=options.out)
    robust = muybridge.robustness(
        tuned, types=["flicker", "gaussian_noise"], severities=[1, 3, 5], out=options.out
    )
    for name, accuracy in robust.scores().types.items():
        print(f"{name:<15} {accuracy:.3f}")


if __name__ == "__main__":
    main()
