"""Names that come from outside: of files in a copied run or a store, of members of an archive, of videos in a list.

A name is plain, or it is refused before anything is touched. Nobody joins a name to a folder that did not come through here.
"""

import hashlib
import re

from muybridge.core.errors import UsageError

SIGNATURE = re.compile(r"[0-9a-f]{16}")
"""Name of a run folder."""
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
LONGEST = 128
"""Letters of a plain name; drafts beside it have longer ones, and file systems end at 255 bytes."""
PART = 255
"""Bytes of one part of a path."""
DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(10)),
}
"""Names that Windows takes for devices, whatever ending they have."""
READABLE = (".safetensors", ".pt", ".pth", ".pth.tar", ".pt.tar", ".pyth", ".ckpt", ".bin")
"""How files of weights end that can be read."""


class NameRefusedError(UsageError):
    """A name from outside that could lead out of its folder."""


def is_plain(name: object) -> bool:
    """Whether this is the name of a file and nothing else, on every system.

    ASCII letters, digits, ``.``, ``_`` and ``-``, no dot first or last: so no folder, no drive, no hidden file, no letter that looks like
    another, and no two names that one file system takes for one and another for two (but for capitals).
    """
    return (
        isinstance(name, str)
        and len(name) <= LONGEST
        and PLAIN.fullmatch(name) is not None
        and not name.endswith(".")
        and name.partition(".")[0].lower() not in DEVICES
    )


def plain_name(name: object, where: object) -> str:
    """The name, if it is plain.

    Args:
        name: whatever stands where a name should.
        where: the file or store that says it, for the message.

    Raises:
        NameRefusedError: it is not; nothing was touched.
    """
    if not is_plain(name):
        raise NameRefusedError(
            f"{where}: names a file {name!r:.120}; wanted letters, digits, '.', '_' and '-', at most {LONGEST}, and no folder. "
            "Nothing was touched; it is damaged or made to do harm."
        )
    return str(name)


def plain_names(names: object, where: object) -> list[str]:
    """The names of a mapping or list, if each is plain and none differs from another in capitals alone.

    Raises:
        NameRefusedError: one is not.
    """
    if not isinstance(names, dict | list):
        raise NameRefusedError(f"{where}: names no files; it is damaged.")
    found = [plain_name(name, where) for name in names]
    if len({name.lower() for name in found}) < len(found):
        raise NameRefusedError(f"{where}: two names of files differ in capitals alone; it is damaged.")
    return found


def leads_out(path: str) -> bool:
    """Whether a path, joined to a folder, could lead out of it: absolute, with a drive, ``..`` or a zero byte, on any system."""
    parts = re.split(r"[/\\]", path)
    return not parts[0] or re.match("[A-Za-z]:", path) is not None or ".." in parts or "\0" in path


def inner_path(path: str, where: object) -> str:
    """A path that stays below the folder it is joined to; letters of all languages are fine.

    Args:
        path: relative.
        where: the list or archive that says it, for the message.

    Raises:
        NameRefusedError: it leads out of its folder, or a part of it is longer than file systems take.
    """
    if leads_out(path):
        raise NameRefusedError(
            f"{where}: {path!r:.120} leads out of its folder. Nothing was read; correct the name."
        )
    if any(len(part.encode(errors="surrogatepass")) > PART for part in path.split("/")):
        raise NameRefusedError(f"{where}: {path!r:.120} has a part of over {PART} bytes. Correct the name.")
    return path


def short_name(words: str, most: int = 100) -> str:
    """Words as the name of a file that we make: ASCII letters and digits with dashes, the end of long ones replaced by its hash.

    Windows takes some words for devices; behind them stands a dash.
    """
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in words.lower())
    name = "-".join(part for part in kept.split("-") if part)
    name += "-" * (name in DEVICES)
    if len(name) <= most:
        return name
    return f"{name[: most - 9]}-{hashlib.sha256(words.encode(errors='surrogatepass')).hexdigest()[:8]}"
