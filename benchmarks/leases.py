"""How many workers can share one store: requests counted on the real code, then a simulation of up to 1,000 workers that race for cells.

    python benchmarks/leases.py [--latency 0.03] [--cells 10000] [--seconds 60 600]

First a cell is claimed, computed and published, another is found busy and another found done, through the real lease and store code on a
store in memory; every request to the store is counted. Then events are simulated: each request takes the latency; workers belong to drivers
that walk the cells in the same order, take a random cell after a busy one, and look at busy ones again after 2, 4, 8, ... 30 s, as
``studies.cell_runner`` does. Work per cell is drawn from a log-normal law (sigma 0.5).
"""

import argparse
import heapq
import os
import tempfile
from collections import Counter
from random import Random

os.environ["MUYBRIDGE_STORES"] = tempfile.mkdtemp()

from muybridge.core.plain_data import write_json
from muybridge.runs.kept import restore
from muybridge.runs.mirror import place_of, publish
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.store.lease import BusyError, hold
from muybridge.store.storage import Store, local

REQUESTS = ("names", "read", "create", "renew", "write", "remove", "put", "get")
LIFE = 60.0


def count_requests() -> dict[str, int]:
    """Requests of one cell by what becomes of it."""
    counted: Counter[str] = Counter()
    for name in REQUESTS:
        setattr(Store, name, _counting(getattr(Store, name), name, counted))
    out = local("memory://benchmark/study")
    run = Run(out / "runs" / "probe" / "0123456789abcdef")
    run.path.mkdir(parents=True)
    found = {}
    with hold(run.path, place_of(run)):
        restore(run)
        found["claim"] = counted.total()
        for name in ("config.yaml", "env.json", "weights.safetensors", "predictions.parquet", "strips.npz"):
            (run.path / name).write_text(name)
        write_json(run.path / "result.json", seal(run.path, {"version": 2}))
        other = local("memory://benchmark/study").with_name("other machine")
        other.mkdir(parents=True)
        before = counted.total()
        try:
            with hold(other, place_of(run)):
                pass
        except BusyError:
            found["busy"] = counted.total() - before
        before = counted.total()
        publish(run)
    found["publish"] = counted.total() - before
    before = counted.total()
    with hold(run.path, place_of(run)):
        restore(run)
        publish(run)
    found["done"] = counted.total() - before
    return found


def _counting(method, name, counted):
    def call(self, *arguments):
        counted[name] += 1
        return method(self, *arguments)

    return call


def simulate(
    workers: int, drivers: int, cells: int, seconds: float, cost: dict[str, int], latency: float
) -> dict[str, float]:
    """Simulate a study; shares are of all workers' time until the last cell is claimed."""
    random = Random(0)
    work = [seconds * random.lognormvariate(-0.125, 0.5) for _ in range(cells)]
    owner: list[float | None] = [None] * cells  # when the cell is done, once it is claimed
    view = [_Driver(cells, number) for number in range(drivers)]
    events = [(0.0, number) for number in range(workers)]
    heapq.heapify(events)
    spent = {"work": 0.0, "requests": 0.0}
    tries, sent, last = Counter[str](), 0, 0.0
    while events:
        now, worker = heapq.heappop(events)
        driver = view[worker % drivers]
        cell = driver.next(now)
        if cell is None:
            continue  # every cell it knows of is claimed or done
        done_at = owner[cell]
        what = "claim" if done_at is None else "busy" if done_at > now else "done"
        tries[what] += 1
        number = cost[what] + (cost["publish"] + 2 * int(4 * work[cell] / LIFE) if what == "claim" else 0)
        sent += number
        wait = number * latency
        if what == "claim":
            owner[cell] = now + wait + work[cell]
            spent["work"] += work[cell]
            wait += work[cell]
            last = now
        spent["requests"] += number * latency
        driver.hear(cell, what, now + wait)
        heapq.heappush(events, (now + wait, worker))
    return {
        "idle": 1 - spent["work"] / (spent["work"] + spent["requests"]),
        "lost": (tries["busy"] + tries["done"]) / cells,
        "rate": sent / max(last, 1e-9),
    }


class _Driver:
    """What one driver knows of the cells."""

    def __init__(self, cells: int, number: int) -> None:
        self.first, self.cells, self.taken = 0, cells, set[int]()
        self.later: list[tuple[float, int]] = []
        self.met = Counter[int]()
        self.random, self.crowded = Random(number), False

    def next(self, now: float) -> int | None:
        """The cell to try now."""
        if self.later and self.later[0][0] <= now:
            return heapq.heappop(self.later)[1]
        while self.first < self.cells and self.first in self.taken:
            self.first += 1
        if self.first == self.cells:
            return heapq.heappop(self.later)[1] if self.later and self.later[0][0] <= now else None
        cell = self.first
        if self.crowded:
            self.crowded = False
            for _ in range(20):
                cell = self.random.randrange(self.first, self.cells)
                if cell not in self.taken:
                    break
            else:
                cell = self.first
        self.taken.add(cell)
        return cell

    def hear(self, cell: int, what: str, now: float) -> None:
        """Learn what became of a try."""
        if what == "busy":
            self.crowded = True
            heapq.heappush(self.later, (now + min(2.0 * 2 ** self.met[cell], LIFE / 2), cell))
            self.met[cell] += 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.03)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 600])
    options = parser.parse_args()
    cost = count_requests()
    print("requests: " + ", ".join(f"{name} {number}" for name, number in cost.items()))
    for seconds in options.seconds:
        for workers in (1, 10, 100, 1000):
            for drivers in (number for number in (1, 10, 100) if number <= workers):
                found = simulate(workers, drivers, options.cells, seconds, cost, options.latency)
                print(
                    f"cells of {seconds:.0f} s, {workers} workers of {drivers} drivers: {found['idle']:.2%} of the time in requests, "
                    f"{found['lost']:.2f} vain tries per cell, {found['rate']:.1f} requests/s"
                )


if __name__ == "__main__":
    main()
