"""A network as a graph of torch.export with any number of clips, and which line of it forbids that where it cannot be."""

import io
import json
import logging
import re
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from muybridge.core.errors import MuybridgeError, UsageError, explained

FACTS = "muybridge.json"
"""Extra file of a .pt2."""
OTHER = "--format safetensors, which takes weights alone, is always possible."
GUARDS = "torch.fx.experimental.symbolic_shapes"
"""Logger of torch that says which line fixed a size."""


def trace(network: nn.Module, frames: Float[Tensor, "b 3 t h w"], name: str) -> ExportedProgram:
    """The graph of a network for any number of clips of one size.

    Args:
        network: clips to a tensor, in evaluation mode.
        frames: clips of the size that the graph will take.
        name: of the network, for messages.

    Raises:
        UsageError: something in it cannot be traced; says which part and which line.
    """
    pair = torch.cat([frames, frames])[:2]  # of one clip torch would make a constant
    try:
        with quiet():
            return _traced(network, pair)
    except Exception as error:  # whatever a network does while it is traced
        if isinstance(error, MuybridgeError) or explained(error):
            raise
        raise UsageError(
            f"{name} cannot be exported as a graph: {_words(error, network, pair)}. {OTHER}"
        ) from error


def save_graph(program: ExportedProgram, facts: Mapping[str, object]) -> bytes:
    """The content of a ``.pt2``."""
    buffer = io.BytesIO()
    with quiet():
        torch.export.save(program, buffer, extra_files={FACTS: json.dumps(facts)})
    return buffer.getvalue()


def load_graph(content: bytes) -> nn.Module:
    """The module of a ``.pt2`` that this process wrote; torch builds it as it would for anybody."""
    with quiet():
        return torch.export.load(io.BytesIO(content)).module()


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of the exporters, which speak of their own future."""
    levels = {
        name: logging.getLogger(name).level
        for name in ("torch.export", "torch.onnx", "onnxscript", "onnx_ir")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def _traced(network: nn.Module, frames: Tensor) -> ExportedProgram:
    with torch.no_grad():
        return torch.export.export(network, (frames,), dynamic_shapes=({0: Dim("batch")},), strict=False)


def _words(error: Exception, network: nn.Module, frames: Tensor) -> str:
    """Which part stopped the tracing, and what it said."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:300].rstrip(".")
    where = _part(error, network)
    if not where and "batch" in said:
        line = _fixing_line(network, frames)
        at = f" at {line}" if line else ""
        return f"its code makes a constant of the number of clips{at} (len() or int() of a tensor's first side does; shape[0] does not)"
    return f"{where}{type(error).__name__}: {said}"


def _part(error: BaseException, network: nn.Module) -> str:
    """The innermost part of the network that the error came through, with the line of its code."""
    names = {id(part): name or type(network).__name__ for name, part in network.named_modules()}
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        part = frame.f_locals.get("self")
        if (
            id(part) in names
            and frame.f_code.co_name != "_call_impl"
            and "torch/nn/modules/module.py" not in frame.f_code.co_filename
        ):
            file = frame.f_code.co_filename.rpartition("/")[2]
            found = f"in {names[id(part)]} ({type(part).__name__}, {file}:{line}): "
    return found


def _fixing_line(network: nn.Module, frames: Tensor) -> str:
    """File and line where the number of clips became a constant, as torch's log tells; empty where it does not."""
    seen: list[str] = []
    log, handler = logging.getLogger(GUARDS), logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    before = log.level, log.propagate, log.handlers
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    try:
        with quiet():
            _traced(network, frames)
    except Exception:  # the one that brought us here
        pass
    finally:
        log.handlers, log.propagate = before[2], before[1]
        log.setLevel(before[0])
    fixed = next((one for one in seen if one.startswith("eval Eq(") and "guard added" in one), "")
    found = re.search(r"\(([^()]*:\d+) in (\w+)\)", fixed)
    return f"{found[1].rpartition('/')[2]}, {found[2]}" if found else ""
