"""What is claimed of maps of layer similarity: numbers of the maps of one kind of network against those of another.

The benchmark reads its maps by eye. Here a reading is a difference between numbers, over training seeds and over redrawn source groups of
clips, as accuracies are compared: maps of one study are made on the same clips with the same draws.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from muybridge.measure.estimate import Estimate, combined, mean_over_seeds
from muybridge.measure.intervals import Difference
from muybridge.report.claims.predicates import evidence
from muybridge.report.claims.verdicts import Evidence, Test, World
from muybridge.report.gather.map_groups import layer_maps
from muybridge.report.gather.read_maps import LayerMap
from muybridge.report.scores.score import Comparison

Score = Literal["mean_off_diagonal", "block_score"]
ROWS: tuple[Score, ...] = ("mean_off_diagonal", "block_score")
"""As ``runs.contents.layer_maps`` keeps their replicates."""
Wanted = Mapping[str, str | tuple[str, ...]]
SPELT = {"mean_off_diagonal": "mean off the diagonal", "block_score": "block score"}


@dataclass(frozen=True)
class Brighter:
    """Maps that fit ``brighter`` have a higher number than those that fit ``darker``, for every network and data set.

    Attributes:
        brighter: facts of the network of a map against itself; with a tuple the mean over its values is meant.
        darker: facts of the other side.
        where: facts of both.
        score: the number.

    Maps of networks pretrained on another source than most are left out.
    """

    words: str
    brighter: Wanted
    darker: Wanted
    where: Wanted = field(default_factory=dict)
    score: Score = "mean_off_diagonal"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One comparison of means for each network and data set."""
        tests: list[Test] = []
        missing: list[str] = []
        found: dict[str, list[LayerMap]] = {}
        for one in layer_maps(world.all_of):
            if one.itself and one.measure == "cka" and _plain(one) and _fits(one, self.where):
                backbone = str(one.columns.facts["backbone"]).removesuffix("-tiny")
                found.setdefault(f"{one.run.result['data']['name']}, {backbone}", []).append(one)
        for name, every in found.items():
            maps = _of_usual_source(every)
            sides = [self._estimate(maps, wanted) for wanted in (self.brighter, self.darker)]
            lacking = [f"{name}: {side}" for side in sides if isinstance(side, str)]
            missing += lacking
            if not lacking:
                first, second = (side for side in sides if isinstance(side, Estimate))
                estimate = first - second
                names = (_said(self.brighter), _said(self.darker))
                words = f"{name}: {names[0]} against {names[1]}, {SPELT[self.score]}"
                tests.append(Test(words, Difference.of(names, estimate), estimate.seeds < 2))
        return tests, missing if tests or missing else ["no finished map that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what stands and is positive."""
        return [evidence(test, one, one.difference.interval.value > 0) for test, one in found]

    def _estimate(self, maps: Sequence[LayerMap], wanted: Wanted) -> Estimate | str:
        """The mean over the values of a side, each over its seeds; or what is missing."""
        arms: dict[tuple[str, ...], list[LayerMap]] = {}
        for one in maps:
            if _fits(one, wanted):
                key = tuple(str(one.columns.facts.get(name) or "") for name in ("arm", "level", "source"))
                arms.setdefault(key, []).append(one)
        lacking = [
            value
            for name, value in _values(wanted)
            if not any(_fits(one, {name: value}) for some in arms.values() for one in some)
        ]
        if lacking:
            return f"{' and '.join(lacking)} is missing"
        estimates = [self._of_arm(" ".join(key), some) for key, some in arms.items()]
        if not all(isinstance(one, Estimate) for one in estimates):
            return next(one for one in estimates if isinstance(one, str))
        kept = [one for one in estimates if isinstance(one, Estimate)]
        return combined(kept, [1 / len(kept)] * len(kept))

    def _of_arm(self, arm: str, maps: Sequence[LayerMap]) -> Estimate | str:
        row = ROWS.index(self.score)
        values = [one.told[self.score]["value"] for one in maps]
        redrawn = [one.redrawn[row] for one in maps if one.redrawn is not None]
        if None in values or len(redrawn) < len(values):
            return f"{SPELT[self.score]} of {arm} is undefined, or has no interval"
        groups = int(maps[0].run.result["similarity"]["groups"])
        return mean_over_seeds(np.array(values), np.stack(redrawn, axis=1), groups, arm)


def _of_usual_source(maps: Sequence[LayerMap]) -> list[LayerMap]:
    """Maps of networks pretrained on what most were pretrained on, or on nothing."""
    sources = Counter(str(one.columns.facts.get("source") or "") for one in maps)
    del sources[""]
    usual = sources.most_common(1)[0][0] if sources else ""
    return [one for one in maps if str(one.columns.facts.get("source") or "") in ("", usual)]


def _plain(one: LayerMap) -> bool:
    """Whether all layers of a fine-tuned network are compared without pooling: what figures of the benchmark show."""
    config = one.run.result["config"]
    return (
        one.columns.facts.get("stage") == "finetune"
        and config.get("layers") == ["all"]
        and config.get("pool") == "none"
    )


def _fits(one: LayerMap, wanted: Wanted) -> bool:
    facts = {name: str(value or "") for name, value in one.columns.facts.items()}
    facts["network"] = facts.get("backbone", "").removesuffix("-tiny")
    return all(
        facts.get(name) in ((value,) if isinstance(value, str) else value) for name, value in wanted.items()
    )


def _values(wanted: Wanted) -> list[tuple[str, str]]:
    return [
        (name, one)
        for name, value in wanted.items()
        for one in ((value,) if isinstance(value, str) else value)
    ]


def _said(wanted: Wanted) -> str:
    return " and ".join(f"level {value}" if name == "level" else value for name, value in _values(wanted))
