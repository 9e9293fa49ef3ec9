"""Formulas in sentences: read, compared by value, and tested against a function of ours. Nothing in them is run.

A formula is ``name = expression`` with numbers, names (subscripts may be LaTeX's), ``+ - * / ^`` and brackets; reading stops where the
expression ends. Two formulas are the same when they give the same numbers for the same variables, whatever they are called.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from muybridge.core.text.sentences import normal

TRIALS = 256
MOST = 200
"""Equals signs of a text that are looked at; more are made to do harm."""
TOLERANCE = 1e-12
DEEPEST = 40
"""Brackets inside brackets that are still read."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<name>(?:[^\W\d_]+|[^\W\d_]\w*?)(?:\s?[_^]\s?(?:\{[^{}]{1,30}\}|\w))*)|(?P<sign>[-+*/()^=·−×]))"
)
Tree = tuple[str, object, object]


@dataclass(frozen=True)
class Formula:
    """A formula.

    Attributes:
        name: its left side as a letter and the first letter of its scripts, ``("γ", "a")``.
        variables: of the right side, by what their scripts tell (``c`` of ``Af_c``), in order of appearance.
        text: as it stands.
        tree: the right side.
    """

    name: tuple[str, str]
    variables: tuple[str, ...]
    text: str
    tree: Tree

    def value(self, variables: Mapping[str, float]) -> float:
        """The right side; NaN where it divides by zero.

        Raises:
            KeyError: a variable is missing.
        """
        return _value(self.tree, variables)


def formulas(text: str) -> list[Formula]:
    """Every formula with at least one operation in a text."""
    plain = normal(text).replace("−", "-").replace("gamma", "γ")
    found = []
    for place in islice(re.finditer("=", plain), MOST):
        left = re.search(
            r"((?:[^\W\d_]+)(?:\s?[_^]\s?(?:\{[^{}]{1,30}\}|\w))*)\s*$",
            plain[max(0, place.start() - 60) : place.start()],
        )
        if left is None:
            continue
        reader = _Reader(plain[place.end() : place.end() + 400])
        try:
            tree = reader.sum()
        except ValueError:
            continue
        if tree[0] in ("number", "name") or not reader.names:
            continue
        found.append(
            Formula(
                _named(left[1]),
                tuple(dict.fromkeys(reader.names)),
                f"{left[1]} = {reader.read.strip()}",
                tree,
            )
        )
    return found


def _named(word: str) -> tuple[str, str]:
    """Letter and first letter of the scripts: ``γ^a_{p,s}`` and ``γ_{a,p,s}`` are both ``("γ", "a")``."""
    base, *scripts = re.split(r"[_^]", word.replace(" ", ""))
    inner = re.findall(r"\w", scripts[0]) if scripts else []
    return base, inner[0] if inner else ""


def _variable(word: str) -> str:
    base, script = _named(word)
    return script or base


class _Reader:
    """Recursive descent over one expression."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.names: list[str] = []

    @property
    def read(self) -> str:
        return self.text[: self.at]

    def _peek(self) -> tuple[str, str, int]:
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            return "", "", self.at
        kind = str(found.lastgroup)
        return kind, found[kind], found.end()

    def sum(self) -> Tree:
        return self._chain(self.product, "+-")

    def product(self) -> Tree:
        return self._chain(self.power, "*/·×")

    def _chain(self, inner: Callable[[], Tree], signs: str) -> Tree:
        tree = inner()
        while True:
            kind, sign, end = self._peek()
            if kind != "sign" or sign not in signs:
                return tree
            before, self.at = self.at, end
            try:
                tree = ({"·": "*", "×": "*"}.get(sign, sign), tree, inner())
            except ValueError:
                self.at = before
                return tree

    def power(self) -> Tree:
        base = self.atom()
        kind, sign, end = self._peek()
        if kind == "sign" and sign == "^":
            self.at = end
            return ("^", base, self.atom())
        return base

    def atom(self) -> Tree:
        kind, word, end = self._peek()
        if kind == "number":
            self.at = end
            return ("number", float(word), None)
        if kind == "name":
            self.at = end
            self.names.append(_variable(word))
            return ("name", _variable(word), None)
        if kind == "sign" and word == "(":
            self.at = end
            self.depth += 1
            if self.depth > DEEPEST:
                raise ValueError("too deep")
            tree = self.sum()
            self.depth -= 1
            kind, word, end = self._peek()
            if word != ")":
                raise ValueError("no closing bracket")
            self.at = end
            return tree
        if kind == "sign" and word == "-":
            self.at = end
            return ("-", ("number", 0.0, None), self.atom())
        raise ValueError("no term")


def _value(tree: Tree, variables: Mapping[str, float]) -> float:
    kind, a, b = tree
    if kind == "number":
        return float(a)  # type: ignore[arg-type]
    if kind == "name":
        return variables[str(a)]
    x, y = _value(a, variables), _value(b, variables)  # type: ignore[arg-type]
    try:
        return (
            {"+": x + y, "-": x - y, "*": x * y}[kind]
            if kind in "+-*"
            else x / y
            if kind == "/"
            else float(x**y)
        )
    except (ZeroDivisionError, OverflowError, TypeError):
        return math.nan


def same(one: Formula, other: Formula) -> bool:
    """Whether two formulas give the same values; variables are matched by their scripts, else by order of appearance."""
    if len(one.variables) != len(other.variables):
        return False
    names = one.variables if set(one.variables) == set(other.variables) else other.variables
    return agree(
        one,
        lambda **told: other.value(dict(zip(names, told.values(), strict=True))),
        one.variables,
        (0.0, 1.0),
    )[0]


def agree(
    formula: Formula, function: Callable[..., float], order: Sequence[str], over: tuple[float, float], tolerance: float = TOLERANCE
) -> tuple[bool, float, int]:  # fmt: skip
    """Whether a formula and a function give the same numbers for random variables: verdict, largest difference, trials.

    Args:
        formula: what is claimed.
        function: takes the variables by name.
        order: names of the formula's variables; both sides are given these.
        over: range that variables are drawn from, uniformly; the stream is fixed.
        tolerance: of the difference, relative to the larger number where that is above 1.
    """
    generator = np.random.default_rng(20_261_129)
    worst = 0.0
    for _ in range(TRIALS):
        told = {
            name: float(value)
            for name, value in zip(order, generator.uniform(*over, len(order)), strict=True)
        }
        a, b = formula.value(told), float(function(**told))
        if math.isnan(a) and math.isnan(b):
            continue
        gap = abs(a - b) / max(1.0, abs(a), abs(b))
        worst = max(worst, math.inf if math.isnan(gap) else gap)
    return worst <= tolerance, worst, TRIALS
