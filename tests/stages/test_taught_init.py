"""Features of a fine-tuned network are looked at as those of a pretrained one, and never on videos whose labels it was taught."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import muybridge
from muybridge.config.stage_configs import FinetuneConfig, ProbeConfig
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import read_yaml, write_yaml
from muybridge.runs.records import Run
from muybridge.stages.job.resolve import resolve
from muybridge.stages.job.transductive import TRANSDUCTIVE
from muybridge.studies.plan import plan

SMALL = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6, "precision": "fp32"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("taught")


@pytest.fixture(scope="module")
def taught(videos: Path, folder: Path) -> Run:
    """A network that was pretrained on all videos and taught by all but those of fold 1."""
    begun = muybridge.pretrain(data=videos, out=folder, objective="rotnet", budget=24, **SMALL)
    return muybridge.finetune(data=videos, out=folder, init=str(begun.path), fold=1, epochs=1, **SMALL)


@pytest.mark.parametrize("verb", ["probe", "knn", "retrieval"])
def test_features_of_a_fine_tuned_network(verb: str, taught: Run, videos: Path, folder: Path):
    run = getattr(muybridge, verb)(data=videos, out=folder, init=str(taught.path), fold=1, **SMALL)
    facets = run.result["facets"]
    title = {"probe": "linear probe", "knn": "kNN"}.get(verb, verb)
    assert facets["protocol"] == f"{title} after fine-tune, all labels"
    assert (facets["arm"], facets["source"]) == ("rotnet", videos.name)
    assert TRANSDUCTIVE in run.result["notes"], "the pretraining before the fine-tuning saw the test videos"


def test_a_probe_holds_the_weights_that_were_taught(taught: Run, videos: Path, folder: Path):
    run = muybridge.probe(data=videos, out=folder, init=str(taught.path), fold=1, **SMALL)
    own, theirs = (load_file(one.path / "weights.safetensors") for one in (run, taught))
    names = [name for name in theirs if name.startswith("backbone.") and "num_batches" not in name]
    assert names
    assert all(torch.equal(own[name], theirs[name]) for name in names)


@pytest.mark.parametrize("fold", [0, "all"])
def test_videos_whose_labels_were_taught_are_refused(
    fold: int | str, taught: Run, videos: Path, folder: Path
):
    with pytest.raises(UsageError, match=r"was taught the labels of videos that would be tested.*--fold 1"):
        muybridge.probe(data=videos, out=folder, init=str(taught.path), fold=fold, **SMALL)


def test_neighbours_are_shown_of_any_video(taught: Run, videos: Path, folder: Path):
    run = muybridge.neighbours(data=videos, out=folder, init=str(taught.path), **SMALL)
    assert run.result["facets"]["protocol"] == "neighbours after fine-tune, all labels"


def test_a_fine_tuning_starts_from_no_fine_tuning(taught: Run, videos: Path, folder: Path):
    with pytest.raises(UsageError, match=r"wanted a folder OUT/runs/pretrain/SIGNATURE"):
        muybridge.finetune(data=videos, out=folder, init=str(taught.path), fold=1, epochs=1, **SMALL)


def test_a_study_plans_it(videos: Path, tmp_path: Path):
    """Before anything is trained, and on other data under a name that says by what the network was taught."""

    def cells():
        model = yield FinetuneConfig(
            data=(str(videos),), out=tmp_path, labels_per_class=2, fold=0, epochs=1, **SMALL
        )
        yield ProbeConfig(data=(str(videos),), out=tmp_path, init=model, fold=0, **SMALL)

    first, second = plan(cells())
    assert second.job.facets["protocol"] == "linear probe after fine-tune, 2 labels per class"
    assert second.job.facets["arm"] == first.job.facets["arm"] == "random"
    assert set(second.needs) == {first.job.signature}


def test_labels_of_the_same_clips_on_another_task_are_no_leak(tmp_path: Path):
    config = FinetuneConfig(data=("builtin-motions",), out=tmp_path, epochs=1, **SMALL)
    model = resolve(config).run.path
    planned = {str(model): vars(config)}
    probe = resolve(ProbeConfig(data=("builtin-objects",), out=tmp_path, init=str(model), **SMALL), planned)
    assert probe.facets["protocol"] == "linear probe after fine-tune, all labels on builtin-motions"


@pytest.mark.parametrize("field", ["init", "teachers"])
def test_a_folder_that_names_itself_is_no_trap(field: str, taught: Run, videos: Path, tmp_path: Path):
    """A run folder made by hand may start from itself or be its own teacher: it is refused in words, and nothing hangs."""
    folder = tmp_path / "out" / "runs" / "finetune" / taught.path.name
    shutil.copytree(taught.path, folder)
    own = {**read_yaml(folder / "config.yaml"), field: str(folder) if field == "init" else [str(folder)]}
    write_yaml(folder / "config.yaml", own)
    asked = ProbeConfig(data=(str(videos),), out=tmp_path / "out", init=str(folder), fold=1, **SMALL)
    with pytest.raises(MuybridgeError, match="damaged"):
        resolve(asked, {str(folder): own})
    with pytest.raises(MuybridgeError):
        resolve(asked)
