"""A traced network as ONNX, and what ONNX Runtime makes of it; both of the extra ``onnx``."""

import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.export import ExportedProgram

from muybridge.core.errors import UsageError, explained
from muybridge.export.traced_graph import OTHER, quiet

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
LARGEST = 2**31 - 2**20
"""Bytes; one file of ONNX is a protobuf message, which ends at 2 GB."""


def require_onnx() -> None:
    """Refuse before anything is computed.

    Raises:
        UsageError: a package is missing; says how to get it.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"--format onnx needs {' and '.join(missing)}: pip install 'muybridge[onnx]'.")


def onnx_bytes(program: ExportedProgram, output: str, facts: Mapping[str, object], name: str) -> bytes:
    """The content of a ``.onnx`` with the input ``frames`` and one output, both with the side ``batch``.

    Args:
        program: what ``traced_graph.trace`` made.
        output: name of the output.
        facts: written as metadata under ``muybridge``.
        name: of the network, for messages.

    Raises:
        UsageError: an operation that ONNX has not, says which; or over 2 GB.
    """
    size = sum(one.numel() * one.element_size() for one in program.state_dict.values())
    if size > LARGEST:
        raise UsageError(
            f"{name}: {size / 1e9:.1f} GB of weights; one .onnx file ends at 2 GB. Use --format torch-export."
        )
    try:
        with quiet():
            made: Any = torch.onnx.export(
                program, (), dynamo=True, input_names=["frames"], output_names=[output], verbose=False
            )  # fmt: skip
    except Exception as error:  # whatever the exporter stumbles over
        if explained(error):
            raise
        raise UsageError(f"{name} cannot be exported as ONNX: {_words(error)}. {OTHER}") from error
    model = made.model_proto
    _name_batch(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = "muybridge", json.dumps(facts)
    content: bytes = model.SerializeToString()
    return content


class OnnxNetwork:
    """What ONNX Runtime computes, on the CPU, called as a network is."""

    def __init__(self, content: bytes) -> None:
        import onnxruntime as runtime

        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def __call__(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b _"]:
        """Logits or features."""
        (found,) = self._session.run(None, {"frames": frames.numpy()})
        return torch.from_numpy(np.asarray(found))


def _name_batch(model: Any) -> None:
    """Call the symbolic side of the input ``batch``, wherever it stands."""
    old = model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for values in (model.graph.input, model.graph.output, model.graph.value_info):
        for value in values:
            for side in value.type.tensor_type.shape.dim:
                if side.dim_param == old:
                    side.dim_param = "batch"


def _words(error: BaseException) -> str:
    """The operation that could not be translated, else what was said first."""
    chain: list[BaseException] = []
    now: BaseException | None = error
    while now is not None:
        chain.append(now)
        now = now.__cause__ or now.__context__
    said = " ".join(str(one) for one in chain)
    if op := re.search(r"(?:aten|prims|torchvision|torch_\w+)[.:]+\w+(?:\.\w+)?", said):
        return f"ONNX has nothing for the operation {op[0]}"
    first = next((line.strip() for line in str(chain[-1]).splitlines() if line.strip()), "")
    return f"{type(chain[-1]).__name__}: {first[:300]}"
