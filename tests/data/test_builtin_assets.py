"""The shipped digits and photos: golden hashes of what is drawn from, and the libraries that they were taken from as reference."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import skimage
from skimage.io import imread
from sklearn.datasets import load_digits

from muybridge.data.sets import builtin_assets
from muybridge.data.sets.builtin_render import render

GOLDEN = {
    "digits": "9f578524b6cec1fc800cc52dfc87ebe5",
    "labels": "a3c91c262eddcf7ba8f0e37507c30284",
    "astronaut.png": "97c5216381c80dc3439e38440dea2ade",
    "brick.png": "f1db1b2cb6fdf69740df3167cf918d6a",
    "camera.png": "17123ef3dff76c4520c1de0acd933cff",
    "cell.png": "2745f1a695dc2b073411724f46ef1145",
    "chelsea.png": "e92a462d715cecb327b6a11c2e837582",
    "grass.png": "48eea5a82e226da545756d53ee2eafdd",
    "hubble_deep_field.jpg": "4cf78fa865a7ae0192da718cc6278ab4",
    "coffee.png": "318c0b079a77c93557f9a8238989d63a",
    "gravel.png": "6c3ab338a836d9eccc19a3aaf5ac8788",
    "retina.jpg": "14b9a42e7c365a07d0398c0b94b43ab8",
    "rocket.jpg": "1ac9ca31864882cba940e89570c9daab",
}
"""First half of the SHA-256 of the bytes of each array of ``_picture`` and ``digits``, from before the files were shipped."""

CLIPS = {
    ("train", 0): "1d3fc32cb9ea9ecf25af129a6c2bed02",
    ("train", 1): "1e521309d6c330a76b621036423b82b1",
    ("train", 2): "46f59cd56af35da6a9377cc20db32753",
    ("train", 57): "3fade444d7312885355a2dd0cf0cc22c",
    ("train", 1234): "1cdb0282675a233904ba56c54b6f85ee",
    ("test", 0): "7ea58328cc9663bcc2d258bb35ecadcc",
    ("test", 1): "e190af855005259cac6a108dd324ac81",
    ("test", 2): "320fc5b55da055da8eefe86724277885",
    ("test", 57): "cce0e4ede5b0157273ae3fc3dc686839",
    ("test", 1234): "62604508a8bec449ee5edc9968693db5",
}
"""Same of rendered clips of seed 0 by split and index: at the default size, which is that of the commands."""

NAMES = [name for names in builtin_assets.PHOTOS.values() for name in names]


def short_hash(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:32]


@pytest.mark.parametrize("name", NAMES)
def test_photos_are_those_of_scikit_image(name: str):
    mine = builtin_assets._picture(name)
    theirs = imread(Path(skimage.__file__).parent / "data" / name).astype(np.float32) / 255
    assert np.array_equal(mine, theirs if theirs.ndim == 3 else np.repeat(theirs[..., None], 3, axis=2))
    assert short_hash(mine) == GOLDEN[name]


def test_digits_are_those_of_scikit_learn():
    images, labels = builtin_assets.digits()
    theirs = load_digits()
    assert np.array_equal(16 * images, theirs.images)
    assert np.array_equal(labels, theirs.target)
    assert (short_hash(images), short_hash(labels)) == (GOLDEN["digits"], GOLDEN["labels"])


@pytest.mark.parametrize(("split", "index"), CLIPS)
def test_clips_keep_their_bits(split: str, index: int):
    assert short_hash(render(0, split, index)[0]) == CLIPS[split, index]


def test_every_file_has_its_licence_stated():
    said = (builtin_assets.ASSETS / "LICENCES.md").read_text(encoding="utf-8")
    held = {path.name for path in builtin_assets.ASSETS.iterdir()} - {"LICENCES.md"}
    assert held == {*NAMES, "digits.npz"}
    for name in held:
        assert f"| `{name}` |" in said
