"""Leases: one holder at a time, whatever machine it is on; a dead one loses it, a sleeping one may not publish."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from muybridge.core.errors import MuybridgeError
from muybridge.store import generations, lease, oslock
from muybridge.store.generations import newest
from muybridge.store.lease import BusyError, Claimant, LostLeaseError, beating, hold
from muybridge.store.place import Folder, Place
from muybridge.store.storage import Store

LIFE = 0.4


@pytest.fixture(autouse=True)
def _short_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUYBRIDGE_LEASE", str(LIFE))


@pytest.fixture(params=["folder", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where the lease lies, shared by all machines."""
    if request.param == "folder":
        (tmp_path / "shared").mkdir()
        yield Folder(tmp_path / "shared")
    else:
        name = uuid4().hex
        yield Store(f"memory://{name}")
        if fsspec.filesystem("memory").exists(f"/{name}"):
            fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of two machines: neither sees the lock files of the other."""
    for name in "ab":
        (tmp_path / name).mkdir()
    return tmp_path / "a", tmp_path / "b"


def asleep(place: Place, folder: Path) -> lease.Lease:
    """A lease on another machine whose holder has stopped: no heartbeat."""
    held = lease.Lease(place, 0, lock=f"other kernel {folder}")
    assert place.create(held.name, held.content())
    return held


def test_the_second_is_told_who_has_it_and_gets_it_afterwards(place, machines):
    with (
        hold(machines[0], place),
        pytest.raises(BusyError, match=r"process \d+ on .* computes it"),
        hold(machines[1], place),
    ):
        pass  # fmt: skip
    with hold(machines[1], place) as held:
        assert held.ours()
    assert not [name for name in place.names() if generations.held(name)]


def test_a_heartbeat_keeps_it_for_longer_than_its_life(machines, monkeypatch):
    monkeypatch.setenv("MUYBRIDGE_LEASE", "2")
    place = Folder(machines[0])
    with hold(machines[0], place) as held:
        other = Claimant(machines[1], place)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert not isinstance(other.attempt(None), lease.Lease)
            time.sleep(0.1)
        assert held.beats >= 8
        held.check()


def test_one_without_heartbeat_is_taken_over_after_its_life_and_not_before(place, machines):
    asleep(place, machines[0])
    began = time.monotonic()
    with hold(machines[1], place, tell=lambda _: None) as held:
        assert time.monotonic() - began > LIFE
        assert held.number == 1


def test_a_sleeper_that_wakes_up_may_not_publish_and_changes_nothing(place, machines):
    sleeper = asleep(place, machines[0])
    with hold(machines[1], place, tell=lambda _: None) as held:
        with pytest.raises(LostLeaseError):
            sleeper.renew()
        assert sleeper.lost
        with pytest.raises(LostLeaseError):
            sleeper.check()
        held.check()


def test_a_sleeper_does_not_steal_it_back_from_whoever_came_later(place, machines):
    sleeper = asleep(place, machines[0])
    with hold(machines[1], place, tell=lambda _: None):
        pass
    with hold(machines[1], place) as held:
        assert held.number == 2
        with pytest.raises(LostLeaseError):
            sleeper.renew()
        assert held.ours()
        sleeper.give_back()
        assert held.ours()


def test_a_heartbeat_is_not_written_over_the_lease_of_another_with_the_same_number(place, machines):
    mine, other = lease.Lease(place, 0), lease.Lease(place, 0)
    place.create(other.name, other.content())
    with pytest.raises(LostLeaseError):
        mine.renew()
    assert other.ours()


def test_a_clock_far_behind_frees_it_at_once(place, machines, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(lease.time, "time", lambda: 1e9)
        asleep(place, machines[0])
    with hold(machines[1], place):
        pass


def test_no_clock_is_compared_within_reason(place, machines, monkeypatch):
    with monkeypatch.context() as patch:
        now = time.time()
        patch.setattr(lease.time, "time", lambda: now - 2 * LIFE)
        asleep(place, machines[0])
    with pytest.raises(BusyError), hold(machines[1], place):
        pass


def test_half_a_file_is_somebody_at_work_until_it_does_not_change(place, machines):
    place.create(f"{generations.PREFIX}4", b'{"own')
    with pytest.raises(BusyError, match="another process"), hold(machines[0], place):
        pass
    with hold(machines[0], place, tell=lambda _: None) as held:
        assert held.number == 5


def test_who_waits_says_so_once(place, machines, monkeypatch):
    monkeypatch.setattr(lease, "PATIENCE", 0.05)
    said: list[str] = []
    asleep(place, machines[0])
    with hold(machines[1], place, tell=said.append):
        pass
    assert len(said) == 1
    assert said[0].startswith("waiting for process ")


def test_a_store_out_of_reach_for_a_while_loses_nothing(place, machines, monkeypatch):
    failed = threading.Event()

    def unreachable(*_: object) -> None:
        failed.set()
        raise OSError(28, "No space left on device")

    with hold(machines[0], place) as held:
        with monkeypatch.context() as patch:
            patch.setattr(type(place), "renew", unreachable)
            assert failed.wait(10)
        held.check()
        assert not held.lost


def test_the_holder_hears_that_it_was_taken_over(place, machines):
    with hold(machines[0], place) as held:
        place.create(f"{generations.PREFIX}{held.number + 1}", b"{}")
        place.remove(held.name)
        end = time.monotonic() + 10
        while not held.lost and time.monotonic() < end:
            time.sleep(0.01)
        assert held.lost
        with pytest.raises(LostLeaseError):
            held.check()
    assert newest(place).number == held.number + 1


def test_a_failure_gives_it_back(place, machines):
    with pytest.raises(ZeroDivisionError), hold(machines[0], place):
        _ = 1 / 0
    with hold(machines[1], place):
        pass


STRAY = (
    ".lease.abc",
    ".lease.backup",
    ".lease.1.part",
    ".lease.-1",
    ".lease.0~",
    ".lease.",
    ".lease.00",
    ".lease.1e3",
    ".lease.\u0661",
    f".lease.{'9' * 40}",
)


@pytest.mark.parametrize("name", STRAY)
def test_stray_names_are_no_leases(machines, name):
    place = Folder(machines[0])
    place.create(name, b"x")
    assert beating(place) is None
    with hold(machines[0], place) as held:
        assert held.number == 0


@pytest.mark.parametrize(
    "content",
    ["\udc80", '{"time": "never"}', '{"time": null}', '{"time": []}', '{"time": true}', '{"time": 1e999}', '{"time": NaN}', "[1]", "7", "",
     "[" * 90000, '{"time": 1%s}' % ("0" * 4000), '{"time": 1%s}' % ("0" * 6000), '{"who": ["x"], "lock": 7, "owner": {}, "time": -1e300}'],
)  # fmt: skip
def test_odd_contents_are_a_holder_who_shows_no_sign_of_life(machines, content):
    place = Folder(machines[0])
    place.create(f"{generations.PREFIX}3", content.encode(errors="surrogateescape"))
    assert beating(place) is None
    with hold(machines[0], place, tell=lambda _: None) as held:
        assert held.number == 4


def test_a_number_beyond_all_is_said(machines):
    place = Folder(machines[0])
    place.create(f"{generations.PREFIX}{generations.MOST}{generations.FREE}", b"")
    with pytest.raises(MuybridgeError, match="Remove that file"), hold(machines[0], place):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from muybridge.store.lease import hold
from muybridge.core.errors import MuybridgeError
from muybridge.store.place import Folder
with hold(Path(sys.argv[1]), Folder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


def test_kill_9_on_this_machine_frees_it_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MUYBRIDGE_LEASE", "1000")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"process {process.pid}"), hold(tmp_path, Folder(tmp_path)):
            pass
        process.send_signal(signal.SIGKILL)
    with hold(tmp_path, Folder(tmp_path)) as held:
        assert held.number == 1


def test_a_stopped_holder_on_this_machine_is_taken_over_and_may_not_publish(tmp_path):
    place = Folder(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        with hold(tmp_path, place, tell=lambda _: None) as held:
            assert held.number == 1
            process.send_signal(signal.SIGKILL)
            process.wait()
            # The dead one's lock is free now, and ours is not: only our heartbeat tells the next one that we live.
            with pytest.raises(BusyError), hold(tmp_path, place):
                pass
            held.check()


def test_a_folder_without_locks_is_safe_by_leases_alone(machines, tmp_path, monkeypatch):
    monkeypatch.setattr(oslock.fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(38, "ENOSYS")))
    place = Folder(machines[0])
    with hold(machines[0], place), pytest.raises(BusyError), hold(machines[0], place):
        pass
    asleep(place, machines[0])
    with hold(machines[0], place, tell=lambda _: None):
        pass


class Slow(Folder):
    """A folder whose next claimant sleeps between its look and its file, through what others do meanwhile."""

    def __init__(self, path: Path, meanwhile: Callable[[], None]) -> None:
        super().__init__(path)
        self.meanwhile: list[Callable[[], None]] = [meanwhile]

    def create(self, name: str, content: bytes) -> bool:
        while self.meanwhile:
            self.meanwhile.pop()()
        return super().create(name, content)


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_number_that_was_given_back_meanwhile_is_not_taken_again(machines, before: int):
    """A claimant saw generation n given back; until it makes its file another has had n + 1 and gave that back too."""
    shared = machines[0].parent / "meeting"
    shared.mkdir()
    place = Folder(shared)

    def once() -> None:
        with hold(machines[1], place):
            pass

    for _ in range(before):
        once()
    with hold(machines[0], Slow(shared, once), tell=lambda _: None) as late:
        late.check()
        with pytest.raises(BusyError), hold(machines[1], place):
            pass
    numbers = [int(match[1]) for match in map(generations.NAME.fullmatch, place.names()) if match]
    assert max(numbers) == before + 1


def test_a_look_that_misses_every_file_takes_nothing(machines):
    """Lists of a share or a store may lag: who sees none begins at 0 and must find out."""
    shared = machines[0].parent / "meeting"
    shared.mkdir()

    class Blind(Folder):
        looks = 0

        def names(self) -> list[str]:
            self.looks += 1
            return [] if self.looks == 1 else super().names()

    for _ in range(3):
        with hold(machines[1], Folder(shared)):
            pass
    with hold(machines[1], Folder(shared)):
        with pytest.raises(BusyError), hold(machines[0], Blind(shared)):
            pass
        assert len([name for name in Folder(shared).names() if generations.held(name)]) == 1


def test_never_two_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setenv("MUYBRIDGE_LEASE", "60")
    (tmp_path / "shared").mkdir()
    inside, most, turns = [0], [0], []

    def work(number: int) -> None:
        own = tmp_path / f"machine {number}"
        own.mkdir()
        for _ in range(3):
            with hold(own, Folder(tmp_path / "shared"), tell=lambda _: None) as held:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                held.check()
                turns.append(number)
                inside[0] -= 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == [1]
    assert sorted(turns) == sorted(3 * list(range(12)))
