"""k nearest neighbours as a classifier: votes of labelled neighbours, plain or weighted by similarity."""

import numpy as np
from jaxtyping import Float32, Float64, Int64

TEMPERATURE = 0.07
"""Of Wu et al., CVPR 2018."""


def votes(
    order: Int64[np.ndarray, "q k"],
    similarity: Float32[np.ndarray, "q k"],
    labels: Int64[np.ndarray, "n"],
    classes: int,
    temperature: float | None = TEMPERATURE,
) -> Float64[np.ndarray, "q classes"]:
    """Sum of the neighbours' weights for each class; zeros where a query has no neighbour.

    A neighbour weighs exp((cosine - 1) / temperature): Wu et al., Unsupervised feature learning via non-parametric instance
    discrimination, CVPR 2018, sec. 3.4, but for a constant factor that keeps the weights at one or below.

    Args:
        order: neighbours of each query, as ``measure.features.ranking`` gives them; -1 for none.
        similarity: their cosine similarities.
        labels: class of each row of the gallery, 0 to classes - 1.
        classes: number of columns.
        temperature: of the weights; None counts each neighbour as one (the majority wins).
    """
    near = np.nan_to_num(similarity) - 1
    weight = np.ones(near.shape) if temperature is None else np.exp(near / temperature)
    found = np.zeros((len(order), classes))
    np.add.at(found, (np.arange(len(order))[:, None], labels[order]), np.where(order < 0, 0.0, weight))
    return found
