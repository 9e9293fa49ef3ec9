"""Which runs are one arm: equal in all but seed and fold, also in what they start from."""

from collections import defaultdict
from collections.abc import Sequence

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import canonical
from muybridge.report.gather.collect import Seeds, facets
from muybridge.runs.contents.result_fields import InputFields, ResultFields
from muybridge.runs.records import Run
from muybridge.runs.signing import NOT_SIGNED

PLACE = ("fold", "held_out_fold", "seed")
"""Fields that say which run of an arm it is."""


def arms_of(runs: Sequence[Run]) -> list[Seeds]:
    """Runs sorted into arms, and inside by seed; folds of a run that joins them are left out.

    Runs that are one arm by all that they say and are of the same seed and fold are arms of their own.
    """
    parts = {one["signature"] for run in runs for one in run.result.get("folds", [])}
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.signature not in parts:
            found[canonical(_told(run))].append(run)
    arms: list[Seeds] = []
    for same in found.values():
        places = {(facets(run)["seed"], facets(run)["fold"]) for run in same}
        arms += [_by_seed(same)] if len(places) == len(same) else [_by_seed([run]) for run in same]
    return arms


def _by_seed(runs: Sequence[Run]) -> Seeds:
    seeds: Seeds = defaultdict(list)
    for run in sorted(runs, key=lambda run: str(facets(run)["fold"])):
        seeds[int(facets(run)["seed"])].append(run)
    return dict(sorted(seeds.items()))


def _told(run: Run) -> list[object]:
    """All that a run says of itself but its seed and fold, and the same of what it starts from."""
    result = run.result
    # The seed of a robustness run is that of the noise; which seed was trained with its model says.
    place = {*PLACE} - ({"seed"} if run.stage == "robustness" else set())
    config = {
        name: value
        for name, value in result.get("config", {}).items()
        if name not in place and name not in NOT_SIGNED
    }
    sorted_by = {name: value for name, value in result.get("facets", {}).items() if name not in PLACE}
    inputs = result.get("inputs", {})
    if result.get("folds"):  # what its first fold starts from
        first = _result(_beside(run, next(iter(inputs.values()))))
        inputs = inputs if first is None else first.get("inputs", {})
    begun = {name: _begun(_beside(run, one)) for name, one in inputs.items()}
    return [run.stage, config, sorted_by, result.get("model", {}), begun]


def _beside(run: Run, one: InputFields) -> Run:
    return Run(run.path.parents[1] / one["stage"] / one["signature"])


def _result(run: Run) -> ResultFields | None:
    """What a run says of itself; None where it does not lie in the same folder."""
    try:
        return run.result
    except (MuybridgeError, OSError):
        return None


def _begun(run: Run) -> object:
    """What an input says of itself; its signature where it does not lie in the same folder."""
    return _told(run) if _result(run) else run.signature
