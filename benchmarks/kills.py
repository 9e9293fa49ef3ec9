"""Kill runs of five verbs at random moments, damage the states that others left, give the same command again, and compare the bits.

    python benchmarks/kills.py [--kills 50] [--damages 20] [--seed 0]

Each run works in a process of its own that saves its state after every step and every part of rows (runs do after 15 and 30 s). A
chain of two kills (``kill -9`` of the process and its children, at a random moment of its work) ends with the command undisturbed. A
damage is done to a file of a state that a kill left: bits are flipped, it is cut, emptied, overwritten with noise, exchanged with that
of another run, or gone. What may come out: the bits of the undisturbed run, or an error of Muybridge's own that says what to do. Prints
a line per case and the counts; the exit code is 1 where something else came out.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np

from muybridge.data.decode.video import write

DRIVER = """
import sys
from dataclasses import fields
from muybridge.cli.main import main
from muybridge.stages.features import frozen
from muybridge.stages.testing import parts
from muybridge.train.loop import Recipe
parts.SECONDS = frozen.SECONDS = 0.0
made = Recipe.__init__
def often(self, *args, **kwargs):
    made(self, *args, **kwargs)
    object.__setattr__(self, "save_every", 0.0)
Recipe.__init__ = often
sys.exit(main(sys.argv[1:]))
"""
CLIP = ["--frames", "4", "--stride", "2", "--size", "28", "--crop", "24", "--batch", "4", "--workers", "1"]
COMPARED = (".safetensors", ".parquet", ".npz", ".npy", ".csv")
"""Files of a run without times of day in them."""
DAMAGES = ("flip", "cut", "empty", "noise", "exchange", "remove")


def videos(root: Path) -> Path:
    """A list of 24 videos of three motions, with labels, groups and sentences."""
    lines = ["path,label,group,caption"]
    for label, step in (("left", -1), ("right", 1), ("still", 0)):
        for i in range(8):
            clip = np.full((24, 40, 40, 3), 30 + 4 * i, np.uint8)
            for t in range(24):
                x = (3 * i + step * t) % 32
                clip[t, 8 + i : 16 + i, x : x + 8] = 200
            path = root / label / f"{i}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, clip, 12.0)
            lines.append(f"{label}/{i}.mp4,{label},{i},a square that moves {label}")
    (root / "list.csv").write_text("\n".join(lines))
    return root / "list.csv"


def commands(data: Path, made: Path) -> dict[str, list[str]]:
    """The command of each verb; the runs that it starts from are made below ``made``."""
    own = ["--data", str(data), *CLIP]
    tuned = [
        made_by(made, str(seed), ["finetune", *own, "--epochs", "3", "--seed", str(seed)]) for seed in (0, 1)
    ]
    text = made_by(made, "text", ["pretrain", *own, "--objective", "video-text", "--budget", "400"])
    types = ["gaussian_noise", "jumbling", "jpeg", "motion_blur", "mpeg2"]
    return {
        "pretrain": ["pretrain", *own, "--objective", "vcop", "--budget", "600"],
        "finetune": ["finetune", *own, "--epochs", "30"],
        "distill": ["distill", *own, "--teachers", *tuned, "--epochs", "20"],
        "robustness": ["robustness", "--model", tuned[0], "--data", str(data), "--types", *types],
        "zeroshot": ["zeroshot", "--model", text, "--data", str(data), "--templates", "bare", "--batch", "1"],
    }  # fmt: skip


def start(words: list[str], out: Path) -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words, "--out", str(out)],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def finish(words: list[str], out: Path) -> tuple[int, str]:
    """Exit code and last words of the command, undisturbed."""
    done = start(words, out)
    said = done.communicate(timeout=900)[1]
    return done.returncode, said


def made_by(made: Path, name: str, words: list[str]) -> str:
    """Folder of the run that a command makes."""
    code, said = finish(words, made / name)
    if code:
        raise SystemExit(said)
    return str(next((made / name).glob("runs/*/*/result.json")).parent)


def bits(out: Path) -> dict[str, str]:
    """Checksum of every file of the finished runs that has no time of day in it."""
    return {
        str(path.relative_to(out)): sha256(path.read_bytes()).hexdigest()
        for done in sorted(out.glob("runs/*/*/result.json"))
        for path in sorted(done.parent.iterdir())
        if path.suffix in COMPARED
    }


def kill(process: subprocess.Popen[str]) -> None:
    """End a process and its children at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr:
        process.stderr.close()


def killed(words: list[str], out: Path, pause: float) -> bool:
    """Kill the command ``pause`` seconds after its run folder is there; whether it was still at work."""
    process = start(words, out)
    while process.poll() is None and not list(out.glob("runs/*/*/config.yaml")):
        time.sleep(0.01)
    until = time.monotonic() + pause
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    working = process.poll() is None
    kill(process) if working else process.communicate()
    return working


def judged(words: list[str], out: Path, expected: dict[str, str]) -> str:
    """What the same command makes of what a kill or a damage left."""
    code, said = finish(words, out)
    if code:
        typed = code in (1, 2) and "Traceback" not in said and "bug" not in said
        return "refused" if typed else f"CRASH ({code}) {said[-400:]}"
    return "same bits" if bits(out) == expected else "OTHER BITS"


def damage(path: Path, kind: str, other: bytes, draw: random.Random) -> None:
    """Harm one file of a state."""
    data = bytearray(path.read_bytes())
    if kind == "flip":
        for _ in range(20):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == "cut":
        del data[draw.randrange(len(data)) :]
    elif kind == "empty":
        data.clear()
    elif kind == "noise":
        data[:] = draw.randbytes(len(data))
    elif kind == "exchange":
        data[:] = other
    path.unlink()
    if kind != "remove":
        path.write_bytes(data)


def main() -> int:
    """Run all cases; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--damages", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    counts: dict[str, Counter[str]] = {"kill": Counter(), "damage": Counter()}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["MUYBRIDGE_CACHE"] = str(root / "cache")
        verbs = commands(videos(root / "videos"), root / "made")
        whole: dict[str, tuple[dict[str, str], float]] = {}
        for verb, words in verbs.items():
            process, out = start(words, root / "whole" / verb), root / "whole" / verb
            while process.poll() is None and not list(out.glob("runs/*/*/config.yaml")):
                time.sleep(0.01)
            began = time.monotonic()
            said = process.communicate()[1]
            if process.returncode:
                raise SystemExit(said)
            whole[verb] = bits(out), time.monotonic() - began
            print(f"{verb}: {whole[verb][1]:.1f} s of work, {len(whole[verb][0])} files compared", flush=True)
        done, left = 0, dict[str, Path]()
        for number in range(10 * asked.kills):
            if done >= asked.kills:
                break
            verb = list(verbs)[number % len(verbs)]
            words, (expected, seconds), out = verbs[verb], whole[verb], root / "killed" / str(number)
            moments = [draw.uniform(0, 0.7 * seconds) for _ in range(2)]
            struck = [killed(words, out, moment) for moment in moments]
            files = list(out.glob("runs/*/*/state/*"))
            if files and verb not in left:
                left[verb] = Path(shutil.copytree(out, root / "left" / verb))
            found = judged(words, out, expected)
            done += sum(struck)
            counts["kill"][found.split(" {")[0][:40]] += sum(struck)
            print(
                f"{verb}: {sum(struck)} kills at {[round(m, 2) for m in moments]} s, {len(files)} files of state: {found}",
                flush=True,
            )
            shutil.rmtree(out)
        for number in range(asked.damages if left else 0):
            verb = sorted(left)[number % len(left)]
            words, out = verbs[verb], root / "damaged" / str(number)
            shutil.copytree(left[verb], out)
            files = sorted(path for path in out.glob("runs/*/*/state/*") if path.is_file())
            target = draw.choice(files)
            others = [
                p
                for v, place in left.items()
                if v != verb
                for p in place.glob("runs/*/*/state/*")
                if p.is_file()
            ]
            kind = DAMAGES[number % len(DAMAGES)]
            damage(target, kind, draw.choice(others).read_bytes() if others else b"", draw)
            found = judged(words, out, whole[verb][0])
            counts["damage"][found[:40]] += 1
            print(f"{verb}: {kind} of {target.name}: {found}", flush=True)
            shutil.rmtree(out)
    for what, count in counts.items():
        print(f"{what}s: " + ", ".join(f"{words} {number}" for words, number in count.items()))
    return int(any(words not in ("same bits", "refused") for count in counts.values() for words in count))


if __name__ == "__main__":
    sys.exit(main())
