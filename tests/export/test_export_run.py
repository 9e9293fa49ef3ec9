"""``muybridge export``: files of weights and graphs are what the run is, and what cannot be exported says so."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from exported_runs import Counting, Deciding, Pooled, Untranslated, pretrained, probed
from safetensors import safe_open
from safetensors.torch import load_file

import muybridge
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import atomic
from muybridge.export import onnx_graph, write_export
from muybridge.export.difference import compare
from muybridge.export.export_source import Exportable, read_source
from muybridge.export.onnx_graph import OnnxNetwork, onnx_bytes
from muybridge.export.traced_graph import FACTS, trace
from muybridge.runs.records import Run

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture
def probe(videos: Path, out: Path) -> Run:
    return probed(videos, out)


def copied(run: Run, to: Path) -> Run:
    """The run with its folder of results, to be spoilt."""
    shutil.copytree(run.path.parents[2], to / "out")
    return Run(to / "out" / "runs" / run.stage / run.signature)


def test_weights_are_those_of_the_run(probe: Run, tmp_path: Path):
    made = muybridge.export(probe, "safetensors", tmp_path / "a.safetensors")
    wanted, found = load_file(probe.path / "weights.safetensors"), load_file(made.path)
    assert wanted.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in wanted.items())
    with safe_open(made.path, "pt") as file:
        facts = json.loads(file.metadata()["muybridge"])
    assert facts["classes"] == ["left", "right"]
    assert facts["clip"] == {"frames": 4, "stride": 1, "short_side": 36, "crop": 32, "sampling": "dense"}
    assert (facts["output"], facts["input"]["normalisation"]) == ("logits", "inside")
    assert made.difference == 0
    assert made.clips.startswith("4 clips of ")


def test_a_file_of_weights_is_an_init(probe: Run, videos: Path, tmp_path: Path):
    made = muybridge.export(probe, "safetensors", tmp_path / "again.safetensors")
    run = muybridge.probe(
        data=str(videos),
        fold=0,
        init=made.path,
        backbone="c3d-tiny",
        out=tmp_path / "out",
        frames=4,
        stride=1,
        batch=8,
    )
    ours = load_file(run.path / "weights.safetensors")
    assert all(
        torch.equal(value, ours[name])
        for name, value in load_file(made.path).items()
        if name.startswith("backbone.")
    )


def test_a_graph_of_torch_export_says_the_same_of_any_number_of_clips(probe: Run, tmp_path: Path):
    made = muybridge.export(probe, "torch-export", tmp_path / "a.pt2")
    extra = {FACTS: ""}
    graph = torch.export.load(made.path, extra_files=extra).module()
    network = read_source(str(probe.path)).network
    for number in (1, 3):
        frames = torch.rand(number, 3, 4, 32, 32, generator=torch.Generator().manual_seed(number))
        torch.testing.assert_close(graph(frames), network(frames), rtol=0, atol=1e-4)
    assert json.loads(extra[FACTS])["classes"] == ["left", "right"]


def test_onnx_says_the_same_and_names_its_sides(probe: Run, tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    made = muybridge.export(probe, "onnx", tmp_path / "a.onnx")
    again = OnnxNetwork(made.path.read_bytes())
    network = read_source(str(probe.path)).network
    for number in (1, 3):
        frames = torch.rand(number, 3, 4, 32, 32, generator=torch.Generator().manual_seed(number))
        torch.testing.assert_close(again(frames), network(frames), rtol=0, atol=1e-4)
    model = onnx.load(made.path)
    sides = [one.dim_param or one.dim_value for one in model.graph.input[0].type.tensor_type.shape.dim]
    assert (model.graph.input[0].name, sides) == ("frames", ["batch", 3, 4, 32, 32])
    assert [one.name for one in model.graph.output] == ["logits"]
    assert json.loads(model.metadata_props[0].value)["classes"] == ["left", "right"]


def test_a_pretraining_and_backbone_only_give_features(videos: Path, out: Path, probe: Run, tmp_path: Path):
    one = muybridge.export(pretrained(videos, out), "safetensors", tmp_path / "a.safetensors")
    other = muybridge.export(probe, "safetensors", tmp_path / "b.safetensors", backbone_only=True)
    begun = pretrained(videos, out).path
    half = muybridge.export(begun / "weights-50.safetensors", "safetensors", tmp_path / "half.safetensors")
    wanted = load_file(begun / "weights-50.safetensors")
    assert all(torch.equal(wanted[name], value) for name, value in load_file(half.path).items())
    assert not all(
        torch.equal(value, load_file(one.path)[name]) for name, value in load_file(half.path).items()
    )
    for made in (one, other, half):
        assert "128 features" in made.title
        assert all(name.startswith("backbone.") for name in load_file(made.path))


def test_without_the_videos_random_clips_are_said(probe: Run, videos: Path, tmp_path: Path):
    lost = tmp_path / "videos"
    shutil.copytree(videos, lost)
    run = muybridge.probe(
        data=str(lost), fold=0, backbone="c3d-tiny", out=tmp_path / "out", frames=4, stride=1, batch=8
    )
    shutil.rmtree(lost)
    made = muybridge.export(run, "safetensors", tmp_path / "a.safetensors", clips=2)
    assert made.clips.startswith("2 clips of random pixels, as the videos of the run cannot be read")


def test_the_command_prints_the_difference(
    probe: Run, tmp_path: Path, run: Call, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    code, said, _ = run("export", probe.path, "--format", "safetensors")
    assert code == 0
    assert "logits of 2 classes of clips of 4x32x32" in said
    assert "largest difference from the network: 0.0e+00, on 4 clips of" in said
    assert said.rstrip().endswith(f"random-c3d-tiny-{probe.signature[:6]}.safetensors")
    again = run("export", probe.path, "--format", "safetensors")
    assert again[0] == 2
    assert "is there. Give another name, or --overwrite" in again[2]
    assert run("export", probe.path, "--format", "safetensors", "--overwrite")[0] == 0


def test_help_tells_the_two_exports_apart(run: Call):
    assert "muybridge runs export" in " ".join(run("export", "--help")[1].split())
    assert "`muybridge export`" in " ".join(run("runs", "export", "--help")[1].split())
    assert run("--help")[1].count("export") >= 2


def test_a_larger_difference_is_refused_unless_asked(
    probe: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def spoilt(source, frames):
        return b"bytes", lambda clips: source.network(clips) + 1e-3

    monkeypatch.setattr(write_export, "WRITERS", {"safetensors": spoilt})
    with pytest.raises(MuybridgeError, match=r"differs from the network by up to 1\.0e-03 .* --tolerance"):
        muybridge.export(probe, "safetensors", tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())
    assert muybridge.export(
        probe, "safetensors", tmp_path / "a.safetensors", tolerance=1e-2
    ).difference == pytest.approx(1e-3, rel=0.01)


def test_no_number_is_never_close_enough():
    network = Exportable(Pooled(), None)
    with pytest.raises(MuybridgeError, match="by up to inf"):
        compare(network, lambda clips: network(clips) * torch.nan, torch.rand(2, 3, 4, 8, 8), 1.0, "features")


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Deciding(), r"in backbone\.gate \(ByValue, exported_runs\.py:\d+\)"),
        (Counting(), r"makes a constant of the number of clips at exported_runs\.py:\d+, forward"),
    ],
    ids=["value", "count"],
)
def test_what_cannot_be_traced_says_where(network: Pooled, words: str):
    with pytest.raises(
        UsageError, match=f"own cannot be exported as a graph: .*{words}.*--format safetensors"
    ):
        trace(Exportable(network, None).eval(), torch.rand(1, 3, 4, 8, 8), "own")


def test_what_onnx_lacks_says_which_operation():
    pytest.importorskip("onnxscript")
    program = trace(Exportable(Untranslated(), None).eval(), torch.rand(1, 3, 4, 8, 8), "own")
    with pytest.raises(
        UsageError,
        match=r"own cannot be exported as ONNX: ONNX has nothing for the operation \w+\.\w*bessel_j0",
    ):
        onnx_bytes(program, "features", {}, "own")


def test_without_onnx_one_line_says_what_to_install(
    probe: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(onnx_graph, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(
        UsageError, match=r"^--format onnx needs onnxscript: pip install 'muybridge\[onnx\]'\.$"
    ):
        muybridge.export(probe, "onnx", tmp_path / "a.onnx")


def test_a_run_without_weights_names_what_to_export(videos: Path, out: Path, probe: Run, tmp_path: Path):
    begun = pretrained(videos, out)
    knn = muybridge.knn(data=str(videos), fold=0, init=begun.path, out=out, frames=4, stride=1, batch=8)
    with pytest.raises(
        UsageError, match=rf"a run of knn holds no weights: .*Export {begun.path} instead; --format fiftyone"
    ):
        muybridge.export(knn, "safetensors", tmp_path / "a.safetensors")
    tested = muybridge.robustness(probe.path, types=["jumbling"], severities=[1], out=out)
    with pytest.raises(
        UsageError, match=rf"a run of robustness holds no weights: .*Export {probe.path} instead"
    ):
        muybridge.export(tested, "onnx")


def test_a_damaged_run_is_not_exported(probe: Run, tmp_path: Path):
    run = copied(probe, tmp_path)
    path = run.path / "weights.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(MuybridgeError, match=r"damaged \(weights\.safetensors .*nothing was exported"):
        muybridge.export(run, "safetensors", tmp_path / "a.safetensors")
    assert run.done, "looking at a run changes nothing"


def test_an_old_run_is_exported(probe: Run, tmp_path: Path):
    """One of record version 1: no checksums, no facets, no names of classes, none of the later fields of its config."""
    run = copied(probe, tmp_path)
    told = json.loads((run.path / "result.json").read_text())
    config = {
        name: value
        for name, value in told["config"].items()
        if name not in ("stream", "crops", "weights_key", "trust_code", "prereg")
    }
    old = {
        "stage": told["stage"],
        "signature": told["signature"],
        "config": config,
        "data": {"name": "videos"},
    }
    (run.path / "result.json").write_text(json.dumps(old))
    made = muybridge.export(run, "safetensors", tmp_path / "a.safetensors")
    with safe_open(made.path, "pt") as file:
        assert json.loads(file.metadata()["muybridge"])["classes"] == ["class 0", "class 1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--format", "onnx"], "wanted a run, OUT/runs/STAGE/SIGNATURE"),
        (["out/runs/probe/0123456789abcdef", "--format", "onnx"], "is not there"),
        (["{run}", "--format", "onx"], "wanted one of safetensors, torch-export, onnx, hf, fiftyone"),
        (["{run}", "--format", "onnx", "--out", "a.pt2"], "wanted a name that ends in .onnx"),
        (["{run}", "--format", "safetensors", "--clips", "0"], "--clips 0: wanted 1 or more"),
        (["{run}", "--format", "safetensors", "--tolerance", "nan"], "--tolerance nan: wanted 0 or more"),
        (["{run}", "--format", "hf", "--licence", "a b"], "--licence 'a b': wanted an identifier"),
    ],
)
def test_bad_words_are_refused(
    words: list[str], said: str, probe: Run, run: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    code, _, error = run("export", *(word.format(run=probe.path) for word in words))
    assert code == 2
    assert said in error
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(probe: Run, tmp_path: Path, run: Call, monkeypatch: pytest.MonkeyPatch):
    class Full:
        def __enter__(self):
            raise OSError(errno.ENOSPC, "No space left on device", "a.safetensors")

        def __exit__(self, *_):
            return False

    monkeypatch.setattr(write_export, "atomic", lambda *words: Full())
    code, _, said = run("export", probe.path, "--format", "safetensors", "--out", tmp_path / "a.safetensors")
    assert (code, "the disk is full" in said) == (1, True)
    assert not list(tmp_path.iterdir())
    assert atomic is not write_export.atomic


@pytest.mark.slow
@pytest.mark.parametrize(
    "backbone",
    ["r2plus1d-tiny", "r3d-tiny", "shufflenet-tiny", "mobilenet-tiny", "i3d-tiny", "vit-tiny", "hf"],
)
def test_graphs_of_six_backbones_and_a_videomae(backbone: str, videos: Path, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    if backbone == "hf":
        transformers = pytest.importorskip("transformers")
        config = transformers.VideoMAEConfig(
            image_size=32,
            patch_size=8,
            num_frames=4,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
        )
        transformers.VideoMAEModel(config).save_pretrained(tmp_path / "videomae")
        backbone = f"hf:{tmp_path / 'videomae'}"
    run = probed(videos, tmp_path / "out", backbone)
    for form, end in (("torch-export", "pt2"), ("onnx", "onnx")):
        made = muybridge.export(run, form, tmp_path / f"a.{end}")
        assert made.difference is not None
        assert made.difference <= 1e-4
        assert "of videos" in made.clips
