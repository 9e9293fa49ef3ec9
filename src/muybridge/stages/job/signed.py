"""What is signed of a run: its config, the content of its data and of what it starts from, instead of where they lie."""

import hashlib
from pathlib import Path

from muybridge.backbones.outside.preprocessor import preprocessor_file
from muybridge.config.names import is_weights
from muybridge.config.stage_configs import Control, as_dict
from muybridge.data.index import Dataset
from muybridge.runs.contents import snapshots
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing import models


def signed_input(name: str, value: str) -> str:
    """What the signature of a run says of an input called ``name`` that its config gives as ``value``: a snapshot is ``NAME@SHARE``."""
    share = snapshots.split(value)[1]
    return f"{name}@{share}" if share else name


def signed_config(config: Control, dataset: Dataset, memory: ResolveCache) -> dict[str, object]:
    """What is signed of a config: its values and the content of its data, and of ``hf:FOLDER`` what it holds instead of where it lies.

    Raises:
        UsageError: a file of the folder cannot be read.
    """
    signed = as_dict(config) | {"data_fingerprint": dataset.fingerprint}
    folder = models.own_folder(signed.get("backbone", ""))
    if folder is None:
        return signed
    return signed | {"backbone": held(folder, memory, "--backbone")}


def held(folder: Path, memory: ResolveCache, option: str) -> str:
    """Name of a folder of transformers by what it holds."""
    prepared = preprocessor_file(folder)
    files = sorted(
        [*folder.glob("config.json"), *folder.glob("*.safetensors"), *([prepared] if prepared else [])]
    )
    told = "".join(f"{file.name} {memory.digest(file, option)}\n" for file in files)
    return f"hf:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def public(config: Control, memory: ResolveCache) -> dict[str, str]:
    """Hash of a file of public weights that a config starts from.

    Raises:
        UsageError: no such file.
    """
    init = vars(config).get("init", "random")
    return {"init": memory.digest(Path(init), "--init")} if is_weights(init) else {}
