"""What reading a list costs, from text to a data set: columns, paths, labels, splits, whether the files are there and where links lead.

    python benchmarks/lists.py [--rows 1000000] [--folders 400] [--repeats 3] [--folder DIR]

Empty files of that number are made below DIR (a temporary folder when not given) and a csv with four columns and a txt of paths and numbers
name them. One thread; process CPU time and wall time of each repeat, and the largest memory of the process.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from muybridge.core.machine.machine_memory import peak
from muybridge.data.sources import load


def make(root: Path, rows: int, folders: int) -> list[Path]:
    """The files and both lists."""
    for place in range(folders):
        (root / f"class{place}").mkdir(parents=True)
    names = [f"class{place % folders}/video_{place:07d}.mp4" for place in range(rows)]
    for name in names:
        os.close(os.open(f"{root}/{name}", os.O_CREAT | os.O_WRONLY))
    table, text = root / "list.csv", root / "list.txt"
    with table.open("w", encoding="utf-8") as file:
        file.write("path,label,split,group\n")
        for place, name in enumerate(names):
            file.write(
                f"{name},{name.partition('/')[0]},{'train' if place % 10 else 'test'},g{place % 5000}\n"
            )
    with text.open("w", encoding="utf-8") as file:
        file.writelines(f"{name} {place % folders}\n" for place, name in enumerate(names))
    return [table, text]


def measure(path: Path, rows: int) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    dataset = load([str(path)])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert len(dataset) == rows
    print(
        f"{path.name}: {rows:,} rows, {cpu:.1f} s CPU, {wall:.1f} s, {peak() / 2**30:.1f} GiB at most",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folders", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as root:
        paths = make(Path(root) / "set", options.rows, options.folders)
        for _ in range(options.repeats):
            for path in paths:
                measure(path, options.rows)


if __name__ == "__main__":
    main()
