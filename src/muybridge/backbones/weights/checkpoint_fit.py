"""Which tensors of a file are those of a network: under which key they lie, and what stands in front of their names."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from muybridge.core.errors import UsageError

COUNTED = ("num_batches_tracked", "relative_position_index")
"""Ends of names that a file may lack: batches that batch norm saw, read in training alone; a table of constants of Swin."""
FEW = 6


@dataclass(frozen=True)
class Taken:
    """What was taken of a file, and what was left.

    Attributes:
        file: its name.
        key: under which the tensors lie; empty for the file itself.
        prefix: taken off their names; with ``+`` in front: put in front of them.
        tensors: by the network's names.
        filled: names that the file lacks and that keep the network's values.
        left: names in the file by why they were left.
        renamed: layers that were taken under another name, in words.
    """

    file: str
    key: str
    prefix: str
    tensors: Mapping[str, Tensor]
    filled: tuple[str, ...] = ()
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    renamed: tuple[str, ...] = ()

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Number formats other than float32 of the file's numbers with a point."""
        found = {one.dtype for one in self.tensors.values() if one.is_floating_point()} - {torch.float32}
        return tuple(sorted(str(one).removeprefix("torch.") for one in found))

    def facts(self) -> dict[str, object]:
        """For ``result.json``."""
        return {
            "file": self.file, "key": self.key, "prefix": self.prefix, "taken": len(self.tensors), "filled": list(self.filled),
            "formats": list(self.dtypes), "renamed": list(self.renamed),
            "left": {why: {"number": len(names), "first": list(names[:FEW])} for why, names in self.left.items()},
        }  # fmt: skip

    def note(self) -> str:
        """One sentence for people; empty where the file holds the network's tensors and nothing else."""
        if not (self.key or self.prefix or self.filled or self.left or self.dtypes):
            return ""
        where = f" under {self.key!r}" if self.key else ""
        turned = f", {self.prefix[1:]!r} put in front of their names" if self.prefix.startswith("+") else ""
        turned = turned or (f", {self.prefix!r} taken off their names" if self.prefix else "")
        words = [f"{self.file}: took {len(self.tensors)} tensors{where}{turned}"]
        words += [f"made float32 of {', '.join(self.dtypes)}"] if self.dtypes else []
        words += [f"took {one}" for one in self.renamed]
        words += [f"kept {len(self.filled)} of the network ({_few(self.filled)})"] if self.filled else []
        words += [f"left {len(names)} {why} ({_few(names)})" for why, names in self.left.items()]
        return "; ".join(words)


def choose(
    wanted: Collection[str],
    states: Mapping[str, Mapping[str, Tensor]],
    path: Path,
    key: str | None = None,
    prefix: str | None = None,
) -> Taken:
    """The tensors of the state dict, and under the prefix, with most of the names that a network wants.

    Of prefixes with as many, none at all wins; all other ties are refused, unless they are the same tensors.

    Args:
        wanted: names of the network.
        states: state dicts of the file by key.
        path: of the file.
        key: the only one that counts.
        prefix: the only one that counts.

    Raises:
        UsageError: no such key; two that would do; a prefix under which there is nothing.
    """
    if key is not None and key not in states:
        raise UsageError(
            f"--weights-key {key}: {path.name} has no state dict there. It has {', '.join(map(repr, states))}."
        )
    names = {name for name in wanted if not name.endswith(COUNTED)} or set(wanted)
    chosen = states if key is None else {key: states[key]}
    scored = [
        (count, where, front)
        for where, state in chosen.items()
        for front, count in _fronts(names, state, prefix).items()
    ]
    if not scored:
        if prefix is not None:
            raise UsageError(f"--weights-prefix {prefix}: {path.name} has no tensors of the network there.")
        where = next(iter(chosen))
        return Taken(path.name, where, "", dict(chosen[where]))
    most = max(count for count, *_ in scored)
    best = [(where, front) for count, where, front in scored if count == most]
    plain = [one for one in best if not one[1]]
    best = plain if len(plain) == 1 else best
    taken = [_taken(set(wanted), chosen[where], path, where, front) for where, front in best]
    for other in taken[1:]:
        if not _same(taken[0], other):
            pairs = [f"--weights-key {one.key!r} --weights-prefix {one.prefix!r}" for one in taken[:4]]
            raise UsageError(
                f"{path.name}: holds several sets of weights that fit alike. Say which: {' or '.join(pairs)}."
            )
    return taken[0]


def _fronts(names: set[str], state: Mapping[str, Tensor], asked: str | None) -> Counter[str]:
    """How many names of the network are found, by what stands in front of the file's names (``+``: in front of the network's)."""
    if asked is not None:
        asked = asked if not asked or asked.endswith(".") else f"{asked}."
        count = sum(f"{asked}{name}" in state for name in names)
        return Counter({asked: count} if count else {})
    return Counter(_cuts(state, names)) + Counter(
        {f"+{front}": count for front, count in _cuts(names, set(state)).items() if front}
    )


def _cuts(longer: Collection[str], shorter: Collection[str]) -> Counter[str]:
    """What has to be cut off in front of the longer names to make them shorter ones, and how often that is so."""
    found: Counter[str] = Counter()
    for name in longer:
        start = 0
        while True:
            if name[start:] in shorter:
                found[name[:start]] += 1
            dot = name.find(".", start)
            if dot < 0:
                break
            start = dot + 1
    return found


def _taken(wanted: set[str], state: Mapping[str, Tensor], path: Path, key: str, front: str) -> Taken:
    if front.startswith("+"):
        return Taken(path.name, key, front, {f"{front[1:]}{name}": value for name, value in state.items()})
    tensors = {name.removeprefix(front): value for name, value in state.items() if name.startswith(front)}
    beside = tuple(name for name in state if not name.startswith(front))
    return Taken(path.name, key, front, tensors, (), {"beside them": beside} if beside else {})


def _same(one: Taken, other: Taken) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        torch.equal(value, other.tensors[name]) for name, value in one.tensors.items()
    )


def trimmed(taken: Taken, wanted: Mapping[str, Tensor], heads: tuple[str, ...]) -> Taken:
    """Without parts that the network has not, and with its own counters where the file has none.

    A part is left where its first word names no part of the network, or it is one of the ``heads``; another layer of a part that the
    network has means another network, and stays, to be refused.
    """
    parts = {name.split(".")[0] for name in wanted}
    # where something is missing, what is too much belongs into the same message
    whole = all(name in taken.tensors or name.endswith(COUNTED) for name in wanted)
    drop = tuple(
        name
        for name in taken.tensors
        if name not in wanted and (name.startswith(heads) or (whole and name.split(".")[0] not in parts))
    )
    tensors = {name: value for name, value in taken.tensors.items() if name not in drop}
    lacking = [name for name in wanted if name not in tensors and name.endswith(COUNTED)]
    tensors |= {name: wanted[name] for name in lacking}
    left = dict(taken.left) | ({"that the network has no part for": drop} if drop else {})
    return replace(taken, tensors=tensors, filled=tuple(lacking), left=left)


def _few(names: Collection[str]) -> str:
    shown = list(names)[:3]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
