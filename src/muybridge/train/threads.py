"""How many threads one operation may use, held for as long as a stage runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def computing(threads: int | None) -> Iterator[None]:
    """Compute with so many threads inside, whatever the environment says (``OMP_NUM_THREADS``, cores); as before afterwards.

    An operation that adds up over threads rounds otherwise with another number of them, and training makes that large: after 480 clips a
    weight had changed by as much as the largest of its tensor. Threads that read and decode are not counted; they add nothing up.

    Args:
        threads: of torch, and of the BLAS libraries behind NumPy and SciPy; None leaves them as they are.
    """
    if threads is None:
        yield
        return
    before = torch.get_num_threads()
    with threadpool_limits(threads):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
