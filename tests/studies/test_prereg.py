"""Pre-registration: chosen sets, a hash that holds, and a study that refuses to run without or against it."""

import numpy as np
import pytest
import yaml

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.runs.contents.prereg_file import NAME, digest, read_prereg
from muybridge.studies.preregister import CONFIRMATORY, EXPOSURE, PRESERVING, content_of, demand, register
from muybridge.studies.shipped.sets import POOL, choose_sets, confounding, rao_of
from muybridge.studies.study_configs import DiversityStudyConfig


def test_sets_are_distinct_balanced_and_no_loss_makes_the_diversity():
    found = choose_sets()
    assert len({tuple(sorted(one)) for one in found}) == 48
    members = np.array([[loss in one for loss in POOL] for one in found], float)
    assert set(members.sum(0)) <= {19, 20}
    scores = np.array([rao_of(one) for one in found])
    assert np.abs(confounding(members, scores)).max() < 0.15
    assert np.ptp(scores) > 0.3


def test_another_seed_chooses_other_sets():
    assert choose_sets(draws=500) != choose_sets(draws=500, seed=1)
    assert choose_sets(draws=500) == choose_sets(draws=500)


def test_more_sets_than_there_are_is_refused():
    with pytest.raises(UsageError, match="there are 10"):
        choose_sets(POOL, 1, 11)


def config(out, **values):
    return DiversityStudyConfig(out=out, **{"sets": 12, "precision": "fp32"} | values)


def test_it_is_written_once_and_reads_back(tmp_path):
    path, name = register(config(tmp_path / "out"))
    found = read_prereg(tmp_path / "out")
    assert (found["sha256"], digest(found)) == (name, name)
    assert [one["role"] for one in found["sets"]] == ["confirmatory"] * 12 + ["placebo"] * 15
    with pytest.raises(UsageError, match="written once"):
        register(config(tmp_path / "out"))
    assert path.name == NAME


def changed(tmp_path, change) -> None:
    path, _ = register(config(tmp_path / "out"))
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def test_a_change_is_refused_and_a_deviation_is_not(tmp_path):
    changed(tmp_path, lambda content: content["deviations"].append("the second backbone was left out"))
    assert demand(config(tmp_path / "out"))["deviations"]
    path = tmp_path / "out" / NAME
    path.write_text(path.read_text().replace("alpha: 0.05", "alpha: 0.1"))
    with pytest.raises(MuybridgeError, match="changed after it was registered"):
        demand(config(tmp_path / "out"))


def test_damage_says_the_field(tmp_path):
    changed(tmp_path, lambda content: content.pop("hypothesis"))
    with pytest.raises(MuybridgeError, match="hypothesis"):
        demand(config(tmp_path / "out"))


def test_the_study_wants_it_and_holds_its_options(tmp_path):
    with pytest.raises(UsageError, match="pre-registration first"):
        demand(config(tmp_path / "out"))
    register(config(tmp_path / "out"))
    with pytest.raises(UsageError, match="--seed 3: registered was 0"):
        demand(config(tmp_path / "out", seed=3))
    assert demand(config(tmp_path / "out", workers=2, track=("tensorboard",)))


def test_runs_before_it_are_refused(tmp_path):
    (tmp_path / "out" / "runs" / "finetune" / ("0" * 16)).mkdir(parents=True)
    with pytest.raises(UsageError, match="before the first one"):
        register(config(tmp_path / "out"))


def test_no_loss_of_the_pool_shows_what_counts():
    assert not {kind for shown in EXPOSURE.values() for kind in shown} & set(CONFIRMATORY)
    assert set(CONFIRMATORY) <= set(PRESERVING)


def test_power_is_said_before(tmp_path):
    assert content_of(config(tmp_path, sets=48))["power"]["rho 0.5"] > 0.8
