import av
import numpy as np
import pytest
import torch
from golden_clip import golden_clip

from muybridge.perturb import yuv

MATRIX = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255


@pytest.mark.parametrize("size", [(48, 64), (6, 10), (2, 2)])
def test_planes_are_those_of_the_standard(size: tuple[int, int]):
    h, w = size
    frames = golden_clip(2, h, w).frames
    exact = (
        np.einsum("ij,bjthw->bithw", MATRIX, frames.numpy().astype(float))
        + np.array([16, 128, 128])[:, None, None, None]
    )
    half = exact.reshape(2, 3, 2, h // 2, 2, w // 2, 2).mean((4, 6))
    flat = yuv.packed(frames).flatten(2).numpy()
    assert np.abs(flat[..., : h * w] - exact[:, 0].reshape(2, 2, -1)).max() <= 0.5 + 1e-2
    chroma = np.concatenate([half[:, 1].reshape(2, 2, -1), half[:, 2].reshape(2, 2, -1)], 2)
    assert np.abs(flat[..., h * w :] - chroma).max() <= 0.5 + 1e-2


def test_the_way_back_is_the_inverse_of_the_standard_with_repeated_chroma():
    rng = np.random.default_rng(0)
    luma, chroma = rng.integers(16, 236, (1, 1, 8, 12)), rng.integers(16, 241, (2, 1, 1, 4, 6))
    planes = np.concatenate([luma.reshape(1, 1, -1), *chroma.reshape(2, 1, 1, -1)], 2).reshape(1, 1, 12, 12)
    full = [luma - 16, *(plane.repeat(2, 2).repeat(2, 3) - 128 for plane in chroma)]
    exact = np.clip(np.einsum("ij,jbthw->bithw", np.linalg.inv(MATRIX), np.stack(full)), 0, 255)
    result = yuv.unpacked(torch.from_numpy(planes.astype(np.uint8))).numpy()
    assert np.abs(result - exact).max() <= 0.5 + 2e-2


def test_greys_come_back():
    ramp = (
        torch.arange(256, dtype=torch.uint8)
        .repeat_interleave(4)
        .view(1, 1, 1, 2, 512)
        .expand(-1, 3, -1, -1, -1)
    )
    assert (yuv.unpacked(yuv.packed(ramp)).int() - ramp).abs().max() <= 1


def test_pyav_reads_the_planes_as_we_lay_them_out():
    planes = yuv.packed(golden_clip(1, 6, 10).frames)[0, 0].numpy()
    np.testing.assert_array_equal(av.VideoFrame.from_ndarray(planes, "yuv420p").to_ndarray(), planes)
