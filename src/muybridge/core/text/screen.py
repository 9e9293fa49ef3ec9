"""What a person sees while work goes on: bars with rate and time left on a terminal, plain lines elsewhere."""

import os
import sys
import time
from types import TracebackType
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Screen(Protocol):
    """Shows tasks that count up."""

    def say(self, text: str) -> None:
        """Print one line."""
        ...

    def update(self, task: str, done: int, total: int, detail: str = "") -> None:
        """Set a task's count; a task appears with its first update."""
        ...

    def finish(self, task: str, text: str = "") -> None:
        """Take a task off; ``text`` stays as a line."""
        ...

    def __enter__(self) -> "Screen": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def speed(rate: float) -> str:
    """A rate per second in words; below one, the seconds that one takes."""
    if 0 < rate < 1:
        return f"{1 / rate:,.1f} s each"
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


class Plain:
    """Lines for logs: a task speaks at most every ``every`` seconds, with rate and time left."""

    def __init__(self, every: float = 10.0) -> None:
        self.every = every
        self.began: dict[str, tuple[float, int]] = {}
        self.spoke: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print one line to standard error."""
        print(text, file=sys.stderr, flush=True)

    def update(self, task: str, done: int, total: int, detail: str = "") -> None:
        """Print a line when it is time."""
        now = time.monotonic()
        start, first = self.began.setdefault(task, (now, done))
        if now - self.spoke.setdefault(task, now) < self.every:
            return
        self.spoke[task] = now
        rate = (done - first) / max(now - start, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate > 0 else ""
        self.say(f"{task}: {done}/{total} ({speed(rate)}{left}){'  ' + detail if detail else ''}")

    def finish(self, task: str, text: str = "") -> None:
        """Print the closing line."""
        self.began.pop(task, None)
        self.spoke.pop(task, None)
        if text:
            self.say(text)

    def __enter__(self) -> "Plain":
        return self

    def __exit__(self, *problem: object) -> None:
        return None


class Bars:
    """Live bars on a terminal (rich)."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column

        self.console = Console(stderr=True, highlight=False)
        width = self.console.width
        wide = width >= 100
        self.bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(width=30, no_wrap=True)),
            BarColumn(bar_width=20 if width >= 120 else 10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", justify="right"),
            TimeRemainingColumn(compact=True) if not wide else TimeElapsedColumn(),
            *(
                [
                    TextColumn("left"),
                    TimeRemainingColumn(compact=True),
                    TextColumn(
                        "{task.fields[detail]}", markup=False, table_column=Column(ratio=1, no_wrap=True)
                    ),
                ]
                if wide
                else []
            ),
            console=self.console,
            transient=True,
            expand=wide,
        )
        self.tasks: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """Print one line above the bars."""
        self.console.print(text, markup=False, soft_wrap=True)

    def update(self, task: str, done: int, total: int, detail: str = "") -> None:
        """Move a bar."""
        if task not in self.tasks:
            self.tasks[task] = self.bars.add_task(task, total=total, rate="", detail="")
        found = next(t for t in self.bars.tasks if t.id == self.tasks[task])
        rate = speed(found.speed) if found.speed else ""
        self.bars.update(self.tasks[task], completed=done, total=total, rate=rate, detail=detail)

    def finish(self, task: str, text: str = "") -> None:
        """Remove a bar and leave a line."""
        if task in self.tasks:
            self.bars.remove_task(self.tasks.pop(task))
        if text:
            self.say(text)

    def __enter__(self) -> "Bars":
        self.bars.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.bars.stop()


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def update(self, task: str, done: int, total: int, detail: str = "") -> None:
        """Nothing."""

    def finish(self, task: str, text: str = "") -> None:
        """Nothing."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *problem: object) -> None:
        return None


def screen() -> Screen:
    """Bars when standard error is a terminal, plain lines otherwise; of several processes under torchrun the first alone speaks."""
    if os.environ.get("RANK", "0") != "0":
        return Silent()
    return Bars() if sys.stderr.isatty() else Plain()
