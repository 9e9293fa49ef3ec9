"""A claim about your own runs, judged on their rows and kept in a ledger, with the report of the runs.

    python examples/claims_and_report.py --data my/videos --out claimed

With one seed nothing can be said about a way of training: the first claim is then undetermined, however far apart the networks are.
"""

import argparse
from pathlib import Path

import yaml

import muybridge

TASKS = ("rotnet", "vcop")
CLAIMS = {
    "claims": [
        {
            "id": "order",
            "say": "VCOP beats RotNet in the linear probe.",
            "above": {"better": {"arm": "vcop"}, "worse": {"arm": "rotnet"}, "where": {"stage": "probe"}},
        },
        {
            "id": "fair",
            "say": "Both tasks were pretrained with as many clips.",
            "equal_budgets": {"unit": "clips"},
        },
    ]
}


def main() -> None:
    """Pretrain and probe both tasks under every seed, judge the claims, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", default="builtin-motions", help="folder or list of labelled videos, or a name"
    )
    parser.add_argument(
        "--budget", type=int, default=6000, help="clips of pretraining for each task and seed"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("claimed"))
    options = parser.parse_args()

    runs, book = options.out / "runs", options.out / "book"
    for seed in range(options.seeds):
        for task in TASKS:
            pretrained = muybridge.pretrain(
                data=options.data, objective=task, budget=options.budget, held_out_fold=0, seed=seed, out=runs
            )
            muybridge.probe(data=options.data, init=pretrained, fold=0, seed=seed, out=runs)

    own = options.out / "claims.yaml"
    own.write_text(yaml.safe_dump(CLAIMS, sort_keys=False), "utf-8")
    ledger = muybridge.claims(own, out=book)
    for name, found in ledger.verify(runs=runs).items():
        print(f"{found.verdict:<15} {name}: {found.reason}")
    print(muybridge.report(runs).html)


if __name__ == "__main__":
    main()
