"""Raw material of the embedded data sets: digits and photos that ship beside this file, in ``assets/``.

Nothing is downloaded. Origin and licence of each are listed in ``assets/LICENCES.md``.
"""

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from muybridge.core.errors import MuybridgeError

ASSETS = Path(__file__).parent / "assets"
SPLITS = ("train", "test")
TRAIN_DIGITS = 1200
PHOTOS = {
    "train": (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "cell.png",
        "chelsea.png",
        "grass.png",
        "hubble_deep_field.jpg",
    ),
    "test": ("coffee.png", "gravel.png", "retina.jpg", "rocket.jpg"),
}
PHOTO_SIDE = 4
"""Shorter side of a shrunken photo, in frame sides."""
CELL = 4
"""Pixels per cell of a digit."""


@cache
def digits() -> tuple[Float32[np.ndarray, "n 8 8"], Int64[np.ndarray, "n"]]:
    """Ink of each handwritten digit from 0 to 1, and its class.

    Source: the test part of Alpaydin and Kaynak, *Optical Recognition of Handwritten Digits* (UCI, 1998), in the
    order of scikit-learn's ``load_digits``; ink is stored in whole sixteenths.

    Raises:
        MuybridgeError: the file is missing from the installation.
    """
    with np.load(_asset("digits.npz")) as table:
        return table["images"].astype(np.float32) / 16, table["labels"].astype(np.int64)


def enlarged(row: int) -> Float32[np.ndarray, "40 40"]:
    """A digit with one cell of margin, bicubic, four pixels per cell."""
    from scipy.ndimage import zoom

    padded = np.pad(digits()[0][row], 1)
    return np.asarray(zoom(padded, CELL, order=3, mode="grid-constant", grid_mode=True)).clip(0, 1)


def digit_pool(split: str, label: int) -> Int64[np.ndarray, "k"]:
    """Rows of ``digits()`` of one class that belong to a split: the first 1,200 rows train, the rest test."""
    rows = np.flatnonzero(digits()[1] == label)
    return rows[rows < TRAIN_DIGITS] if split == "train" else rows[rows >= TRAIN_DIGITS]


@cache
def photos(split: str, size: int) -> tuple[Float32[np.ndarray, "h w 3"], ...]:
    """A split's photos in RGB from 0 to 1, shrunken so that the shorter side is four frame sides.

    Args:
        split: ``train`` or ``test``; they share no photo.
        size: side of a frame in pixels.
    """
    return tuple(_shrunken(_picture(name), PHOTO_SIDE * size) for name in PHOTOS[split])


def _picture(name: str) -> Float32[np.ndarray, "h w 3"]:
    from PIL import Image

    with Image.open(_asset(name)) as image:
        picture = np.asarray(image, np.float32) / 255
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def _asset(name: str) -> Path:
    path = ASSETS / name
    if not path.is_file():
        raise MuybridgeError(
            f"{path}: not there. The embedded data sets are rendered from files of this package, and nothing is"
            " downloaded in their place. Install it again: pip install --force-reinstall --no-deps muybridge"
        )
    return path


def _shrunken(picture: Float32[np.ndarray, "h w 3"], side: int) -> Float32[np.ndarray, "h2 w2 3"]:
    """Block means first (cheap, no aliasing), then bilinear to the exact size."""
    from scipy.ndimage import zoom

    block = max(1, min(picture.shape[:2]) // side)
    height, width = (length // block for length in picture.shape[:2])
    blocks = picture[: height * block, : width * block].reshape(height, block, width, block, 3)
    factor = side / min(height, width)
    return np.asarray(zoom(blocks.mean((1, 3)), (factor, factor, 1), order=1, grid_mode=True, mode="nearest"))
