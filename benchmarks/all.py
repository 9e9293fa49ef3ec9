"""Run the benchmarks one after the other and write what they print, with the machine and their cost, into one file.

    python benchmarks/all.py [NAME ...] [--toy] [--out FILE]

Without names those run that need nothing but this repository, in under an hour together on two cores; what is left out is named with the
reason. ``--toy`` takes the sizes by which the test suite tries them: what is printed then says nothing. Each runs in a process of its own
with one thread; nothing else should run beside. ``benchmarks/README.md`` has the figures and what they mean.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = ("all", "films", "decode_peers")
"""Files of this folder that are no benchmarks."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Benchmark:
    """How one file is run.

    Attributes:
        words: arguments of the run whose figures are stated.
        toy: arguments at a size that takes a second or few.
        wants: packages beyond those of the development extra.
        slow: takes long even so: other processes that import torch, for the most part.
        left_out: why it does not run with the others; empty where it does.
    """

    words: tuple[str, ...] = ()
    toy: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    slow: bool = False
    left_out: str = ""


BENCHMARKS = {
    "answers": Benchmark(toy=("--videos", "20", "--conditions", "7", "--each", "3")),
    "augment": Benchmark(toy=("1",), wants=("torchvision",)),
    "background": Benchmark(
        ("OUT",), ("RUNS", "--clips", "12"), slow=True, left_out="OUT holds a study of hours"
    ),
    "bf16_gradients": Benchmark(toy=("--shapes", "2")),
    "precision": Benchmark(toy=("c3d-tiny", "--rounds", "1")),
    "checksums": Benchmark(toy=("--rounds", "2", "--share", "0.05"), slow=True),
    "cka": Benchmark(("overhead", "memory"), ("memory",), slow=True),
    "claims": Benchmark(toy=("--papers", "2", "--pages", "1", "--most", "12"), wants=("reportlab",)),
    "decode": Benchmark(toy=("--rounds", "1", "--frames", "70"), slow=True),
    "distill": Benchmark(toy=("--steps", "5", "--problems", "3"), slow=True),
    "doctor": Benchmark(toy=("--rounds", "1", "--films", "2", "--frames", "20", "--memory", "4"), slow=True),
    "embed": Benchmark(toy=("--videos", "32", "--repeats", "1", "--memory"), slow=True),
    "exact": Benchmark(toy=("--made", "2")),
    "executor": Benchmark(toy=("--cells", "2", "--workers", "1"), slow=True),
    "grid": Benchmark(
        toy=("--clips", "2", "--naive", "1", "--model", "tiny", "--types", "jpeg", "reversal", "--memory")
    ),
    "index": Benchmark(toy=("--runs", "12", "--videos", "4")),
    "intervals": Benchmark(toy=("--clips", "20", "--cells", "3", "--replicates", "60", "--repeats", "2")),
    "kills": Benchmark(toy=("--kills", "1", "--damages", "0"), slow=True, left_out="an hour of its own"),
    "leases": Benchmark(toy=("--cells", "40", "--seconds", "60")),
    "lists": Benchmark(toy=("--rows", "40", "--folders", "2", "--repeats", "2")),
    "order_free": Benchmark(toy=("--root", "FEW")),
    "perturb": Benchmark(("--alone",), ("--alone", "--sides", "32", "--severities", "1", "--rounds", "1")),
    "probe": Benchmark(
        toy=("--rows", "60", "--dims", "6", "--classes", "3", "--rounds", "1", "--every", "12")
    ),
    "processes": Benchmark(toy=("--steps", "1", "--videos", "4", "--objectives", "rotnet"), slow=True),
    "severity": Benchmark(toy=("--sizes", "32", "--draws", "1"), slow=True),
    "step": Benchmark(toy=("--rounds", "2"), slow=True),
    "study": Benchmark(toy=("--cells", "360")),
    "weighting": Benchmark(toy=("--repeats", "1", "--steps", "1"), slow=True),
    "zeroshot": Benchmark(
        toy=("--clips", "1", "--rounds", "1", "--size", "32", "--width", "64", "--layers", "1"),
        wants=("transformers",),
    ),
}


def machine() -> str:
    """Processor, cores, system and versions, for the head of the file."""
    from importlib.metadata import version

    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    wide = [
        flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if any(flag in one for one in lines)
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in ("muybridge", "torch", "numpy", "av"))
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{named or platform.processor()} ({', '.join(wide)}), {os.cpu_count()} logical cores, load {load}; "
        f"{platform.system()}, Python {platform.python_version()}, {versions}"
    )


def run(name: str, words: tuple[str, ...]) -> str:
    """One benchmark as a section of Markdown."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, str(HERE / f"{name}.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = done.stdout if not done.returncode else f"FAILED ({done.returncode})\n{done.stderr[-2000:]}"
    told = " ".join(["python", f"benchmarks/{name}.py", *words])
    return f"## {name}\n\n`{told}`: {time.monotonic() - began:.0f} s, {cpu:.0f} s of CPU\n\n```\n{said.rstrip()}\n```\n"


def main() -> int:
    """Run what was asked for; returns 1 where one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *BENCHMARKS])
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benchmarks-measured.md"))
    asked = parser.parse_args()
    parts = [f"# Benchmarks, {time.strftime('%Y-%m-%d')}\n\n{machine()}\n"]
    for name in asked.names or BENCHMARKS:
        one = BENCHMARKS[name]
        lacking = [package for package in one.wants if find_spec(package) is None]
        why = f"not installed: {', '.join(lacking)}" if lacking else "" if asked.names else one.left_out
        print(f"{name}{f': left out, {why}' if why else ''}", flush=True)
        parts.append(
            f"## {name}\n\nLeft out: {why}.\n" if why else run(name, one.toy if asked.toy else one.words)
        )
        asked.out.write_text("\n".join(parts))  # what was measured is kept when the next one is stopped
    return int(any("\nFAILED" in part for part in parts))


if __name__ == "__main__":
    sys.exit(main())
