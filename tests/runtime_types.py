"""What checks types and shapes of every call while tests run: beartype, which here takes a whole number for a float as PEP 484 does."""

from collections.abc import Iterator
from contextlib import contextmanager

from beartype import BeartypeConf, beartype
from jaxtyping import config

check = beartype(conf=BeartypeConf(is_pep484_tower=True))


@contextmanager
def unchecked() -> Iterator[None]:
    """Calls that pass a wrong type on purpose: the words of the code itself are what a user sees, who runs without this check."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)
