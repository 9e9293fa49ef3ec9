"""What each shipped study claims, in words that can be refuted; those of the benchmark name the table they come from."""

from collections.abc import Mapping, Sequence

from muybridge.report.claims.map_claims import Brighter
from muybridge.report.claims.predicates import Above, BesideChance, EqualBudgets, SameOrder
from muybridge.report.claims.verdicts import Claim
from muybridge.runs.contents.study_file import StudyFields

PROBE, FINETUNE, NOISE = {"stage": "probe"}, {"stage": "finetune"}, {"stage": "robustness"}
MOTIONS, OBJECTS = {"data": "builtin-motions"}, {"data": "builtin-objects"}
SPATIAL, TEMPORAL, BOTH = ("rotnet", "cvrl"), ("vcop", "tdl"), ("prp", "rspnet")
CONTRASTIVE, OTHERS = ("cvrl", "tdl", "rspnet"), ("rotnet", "vcop", "prp")

BUDGETS: Sequence[Claim] = (
    EqualBudgets("All arms were pretrained on equally many clips.", "clips"),
    EqualBudgets("All arms were pretrained on equally many frames.", "frames"),
    EqualBudgets("All arms were pretrained with equally many passes that have a gradient.", "with_gradient"),
    EqualBudgets("All arms were pretrained with equally many operations (FLOPs).", "flops"),
)
"""By unit: tasks whose clips cost more, by longer clips or second encoders, are equal in one and not in another."""
QUICKSTART: Sequence[Claim] = (
    *BUDGETS,
    Above(
        "A temporal task tells a motion from its reverse best in the probe.", {"arm": "vcop"}, {"arm": ("rotnet", "random")},
        PROBE | MOTIONS, "direction",
    ),
    Above("A spatial task wins the probe on objects.", {"arm": "rotnet"}, {"arm": ("vcop", "random")}, PROBE | OBJECTS),
    BesideChance(
        "Reversed motions are taken for their partner by a model of all labels, more often than chance.",
        NOISE | MOTIONS | {"protocol": "fine-tune, all labels"}, "partner:reversal",
    ),
    Above(
        "One frame does not tell a motion from its reverse as well as eight do.", {"protocol": "fine-tune, all labels"},
        {"protocol": "fine-tune, all labels, single frame"}, FINETUNE | MOTIONS | {"arm": "random"}, "direction",
    ),
)  # fmt: skip
BACKBONES: Sequence[Claim] = (
    *BUDGETS,
    Above(
        "Every pretext task beats random weights in the probe.",
        {"arm": (*OTHERS, *CONTRASTIVE)},
        {"arm": "random"},
        PROBE,
    ),
    Above(
        "Temporal tasks tell motions from their reverse better in the probe, on average.",
        {"arm": TEMPORAL},
        {"arm": SPATIAL},
        PROBE | MOTIONS,
        "direction",
        over="mean",
    ),
    Above(
        "Spatial tasks win the probe on objects, on average.",
        {"arm": SPATIAL},
        {"arm": TEMPORAL},
        PROBE | OBJECTS,
        over="mean",
    ),
    Above(
        "RSPNet is the best task to fine-tune from (Table 1).", {"arm": "rspnet"}, {"arm": OTHERS}, FINETUNE
    ),
    SameOrder("The order of tasks is the same under noise as without."),
)
CONSTRAINTS: Sequence[Claim] = (
    *BUDGETS,
    Above(
        "RSPNet is the best of the six tasks (Table 3).",
        {"arm": "rspnet"},
        {"arm": (*OTHERS, "cvrl", "tdl")},
        FINETUNE,
    ),
    Above(
        "Spatio-temporal tasks beat spatial ones, on average (section 3.4).",
        {"arm": BOTH},
        {"arm": SPATIAL},
        FINETUNE,
        over="mean",
    ),
)
TRANSFER: Sequence[Claim] = (Above("Fine-tuning beats the linear probe (Table 2).", FINETUNE, PROBE),)
NOISY: Sequence[Claim] = (
    Above(
        "Tasks without contrast keep more of their accuracy under noise, on average (section 4.4).",
        {"arm": OTHERS}, {"arm": CONTRASTIVE}, NOISE, "relative", "mean",
    ),
    Above(
        "They also keep more of what is above chance.", {"arm": OTHERS}, {"arm": CONTRASTIVE}, NOISE, "corrected", "mean",
    ),
    SameOrder("The order of tasks is the same under noise as without (Table 6 denies it)."),
)  # fmt: skip
SOURCES: Sequence[Claim] = (
    Above(
        "VCOP and RotNet learn more from videos told apart by motion.", {"source_kind": "temporal"}, {"source_kind": "appearance"},
        FINETUNE | {"arm": ("vcop", "rotnet")},
    ),
    Above(
        "CVRL and RSPNet learn more from videos told apart by appearance.", {"source_kind": "appearance"}, {"source_kind": "temporal"},
        FINETUNE | {"arm": ("cvrl", "rspnet")},
    ),
)  # fmt: skip
USUAL = {"level": ""}
LAYERS: Sequence[Claim] = (
    Brighter(
        "Layers of VCOP are more alike than those of CVRL and RSPNet (Figures 2 and 5).",
        {"arm": "vcop"}, {"arm": ("cvrl", "rspnet")}, USUAL,
    ),
    Brighter(
        "VCOP shows blocks where CVRL and RSPNet show a grid (Figures 2 and 5).",
        {"arm": "vcop"}, {"arm": ("cvrl", "rspnet")}, USUAL, "block_score",
    ),
    Brighter(
        "Blocks appear as the pretraining of VCOP saturates.", {"arm": "vcop"}, {"arm": "vcop at 25 %"}, USUAL, "block_score",
    ),
    Brighter(
        "Blocks appear as the pretraining of RSPNet saturates.", {"arm": "rspnet"}, {"arm": "rspnet at 25 %"}, USUAL, "block_score",
    ),
    Brighter(
        "Maps of ShuffleNet grow darker as RotNet gets harder.",
        {"level": "2"}, {"level": "4"}, {"network": "shufflenet", "arm": "rotnet"},
    ),
    Brighter(
        "Maps of ShuffleNet grow darker as PRP gets harder.", {"level": "2"}, {"level": "4"}, {"network": "shufflenet", "arm": "prp"},
    ),
    Brighter(
        "Layers of pretrained networks are less alike than those of a network trained from scratch.",
        {"arm": "random"}, {"arm": (*OTHERS, *CONTRASTIVE)}, USUAL,
    ),
)  # fmt: skip
CLIPS = {"tiny": ("4x3", "4x6", "8x3"), "small": ("16x1", "16x2", "32x1"), "paper": ("16x1", "16x2", "32x1")}
"""Clips of the study of their length by its scale: short, short over the time of the long one, long."""
CLAIMS: Mapping[str, Sequence[Claim]] = {
    "quickstart": QUICKSTART,
    "pretext-backbones": BACKBONES,
    "pretext-constraints": CONSTRAINTS,
    "probe-vs-finetune": TRANSFER,
    "noise": NOISY,
    "data-distribution": SOURCES,
    "feature-analysis": LAYERS,
}
"""By the ``name`` of a study in its ``study.json``. Tables and sections are those of Kumar et al., arXiv 2306.06010, and its supplement."""


def shipped(study: StudyFields) -> Sequence[Claim]:
    """The claims of a study by its ``study.json``; those of the quickstart speak of the embedded data, of own videos only its budgets."""
    name = str(study.get("name"))
    config = study.get("config") or {}
    if name == "clip-length":
        return _longer(*CLIPS[str(config.get("scale") or "tiny")])
    own = name == "quickstart" and bool(config.get("data"))
    return BUDGETS if own else CLAIMS.get(name, ())


def _longer(short: str, stretched: str, long: str) -> Sequence[Claim]:
    tuned = FINETUNE | {"arm": (*OTHERS, *CONTRASTIVE)}
    return (
        *BUDGETS,
        Above(
            "Pretrained networks do better with twice the frames at the same step (section 3.2 of the supplement).",
            {"clip": long}, {"clip": short}, tuned,
        ),
        Above(
            "They do better with twice the frames than with half of them over the same time.", {"clip": long}, {"clip": stretched}, tuned,
        ),
    )  # fmt: skip
