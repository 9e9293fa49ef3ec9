"""``export``: runs in a form that other programs read."""

from collections.abc import Sequence
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from muybridge.config.keywords import Word

if TYPE_CHECKING:
    from muybridge.export.write_export import Export


def export(
    run: Word,
    format: Literal["safetensors", "torch-export", "onnx", "hf", "fiftyone"],
    out: Word | None = None,
    *,
    backbone_only: bool = False,
    licence: str = "unknown",
    clips: int = 4,
    tolerance: float = 1e-4,
    overwrite: bool = False,
    trust_code: Sequence[str] = (),
) -> "Export":
    """Write the network of a run, or its answers, for other programs; what was written is read back and compared with the network.

    Networks take float32 frames, ``b 3 t h w`` from 0 to 1, red first, and apply mean and std themselves; they put out logits ``b k``, or
    features ``b d`` where there is no linear layer.

    Args:
        run: folder of a run of pretrain, finetune or probe; of ``fiftyone`` any run with answers, or a folder of results.
        format: ``safetensors``, ``torch-export`` (.pt2), ``onnx``, ``hf`` (a folder) or ``fiftyone`` (a folder).
        out: file or new folder; named by the run, in the working folder, when not given.
        backbone_only: leave out the linear layer.
        licence: of the weights, for the model card of ``hf``.
        clips: on which what was written is compared.
        tolerance: largest difference of an output that is let through.
        overwrite: replace the file, or a folder that such an export wrote.
        trust_code: ``module:function`` words that may be called although the run names them.

    Returns:
        Its ``path``, and the ``difference`` on which ``clips``.

    Raises:
        UsageError: a run without weights, a network that cannot be exported, a name that is taken, a package that is missing.
        MuybridgeError: a damaged run; a larger difference than ``tolerance``.

    Example:
        >>> import muybridge
        >>> run = muybridge.probe(data="videos", fold=0, out="runs")
        >>> made = muybridge.export(run, "safetensors", "probe.safetensors")
        >>> made.path.name, made.difference
        ('probe.safetensors', 0.0)
    """
    from muybridge.export.write_export import export_run

    return export_run(
        fspath(run), format, None if out is None else Path(out), backbone_only=backbone_only, licence=licence, clips=clips,
        tolerance=tolerance, overwrite=overwrite, trust_code=trust_code,
    )  # fmt: skip
