"""Worker processes that do not run the caller's script again."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def without_main() -> Iterator[None]:
    """Hide ``__main__`` while spawned processes start.

    A spawned process imports the main module of its parent; a user's script without an ``if __name__ == "__main__"`` guard would then
    run again in each of them. Ours need nothing from it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
