"""Small grey videos made by code: a bright square walks over a fixed background."""

import numpy as np

SIDE = 16


def walk(seed: int, frames: int = 60, background: int = 0) -> np.ndarray:
    """A bright square on a random path over a fixed textured background, ``t 16 16``."""
    rng = np.random.default_rng(seed)
    scene = np.random.default_rng(1000 + background).integers(30, 120, (SIDE, SIDE))
    path = np.cumsum(rng.normal(0, 0.8, (frames, 2)), axis=0) + 8
    video = np.repeat(scene[None], frames, axis=0)
    for frame, (y, x) in enumerate(path % 12):
        video[frame, int(y) : int(y) + 4, int(x) : int(x) + 4] = 230
    return video.astype(np.uint8)


def noisy(video: np.ndarray) -> np.ndarray:
    """With grain, as a codec leaves it."""
    return np.clip(video + np.random.default_rng(0).normal(0, 3, video.shape), 0, 255).astype(np.uint8)
