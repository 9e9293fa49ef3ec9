"""TimeSformer, ViViT, VideoMAE and V-JEPA 2 of transformers: from a local folder, the local cache, or a default config."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, nn

from muybridge.backbones.outside.model_folder import CONFIG, folder_of, read_config
from muybridge.backbones.outside.preprocessor import Preprocessing, read_preprocessing
from muybridge.backbones.outside.wrapped import Normalise, Whole, library
from muybridge.backbones.outside.zoo_torchvision import IMAGENET, MVIT
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Features, average

Triple = tuple[int, int, int]
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class Kind:
    """What has to be known about a model type.

    Attributes:
        statistics: mean and std of its published weights.
        token: whether token 0 is a class token, which is its feature; the mean of the tokens is, where there is none.
        time_last: whether time runs fastest through its tokens, instead of columns.
    """

    statistics: tuple[tuple[float, ...], tuple[float, ...]]
    token: bool = False
    time_last: bool = False


KINDS = {
    "timesformer": Kind(MVIT, token=True, time_last=True),
    "vivit": Kind(HALF, token=True),
    "videomae": Kind(IMAGENET),
    "vjepa2": Kind(IMAGENET),
}


class Transformer(nn.Module):
    """A transformers model without its head: its feature and its grid of tokens as a map.

    Positions belong to one clip size, so that other sizes are refused (``check_clip``); only V-JEPA 2 takes any even number of frames.

    Attributes:
        name: how it was asked for.
        dim: width of the tokens and length of the pooled feature.
        tube: frames, rows and columns of one token.
        layers: names of the blocks; capture points.
        clip_frames: the only number of frames it takes, None for any multiple of the tube.
        clip_size: the only height and width it takes.
        preprocessing: what it does to frames in [0, 1].
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        auto = library("transformers", f"hf:{name}")
        config = _config(auto, name)
        self.name, self.kind = f"hf:{name}", KINDS[config.model_type]
        self.preprocessing = _preprocessing(name, config)
        self.prepare = _normalise(self.preprocessing)
        model = _load(auto.AutoModel, name, config)
        self.model = model.encoder if config.model_type == "vjepa2" else model
        if getattr(model, "pooler", None) is not None:
            model.pooler = None  # its parameters would never see a gradient
        self.dim: int = config.hidden_size
        self.tube = _tube(config)
        self.clip_frames, self.clip_size = _clip(config)
        self.masks = config.model_type == "videomae"
        blocks = next(
            path
            for path, module in self.named_modules()
            if isinstance(module, nn.ModuleList) and len(module) == config.num_hidden_layers
        )
        self.layers = tuple(f"{blocks}.{i}" for i in range(config.num_hidden_layers))

    def grid(self, frames: int, size: int) -> Triple:
        """Tokens in time, rows and columns of a clip of so many frames and pixels a side."""
        t, h, w = self.tube
        return frames // t, size // h, size // w

    def tokens(
        self, frames: Float[Tensor, "b 3 t h w"], visible: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b m d"]:
        """Tokens of the visible tubes, the same number in every clip, in the order of the grid; of all tubes without mask.

        Raises:
            UsageError: a mask for a model that cannot leave tokens out (all but VideoMAE).
        """
        if visible is not None and not self.masks:
            raise UsageError(
                f"{self.name} cannot encode visible tubes alone; use vit, vit-tiny or a VideoMAE config."
            )
        hidden = {"bool_masked_pos": ~visible} if visible is not None else {}
        encoded: Tensor = self.model(self.prepare(frames), **hidden).last_hidden_state
        return encoded

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Feature and grid of tokens of each clip."""
        tokens = self.tokens(frames)
        body = tokens[:, 1:] if self.kind.token else tokens
        t, h, w = self.grid(frames.shape[2], frames.shape[3])
        sides = (h, w, t) if self.kind.time_last else (t, h, w)
        grid = body.transpose(1, 2).reshape(body.shape[0], self.dim, *sides)
        if self.kind.time_last:
            grid = grid.permute(0, 1, 4, 2, 3)
        return Features(tokens[:, 0] if self.kind.token else average(tokens, 1), {"last": grid})


def whole_model(name: str) -> Whole:
    """A transformers model with its own classification head."""
    auto = library("transformers", f"hf:{name}")
    config = _config(auto, name)
    model = _load(auto.AutoModelForVideoClassification, name, config)
    prepared = _preprocessing(name, config)
    names = tuple(config.id2label[i] for i in range(config.num_labels))
    given = None if names[0] == "LABEL_0" else names
    return Whole(
        f"hf:{name}",
        model,
        config.num_labels,
        _normalise(prepared),
        *_clip(config),
        given,
        prepared,
        _is_random(name),
    )


def _is_random(name: str) -> bool:
    folder = folder_of(name)
    return folder is None or not any(folder.glob("*.safetensors"))


def _normalise(prepared: Preprocessing) -> Normalise:
    return Normalise(prepared.mean, prepared.std, time_first=True, bgr=prepared.bgr)


def _preprocessing(name: str, config: Any) -> Preprocessing:
    """What the folder says of frames, else what the published weights of its kind want."""
    folder = folder_of(name)
    said = None if folder is None else read_preprocessing(folder, config.model_type)
    size = _clip(config)[1]
    if said is None:
        return Preprocessing(*KINDS[config.model_type].statistics)
    if said.crop not in (None, size):
        raise UsageError(
            f"hf:{name}: {said.source} cuts {said.crop} x {said.crop} pixels, but {CONFIG} says that the network takes {size}. "
            "Correct whichever is wrong."
        )
    return said


def _config(auto: Any, name: str) -> Any:
    """The config of a folder, a name in the local cache, or a model type; never the network, never code that lies in the folder."""
    folder = folder_of(name)
    if folder is None and name in KINDS:
        return auto.AutoConfig.for_model(name)
    if folder is None:
        raise UsageError(
            f"hf:{name}: neither a folder with {CONFIG}, nor in the local Hugging Face cache, nor a model type ({', '.join(KINDS)}). "
            f"`hf download {name} --local-dir FOLDER` gets it; then hf:FOLDER."
        )
    read_config(folder, KINDS)
    with _explained(name):
        return auto.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _load(kind: Any, name: str, config: Any) -> Any:
    """Weights from safetensors in float32; random where the name is a model type or the folder holds no weights."""
    folder = folder_of(name)
    if folder is None or _is_random(name):
        if folder is not None and any(folder.glob("*.bin")):
            raise UsageError(
                f"hf:{name}: its weights are a pickle (.bin), which is not read. Save them as safetensors."
            )
        with _explained(name):
            return kind.from_config(config, trust_remote_code=False)
    with _explained(name):
        model, told = kind.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True,
        )  # fmt: skip
    drawn = sorted({*told["missing_keys"], *(one[0] for one in told["mismatched_keys"])})
    drawn = [one for one in drawn if not one.startswith(UNUSED)]
    if drawn:
        raise UsageError(
            f"hf:{name}: its files lack {len(drawn)} tensors of the network that {CONFIG} says, as {drawn[0]!r}, which would stay random. "
            "Give the folder of the whole fine-tuned network; one without a head can be a --backbone, and `muybridge probe` trains a head."
        )
    return model.float()


UNUSED = ("pooler.", "predictor.")
"""Parts that a backbone takes away again."""


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Whatever transformers makes of a folder, in one paragraph."""
    try:
        yield
    except Exception as error:
        raise UsageError(
            f"hf:{name}: transformers cannot build it ({type(error).__name__}: {error})."
        ) from error


def _tube(config: Any) -> Triple:
    if config.model_type == "vivit":
        t, h, w = config.tubelet_size
        return t, h, w
    return getattr(config, "tubelet_size", 1), config.patch_size, config.patch_size


def _clip(config: Any) -> tuple[int | None, int]:
    if config.model_type == "vjepa2":
        return None, config.crop_size
    return config.num_frames, config.image_size
