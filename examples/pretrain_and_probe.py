"""Pretrain on your own videos without labels, probe what was learnt, and look at it beside random weights.

    python examples/pretrain_and_probe.py --data my/videos --out runs

``--budget`` is in clips: 24,000 is what `muybridge quickstart --data` spends on a task, and some hundred only show that it works.
"""

import argparse

import muybridge


def main() -> None:
    """One task, one probe of it and one of random weights, on the same split, and a report of both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", default="builtin-motions", help="folder or list of labelled videos, or a name"
    )
    parser.add_argument("--objective", default="vcop", help="a task of `muybridge list objectives`")
    parser.add_argument("--budget", type=int, default=24000)
    parser.add_argument("--out", default="runs")
    options = parser.parse_args()

    # The videos that the probe is tested on are kept out of the pretraining, too.
    pretrained = muybridge.pretrain(
        data=options.data,
        objective=options.objective,
        budget=options.budget,
        held_out_fold=0,
        out=options.out,
    )
    for name, init in (("random", "random"), (options.objective, pretrained)):
        probe = muybridge.probe(data=options.data, init=init, fold=0, out=options.out)
        print(f"{name:<10} {probe.result['numbers']['accuracy']:.3f}, chance {probe.result['chance']:.3f}")
    print(muybridge.report(options.out).html)


if __name__ == "__main__":
    main()
