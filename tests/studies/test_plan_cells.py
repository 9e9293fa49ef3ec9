"""Plans: cells of a known shape are signed as if each had been resolved by itself; a study grows and changes without losing a run."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muybridge.config.stage_configs import (
    FinetuneConfig,
    PretrainConfig,
    ProbeConfig,
    RobustnessConfig,
    as_dict,
)
from muybridge.core.catalogue import Entry
from muybridge.core.errors import UsageError
from muybridge.core.text.screen import Plain
from muybridge.runs.contents.snapshots import SHARES, name_of
from muybridge.runs.records import find_runs
from muybridge.runs.signing import Signer, signature
from muybridge.stages.job.resolve import resolve
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.executors import EXECUTORS
from muybridge.studies.files.factors import factors
from muybridge.studies.plan import plan
from muybridge.studies.study_configs import StudyConfig
from muybridge.train.checkpoint import load_weights, part

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6}


@pytest.fixture
def here(monkeypatch):
    """The name of an executor that starts no process."""
    monkeypatch.setitem(EXECUTORS, "here", Entry("in this process", "trivial:Here"))
    return "here"


def grid(videos, out, seeds=(0, 1), tasks=("rotnet", "vcop"), budget=24):
    for seed, task in product(seeds, tasks):
        common = {"data": (str(videos),), "out": out, "seed": seed, **TINY}
        init = yield PretrainConfig(**common, objective=task, budget=budget)
        yield ProbeConfig(**common, init=init)
        yield ProbeConfig(**common, init=f"{init}/{name_of(50)}")
        model = yield FinetuneConfig(**common, init=init, epochs=1)
        yield RobustnessConfig(out=out, model=model, types=("jumbling",), severities=(1,))


def test_every_cell_is_what_it_would_be_on_its_own(videos, tmp_path):
    planned = plan(grid(videos, tmp_path))
    configs = {str(cell.run.path): as_dict(cell.job.config) for cell in planned}
    assert len(planned) == 20
    for cell in planned:
        alone = resolve(cell.job.config, configs)
        assert (alone.signature, alone.facets, alone.config) == (
            cell.job.signature,
            cell.job.facets,
            cell.job.config,
        )
        assert {name: run.path for name, run in alone.inputs.items()} == {
            name: run.path for name, run in cell.job.inputs.items()
        }
        assert cell.needs == {run.signature for run in alone.inputs.values()}


def test_numbers_of_different_kinds_are_different_configs(videos, tmp_path):
    def study():
        for views in (1, True, 1.0):
            yield ProbeConfig(data=(str(videos),), out=tmp_path, views=views, **TINY)

    alone = {resolve(config).signature for config in list_of(study())}
    assert {cell.job.signature for cell in plan(study())} == alone


def list_of(study):
    """Configs of a study in which nothing depends on anything."""
    return list(study)


@given(
    seed=st.integers(),
    text=st.text(),
    inputs=st.dictionaries(
        st.sampled_from(["init", "model"]), st.from_regex(r"[0-9a-f]{16}(@50)?", fullmatch=True)
    ),
)
def test_the_quick_signature_is_the_signature(seed, text, inputs):
    config = {"seed": seed, "label": text, "lr": 0.1, "out": "/a", "views": None}
    if any(mark in text for mark in ("\0seed", "\0inputs")):
        return
    assert Signer("probe", config | {"seed": 0})(seed, inputs) == signature("probe", config, inputs)


def test_a_config_that_holds_a_mark_is_not_signed_quickly():
    with pytest.raises(ValueError, match="marks"):
        Signer("probe", {"seed": 0, "label": "\0inputs"})


def test_the_seed_of_a_robustness_run_in_tables_is_that_of_its_model(videos, tmp_path):
    planned = [cell for cell in plan(grid(videos, tmp_path)) if cell.job.stage == "robustness"]
    assert {cell.job.config.seed for cell in planned} == {0}
    assert sorted(cell.job.facets["seed"] for cell in planned) == [0, 0, 1, 1]


def test_a_snapshot_is_another_start_of_the_same_run(videos, tmp_path):
    probes = [cell for cell in plan(grid(videos, tmp_path, (0,), ("vcop",))) if cell.job.stage == "probe"]
    assert [cell.job.facets["arm"] for cell in probes] == ["vcop", "vcop at 50 %"]
    assert probes[0].needs == probes[1].needs
    assert probes[0].job.signature != probes[1].job.signature


def test_a_value_more_computes_the_new_cells_only(videos, tmp_path, here):
    first = plan(grid(videos, tmp_path, tasks=("rotnet",)))
    assert not run_cells(first, 1, Plain(), here).failed
    stamps = {run.path: (run.path / "result.json").stat().st_mtime_ns for run in find_runs(tmp_path)}
    assert len(stamps) == 10
    more = plan(grid(videos, tmp_path, seeds=(0, 1, 2), tasks=("rotnet",)))
    assert [cell.run.done for cell in more].count(False) == 5
    assert not run_cells(more, 1, Plain(), here).failed
    after = {run.path: (run.path / "result.json").stat().st_mtime_ns for run in find_runs(tmp_path)}
    assert len(after) == 15
    assert {path: after[path] for path in stamps} == stamps


def test_snapshots_are_the_backbone_on_its_way(videos, tmp_path, here):
    (cell,) = plan(
        PretrainConfig(data=(str(videos),), out=tmp_path, objective="rotnet", budget=24, **TINY) for _ in "1"
    )
    assert not run_cells([cell], 1, Plain(), here).failed
    files = [*(name_of(share) for share in SHARES), "weights.safetensors"]
    networks = [part(load_weights(cell.run.path / name), "backbone") for name in files]
    assert len({tuple(network) for network in networks}) == 1
    moved = [
        sum(
            float((value - networks[-1][name]).abs().sum())
            for name, value in network.items()
            if value.is_floating_point()
        )
        for network in networks
    ]
    assert moved[0] > moved[1] > moved[2] > moved[3] == 0  # nearer and nearer to the end
    assert set(files) <= set(cell.run.result["files"])


def test_another_default_is_another_run(videos, tmp_path, monkeypatch):
    study = [
        PretrainConfig(data=(str(videos),), out=tmp_path, **TINY),
        ProbeConfig(data=(str(videos),), out=tmp_path, **TINY),
    ]
    before = [resolve(config).signature for config in study]
    changed = [
        replace(study[0], lr=PretrainConfig().lr / 2),
        replace(study[1], views=ProbeConfig().views + 1),
    ]
    assert not set(before) & {resolve(config).signature for config in changed}
    for config in study:
        for field, value in as_dict(resolve(config).config).items():
            assert field in as_dict(config), f"{field} = {value} is not part of what is hashed"


def test_factors_are_what_varies_and_nothing_decides(videos, tmp_path):
    planned = plan(grid(videos, tmp_path))
    told = factors(planned)
    probe = next(cell for cell in planned if cell.job.facets["arm"] == "vcop at 50 %")
    assert told[probe.job.signature] == {
        "pretrain.objective": "vcop", "pretrain.seed": 0, "probe.seed": 0, "probe.length": 50,
    }  # fmt: skip
    robust = next(cell for cell in planned if cell.job.stage == "robustness")
    assert told[robust.job.signature] == {
        "pretrain.objective": "rotnet",
        "pretrain.seed": 0,
        "finetune.seed": 0,
    }


@pytest.mark.parametrize("wrong", [None, "probe", StudyConfig()])
def test_what_is_no_stage_config_is_refused(wrong):
    with pytest.raises(UsageError, match="wanted the config of a stage: pretrain"):
        plan(config for config in [wrong])


def test_an_empty_study_is_refused():
    with pytest.raises(UsageError, match="empty"):
        plan(config for config in [])


def test_a_run_that_is_neither_planned_nor_there_is_refused(videos, tmp_path):
    init = str(tmp_path / "runs" / "pretrain" / "0123456789abcdef")
    with pytest.raises(UsageError, match=r"not a run folder"):
        plan(config for config in [ProbeConfig(data=(str(videos),), out=tmp_path, init=init)])
