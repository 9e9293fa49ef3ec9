"""Leases under random histories: several machines that claim, beat, sleep, wake, die and give back in any order, against what must hold."""

import random

import pytest

from muybridge.store import generations, lease
from muybridge.store.lease import Claimant, Lease, LostLeaseError


class Memory:
    """A place without a disk."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def names(self) -> list[str]:
        return list(self.files)

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def create(self, name: str, content: bytes) -> bool:
        return name not in self.files and self.files.setdefault(name, content) is content

    def renew(self, name: str, content: bytes) -> None:
        if name not in self.files:
            raise FileNotFoundError(name)
        self.files[name] = content

    def remove(self, name: str) -> None:
        self.files.pop(name, None)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves; no heartbeat beats by itself."""
    now = [1000.0]
    monkeypatch.setattr(lease.time, "time", lambda: now[0])
    monkeypatch.setattr(lease.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Lease, "start", lambda self: None)
    monkeypatch.setattr(lease, "_SIGHTINGS", {})
    monkeypatch.setenv("MUYBRIDGE_LEASE", "60")
    return now


@pytest.mark.parametrize("seed", range(300))
def test_of_all_that_ever_held_it_only_the_last_may_publish(seed, clock, tmp_path):
    draw, place = random.Random(seed), Memory()
    machines = [Claimant(tmp_path / str(number), place) for number in range(4)]
    given: list[Lease] = []
    told: dict[str, Lease] = {}
    for _ in range(60):
        clock[0] += draw.choice((0, 1, 20, 50, 70, 400))
        act = draw.choice(("claim", "claim", "beat", "beat", "give back"))
        if act == "claim":
            found = draw.choice(machines).attempt(None)
            if isinstance(found, Lease):
                assert found.number == len(given), "a number came back, or was left out"
                given.append(found)
                told[found.owner] = found
        elif given:
            one = draw.choice(given[-3:])
            before = generations.newest(place)
            last = one is given[-1] and before is not None and not before.free
            if act == "give back":
                one.give_back()
            elif last:
                one.renew()
            else:
                with pytest.raises(LostLeaseError):
                    one.renew()
            after = generations.newest(place)
            assert last or after == before, "who has it no longer changed what counts"
        holders = [one for one in given if one.ours()]
        assert holders in ([], given[-1:])
        assert sum(generations.held(name) for name in place.files) <= 1
        assert len(place.files) <= 2
