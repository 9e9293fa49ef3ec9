"""What maps of layer similarity cost: beside the forward passes, beside pytorch-cka and torch_cka, and in memory.

    python benchmarks/cka.py [overhead] [peers] [memory] [--repeats 3]

Seconds are those of the processor, one thread. overhead: two R(2+1)D of the benchmark, every module, 16 clips of 16x112x112; a batch with
the map (Gram matrices, 200 permutations, 200 replicates) over the two forward passes alone, in turn. peers: 20 x 20 layers of two small
networks, n = 256 in batches of 16, ours with and without permutations and replicates (the others have none); seconds with and without the
forward passes, and the largest difference between maps. memory: highest resident memory of 64 and of 1,024 clips through a small network,
each in a process of its own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from muybridge.backbones import build
from muybridge.core.clip import to_unit
from muybridge.measure.similarity.layer_similarity import LayerSums
from muybridge.stages.features.layer_grams import LayerGrams, Network
from muybridge.stages.features.networks import calibrate
from muybridge.train.precision import choose

COMPUTE = choose("cpu", "fp32")
DRAWN = 200


def clips(number: int, frames: int, size: int, seed: int = 0) -> torch.Tensor:
    """Clips of coarse blocks: noise by pixel looks alike to a network, and torch_cka, whose sums are float32, ends in NaN."""
    source = torch.Generator().manual_seed(seed)
    coarse = torch.randint(256, (number, 3, 2, 4, 4), generator=source, dtype=torch.uint8)
    return (
        coarse.repeat_interleave(frames // 2, 2)
        .repeat_interleave(size // 4, 3)
        .repeat_interleave(size // 4, 4)
    )


def looked(module: nn.Module, layers: tuple[str, ...] | None = None) -> LayerGrams:
    COMPUTE.place(module).eval()
    return LayerGrams(Network("one", module, layers), COMPUTE)


def sums_for(number: int, drawn: bool) -> LayerSums:
    share = np.full(number, 1 / number)
    wide = np.random.default_rng(0).multinomial(number, share, DRAWN).astype(float)
    return LayerSums(("cka",), wide if drawn else None, DRAWN if drawn else 1)


def add(sums: LayerSums, pair: list[LayerGrams], frames: torch.Tensor, start: int) -> None:
    a, b = (torch.stack(list(one.of(frames).values())) for one in pair)
    sums.add(a, b, np.arange(start, start + len(frames)))


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def overhead(repeats: int) -> None:
    torch.manual_seed(0)
    pair = [looked(build("r2plus1d")) for _ in range(2)]
    frames, sums = clips(16, 16, 112), sums_for(256, True)

    @torch.no_grad()
    def forward() -> None:
        for one in pair:
            one.network.module(to_unit(frames))

    forward()
    plain, mapped = [], []
    for turn in range(repeats):
        plain.append(seconds(forward))
        mapped.append(seconds(lambda turn=turn: add(sums, pair, frames, 16 * turn)))
    layers = len(sums.maps()["cka"].value)
    ratio = statistics.median(mapped) / statistics.median(plain)
    print(
        f"overhead: {layers} x {layers} layers; forward passes {spread(plain)} s, with the map {spread(mapped)} s: x {ratio:.3f}"
    )


def small(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    parts: list[nn.Module] = [nn.Conv3d(3, 16, 3, padding=1)]
    for _ in range(6):
        parts += [nn.BatchNorm3d(16), nn.ReLU(), nn.Conv3d(16, 16, 3, padding=1)]
    network = nn.Sequential(*parts, nn.ReLU())
    calibrate(network, [clips(64, 8, 16)], COMPUTE)
    return network.eval()


def peers(repeats: int) -> None:
    sys.path.remove(str(Path(__file__).parent))  # this file is called as one of the packages
    import cka
    import torch_cka
    from torch.utils.data import DataLoader, TensorDataset

    one, other = small(1), small(2)
    names = tuple(str(i) for i in range(20))
    raw = clips(256, 8, 16)
    unit = to_unit(raw)

    def ours(drawn: bool) -> np.ndarray:
        pair, sums = [looked(one, names), looked(other, names)], sums_for(256, drawn)
        for start in range(0, 256, 16):
            add(sums, pair, raw[start : start + 16], start)
        return sums.maps()["cka"].value

    def forward() -> None:
        with torch.no_grad():
            for start in range(0, 256, 16):
                one(to_unit(raw[start : start + 16])), other(to_unit(raw[start : start + 16]))

    def pytorch_cka() -> np.ndarray:
        (found,) = cka.compute_cka(
            one, other, DataLoader(unit, 16), layers=list(names), device="cpu", progress=False
        )
        return found.numpy()

    def old() -> np.ndarray:
        compared = torch_cka.CKA(one, other, "one", "other", list(names), list(names))
        with torch.no_grad():
            compared.compare(DataLoader(TensorDataset(unit), 16), DataLoader(TensorDataset(unit), 16))
        return compared.export()["CKA"].numpy()

    ways = {
        "forward": forward,
        "ours": lambda: ours(False),
        "ours with bands": lambda: ours(True),
        "pytorch-cka": pytorch_cka,
        "torch_cka": old,
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    maps: dict[str, np.ndarray] = {}
    for _ in range(repeats):
        for name, way in ways.items():
            began = time.process_time()
            maps[name] = way()  # type: ignore[assignment]
            taken[name].append(time.process_time() - began)
    passes, mine = (statistics.median(taken[name]) for name in ("forward", "ours"))
    for name, times in taken.items():
        median = statistics.median(times)
        apart = f"x {median / mine:.2f} of ours, {(median - passes) / (mine - passes):.2f} without the forward passes"
        far = (
            "" if name == "forward" else f"; largest difference {np.abs(maps[name] - maps['ours']).max():.1e}"
        )
        print(f"peers: {name} {spread(times)} s, {apart}{far}")


def peak(number: int) -> None:
    pair, sums = [looked(small(1))], sums_for(1024, True)
    for start in range(0, number, 16):
        add(sums, pair * 2, clips(16, 8, 32, start), start)
    print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def memory() -> None:
    found = {}
    for number in (64, 1024):
        done = subprocess.run(
            [sys.executable, __file__, "peak", str(number)], capture_output=True, text=True, check=True
        )
        found[number] = int(done.stdout) / 1024
    print(f"memory: {', '.join(f'{number} clips {size:.0f} MiB' for number, size in found.items())}")


def spread(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["overhead", "peers", "memory"])
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.what[0] == "peak":
        peak(int(asked.what[1]))
        return
    if "overhead" in asked.what:
        overhead(asked.repeats)
    if "peers" in asked.what:
        peers(asked.repeats)
    if "memory" in asked.what:
        memory()


if __name__ == "__main__":
    main()
