"""Bytes that are to be found again as they were written: a checksum that holds what they are and whose.

For what a run leaves to go on from after a kill. A bit that flips there would otherwise end in other weights under the same
signature. The owner (a run's signature) is in the checksum, so that the state of another run is not taken for its own. It finds
damage, not forgery: whoever may write the file may write its checksum.
"""

import hashlib

from muybridge.core.errors import MuybridgeError

MARK = b"\nmuybridge sha256 "
"""Stands behind the content, in front of the checksum."""
SIZE = len(MARK) + 64


def digest(content: bytes | memoryview, owner: str) -> str:
    """Checksum of some bytes and of their owner, 64 hexadecimal digits."""
    found = hashlib.sha256(owner.encode() + b"\0")
    found.update(content)
    return found.hexdigest()


def sealed(content: bytes, owner: str) -> bytes:
    """The content with its checksum behind it, one file that appears whole or not at all."""
    return content + MARK + digest(content, owner).encode()


def opened(data: bytes, owner: str) -> memoryview:
    """The content of ``sealed``.

    Raises:
        MuybridgeError: there is no checksum, or it is of other bytes or another owner.
    """
    content, mark, told = memoryview(data)[:-SIZE], data[-SIZE:-64], data[-64:]
    if mark != MARK:
        raise MuybridgeError("no checksum stands behind it: written by an older version, or cut short")
    if digest(content, owner).encode() != told:
        raise MuybridgeError("its checksum does not fit: damaged, or of another run")
    return content
