"""What the quickstart must show, over three seeds of the embedded data; about ten minutes on two cores."""

import subprocess
import sys

import numpy as np
import pytest

from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import find_runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
SEEDS = 3


@pytest.fixture(scope="module")
def accuracy(tmp_path_factory):
    """(stage, data, protocol, arm, perturbation, severity) -> accuracy of each seed."""
    out = tmp_path_factory.mktemp("quickstart") / "out"
    words = [sys.executable, "-m", "muybridge", "quickstart", "--seeds", str(SEEDS), "--out", str(out)]
    subprocess.run(words, check=True)
    found: dict[tuple, dict[int, float]] = {}
    for run in find_runs(out):
        path = run.path / "predictions.parquet"
        if not path.is_file():
            continue
        rows, one = read_predictions(path), run.result["facets"]
        for name, severity in dict.fromkeys(
            zip(rows.perturbation.tolist(), rows.severity.tolist(), strict=True)
        ):
            key = (run.stage, one["data"], one["protocol"], one["arm"], name, severity)
            found.setdefault(key, {})[one["seed"]] = rows.condition(name, severity).correct.mean()
    table = {key: np.array([by_seed[seed] for seed in sorted(by_seed)]) for key, by_seed in found.items()}
    for key, values in sorted(table.items()):
        print(*key, np.round(100 * values, 1))
    return table


def probe(accuracy, data, arm):
    return accuracy["probe", f"builtin-{data}", "linear probe", arm, "clean", 0]


def robust(accuracy, data, name, severity, protocol="fine-tune, all labels", arm="random"):
    return accuracy["robustness", f"builtin-{data}", protocol, arm, name, severity]


def test_vcop_lifts_the_probe_on_motions_by_30_points(accuracy):
    assert len(probe(accuracy, "motions", "vcop")) == SEEDS
    assert (probe(accuracy, "motions", "vcop") - probe(accuracy, "motions", "random")).mean() > 0.30


def test_rotnet_is_better_than_vcop_on_objects(accuracy):
    assert (probe(accuracy, "objects", "rotnet") > probe(accuracy, "objects", "vcop")).all()


def test_few_labels_gain_from_pretraining(accuracy):
    few = "fine-tune, 10 labels per class"
    motions = {
        arm: accuracy["finetune", "builtin-motions", few, arm, "clean", 0] for arm in ("vcop", "random")
    }
    assert (motions["vcop"] > motions["random"]).all()


def test_reversal_is_below_chance_on_motions(accuracy):
    for protocol, arm in {
        (key[2], key[3]) for key in accuracy if key[:2] == ("robustness", "builtin-motions")
    }:
        assert (robust(accuracy, "motions", "reversal", 1, protocol, arm) < 1 / 12).all(), (protocol, arm)


def test_reversal_changes_little_on_objects(accuracy):
    clean, reversed_ = (
        robust(accuracy, "objects", *condition) for condition in (("clean", 0), ("reversal", 1))
    )
    assert np.abs(reversed_ - clean).mean() < 0.03


def test_a_single_frame_is_at_chance_on_motions(accuracy):
    still = accuracy[
        "finetune", "builtin-motions", "fine-tune, all labels, single frame", "random", "clean", 0
    ]
    assert np.abs(still - 1 / 12).max() < 0.03


def test_noise_hurts_more_the_stronger_it_is(accuracy):
    falls = [robust(accuracy, "motions", "gaussian_noise", severity).mean() for severity in (1, 3, 5)]
    assert falls == sorted(falls, reverse=True)
