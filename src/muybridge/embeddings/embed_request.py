"""What was asked for of an embedding, all that can be refused before a video is read, and what is there of it already."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from muybridge.backbones import gains_by_bf16
from muybridge.config.embed_config import EmbedConfig
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.parse import Json
from muybridge.core.plain_data import canonical, read_json
from muybridge.core.text.redact import redact
from muybridge.data.index import Dataset
from muybridge.embeddings.embed_material import dataset_of
from muybridge.embeddings.feature_files import kind_of, ours_in, read_facts
from muybridge.embeddings.layer_rows import LayerRows
from muybridge.embeddings.loaded_model import LoadedModel
from muybridge.embeddings.read_embeddings import told
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.train.precision import Compute, choose

FORMAT = "muybridge-embeddings/1"
PARTS = ".parts"
REQUEST = "request.json"


@dataclass(frozen=True)
class Request:
    """What was asked for, resolved.

    Attributes:
        out: the file or folder.
        kind: of it.
        facts: what the file will say of itself, as far as it is known before a video is read; ``request`` is their hash.
    """

    config: EmbedConfig
    model: LoadedModel
    dataset: Dataset
    compute: Compute
    out: Path
    kind: str
    facts: dict[str, object]

    @property
    def parts(self) -> Path:
        """Where rows lie until the file is made."""
        return self.out.with_name(self.out.name + PARTS)


def request_of(config: EmbedConfig, model: LoadedModel, memory: ResolveCache) -> Request:
    """Look at all that can be refused before a video is read.

    Raises:
        UsageError: no name to write to, layers that are not there, data that cannot be read.
    """
    if not config.out:
        raise UsageError("--out: wanted FILE.parquet, FILE.npz, or the name of a folder (safetensors).")
    out = Path(config.out).expanduser().absolute()
    kind = kind_of(out)
    for name, least in (("limit", 1), ("batch", 1), ("workers", 0)):
        value = getattr(config, name)
        if value is not None and value < least:
            raise UsageError(f"--{name} {value}: wanted {least} or more.")
    precision = config.precision
    if precision == "auto" and "stage" not in model.origin.facts:
        precision = "fp32"  # as where a model that came whole is tested
    compute = choose(config.device, precision, gains_by_bf16(str(model.origin.facts.get("backbone", ""))))
    LayerRows(model, config.layers, config.pool, compute)
    dataset = dataset_of(config, model, memory)
    facts: dict[str, Any] = {
        "format": FORMAT,
        "model": {"name": model.origin.name, "weights": model.origin.key, "untrained": model.origin.untrained, **model.origin.facts},
        "data": {"name": dataset.name, "fingerprint": dataset.fingerprint, "classes": list(dataset.classes), "limit": config.limit},
        "protocol": {name: value for name, value in model.clip_protocol.facts().items() if name != "name"},
        "feed": {name: value for name, value in model.feed.facts().items() if name != "source"},
        "asked": list(config.layers), "pool": config.pool, "per": config.per, "dtype": config.dtype, "precision": compute.precision,
    }  # fmt: skip
    if model.origin.untrained:
        facts["model"]["seed"] = config.seed
    named = {
        **facts,
        "model": [model.origin.key, facts["model"].get("seed")],
        "data": [dataset.fingerprint, config.limit],
    }
    return Request(config, model, dataset, compute, out, kind, redact(facts) | {"request": hashed(named)})


def is_finished(request: Request) -> bool:
    """Whether the file is there already; what else is there is refused, or removed where that was asked for.

    Raises:
        UsageError: other embeddings, parts of others, or another file.
    """
    out, held = request.out, read_facts(request.out)
    if request.parts.exists() and not _is_ours(request.parts):
        raise UsageError(
            f"{request.parts}: is there, and rows are to be kept under that name until {out.name} is made. Move it."
        )
    if held and held.get("request") == request.facts["request"] and not request.config.overwrite:
        return True
    if not request.config.overwrite:
        if held:
            raise UsageError(
                f"--out {out}: holds embeddings of {told(held)}; asked for were those of {_told(request)}. Give another --out, or"
                " --overwrite to replace them."
            )
        ours = set(ours_in(out)) if out.is_dir() and request.parts.is_dir() else set()
        if out.is_file() or (out.is_dir() and set(out.iterdir()) - ours):
            raise UsageError(
                f"--out {out}: is there, and holds no finished embeddings. Give another --out, or --overwrite to replace what it holds."
            )
        begun = begun_in(request.parts)
        if begun and begun.get("request") != request.facts["request"]:
            raise UsageError(
                f"{request.parts}: holds unfinished embeddings of {told(begun)}; asked for were those of {_told(request)}. Run that command"
                " again, give another --out, or --overwrite to begin anew."
            )
        return False
    if out.is_dir() and (others := set(out.iterdir()) - set(ours_in(out))):
        raise UsageError(
            f"--out {out}: holds files that this program did not write, as {sorted(others)[0].name}; nothing was removed. Give another"
            " --out."
        )
    begun = begun_in(request.parts)
    if begun and begun.get("request") != request.facts["request"]:
        rmtree(request.parts)
    return False


def _is_ours(parts: Path) -> bool:
    """Whether a folder holds unfinished embeddings, or was only just made for some."""
    return parts.is_dir() and (
        begun_in(parts) is not None or {one.name for one in parts.iterdir()} <= {".lock"}
    )


def _told(request: Request) -> str:
    return told(request.facts | {"layers": [{"name": name} for name in request.config.layers]})


def begun_in(parts: Path) -> dict[str, Json] | None:
    """What unfinished embeddings are of; None where there are none."""
    try:
        found = read_json(parts / REQUEST)
    except (OSError, MuybridgeError):
        return None
    return found if isinstance(found, dict) else None


def hashed(content: object) -> str:
    """First 16 digits of the hash of plain data."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]
