"""Does a more diverse set of auxiliary losses make a representation more robust in time? A pre-registered study.

Every set is trained under three combiners, and measured in a reference training of its own. Beside them: no auxiliary, the same with as
many encoded clips, the views of a set under the labels alone, every loss alone, and probes and drift of the features that the sum makes.
Embedded data answer for themselves and never for Something-Something V2.
"""

from muybridge.studies import preregister
from muybridge.studies.plan import Study
from muybridge.studies.shipped.diversity_arms import (
    LONGER,
    ONLY_VIEWS,
    OURS,
    alone,
    equal,
    looked_into,
    measured,
    pretrained,
    replicated,
    single,
    tasks_of,
    tested,
)
from muybridge.studies.shipped.scales import Lab
from muybridge.studies.study_configs import DiversityStudyConfig


def cells(config: DiversityStudyConfig) -> Study:
    """Set by set: its diversity, its arms and their robustness; placebo sets, and half of the sets in replications, under the sum.

    Raises:
        UsageError: there is no pre-registration, or it is of other options or labels.
    """
    registered = preregister.demand(config)
    lab = Lab(config, OURS)
    under = {"prereg": registered["sha256"]}
    first, *others = lab.scale.backbones
    data = lab.scale.data[0]
    for seed in registered["seed_list"]:
        init = begun = yield pretrained(lab, first, seed, under)
        summed = []
        for changes in single(lab, first):
            model = yield lab.finetune(data, init, first, seed, **changes, **under)
            yield tested(lab, data, model, registered)
        for place, one in enumerate(registered["sets"]):
            losses = one["losses"]
            yield measured(lab, data, init, first, seed, losses, under)
            arms = [equal(losses)]
            if one["role"] != "placebo":
                arms += [arm for name, arm in preregister.COMBINERS.items() if name != "sum"]
            if place < ONLY_VIEWS:
                arms.append({**equal(losses), "auxiliary_only_views": True})
            for arm in arms:
                model = yield lab.finetune(data, init, first, seed, **tasks_of(losses), **arm, **under)
                yield tested(lab, data, model, registered)
                summed += [model] if one["role"] == "confirmatory" and arm == arms[0] else []
        for backbone in others:
            started = yield pretrained(lab, backbone, seed, under)
            yield from replicated(lab, data, started, backbone, seed, registered)
        for frames in LONGER.get(config.scale, ()):
            yield from replicated(lab, data, begun, first, seed, registered, frames=frames)
        yield from alone(lab, data, begun, first, seed, registered)
        yield from looked_into(lab, data, summed, first, seed, registered)
