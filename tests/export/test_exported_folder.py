"""Folders in the layout of Hugging Face: they load back through --init and --model, and nothing in them is believed unseen."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from exported_runs import pretrained, probed
from safetensors.torch import load_file, save_file

import muybridge
from muybridge.backbones.exported import exported_backbone, exported_classifier
from muybridge.backbones.outside.exported_folder import is_exported
from muybridge.backbones.outside.zoo import backbone as outside
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.export import model_files
from muybridge.export.export_source import read_source
from muybridge.export.model_card import plain
from muybridge.runs.records import Run

Call = Callable[..., tuple[int, str, str]]
CLIP = {"frames": 4, "stride": 1, "batch": 8}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture
def probe(videos: Path, out: Path) -> Run:
    return probed(videos, out)


@pytest.fixture(scope="module")
def exported(videos: Path, out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = probed(videos, out)
    muybridge.robustness(run.path, types=["jumbling"], severities=[1], out=out)
    return muybridge.export(run, "hf", tmp_path_factory.mktemp("hf") / "net", licence="cc-by-4.0").path


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "net"))


def changed(folder: Path, **facts: Any) -> Path:
    content = json.loads((folder / "config.json").read_text())
    content["muybridge"] |= facts
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def test_the_folder_holds_data_alone(exported: Path):
    names = {one.name for one in exported.iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "head.safetensors",
        "preprocessor_config.json",
        "README.md",
    }
    assert json.loads((exported / "preprocessor_config.json").read_text())["do_normalize"] is False


def test_it_says_what_the_run_says(exported: Path, probe: Run):
    network = read_source(str(probe.path)).network
    frames = torch.rand(3, 3, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(exported_classifier(exported).eval()(frames), network(frames))


def test_init_starts_from_its_backbone(exported: Path, videos: Path, tmp_path: Path):
    run = muybridge.probe(data=str(videos), fold=0, init=exported, out=tmp_path, **CLIP)
    assert run.result["config"]["backbone"] == "c3d-tiny"
    assert run.result["facets"]["arm"] == "net"
    ours = load_file(run.path / "weights.safetensors")
    theirs = load_file(exported / "model.safetensors")
    assert all(torch.equal(value, ours[f"backbone.{name}"]) for name, value in theirs.items())
    with pytest.raises(UsageError, match="--backbone r3d-tiny: the folder of --init has c3d-tiny"):
        muybridge.probe(data=str(videos), fold=0, init=exported, backbone="r3d-tiny", out=tmp_path, **CLIP)


def test_model_tests_it_as_it_was_trained(exported: Path, probe: Run, videos: Path, tmp_path: Path):
    run = muybridge.robustness(exported, str(videos), types=["jumbling"], severities=[1], out=tmp_path)
    told = run.result
    protocol = told["protocol"]
    assert (protocol["frames"], protocol["stride"], protocol["short_side"], protocol["crop"]) == (
        4,
        1,
        36,
        32,
    )
    assert told["data"]["classes"] == ["left", "right"]
    same = muybridge.robustness(
        f"hf:{exported}", str(videos), types=["jumbling"], severities=[1], out=tmp_path
    )
    assert same.path == run.path


def test_the_card_says_what_is_known_and_what_is_not(exported: Path, probe: Run):
    text = (exported / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "license": "cc-by-4.0", "library_name": "muybridge", "pipeline_tag": "video-classification", "tags": ["video", "muybridge"],
    }  # fmt: skip
    assert "| accuracy |" in body
    assert "| accuracy, mean over 1 types of perturbation |" in body
    assert "value (95 % interval)" in body
    assert "trained with one seed" in body
    assert f"run: probe/{probe.signature}" in body
    assert "classes, in this order: left, right" in body


def test_the_card_of_a_pretraining_knows_no_accuracy_of_classes(videos: Path, out: Path, tmp_path: Path):
    made = muybridge.export(pretrained(videos, out), "hf", tmp_path / "net")
    text = (made.path / "README.md").read_text()
    assert made.notes == ("license: unknown; say the one that you give it with --licence",)
    assert text.startswith("---\nlicense: unknown\n")
    assert "pipeline_tag: feature-extraction" in text
    assert "pretext task: rotnet" in text
    assert "budget: 16 clips, 2 steps" in text
    assert not (made.path / "head.safetensors").exists()
    with pytest.raises(UsageError, match=r"holds a backbone without a classifier. `muybridge probe --init"):
        exported_classifier(made.path)


def test_words_of_a_run_stay_words_in_the_card():
    assert (
        plain("<script>x</script>\n# a | [b](c) `d`")
        == r"&lt;script&gt;x&lt;/script&gt; \# a \| \[b\](c) \`d\`"
    )


SIZES: dict[str, dict[str, Any]] = {
    "videomae": {"image_size": 32, "patch_size": 8, "num_frames": 4},
    "timesformer": {"image_size": 32, "patch_size": 8, "num_frames": 4},
    "vivit": {"image_size": 32, "tubelet_size": [2, 8, 8], "num_frames": 4},
    "vjepa2": {"crop_size": 32, "patch_size": 8, "frames_per_clip": 4, "pred_hidden_size": 32, "pred_num_attention_heads": 2,
               "pred_num_hidden_layers": 1},
}  # fmt: skip
TOKEN = ("timesformer", "vivit")
"""Types whose feature is their first token; of the others it is the mean."""


@pytest.mark.parametrize(
    "kind",
    ["videomae", *(pytest.param(one, marks=pytest.mark.slow) for one in ("timesformer", "vivit", "vjepa2"))],
)
def test_a_network_of_transformers_is_read_by_transformers(kind: str, videos: Path, tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    sizes = {**SIZES[kind], "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.AutoConfig.for_model(kind, intermediate_size=64, **sizes)
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "begun")
    run = muybridge.probe(
        data=str(videos), fold=0, backbone=f"hf:{tmp_path / 'begun'}", out=tmp_path / "out", **CLIP
    )
    folder = muybridge.export(run, "hf", tmp_path / "net").path
    shutil.rmtree(tmp_path / "begun")
    network = read_weights(run, folder)
    frames = torch.rand(2, 3, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(exported_classifier(folder).eval()(frames), network(frames))
        theirs = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
        told = json.loads((folder / "preprocessor_config.json").read_text())
        mean, std = (torch.tensor(told[f"image_{name}"]).view(1, 3, 1, 1, 1) for name in ("mean", "std"))
        tokens = theirs(((frames - mean) / std).transpose(1, 2)).last_hidden_state
        pooled = tokens[:, 0] if kind in TOKEN else tokens.mean(1)
        torch.testing.assert_close(outside(f"hf:{folder}").eval()(frames).pooled, pooled)
    assert str(tmp_path) not in (folder / "config.json").read_text() + (folder / "README.md").read_text()
    again = muybridge.probe(data=str(videos), fold=0, init=folder, out=tmp_path / "out", **CLIP)
    assert again.result["config"]["backbone"] == f"hf:{folder}"


def read_weights(run: Run, folder: Path) -> torch.nn.Module:
    """The classifier of a run whose own folder of transformers is gone: its weights in the network of another folder."""
    from muybridge.core.networks.features import Classifier

    body = outside(f"hf:{folder}")
    whole = Classifier(body, body.dim, 2)
    whole.load_state_dict(load_file(run.path / "weights.safetensors"))
    return whole.eval()


def test_a_network_of_the_users_code_is_no_folder(videos: Path, tmp_path: Path):
    run = muybridge.probe(
        data=str(videos), fold=0, backbone="exported_runs:Pooled", out=tmp_path / "out", **CLIP
    )
    with pytest.raises(UsageError, match="--trust-code exported_runs:Pooled"):
        muybridge.export(run, "hf", tmp_path / "net")
    with pytest.raises(
        UsageError, match=r"such a folder holds no code. --format torch-export, onnx and safetensors take it"
    ):
        muybridge.export(run, "hf", tmp_path / "net", trust_code=["exported_runs:Pooled"])
    made = muybridge.export(
        run, "safetensors", tmp_path / "a.safetensors", trust_code=["exported_runs:Pooled"]
    )
    assert made.difference == 0


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"backbone": "os:abort"}, "which is no network of `muybridge list backbones`"),
        ({"backbone": "hf:/etc"}, "which is no network of"),
        ({"backbone": 3}, "damaged: its muybridge.backbone is none"),
        ({"backbone": "r3d-tiny"}, "not the weights of"),
        ({"dim": 7}, "says that its features have length 7"),
        ({"dim": True}, "damaged: its muybridge.dim is none"),
        ({"classes": ["a", 1]}, "damaged: its muybridge.classes is none"),
        ({"classes": ["a", "b", "c"]}, "not the weights of"),
        (
            {"clip": {"frames": 10**9, "stride": 1, "short_side": 36, "crop": 32}},
            "damaged: its muybridge.clip is none",
        ),
        ({"format": 99}, "of a newer Muybridge"),
        ({"format": "1"}, "damaged: its muybridge.format is none"),
    ],
)
def test_what_a_folder_says_is_checked(facts: dict[str, Any], said: str, folder: Path):
    with pytest.raises(MuybridgeError, match=said):
        exported_classifier(changed(folder, **facts))


def test_links_and_missing_and_damaged_files_are_refused(folder: Path, tmp_path: Path):
    weights = folder / "model.safetensors"
    raw = weights.read_bytes()
    weights.rename(tmp_path / "elsewhere")
    with pytest.raises(MuybridgeError, match="is missing"):
        exported_backbone(folder)
    weights.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MuybridgeError, match="is a link"):
        exported_backbone(folder)
    weights.unlink()
    weights.write_bytes(raw[:-20])
    with pytest.raises(MuybridgeError, match="damaged"):
        exported_backbone(folder)
    save_file({"weight": torch.zeros(2, 2)}, folder / "head.safetensors")
    weights.write_bytes(raw)
    with pytest.raises(UsageError, match="not the weights of Head"):
        exported_classifier(folder)


def test_other_folders_are_none_of_ours(tmp_path: Path, videos: Path):
    assert not is_exported(tmp_path)
    assert not is_exported("random")
    (tmp_path / "config.json").write_text("[" * 10**5)
    assert not is_exported(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "videomae"}')
    assert not is_exported(tmp_path)


def test_hf_of_a_network_of_ours_says_how_it_is_given(exported: Path, videos: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=f"--init {exported} starts from it"):
        muybridge.probe(data=str(videos), fold=0, backbone=f"hf:{exported}", out=tmp_path, **CLIP)


def test_a_folder_that_is_there_is_kept(folder: Path, probe: Run, tmp_path: Path):
    with pytest.raises(UsageError, match=r"is there. Give another name, or --overwrite"):
        muybridge.export(probe, "hf", folder)
    assert muybridge.export(probe, "hf", folder, overwrite=True).path == folder
    assert "license: unknown" in (folder / "README.md").read_text()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="which --overwrite does not delete"):
        muybridge.export(probe, "hf", folder, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="which --overwrite does not delete"):
        muybridge.export(probe, "hf", tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mine", "net"]


def test_a_full_disk_leaves_the_old_folder(
    folder: Path, probe: Run, run: Call, monkeypatch: pytest.MonkeyPatch
):
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    written = model_files._write

    def full(path: Path, content: bytes) -> None:
        if path.name == "head.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written(path, content)

    monkeypatch.setattr(model_files, "_write", full)
    code, _, said = run("export", probe.path, "--format", "hf", "--out", folder, "--overwrite")
    assert (code, "the disk is full" in said) == (1, True)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert [one.name for one in folder.parent.iterdir()] == ["net"]
