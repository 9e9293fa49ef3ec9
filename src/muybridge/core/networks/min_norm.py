"""The shortest convex combination of a few vectors with capped weights: how much each teacher counts in AE-KD.

Du et al., Agree to disagree: adaptive ensemble knowledge distillation in gradient space, NeurIPS 2020, eq. 8: minimise |sum_m w_m v_m|^2
over 0 <= w_m <= C with sum 1. It is the dual of a one-class support vector machine with nu = 1 / (C M), which their code solves to a
tolerance. Here two and three weights have closed forms; from four on an active set ends at the exact solution, after a few systems of
M + 1 equations at most. Plain Python, since for so few numbers every call into an array library costs more than the arithmetic.
"""

import math
from collections.abc import Sequence

from muybridge.core.errors import UsageError

TIGHT = 1e-12
"""Of the largest entry: below it a multiplier counts as zero."""
RIDGE = 1e-13
"""Of the largest entry, added to the diagonal: of equal vectors any share is shortest, and equal shares are taken."""


def capped_min_norm(gram: Sequence[Sequence[float]], cap: float) -> list[float]:
    """Weights of the shortest combination.

    Args:
        gram: inner products of the M vectors; symmetric, no negative eigenvalue.
        cap: the largest weight, at least 1 / M; from 1 on there is none but the sum.

    Returns:
        M weights in [0, cap] with sum 1.

    Raises:
        UsageError: a cap below 1 / M; inner products that are not finite.
    """
    number = len(gram)
    if number * cap < 1 - 1e-9:
        raise UsageError(
            f"a cap of {cap:g} for {number} teachers: their weights cannot reach 1; wanted 1 / {number} or more."
        )
    scale = max(abs(value) for row in gram for value in row)
    if not math.isfinite(sum(map(sum, gram))):
        raise UsageError(
            "gradients of the teachers' losses are not finite; look at their scores and at the learning rate."
        )
    weights = [1 / number] * number
    if not scale or number == 1 or cap * number <= 1:
        return weights
    if number == 2:
        return _pair(gram, cap)
    if number == 3:
        return _triple(gram, cap, scale)
    held: dict[int, float] = {}
    matrix = [
        [value / scale + (RIDGE if i == j else 0.0) for j, value in enumerate(row)]
        for i, row in enumerate(gram)
    ]
    for _ in range(8 * number + 8):
        free = [i for i in range(number) if i not in held]
        wanted = _shortest(matrix, free, held)
        step, blocked = 1.0, -1
        for i, value in zip(free, wanted, strict=True):
            bound = 0.0 if value < 0.0 else cap if value > cap else value
            if bound != value:
                share = (bound - weights[i]) / (value - weights[i])
                if share < step:
                    step, blocked = max(share, 0.0), i
        for i, value in zip(free, wanted, strict=True):
            weights[i] += step * (value - weights[i])
        if blocked >= 0:
            held[blocked] = weights[blocked] = 0.0 if wanted[free.index(blocked)] < 0.0 else cap
            if len(held) < number:
                continue
        slopes = [sum(row[j] * weights[j] for j in range(number)) for row in matrix]
        wrong = _release(slopes, held, free if blocked < 0 else [], cap)
        if wrong is None:
            break
        for i in wrong:
            del held[i]
    return weights


def _pair(gram: Sequence[Sequence[float]], cap: float) -> list[float]:
    """The two weights in closed form; equal ones for vectors that are equal."""
    (one, mixed), (_, other) = gram
    apart = one + other - 2 * mixed
    first = (other - mixed) / apart if apart > TIGHT * max(one, other) else 0.5
    low, high = max(0.0, 1 - cap), min(1.0, cap)
    first = low if first < low else high if first > high else first
    return [first, 1 - first]


def _triple(gram: Sequence[Sequence[float]], cap: float, scale: float) -> list[float]:
    """Three weights in closed form: inside the triangle of weights, else the best of its sides and of the lines where one is at the cap."""
    (g00, g01, g02), (_, g11, g12), (_, _, g22) = gram
    a, b, c = g00 - 2 * g02 + g22, g01 - g02 - g12 + g22, g11 - 2 * g12 + g22
    r, s = g22 - g02, g22 - g12
    size = a * c - b * b
    if size > TIGHT * scale * scale:
        x, y = (r * c - s * b) / size, (a * s - b * r) / size
        if 0 <= x <= cap and 0 <= y <= cap and 0 <= 1 - x - y <= cap:
            return [x, y, 1 - x - y]
    best, found = float("inf"), [1 / 3] * 3
    if size <= TIGHT * scale * scale and max(a, c) <= TIGHT * scale:
        return found  # all three are one vector
    for i, j, k, gii, gjj, gkk, gij, gik, gjk in (
        (0, 1, 2, g00, g11, g22, g01, g02, g12), (1, 0, 2, g11, g00, g22, g01, g12, g02), (2, 0, 1, g22, g00, g11, g02, g12, g01),
    ):  # fmt: skip
        for held in (0.0, cap):
            rest = 1.0 - held
            low, high = max(0.0, rest - cap), min(cap, rest)
            if low > high:
                continue
            apart = gjj + gkk - 2 * gjk
            x = (held * (gik - gij) + rest * (gkk - gjk)) / apart if apart > TIGHT * scale else rest / 2
            x = low if x < low else high if x > high else x
            y = rest - x
            length = (
                held * held * gii + x * x * gjj + y * y * gkk + 2 * (held * (x * gij + y * gik) + x * y * gjk)
            )
            if length < best:
                best = length
                found[i], found[j], found[k] = held, x, y
    return found


def _release(slopes: list[float], held: dict[int, float], free: list[int], cap: float) -> list[int] | None:
    """Bounds to be let go, since moving off them shortens the combination; None at the solution."""
    if free:
        level = sum(slopes[i] for i in free) / len(free)
        worst, at = TIGHT, -1
        for i, bound in held.items():
            gain = level - slopes[i] if bound == 0.0 else slopes[i] - level
            if gain > worst:
                worst, at = gain, i
        return None if at < 0 else [at]
    low = min((i for i in held if held[i] < cap), key=lambda i: slopes[i], default=None)
    high = max((i for i in held if held[i] > 0.0), key=lambda i: slopes[i], default=None)
    if low is None or high is None or slopes[high] - slopes[low] <= TIGHT:
        return None
    return [low, high]


def _shortest(matrix: list[list[float]], free: list[int], held: dict[int, float]) -> list[float]:
    """Weights of the free vectors that make the combination shortest, the others held; Gauss's elimination with pivots."""
    rest = 1.0 - sum(held.values())
    if len(free) == 1:
        return [rest]
    system = [
        [*(matrix[i][j] for j in free), 1.0, -sum(matrix[i][j] * value for j, value in held.items())]
        for i in free
    ]
    system.append([1.0] * len(free) + [0.0, rest])
    size = len(system)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(system[row][at]))
        system[at], system[pivot] = system[pivot], system[at]
        top = system[at]
        for row in range(at + 1, size):
            line = system[row]
            factor = line[at] / top[at]
            if factor:
                for column in range(at, size + 1):
                    line[column] -= factor * top[column]
    found = [0.0] * size
    for at in range(size - 1, -1, -1):
        line = system[at]
        known = sum(line[column] * found[column] for column in range(at + 1, size))
        found[at] = (line[size] - known) / line[at]
    return found[:-1]
