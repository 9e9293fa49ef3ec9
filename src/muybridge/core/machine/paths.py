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


def stores_root() -> Path:
    """Working copies of stores: ``$MUYBRIDGE_STORES``, else ``$XDG_DATA_HOME/muybridge/stores``, else ``~/.local/share/muybridge/stores``.

    Finished runs that could not be published yet lie only there.
    """
    own = os.environ.get("MUYBRIDGE_STORES")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "muybridge" / "stores"
