"""How far the frames of a clip stand from their order: what a temporal perturbation did, reported beside accuracy.

Sparse sampling can leave a perturbed video unchanged, or a mild one in no order at all, so accuracy under a temporal perturbation means
little without these two numbers.
"""

import numpy as np
from jaxtyping import Float64, Int64

Order = Int64[np.ndarray, "*b t"]


def kendall_tau(order: Order) -> Float64[np.ndarray, "*b"]:
    """Pairs of places in order minus pairs against it, over all pairs (Kendall's tau-a): 1 untouched, -1 reversed, 0 none left.

    A pair of places that shows the same frame twice counts for neither, so holding frames brings it towards 0.

    Args:
        order: which frame stands at each place.

    Raises:
        ValueError: fewer than two frames.
    """
    frames = order.shape[-1]
    if frames < 2:
        raise ValueError(f"Kendall's tau needs two frames, got {frames}")
    earlier, later = np.triu_indices(frames, 1)
    signs = np.sign(order[..., later] - order[..., earlier])
    return np.asarray(signs.mean(axis=-1, dtype=np.float64))


def distinct_frames(order: Order) -> Int64[np.ndarray, "*b"]:
    """Number of different frames shown."""
    ranked = np.sort(order, axis=-1)
    return np.asarray(1 + np.count_nonzero(np.diff(ranked, axis=-1), axis=-1), dtype=np.int64)
