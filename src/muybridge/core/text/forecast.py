"""Time said before it is spent: when the first steps of a task are measured, what the others will take and which flags make it less."""

import time
from collections.abc import Callable

MEASURED = 5.0
"""Seconds of steps that are measured; the first step is none of them, since it starts the network and the readers."""
WORTH = 30.0
"""Seconds of work below which nobody needs to be warned."""


class Forecast:
    """Says once, in one line, how long a task will go on.

    Args:
        task: its name.
        shorter: flags that make it shorter, in words: ``"--epochs or --budget"``.
        say: prints a line.
        memory: what the task takes, in words; asked once, after the measured steps.
    """

    def __init__(
        self, task: str, shorter: str, say: Callable[[str], None], memory: Callable[[], str] = str
    ) -> None:
        self.task, self.shorter, self.say, self.memory = task, shorter, say, memory
        self._first: tuple[float, int] | None = None
        self._said = False

    def __call__(self, done: int, total: int) -> None:
        """Take the count of a task, which may have been resumed at any; speaks as soon as it is measured and long enough."""
        if self._said:
            return
        now = time.monotonic()
        began, before = self._first = self._first or (now, done)
        if done <= before or now - began < MEASURED:
            return
        seconds = (total - done) * (now - began) / (done - before)
        if seconds < WORTH:
            return
        self._said = True
        takes = ", ".join(filter(None, [f"about {duration(seconds)} left", self.memory()]))
        self.say(f"{self.task}: {takes}, by the first {done:,} of {total:,}{_advice(self.shorter)}")


def _advice(shorter: str) -> str:
    return f"; {shorter} {'shorten' if ' or ' in shorter else 'shortens'} it" if shorter else ""


def duration(seconds: float) -> str:
    """A time in minutes, from one and a half hours on in hours."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes >= 10 else f"{minutes:.1f} min"
