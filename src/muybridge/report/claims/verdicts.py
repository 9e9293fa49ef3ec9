"""Claims: sentences about the arms of a study as predicates over its rows, each with a verdict and the evidence for it.

A claim speaks of all places it fits (every network, every data set) and of all pairs it names: it is supported when every comparison stands
in its favour, refuted when one stands against it, and undetermined else, which is also said where something it needs is missing. How
p-values are corrected is said in ``judge``. A claim about a way of training is never decided by one training seed: what two networks
differ in need not be what they were trained with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np

from muybridge.measure.estimate import LEVEL, Estimate, Interval
from muybridge.measure.intervals import CLEAN, Difference
from muybridge.measure.robustness.altered import PARTNER
from muybridge.report.gather.collect import Experiment, Gathered, data_of, facets
from muybridge.report.gather.design import Design
from muybridge.report.gather.same_protocol import clip_of
from muybridge.report.scores.robust import Perturbed
from muybridge.report.scores.score import Arm, Comparison, Scored, compared
from muybridge.report.scores.shares import Cells, Score, estimate
from muybridge.runs.records import Run

T = TypeVar("T")
Verdict = Literal[
    "supported", "refuted", "undetermined", "undetermined: one seed", "undetermined: one source group", "not comparable"
]  # fmt: skip
Says = Literal["for", "against", "open", "one seed", "one source group", "not comparable"]
Wanted = Mapping[str, str | tuple[str, ...]]
FACETS = ("stage", "protocol", "data", "network", "profile", "details", "source", "arm")
"""What two arms must share to be compared, but for what a claim names."""


@dataclass(frozen=True)
class Place:
    """One arm of one experiment.

    Attributes:
        facets: ``FACETS``, ``source_kind``, ``level`` (of complexity, where the study varies it), ``frames`` of the clips it was pretrained
            on and ``clip`` (frames and step, as ``8x3``) of those it was tested with; ``network`` is the backbone without its ``-tiny``.
        design: what perturbations were averaged; None without any.
        gaps: what it lacks of the perturbed cells.
        holes: seeds and folds that other arms have and it lacks.
    """

    facets: Mapping[str, str]
    arm: Arm
    design: Design | None
    gaps: Sequence[str]
    holes: Sequence[str]
    chance: float

    def said(self, names: Sequence[str]) -> str:
        """Some of its facets in words; the stage only where the protocol does not say it."""
        told = {name: self.facets[name] for name in names if self.facets[name]}
        if "protocol" in told and told.get("stage") != "robustness":
            told.pop("stage", None)
        return ", ".join(dict.fromkeys(told.values()))

    def fits(self, wanted: Wanted) -> bool:
        """Whether its facets are among those wanted."""
        return all(
            self.facets.get(name) in ((value,) if isinstance(value, str) else value)
            for name, value in wanted.items()
        )

    def estimate(self, name: str) -> Estimate | None:
        """A score of its arm; None where it has none.

        Args:
            name: ``accuracy``; ``direction``, of a class against its partner under reversal; ``type:NAME``; ``partner:NAME``, how often
                what a perturbation makes of a clip is named, at the mildest severity; ``mean:NAME``, ``relative:NAME`` and others
                of categories and types (``Design.score_of``); or a mean of ``Design.scores``.
        """
        if name == "direction":
            return None if self.arm.direction is None else estimate(_clean, self.arm.direction)
        if name.startswith("partner:"):
            return self._partner(name.partition(":")[2])
        of = self._score(name)
        return None if of is None else estimate(of, self.arm.right)

    def chance_of(self, name: str) -> float:
        """What guessing reaches in a score."""
        return 0.5 if name == "direction" else self.chance

    def _partner(self, type_: str) -> Estimate | None:
        cells = self.design.becomes.get(type_, {}) if self.design is not None and not self.gaps else {}
        if not cells:
            return None
        severity = min(cells, key=int)
        shares = self.arm.kinds((type_, int(severity)), cells[severity]).get(PARTNER)
        return None if shares is None else estimate(lambda cells: cells[type_, int(severity)], shares)

    def _score(self, name: str) -> Score | None:
        if name == "accuracy":
            return lambda cells: cells[CLEAN]
        if self.design is None or self.gaps:
            return None
        kind, _, type_ = name.partition(":")
        if kind == "type":
            return self.design.type_mean(type_) if type_ in self.design.types else None
        return self.design.score_of(kind, type_) if type_ else self.design.scores.get(kind)


def _clean(cells: Cells) -> np.ndarray:
    return cells[CLEAN]


@dataclass(frozen=True)
class World:
    """Everything that claims are about."""

    places: list[Place]
    all_of: Gathered
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, make: Callable[["World"], T]) -> T:
        """What ``make`` makes of these arms, made at the first call: claims, tables and sections share what takes long."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made


@dataclass(frozen=True)
class Test:
    """One comparison that a claim rests on.

    Attributes:
        words: what it says.
        difference: what was found.
        one_network: an arm in it has one training seed, so that it speaks of single networks and not of their training.
        places: the arms in it.
    """

    words: str
    difference: Difference
    one_network: bool = False
    places: Sequence[Place] = ()

    def says(self, found: Comparison, favourable: bool) -> Says:
        """What a corrected comparison says of a claim that wants it ``favourable``."""
        if self.one_network:
            return "one seed"
        if self.difference.interval.groups < 2:
            return "one source group"
        if favourable:
            return "for" if found.alone <= 1 - LEVEL else "open"
        return "against" if found.stands else "open"


@dataclass(frozen=True)
class Evidence:
    """One comparison as it came out; ``scale`` is empty for a difference of shares, else the name of what the interval is of."""

    words: str
    says: Says
    interval: Interval | None = None
    p: float | None = None
    scale: str = ""


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict.

    Attributes:
        missing: what it needs and is not there.
        runs: signatures of the runs it rests on, ``STAGE/SIGNATURE``.
        data: fingerprint by data set.
    """

    words: str
    verdict: Verdict
    evidence: list[Evidence]
    missing: list[str]
    runs: list[str] = field(default_factory=list)
    data: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Claim(Protocol):
    """A sentence that can be tested."""

    @property
    def words(self) -> str:
        """The sentence."""
        ...

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """The comparisons it rests on, and what it lacks for others."""
        ...

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """What the comparisons say of it."""
        ...


@runtime_checkable
class OverRuns(Protocol):
    """A claim about runs themselves: their configs or budgets."""

    def runs(self, world: World) -> list[Run]:
        """The runs it speaks of."""
        ...


def judge(claims: Sequence[Claim], world: World) -> list[Judged]:
    """Every claim with its verdict.

    The claims that rest on tests are one family: every p is multiplied by their number. Within a claim support is an intersection: all of
    its comparisons must stand, so that each may be tested at the full level (Berger, Technometrics 24(4), 1982). One comparison alone
    refutes it; what stands against it is corrected by Holm over the comparisons of the claim.
    """
    judged = []
    asked = [(claim, *claim.tests(world)) for claim in claims]
    family = sum(bool(tests) for _, tests, _ in asked)
    for claim, tests, missing in asked:
        results = compared([test.difference for test in tests], family)
        evidence = claim.weigh(world, list(zip(tests, results, strict=True)))
        runs = [run for test in tests for place in test.places for run in place.arm.runs]
        runs += claim.runs(world) if isinstance(claim, OverRuns) else []
        judged.append(
            Judged(claim.words, _verdict(evidence, missing), evidence, missing, _names(runs), _data(runs))
        )
    return judged


def _names(runs: Sequence[Run]) -> list[str]:
    return sorted({f"{run.stage}/{run.signature}" for run in runs})


def _data(runs: Sequence[Run]) -> dict[str, str]:
    told = [data_of(run) for run in runs]
    return {str(one["name"]): str(one.get("fingerprint", "not told")) for one in told if one.get("name")}


def _verdict(evidence: Sequence[Evidence], missing: Sequence[str]) -> Verdict:
    says = {one.says for one in evidence}
    if says == {"not comparable"}:
        return "not comparable"
    if "against" in says:
        return "refuted"
    if "one seed" in says:
        return "undetermined: one seed"
    if "one source group" in says:
        return "undetermined: one source group"
    return "supported" if says == {"for"} and not missing else "undetermined"


def world_of(scored: Sequence[Scored], perturbed: Sequence[Perturbed], all_of: Gathered) -> World:
    """The arms of all experiments that answer for videos."""
    told = {cell["signature"]: cell.get("factors", {}) for cell in all_of.study.get("cells", [])}
    places = [_place(one.experiment, arm, None, (), told) for one in scored for arm in one.arms.values()]
    places += [
        _place(one.scored.experiment, arm, one.design, one.arms[arm.name].gaps, told)
        for one in perturbed
        for arm in one.scored.arms.values()
    ]
    return World(places, all_of)


def _place(
    experiment: Experiment, arm: Arm, design: Design | None, gaps: Sequence[str], factors: Mapping[str, Mapping[str, object]]
) -> Place:  # fmt: skip
    told, varied = facets(arm.runs[0]), factors.get(arm.runs[0].signature, {})
    network = str(told.get("backbone") or "")
    own = {
        "stage": experiment.stage, "protocol": experiment.protocol, "data": experiment.data, "profile": experiment.profile,
        "details": ", ".join(part for part in experiment.details.split(", ") if part != network),
        "network": network.removesuffix("-tiny"), "arm": str(told["arm"]), "source": str(told.get("source") or ""),
        "source_kind": str(told.get("source_kind") or ""), "level": str(told.get("level") or varied.get("pretrain.complexity") or ""),
        "frames": str(told.get("frames") or ""), "clip": clip_of(arm.runs[0]),
    }  # fmt: skip
    return Place(own, arm, design, gaps, experiment.holes.get(arm.name, []), experiment.chance)
