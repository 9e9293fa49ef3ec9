"""``preprocessor_config.json`` of a transformers folder: what its network was trained to see, honoured or refused.

All that transformers does to pixels after scaling and cutting is affine, so that mean and std alone say it, for frames in [0, 1]:
``(255 f x - o - mean) / std`` with the rescale factor f and the offset o is ``(x - (o + mean) / 255 f) / (std / 255 f)``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muybridge.backbones.outside.model_folder import read_facts
from muybridge.core.errors import UsageError

FILES = ("video_preprocessor_config.json", "preprocessor_config.json")
"""Where transformers keeps it; of both, the first counts, as it does there."""
HALF = (0.5, 0.5, 0.5)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
"""Numbers of Pillow."""
CODE = ("AutoImageProcessor", "AutoVideoProcessor", "AutoProcessor", "AutoFeatureExtractor")


@dataclass(frozen=True)
class Preprocessing:
    """What happens to frames in front of a network.

    Attributes:
        mean: subtracted from frames in [0, 1], by channel as the network takes them.
        std: divided by afterwards.
        short_side: to which pictures are scaled, pixels; None where nothing says.
        crop: height and width cut from the middle, pixels; None where nothing says.
        bgr: whether blue comes first.
        resampling: that the folder asks for; pictures are scaled bilinearly here, by FFmpeg, which rounds otherwise than Pillow.
        source: where it stands.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    short_side: int | None = None
    crop: int | None = None
    bgr: bool = False
    resampling: str | None = None
    source: str = "published statistics of this kind of network"

    def facts(self) -> dict[str, object]:
        """What ``result.json`` says of it."""
        return {
            "mean": list(self.mean), "std": list(self.std), "short_side": self.short_side, "crop": self.crop,
            "channels": "bgr" if self.bgr else "rgb", "resampling": self.resampling, "source": self.source,
        }  # fmt: skip


@dataclass(frozen=True)
class Usual:
    """Values of a processor class for what its file leaves out.

    Attributes:
        mean, std: of the pixels.
        side: short side, pixels.
        crop: pixels.
        factor: rescale factor.
        offset: whether one is subtracted after rescaling, unless the file says otherwise.
        ratio: short side over crop where the class makes one of the other, whatever the file says.
    """

    mean: tuple[float, ...] = HALF
    std: tuple[float, ...] = HALF
    side: int = 224
    crop: int = 224
    factor: float = 1 / 255
    offset: bool = False
    ratio: float | None = None


USUAL: Mapping[str, Usual] = {
    "VideoMAE": Usual(),
    "Timesformer": Usual(),
    "Vivit": Usual(side=256, factor=1 / 127.5, offset=True),
    "VJEPA2": Usual(*IMAGENET, side=292, crop=256, ratio=256 / 224),
}
"""By the name of the class in front of ImageProcessor, VideoProcessor and so on."""
ENDS = ("ImageProcessorFast", "ImageProcessorPil", "ImageProcessor", "VideoProcessor", "FeatureExtractor")
BY_TYPE = {"videomae": "VideoMAE", "timesformer": "Timesformer", "vivit": "Vivit", "vjepa2": "VJEPA2"}


def preprocessor_file(folder: Path) -> Path | None:
    """The file that says how frames are prepared; None where the folder has none."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def read_preprocessing(folder: Path, model_type: str) -> Preprocessing | None:
    """What the preprocessor file of a folder asks for; None where there is none.

    Args:
        folder: of transformers.
        model_type: of its config, for a file that names no class.

    Raises:
        UsageError: it asks for something that cannot be done here; says what, and the way out.
        MuybridgeError: damaged.
    """
    path = preprocessor_file(folder)
    return None if path is None else _Reader(path, read_facts(path), model_type).read()


@dataclass(frozen=True)
class _Reader:
    path: Path
    content: Mapping[str, Any]
    model_type: str
    usual: Usual = field(init=False)

    def __post_init__(self) -> None:
        named = next(
            (
                str(self.content[key])
                for key in ("video_processor_type", "image_processor_type", "feature_extractor_type")
                if self.content.get(key)
            ),
            BY_TYPE.get(self.model_type, ""),
        )
        short = next((named.removesuffix(end) for end in ENDS if named.endswith(end)), named)
        if short not in USUAL:
            raise self._refused(f"its class {named!r} is not known here (known: {', '.join(USUAL)})")
        object.__setattr__(self, "usual", USUAL[short])

    def read(self) -> Preprocessing:
        self._check()
        mean, std = self._statistics()
        short_side, crop = self._cut()
        number = self.content.get("resample")
        return Preprocessing(
            mean, std, short_side, crop, self._flag("do_flip_channel_order", False), RESAMPLING.get(number) if isinstance(number, int)
            else None, self.path.name,
        )  # fmt: skip

    def _check(self) -> None:
        named = self.content.get("auto_map")
        if isinstance(named, dict) and any(key in named for key in CODE):
            raise self._refused("its auto_map wants Python of its own to be run, which never is here")
        for key in ("do_pad", "do_sample_frames"):
            if self._flag(key, False):
                raise self._refused(f"{key} is not done here")
        if not self._flag("do_resize", True):
            raise self._refused(
                "do_resize is false, but pictures of any size are scaled to a short side here"
            )

    def _statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        factor = self._number("rescale_factor", self.usual.factor) if self._flag("do_rescale", True) else 1.0
        if not factor > 0:
            raise self._refused(f"rescale_factor is {factor}; wanted a number above 0")
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        if self._flag("do_normalize", True):
            mean = self._triple("image_mean", self.usual.mean)
            std = self._triple("image_std", self.usual.std)
        if not min(std) > 0:
            raise self._refused(f"image_std is {std}; wanted numbers above 0")
        scale = 255 * factor
        scale = 1.0 if abs(scale - 1) < 1e-9 else scale
        offset = float(self._flag("offset", self.usual.offset))
        return tuple((offset + one) / scale for one in mean), tuple(one / scale for one in std)

    def _cut(self) -> tuple[int, int | None]:
        crop = self._side("crop_size", self.usual.crop, ("height", "width"))
        if self.usual.ratio is not None:
            return int(crop * self.usual.ratio), crop if self._flag("do_center_crop", True) else None
        size = self.content.get("size", self.usual.side)
        if isinstance(size, dict) and "shortest_edge" not in size:
            raise self._refused(
                f"size {size} squeezes pictures, but they keep their shape here: a short side (shortest_edge) and a crop are done"
            )
        side = self._side("size", self.usual.side, ("shortest_edge",))
        if not self._flag("do_center_crop", True):
            return side, None
        if crop > side:
            raise self._refused(f"a crop of {crop} does not fit into a short side of {side}")
        return side, crop

    def _side(self, key: str, usual: int, names: tuple[str, ...]) -> int:
        value = self.content.get(key, usual)
        sides = {value.get(name) for name in names} if isinstance(value, dict) else {value}
        side = next(iter(sides))
        if len(sides) > 1 or isinstance(side, bool) or not isinstance(side, int) or side < 1:
            raise self._refused(f"{key} is {value}; wanted one number of pixels, or a square")
        return side

    def _flag(self, key: str, usual: bool) -> bool:
        value = self.content.get(key)
        return usual if value is None else bool(value)

    def _number(self, key: str, usual: float) -> float:
        value = self.content.get(key, usual)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refused(f"{key} is {value!r}; wanted a number")
        return float(value)

    def _triple(self, key: str, usual: tuple[float, ...]) -> tuple[float, float, float]:
        value = self.content.get(key)
        values = usual if value is None else [value] * 3 if isinstance(value, int | float) else value
        if len(values) != 3 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            raise self._refused(f"{key} is {value!r}; wanted three numbers")
        red, green, blue = (float(one) for one in values)
        return red, green, blue

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            f"{self.path}: {why}. Correct the file if it says what was never done, or build the network in a module of yours that "
            "prepares frames itself, and give it as module:function."
        )
