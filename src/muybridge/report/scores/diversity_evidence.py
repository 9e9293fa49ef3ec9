"""Diversity of losses against robustness: the evidence of a pre-registered study, the verdict in words."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from muybridge.core.seeding import rng
from muybridge.core.text.plurals import counted, inflected
from muybridge.measure.diversity.association import Association, power
from muybridge.measure.diversity.mixed_model import Mixed, mixed_model
from muybridge.measure.diversity.verdict import NOTHING, Evidence, Sets, Values, Verdict, verdict
from muybridge.report.scores.diversity_runs import PROBE, Registered, network

FEATURES = {
    "drift": "how far features go with the perturbation (CKA of the last stage)",
    "twin": "whether perturbed clips find their clean twins",
}


def evidence(made: Registered) -> Evidence:
    """Everything that the verdict looks at."""
    first, *others = made.prereg["population"]["backbones"]
    x, y = made.prereg["hypothesis"]["primary"]["x"], made.prereg["hypothesis"]["primary"]["y"]
    base = made.sets(first, "sum")

    def partial(sets: Sets, a: str, b: str, members: bool = True, given: Sequence[str] = ()) -> Association:
        if not {a, b, *given} <= set(sets.numbers):
            return NOTHING
        return sets.partial(a, b, rng(0, "diversity", a, b, *given), members, given)

    combined = made.sets(first, "meltr")
    if {y} <= set(combined.numbers) and {y} <= set(base.numbers):
        gain = combined.numbers[y] - base.numbers[y]
        combined = Sets(combined.ids, combined.membership, {**combined.numbers, "gain": gain})
    clips = made.prereg["population"].get("frames", [])
    longer = {frames: made.sets(network(first, frames, clips), "sum") for frames in clips[1:]}
    outside = {
        **{f"{x}, clips of {frames} frames": partial(sets, x, y) for frames, sets in longer.items()},
        "D6 (networks of one loss each)": partial(base, "D6", y),
        "D3 of the losses as MELTR weighed them, under MELTR": partial(combined, "D3eff", y),
        f"{x}, frozen probes": partial(made.sets(first, PROBE), x, y),
        **{f"{x}, {words}": partial(base, x, name) for name, words in FEATURES.items()},
    }
    return Evidence(
        primary=partial(base, x, y),
        second=partial(made.sets(others[0], "sum"), x, y) if others else NOTHING,
        placebo=partial(made.sets(first, "sum", "placebo"), x, y, members=False),
        every_cell=partial(base, x, "R_pres_all"),
        plain=partial(base, x, y, members=False),
        accuracy=partial(base, x, y, given=("clean",)),
        combiner=partial(combined, x, "gain"),
        only_views=partial(made.sets(first, "views"), x, y, members=False),
        altering=partial(base, x, "S_alt"),
        naive=partial(base, "naive", y),
        secondary={name: partial(base, name, y) for name in made.prereg["hypothesis"]["secondary"]},
        outside=outside,
        worst=partial(_filled(base, y, np.nanmin), x, y),
        best=partial(_filled(base, y, np.nanmax), x, y),
    )


def mixed(made: Registered) -> Mixed:
    """The check by a model of all combiners at once: sets as random intercepts, which losses a set holds as fixed effects."""
    backbone = made.prereg["population"]["backbones"][0]
    x, y = made.prereg["hypothesis"]["primary"]["x"], made.prereg["hypothesis"]["primary"]["y"]
    arms = [str(one) for one in made.prereg["combiners"]]
    by_arm = [made.sets(backbone, arm) for arm in arms]
    absent = np.full(len(by_arm[0].ids), np.nan)
    outcomes = np.stack([one.numbers.get(y, absent) for one in by_arm], axis=1)
    return mixed_model(by_arm[0].numbers.get(x, absent), outcomes, arms, by_arm[0].membership)


def mixed_words(one: Mixed, x: str) -> str:
    """The model in a sentence."""
    if math.isnan(one.slope):
        return f"A mixed model over all combiners wants more sets that have every one: {one.n} have."
    slopes = ", ".join(f"{arm} {slope:.2f}" for arm, slope in one.slopes.items())
    apart = f", whose differences have p {one.p_arms:.2g}" if math.isfinite(one.p_arms) else ""
    change = f"{one.slope:.2f} ({one.low:.2f} to {one.high:.2f}, p {one.p:.2g})"
    return (
        f"Check by a mixed model (sets as random intercepts, losses held fixed; {one.n} sets with every combiner, {one.left_out} left"
        f" out): robustness changes by {change} per unit of {x}; by combiner {slopes}{apart}."
    )


def _filled(sets: Sets, name: str, by: Callable[[Values], float]) -> Sets:
    """Sets without a number given an extreme one of those that have it, where not all or none of them lack it."""
    values = sets.numbers.get(name)
    if values is None or not 0 < np.isfinite(values).sum() < len(values):
        return Sets(sets.ids, sets.membership, {})
    filled = np.where(np.isfinite(values), values, by(values))
    return Sets(sets.ids, sets.membership, {**sets.numbers, name: filled})


def judge(made: Registered) -> tuple[Evidence, Verdict]:
    """Evidence and verdict under the registered bounds."""
    found, primary = evidence(made), made.prereg["hypothesis"]["primary"]
    return found, verdict(found, float(primary["sesoi"]), float(primary["alpha"]))


def clause(said: Verdict) -> str:
    """The answer beside those of other sections, without a full stop."""
    told = f"that more diverse auxiliary losses make a network more robust in time is {said.word}"
    return f"{told}: {'; '.join(said.reasons)}"


def words(made: Registered, found: Evidence, said: Verdict) -> Iterator[str]:
    """The answer for a layman, and what must stand beside it."""
    where = ", ".join(made.prereg["population"]["data"])
    answer = {
        "supported": "Yes, here: the more diverse the auxiliary losses, the less accuracy is lost when time is disturbed.",
        "refuted": "No, here: more diverse auxiliary losses did not make the networks more robust in time.",
        "undetermined": "It cannot be told from these runs.",
    }[said.word]
    yield f"{said.word.upper()} on {where}. {answer} Because: {'; '.join(said.reasons)}."
    if made.synthetic:
        yield "SYNTHETIC: drawn clips answer for themselves. This is no answer on Something-Something V2 or any other real videos."
    n = found.primary.n
    covariates = max(
        0,
        len({loss for one in made.prereg["sets"] if one["role"] == "confirmatory" for loss in one["losses"]})
        - 1,
    )
    yield (
        f"{n} of {sum(one['role'] == 'confirmatory' for one in made.prereg['sets'])} registered sets are judged; the power to see a rank "
        f"correlation of 0.5 in them is {power(0.5, n, covariates):.2f}."
    )
    if made.foreign:
        yield f"{made.foreign} runs carry another pre-registration or none; they count nowhere."
    for reason, number in made.left_out.items():
        yield f"{counted(number, 'run')} {inflected(number, 'is')} left out: {reason}."
    for one in made.prereg["deviations"]:
        yield f"Deviation: {one}"
