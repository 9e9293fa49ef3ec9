"""Where Muybridge keeps what can be made again."""

import os
from pathlib import Path


def cache_root() -> Path:
    """``$MUYBRIDGE_CACHE``, else ``$XDG_CACHE_HOME/muybridge``, else ``~/.cache/muybridge``; safe to delete at any time."""
    own = os.environ.get("MUYBRIDGE_CACHE")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "muybridge"
