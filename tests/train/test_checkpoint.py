import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from small import learner
from torch import nn

from muybridge.core.errors import MuybridgeError
from muybridge.store.checked import SIZE, opened, sealed
from muybridge.train.checkpoint import State, load_state, load_weights, part, save_state, save_weights
from muybridge.train.optim import optimiser
from muybridge.train.precision import choose


def test_weights_and_buffers_round_trip(tmp_path: Path):
    module = choose("cpu", "fp32").place(learner())
    save_weights(tmp_path / "w.safetensors", module)
    tensors = load_weights(tmp_path / "w.safetensors")
    expected = module.state_dict()
    assert tensors.keys() == expected.keys()
    for name, value in tensors.items():
        assert torch.equal(value, expected[name]), name
        assert value.is_contiguous()


def test_a_part_of_the_weights_is_loaded_by_prefix(tmp_path: Path):
    module, other = learner(), learner()
    for p in other.parameters():
        p.data.zero_()
    save_weights(tmp_path / "w.safetensors", module)
    other.backbone.load_state_dict(part(load_weights(tmp_path / "w.safetensors"), "backbone"))
    for name, value in other.backbone.state_dict().items():
        assert torch.equal(value, module.backbone.state_dict()[name])


def test_a_prefix_is_a_whole_word():
    tensors = {"net.a": torch.tensor(1), "network.a": torch.tensor(2), "net.net.b": torch.tensor(3)}
    assert part(tensors, "net") == {"a": tensors["net.a"], "net.b": tensors["net.net.b"]}


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all"])
def test_missing_and_damaged_weights_say_the_way_out(content: bytes | None, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        MuybridgeError, match=r"w\.safetensors: no weights .* Delete the run folder and run again"
    ):
        load_weights(path)


def saved(path: Path) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A learner after one step of AdamW, and its state on disk."""
    module = learner()
    optim = optimiser(module, "adamw", 0.1, 0.1)
    for p in module.parameters():
        p.grad = torch.ones_like(p)
    optim.step()
    save_state(path, State(1, 2.5, 0.5, 1000, [{"loss": 0.25}]), module, optim)
    return module, optim


def fresh() -> tuple[nn.Module, torch.optim.Optimizer]:
    module = learner()
    return module, optimiser(module, "adamw", 0.1, 0.1)


def test_the_state_round_trips(tmp_path: Path):
    path = tmp_path / "state" / "last.pt"
    module, optim = saved(path)
    other, adam = fresh()
    assert load_state(path, other, adam) == State(1, 2.5, 0.5, 1000, [{"loss": 0.25}])
    for one, two in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
        for name in ("exp_avg", "exp_avg_sq", "step"):
            assert torch.equal(optim.state[one][name], adam.state[two][name])


def test_nothing_saved_is_a_fresh_state(tmp_path: Path):
    assert load_state(tmp_path / "none.pt", *fresh()) == State()


def test_only_the_whole_state_appears_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "last.pt"
    saved(path)
    before = path.read_bytes()

    def torn(content, file) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="disk full"):
        save_state(path, State(2), *fresh())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


WAY_OUT = r"last\.pt: cannot go on from this state \(.+\)\. Delete the file"


def twice(folder: Path) -> tuple[Path, nn.Module]:
    """A run folder with a last state of step 2 and one of step 1 before it, and the network of both."""
    path = folder / "state" / "last.pt"
    module, optim = saved(path)
    save_state(path, State(2), module, optim)
    return path, module


def flipped(content: bytes, place: float) -> bytes:
    changed = bytearray(content)
    changed[int(place * (len(content) - 1))] ^= 0x10
    return bytes(changed)


DAMAGES = {
    **{f"bit at {place:.0%}": lambda content, place=place: flipped(content, place) for place in np.linspace(0, 1, 21)},
    **{f"cut to {keep:.0%}": lambda content, keep=keep: content[: int(keep * len(content))] for keep in (0, 0.01, 0.5, 0.98)},
    "longer": lambda content: content + b"\0",
    "no checksum": lambda content: content[:-SIZE],
    "of another run": lambda content: sealed(bytes(opened(content, "mine")), "other"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_state_is_said_and_the_one_before_taken(damage, tmp_path: Path):
    path, module = twice(tmp_path / "mine")
    path.write_bytes(damage(path.read_bytes()))
    told: list[str] = []
    other, adam = fresh()
    assert load_state(path, other, adam, told.append).step == 1
    assert len(told) == 1
    assert told[0].startswith(f"{path}: not gone on from (")
    for one, two in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_without_a_sound_state_a_run_begins_anew(tmp_path: Path):
    path, _ = twice(tmp_path / "mine")
    for file in (path, path.with_name("previous.pt")):
        file.write_bytes(flipped(file.read_bytes(), 0.5))
    told: list[str] = []
    other, adam = fresh()
    before = {name: value.clone() for name, value in other.state_dict().items()}
    assert load_state(path, other, adam, told.append) == State()
    assert len(told) == 2
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


def test_whoever_does_not_say_where_is_told_by_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path, _ = twice(tmp_path / "mine")
    files = (path, path.with_name("previous.pt"))
    for file in files:
        file.write_bytes(flipped(file.read_bytes(), 0.5))
    assert load_state(path, *fresh()) == State()
    assert [one.levelname for one in caplog.records] == ["WARNING"] * 2
    assert [one.message.partition(": not gone on from (")[0] for one in caplog.records] == [
        str(f) for f in files
    ]


def test_a_kill_between_two_states_leaves_the_one_before(tmp_path: Path):
    path, _ = twice(tmp_path / "mine")
    path.unlink()
    assert load_state(path, *fresh()).step == 1


def test_the_state_of_another_network_says_what_to_delete(tmp_path: Path):
    path = tmp_path / "last.pt"
    saved(path)
    other = learner("vcop")
    with pytest.raises(MuybridgeError, match=WAY_OUT):
        load_state(path, other, optimiser(other, "adamw", 0.1, 0.1))


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("write", [lambda bomb, path: path.write_bytes(pickle.dumps(bomb)), torch.save])
def test_a_state_file_cannot_run_code(write, tmp_path: Path):
    """Neither as it is nor with a checksum that fits."""
    path, target = tmp_path / "run" / "state" / "last.pt", tmp_path / "exploded"
    path.parent.mkdir(parents=True)
    write({"learner": Bomb(target)} if write is torch.save else Bomb(target), path)
    plain = path.read_bytes()
    assert load_state(path, *fresh()) == State()
    path.write_bytes(sealed(plain, "run"))
    with pytest.raises(MuybridgeError, match=WAY_OUT):
        load_state(path, *fresh())
    assert not target.exists()
    path.write_bytes(plain)
    torch.load(path, weights_only=False) if write is torch.save else pickle.loads(path.read_bytes())
    assert target.exists(), "the bomb works where it is not guarded against"
