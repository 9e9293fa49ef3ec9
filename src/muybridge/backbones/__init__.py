"""Video backbones: ``nn.Module`` with ``dim``, ``layers`` and ``forward(frames) -> Features``; each owns its mean and std.

A name is a catalogue entry (``-tiny``: the small variant that trains on a CPU in seconds), ``torchvision:NAME``, ``hf:NAME`` with a model
type, a local folder or a name in the local Hugging Face cache, or ``module:function`` for any callable that returns a network.

Facts: ``params`` with the 512-d rule of the benchmark and a linear layer of 101 classes; ``gflops`` is twice the multiply-adds of one
clip of 3x16x112x112 (``torch.utils.flop_counter``) with the network's original classifier, which is how the benchmark's figures come
out: by its 512-d projection ShuffleNet takes 1.029. Another clip is named by ``clip``. ``bf16`` is False where a CPU that multiplies
bfloat16 well (AMX) trains or answers more slowly in it than in float32, as measured by ``benchmarks/precision.py``.
"""

from typing import TYPE_CHECKING

from muybridge.backbones.weights import elsewhere
from muybridge.core.catalogue import Entry, names_code, pick, require, suggestion
from muybridge.core.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

BACKBONES = {
    "shufflenet": Entry(
        "3D-ShuffleNet V1 2.0x, 3 groups, 512-d",
        "muybridge.backbones.networks.shufflenet:ShuffleNet",
        {"group": "small", "params": 4_641_653, "gflops": 1.027, "bf16": False},
    ),
    "mobilenet": Entry(
        "3D-MobileNet V2 1.0x, 512-d",
        "muybridge.backbones.networks.mobilenet:MobileNet",
        {"group": "small", "params": 3_061_733, "gflops": 1.037, "bf16": False},
    ),
    "squeezenet": Entry(
        "3D-SqueezeNet v1.1 with bypass, 512-d",
        "muybridge.backbones.networks.squeezenet:SqueezeNet",
        {"group": "small", "params": 1_889_573, "gflops": 1.797},
    ),
    "c3d": Entry(
        "C3D with batch norm and global pooling, 512-d",
        "muybridge.backbones.networks.c3d:C3D",
        {"group": "medium", "params": 27_713_253, "gflops": 76.993},
    ),
    "r3d": Entry(
        "R3D, one residual block a stage, 512-d",
        "muybridge.backbones.networks.r3d:R3D",
        {"group": "medium", "params": 14_413_605, "gflops": 39.775},
    ),
    "r2plus1d": Entry(
        "R(2+1)D, one residual block a stage, 512-d (the benchmark's medium network)",
        "muybridge.backbones.networks.r2plus1d:R2Plus1D",
        {"group": "medium", "params": 14_417_116, "gflops": 42.724},
    ),
    "i3d": Entry(
        "I3D, inflated Inception-v1, 1024-d; takes the public Kinetics-400 weights",
        "muybridge.backbones.networks.i3d:I3D",
        {"group": "medium", "params": 12_390_789, "gflops": 13.965},
    ),
    "vit": Entry(
        "ViT-B on tubelets of 2x16x16, 768-d: VideoMAE's encoder",
        "muybridge.backbones.networks.vit:ViT",
        {"group": "large", "params": 86_304_869, "gflops": 73.178},
    ),
    "r2plus1d-tiny": Entry(
        "plain (2+1)D of width 16 to 128 for 8x32x32 clips, 128-d, for work on a CPU",
        "muybridge.backbones.networks.r2plus1d:tiny",
        {"group": "tiny", "params": 176_469, "gflops": 0.544},
    ),
    "r3d-tiny": Entry(
        "three residual blocks of width 16 to 128 for 8x32x32 clips, 128-d",
        "muybridge.backbones.networks.r3d:tiny",
        {"group": "tiny", "params": 624_285, "gflops": 0.678, "bf16": False},
    ),
    "c3d-tiny": Entry(
        "four convolutions of width 16 to 128 for 8x32x32 clips, 128-d",
        "muybridge.backbones.networks.c3d:tiny",
        {"group": "tiny", "params": 305_349, "gflops": 0.737, "bf16": False},
    ),
    "shufflenet-tiny": Entry(
        "two stages of three shuffle units for 8x32x32 clips, 128-d",
        "muybridge.backbones.networks.shufflenet:tiny",
        {"group": "tiny", "params": 66_137, "gflops": 0.13, "bf16": False},
    ),
    "mobilenet-tiny": Entry(
        "five inverted residuals for 8x32x32 clips, 128-d",
        "muybridge.backbones.networks.mobilenet:tiny",
        {"group": "tiny", "params": 84_501, "gflops": 0.209, "bf16": False},
    ),
    "squeezenet-tiny": Entry(
        "three stages of two Fire modules for 8x32x32 clips, 128-d",
        "muybridge.backbones.networks.squeezenet:tiny",
        {"group": "tiny", "params": 174_645, "gflops": 0.462, "bf16": False},
    ),
    "i3d-tiny": Entry(
        "three Inception modules for 8x32x32 clips, 128-d",
        "muybridge.backbones.networks.i3d:tiny",
        {"group": "tiny", "params": 132_797, "gflops": 0.588, "bf16": False},
    ),
    "vit-tiny": Entry(
        "four transformer blocks of width 96 on tubelets of 2x8x8 for 8x32x32 clips, 96-d",
        "muybridge.backbones.networks.vit:tiny",
        {"group": "tiny", "params": 493_925, "gflops": 5.279, "bf16": False},
    ),
    "frame-average-tiny": Entry(
        "eight convolutions within each frame and the mean over frames: blind to their order, the control of the others, 128-d",
        "muybridge.backbones.networks.frame_average:tiny",
        {"group": "tiny", "params": 307_029, "gflops": 1.315, "order": False},
    ),
    "torchvision:swin3d_t": Entry(
        "VideoSwin-T, 768-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 27_928_139, "gflops": 22.726},
    ),
    "torchvision:swin3d_s": Entry(
        "VideoSwin-S, 768-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 49_586_747, "gflops": 42.205},
    ),
    "torchvision:swin3d_b": Entry(
        "VideoSwin-B, 1024-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 87_742_509, "gflops": 71.789},
    ),
    "torchvision:mvit_v1_b": Entry(
        "MViT-B v1, 768-d, clips of 16x224x224 only",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 36_380_741, "gflops": 141.198, "clip": "16x224x224"},
    ),
    "torchvision:mvit_v2_s": Entry(
        "MViTv2-S, 768-d, clips of 16x224x224 only",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 34_307_813, "gflops": 128.447, "clip": "16x224x224"},
    ),
    "torchvision:r3d_18": Entry(
        "R3D-18, two residual blocks a stage, 512-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 33_218_085, "gflops": 81.393},
    ),
    "torchvision:mc3_18": Entry(
        "MC3-18, 3-D convolutions in the first stages alone, 512-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 11_542_053, "gflops": 86.685},
    ),
    "torchvision:r2plus1d_18": Entry(
        "R(2+1)D-18, two residual blocks a stage, 512-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 31_351_938, "gflops": 81.038},
    ),
    "torchvision:s3d": Entry(
        "S3D, Inception with separated convolutions, 1024-d",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 8_013_573, "gflops": 8.948},
    ),
    "hf:timesformer": Entry(
        "TimeSformer-B, 768-d, random weights, clips of 8x224x224 only",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 121_336_421, "gflops": 391.66, "clip": "8x224x224"},
    ),
    "hf:vivit": Entry(
        "ViViT-B/16x2, 768-d, random weights, clips of 32x224x224 only",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 88_724_069, "gflops": 903.049, "clip": "32x224x224"},
    ),
    "hf:videomae": Entry(
        "VideoMAE ViT-B, 768-d, random weights, clips of 16x224x224 only",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 86_303_333, "gflops": 360.689, "clip": "16x224x224"},
    ),
    "hf:vjepa2": Entry(
        "V-JEPA 2 ViT-L, 1024-d, random weights, clips of 256x256 pixels only",
        "muybridge.backbones.outside.zoo:backbone",
        {"group": "large", "params": 303_988_837, "gflops": 1655.71, "clip": "16x256x256"},
    ),
}


def gains_by_bf16(name: str) -> bool:
    """Whether a CPU with AMX computes a backbone faster in bfloat16; so it is taken to be where nothing was measured."""
    return name not in BACKBONES or BACKBONES[name].facts.get("bf16", True) is not False


def check_name(name: str) -> None:
    """Refuse an unknown name without importing torch; whether ``hf:`` and ``module:function`` lead anywhere shows on building.

    Raises:
        UsageError: says the nearest known name and lists all.
    """
    prefix, colon, rest = name.partition(":")
    if name in BACKBONES or names_code(name) or (prefix == "hf" and rest):
        return
    if words := elsewhere.by_name(name):
        raise UsageError(f"--backbone {name}: {words}.")
    if colon:
        known = [other for other in BACKBONES if other.startswith(f"{prefix}:")] or ["module:function"]
        raise UsageError(f"backbones has no {name!r}.{suggestion(name, known)} Known: {', '.join(known)}.")
    require("backbones", BACKBONES, name)


def build(name: str) -> "nn.Module":
    """A backbone with weights from torch's global generator: of the catalogue, an entry point, or one of the three prefixes.

    Raises:
        UsageError: unknown name; a package, folder or function that is not there; a network that is no backbone.
    """
    check_name(name)
    if ":" in name:
        from muybridge.backbones.outside.zoo import backbone

        return backbone(name)
    module: nn.Module = pick("backbones", BACKBONES, name)()
    return module


def check_clip(backbone: object, frames: int, size: int) -> None:
    """Refuse clips that a backbone cannot take.

    A backbone says so by ``clip_frames`` and ``clip_size`` (the only ones it takes; None or missing for any) and by ``tube`` (frames,
    rows and columns of one token, which clips must be multiples of).

    Args:
        backbone: what ``build`` gives.
        frames: frames per clip.
        size: height and width of what the network sees, pixels.

    Raises:
        UsageError: says what the backbone needs and how to get it.
    """
    name = getattr(backbone, "name", type(backbone).__name__)
    for flag, value, wanted in (
        ("--frames", frames, getattr(backbone, "clip_frames", None)),
        ("--crop", size, getattr(backbone, "clip_size", None)),
    ):
        if wanted not in (None, value):
            raise UsageError(
                f"{flag} {value}: {name} takes {wanted} only. Set {flag} {wanted}"
                f"{' and --size at least as large' if flag == '--crop' else ''}, or build the model from a config of its own."
            )
    for flag, value, step in zip(
        ("--frames", "--crop", "--crop"),
        (frames, size, size),
        getattr(backbone, "tube", (1, 1, 1)),
        strict=True,
    ):
        if value % step:
            raise UsageError(
                f"{flag} {value}: {name} cuts clips into tubes of {step}; wanted a multiple of {step}."
            )
