"""Signals wait for the end of what must be whole; what was done when they came is kept."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from muybridge.core.machine.interrupts import NUMBERS, whole


class Asked(BaseException):
    """What a handler of these tests raises."""


@pytest.fixture
def asking():
    """Handlers that raise; those of before come back."""
    before = {number: signal.getsignal(number) for number in NUMBERS}

    def ask(*_: object) -> None:
        raise Asked

    for number in NUMBERS:
        signal.signal(number, ask)
    yield ask
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_heard_behind_what_stands_inside(asking, number: signal.Signals):
    done = []

    def work() -> None:
        with whole():
            for part in range(3):
                os.kill(os.getpid(), number)
                done.append(part)

    with pytest.raises(Asked):
        work()
    assert done == [0, 1, 2]
    assert [signal.getsignal(one) for one in NUMBERS] == [asking, asking]


def test_an_error_inside_is_not_hidden_by_a_signal(asking):
    def work() -> None:
        with whole():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError("own")

    with pytest.raises(ValueError, match="own"):
        work()
    assert signal.getsignal(signal.SIGTERM) is asking


def test_what_is_ignored_stays_ignored_and_what_ends_the_process_still_does():
    code = (
        "import os, signal; from muybridge.core.machine.interrupts import whole\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "with whole():\n    os.kill(os.getpid(), signal.SIGINT); print('on', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM); print('never', flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("on\n", -signal.SIGTERM)


def test_other_threads_touch_no_handlers(asking):
    seen = []

    def work() -> None:
        with whole():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [asking]
