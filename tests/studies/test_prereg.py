"""Pre-registration: chosen sets, a hash that holds, and a study that refuses to run without or against it."""

import numpy as np
import pytest
import yaml

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data.sets.changes import BUILTIN
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


def labelled(tmp_path, table: str):
    """A study on three classes of own videos, of which a table says what reversal makes of them."""
    for name in ("push", "pull", "spin"):
        (tmp_path / "videos" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name / "1.mp4").write_bytes(name.encode())
    (tmp_path / "labels.csv").write_text(f"perturbation,class,becomes\n{table}")
    return config(
        tmp_path / "out", data=(str(tmp_path / "videos"),), label_changing=(str(tmp_path / "labels.csv"),)
    )


def test_partners_of_own_videos_are_those_that_a_table_declares(tmp_path):
    study = labelled(tmp_path, "reversal,push,pull\nreversal,pull,push\nreversal,spin,\njumbling,push,\n")
    register(study)
    assert read_prereg(tmp_path / "out")["partners"] == {"push": "pull", "pull": "push", "spin": ""}
    assert demand(study)["partners"]
    with pytest.raises(UsageError, match="other partners under reversal were registered"):
        demand(labelled(tmp_path, "reversal,push,pull\nreversal,pull,push\n"))


def test_a_table_that_does_not_fit_the_classes_is_refused_before_anything_is_registered(tmp_path):
    with pytest.raises(UsageError, match="'pulll' is not a class"):
        register(labelled(tmp_path, "reversal,push,pulll\n"))
    assert not (tmp_path / "out" / NAME).exists()


def test_the_partners_of_the_embedded_motions_are_those_that_the_set_declares(tmp_path):
    (change,) = [one for one in BUILTIN if one.type == "reversal"]
    assert content_of(config(tmp_path))["partners"] == dict(change.becomes)


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
