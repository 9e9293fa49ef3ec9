"""Public video networks that other packages build and this one does not: known by name or by the names of their tensors, with the way out.

Names are those of ``pytorchvideo.models.hub`` (PyTorchVideo 0.1.5), of the modules of SlowFast, and of mmaction2's backbones.
"""

import re
from collections.abc import Iterable

HUB = "pytorchvideo.models.hub"
ONE_PATHWAY = (
    "slow_r50", "c2d_r50", "i3d_r50", "csn_r101", "r2plus1d_r50", "x3d_xs", "x3d_s", "x3d_m", "x3d_l", "efficient_x3d_xs",
    "efficient_x3d_s",
)  # fmt: skip
"""Functions of the hub whose network takes one clip; without arguments they build it without weights."""
TWO_PATHWAYS = ("slowfast_r50", "slowfast_r101", "slowfast_16x8_r101_50_50")
"""Functions of the hub whose network takes a slow and a fast clip."""
TRANSFORMERS = ("mvit_base_16x4", "mvit_base_32x3", "mvit_base_16")
"""Functions of the hub whose weights fit a network of torchvision."""
FAMILIES = (
    "slowfast",
    "slow",
    "slow_only",
    "slowonly",
    "x3d",
    "csn",
    "tsn",
    "tsm",
    "tpn",
    "c2d",
    "uniformer",
    "uniformerv2",
)
"""Networks of SlowFast and mmaction2, without a size."""
SIGNS = (
    (r"multipathway_blocks\.", "SlowFast of PyTorchVideo", TWO_PATHWAYS[0]),
    (r"s1\.pathway1_stem\.", "SlowFast of its authors", ""),
    (r"s1\.pathway0_stem\.", "a ResNet or X3D of SlowFast's authors", ""),
    (r"(slow|fast)_path\.", "SlowFast of mmaction2", ""),
    (r"blocks\.\d+\.res_blocks\.", "a ResNet or X3D of PyTorchVideo", ONE_PATHWAY[0]),
    (r"layer\d\.\d+\.conv\d\.conv\.", "a ResNet of mmaction2", ""),
)
"""Part of a tensor's name, the kind of network that has it, and its function in the hub."""


def by_name(name: str) -> str:
    """What a network of that name is and how it can be used all the same; empty for other names.

    Args:
        name: as given, also with ``torchvision:`` or a folder in front.
    """
    bare = re.split(r"[:/\\]", name)[-1].lower().replace("-", "_")
    if bare in TRANSFORMERS:
        return (
            f"{bare} of PyTorchVideo has no name here, but its weights fit torchvision's MViT: `muybridge weights convert mvit FILE`, then"
            " --model torchvision:mvit_v1_b --weights OUT"
        )
    if bare in (*ONE_PATHWAY, *TWO_PATHWAYS):
        return f"{bare} of PyTorchVideo is not built here. {_way_out(bare)}"
    if bare in FAMILIES:
        return f"{bare} is not built here. {_way_out('')}"
    return ""


def by_tensors(names: Iterable[str]) -> str:
    """The same of a checkpoint, by the names of its tensors."""
    listed = list(names)
    for part, title, function in SIGNS:
        if any(re.search(rf"(^|\.){part}", name) for name in listed):
            return f"these are weights of {title}, which is not built here. {_way_out(function)}"
    return ""


def _way_out(function: str) -> str:
    """How a network of another package is given; ``function`` is empty where the hub has none that is known to fit."""
    if function in ONE_PATHWAY:
        return (
            f"With that package installed: --model {HUB}:{function} --weights FILE --mean 0.45 --std 0.225 (or another function of"
            f" {HUB})"
        )
    if function:
        return (
            f"It takes two clips. Write a function that returns a network which makes both of the frames (every fourth, and all) in front"
            f" of {HUB}.{function}, and give it as --model module:function --weights FILE"
        )
    return "Write a function that returns the network of the package that trained it, and give it as --model module:function --weights FILE"
