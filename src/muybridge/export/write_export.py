"""``muybridge export``: write a network, read it back, compare it with the one of the run, and only then give it its name."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.files import atomic
from muybridge.core.plain_names import short_name
from muybridge.export.check_clips import check_clips
from muybridge.export.difference import Answer, compare
from muybridge.export.export_source import Exportable, Source, read_source
from muybridge.export.fiftyone_files import write_fiftyone
from muybridge.export.model_files import write_model_folder
from muybridge.export.new_folder import refuse_existing
from muybridge.export.onnx_graph import OnnxNetwork, onnx_bytes, require_onnx
from muybridge.export.traced_graph import load_graph, save_graph, trace
from muybridge.stages.training.material import build_backbone

Format = Literal["safetensors", "torch-export", "onnx", "hf", "fiftyone"]
ENDS: Mapping[str, str] = {
    "safetensors": ".safetensors",
    "torch-export": ".pt2",
    "onnx": ".onnx",
    "hf": "",
    "fiftyone": "",
}
TOLERANCE = 1e-4
"""Largest difference of a number of the output that is let through."""
CLIPS = 4


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        path: the file or folder.
        format: in which form.
        title: what goes in and what comes out.
        difference: largest difference between an output of what was read back and of the run's network; None where no network was written.
        clips: on which clips.
        notes: what its user must know.
    """

    path: Path
    format: Format
    title: str
    difference: float | None = None
    clips: str = ""
    notes: tuple[str, ...] = ()


def export_run(
    run: str,
    form: Format,
    out: Path | None = None,
    *,
    backbone_only: bool = False,
    licence: str = "unknown",
    clips: int = CLIPS,
    tolerance: float = TOLERANCE,
    overwrite: bool = False,
    trust_code: Collection[str] = (),
) -> Export:
    """Write a run in another form.

    Args:
        run: folder of a run; of FiftyOne also a folder of results.
        form: which form.
        out: file or folder; named by the run, in the working folder, when not given.
        backbone_only: leave out the linear layer.
        licence: of the weights, for the model card; an identifier as those of SPDX.
        clips: on which what was written is compared.
        tolerance: largest difference that is let through.
        overwrite: replace what ``out`` holds.
        trust_code: ``module:function`` words that may be called though the run names them.

    Raises:
        UsageError: a run without weights, a network that cannot be exported, a name that is taken, a package that is missing.
        MuybridgeError: a damaged run; what was written differs from the network by more than ``tolerance``.
    """
    _check(form, clips, tolerance)
    if form == "fiftyone":
        path, title, notes = write_fiftyone(run, out or Path("fiftyone"), overwrite, trust_code)
        return Export(path, form, title, notes=notes)
    if form == "onnx":
        require_onnx()
    source = read_source(run, backbone_only, trust_code)
    out = out or Path(default_name(source) + ENDS[form])
    if ENDS[form] and out.suffix != ENDS[form]:
        raise UsageError(f"--out {out}: wanted a name that ends in {ENDS[form]}.")
    refuse_existing(out, overwrite, folder=not ENDS[form])
    frames, words = check_clips(source, clips)
    if form == "hf":
        difference, notes = write_model_folder(source, frames, out, licence, tolerance, overwrite)
        return Export(out.absolute(), form, source.title, difference, words, notes)
    content, again = WRITERS[form](source, frames)
    difference = compare(source.network, again, frames, tolerance, source.output)
    with atomic(out, "wb") as file:
        file.write(content)
    return Export(out.absolute(), form, source.title, difference, words)


def default_name(source: Source) -> str:
    """What a run is called as a file: what it learnt, its network and the first letters of its signature."""
    facets = source.run.result.get("facets") or {}
    return short_name(
        f"{facets.get('arm') or source.run.stage} {source.facts['backbone']} {source.run.signature[:6]}", 60
    )


def _check(form: str, clips: int, tolerance: float) -> None:
    known = get_args(Format)
    if form not in known:
        raise UsageError(f"--format {form}: unknown.{suggestion(form, known)} Known: {', '.join(known)}.")
    if clips < 1:
        raise UsageError(f"--clips {clips}: wanted 1 or more.")
    if not tolerance >= 0:
        raise UsageError(f"--tolerance {tolerance}: wanted 0 or more.")


def _safetensors(source: Source, frames: Tensor) -> tuple[bytes, Answer]:
    """Weights under the names ``backbone.*`` and ``head.*``, read into a network that is built anew."""
    tensors = {name: value.contiguous() for name, value in source.network.state_dict().items()}
    content = save_tensors(tensors, {"format": "pt", "muybridge": json.dumps(source.facts)})
    config = source.config
    body = build_backbone(str(config["backbone"]), int(config["seed"]) + 1)
    head = (
        None
        if source.network.head is None
        else type(source.network.head)(body.dim, source.network.head.out_features)
    )
    again = Exportable(body, head).eval()
    again.load_state_dict(load_tensors(content))
    return content, again


def _torch_export(source: Source, frames: Tensor) -> tuple[bytes, Answer]:
    content = save_graph(trace(source.network, frames, source.facts["backbone"]), source.facts)
    return content, load_graph(content)


def _onnx(source: Source, frames: Tensor) -> tuple[bytes, Answer]:
    name = source.facts["backbone"]
    content = onnx_bytes(trace(source.network, frames, name), source.output, source.facts, name)
    return content, OnnxNetwork(content)


WRITERS: Mapping[str, Callable[[Source, Tensor], tuple[bytes, Answer]]] = {
    "safetensors": _safetensors,
    "torch-export": _torch_export,
    "onnx": _onnx,
}
"""What is written as one file: its content, and the network that was read back from it."""
