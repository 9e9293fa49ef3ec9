"""Leases: the right of one process to compute a run, kept alive by a heartbeat and free again when its holder dies.

The files ``.lease.0``, ``.lease.1``, ... of a run folder are generations (``store.generations``); the newest one counts. A lease is taken
by creating the next generation, which succeeds for one of several processes on every file system and in every object store that can create
exclusively; nothing else is asked of them. Its holder writes it anew every quarter of its life. It is dead

- when the lock of the operating system that its holder had is ours (same machine: known at once),
- when we have seen it unchanged for its life (no clocks are compared; a holder of this machine that was stopped still has its lock), or
- when the time written into it is ``OLD`` lives ago (for those who cannot watch so long).

A holder that was stopped and wakes up after another has taken over finds its file gone or a newer generation there: its next heartbeat says
so, it writes into nobody's lease and may not publish. Numbers are never used again, so it cannot take another's for its own.
"""

import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from muybridge.core.errors import MuybridgeError
from muybridge.store.generations import MOST, PREFIX, Seen, forget, newest, release
from muybridge.store.oslock import OsLock
from muybridge.store.place import Place

LIFE = 60.0
"""Seconds without a sign of life after which a lease is dead; ``$MUYBRIDGE_LEASE`` overrides it, equal on all machines."""
OLD = 5
PATIENCE = 3.0
"""Seconds after which a waiting process says so."""

TAKEN = "another process has taken this run over, since this one gave no sign of life. The same command takes its result."

_SIGHTINGS: dict[Path, tuple[bytes | None, float]] = {}
"""Leases that this process could not have: what it saw last, and since when."""

Tell = Callable[[str], None]


class BusyError(MuybridgeError):
    """Another process computes this run."""


class LostLeaseError(MuybridgeError):
    """Another process took this run over while this one gave no sign of life."""


def life() -> float:
    """Seconds that a lease lives without a heartbeat."""
    return float(os.environ.get("MUYBRIDGE_LEASE", LIFE))


def beating(place: Place) -> float | None:
    """Seconds since the last sign of life of whoever holds the lease; None where nobody does, or nobody alive."""
    seen = newest(place)
    if seen is None or seen.time is None:
        return None
    age = time.time() - seen.time
    return max(0.0, age) if age < life() else None


class Lease:
    """A lease that is ours: renewed by a thread until it is given back.

    Attributes:
        lost: another process seems to have taken over; ``check`` is sure.
    """

    def __init__(self, place: Place, number: int, lock: str = "") -> None:
        self.place, self.name, self.number = place, f"{PREFIX}{number}", number
        self.life = life()
        self.owner, self.lock, self.beats, self.lost = uuid4().hex, lock, 0, False
        self._stop, self._file = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def content(self) -> bytes:
        """What the file says: owner, place of the holder, number of heartbeats, time."""
        who = f"process {os.getpid()} on {platform.node()}"
        says = {"owner": self.owner, "who": who, "lock": self.lock, "beats": self.beats, "time": time.time()}
        return json.dumps(says).encode()

    def start(self) -> None:
        """Begin to renew it."""
        self._thread.start()

    def ours(self) -> bool:
        """Whether it still is the generation that counts."""
        with self._file:
            return self._is_ours(newest(self.place))

    def _is_ours(self, seen: Seen | None) -> bool:
        return seen is not None and seen.number == self.number and seen.says.get("owner") == self.owner

    def check(self) -> None:
        """Before a result is published.

        Raises:
            LostLeaseError: it is ours no longer.
        """
        if not self.ours():
            raise LostLeaseError(TAKEN)

    def give_back(self) -> None:
        """Stop renewing and free it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self.life)
        if self.ours():
            release(self.place, self.number)

    def renew(self) -> None:
        """One heartbeat; nothing is written into the file of another.

        Raises:
            LostLeaseError: it is ours no longer; ``lost`` is set.
        """
        self.beats += 1
        try:
            with self._file:
                if self._is_ours(newest(self.place)):
                    self.place.renew(self.name, self.content())
                    return
        except FileNotFoundError:  # removed between the look and the write, by who took it over
            pass
        self.lost = True
        raise LostLeaseError(TAKEN)

    def _beat(self) -> None:
        while not self._stop.wait(self.life / 4):
            try:
                self.renew()
            except LostLeaseError:
                return
            except Exception:  # a full disk, a store out of reach: ``check`` decides in the end
                continue


class Claimant:
    """Someone who wants the lease of a run folder."""

    def __init__(self, folder: Path, place: Place, lock: str = "") -> None:
        self.folder, self.place, self.lock = folder, place, lock

    def attempt(self, locked: bool | None) -> Lease | Seen | None:
        """Try once; returns the lease, or the one that is in the way, if it can be seen.

        Args:
            locked: what ``OsLock.take`` said.
        """
        seen = newest(self.place)
        if not self._is_free(seen, locked):
            return seen
        if seen and seen.number >= MOST:
            raise MuybridgeError(
                f"{self.folder}: {PREFIX}{seen.number} was not made by this program. Remove that file."
            )
        # Without the lock of the system in hand the lease must not name it: who gets that lock later would take us for dead.
        lease = Lease(self.place, seen.number + 1 if seen else 0, self.lock if locked else "")
        if not self.place.create(lease.name, lease.content()):
            return newest(self.place)
        if not lease.ours():
            # Between the look and the file another had this number and gave it back, or the look missed files: it is used up.
            self.place.remove(lease.name)
            return newest(self.place)
        if seen:
            forget(self.place, seen)
        lease.start()
        return lease

    def _is_free(self, seen: Seen | None, locked: bool | None) -> bool:
        if locked is not False and (seen is None or seen.free):
            return True
        if locked and seen and self.lock and seen.word("lock") == self.lock:
            return True
        return self._unchanged(seen) or bool(seen and self._is_old(seen))

    def _unchanged(self, seen: Seen | None) -> bool:
        raw, now = seen.raw if seen else None, time.monotonic()
        last, since = _SIGHTINGS.get(self.folder, (b"", now))
        _SIGHTINGS[self.folder] = (raw, since if last == raw else now)
        return last == raw and now - since > life()

    def _is_old(self, seen: Seen) -> bool:
        return seen.time is not None and time.time() - seen.time > OLD * life()


@contextmanager
def hold(folder: Path, place: Place, tell: Tell | None = None) -> Iterator[Lease]:
    """Hold the lease of a run folder.

    Args:
        folder: the run folder on this machine; its ``.lock`` decides at once among the processes of this machine.
        place: where the lease lies: the same folder, or that of the store it is a working copy of.
        tell: told after a few seconds of waiting; None does not wait.

    Raises:
        BusyError: another process holds it and ``tell`` is None.
    """
    lock = OsLock(folder / ".lock")
    try:
        lease = _wait(lock, place, tell)
        try:
            yield lease
        finally:
            lease.give_back()
    finally:
        lock.give_back()


def _wait(lock: OsLock, place: Place, tell: Tell | None) -> Lease:
    claimant, began, pause, told = Claimant(lock.path.parent, place), time.monotonic(), 0.05, False
    while True:
        locked = lock.take()
        claimant.lock = lock.name
        found = claimant.attempt(locked)
        if isinstance(found, Lease):
            _SIGHTINGS.pop(lock.path.parent, None)
            return found
        lock.give_back()
        who = (found.word("who") if found else "") or "another process"
        if tell is None:
            raise BusyError(f"{who} computes it.")
        if not told and time.monotonic() - began > PATIENCE:
            tell(f"waiting for {who}, which computes the same run")
            told = True
        time.sleep(pause)
        pause = min(pause * 1.3, life() / 20)
