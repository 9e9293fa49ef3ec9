"""Words of the field: models, data sets, perturbations, units, negations, and pairs of words that point in opposite directions."""

import re
from collections.abc import Iterator

MODELS = (
    "timesformer", "mvit", "mvitv2", "video swin", "videoswin", "vivit", "videomae", "videomaev2", "v-jepa", "v-jepa 2", "videoprism",
    "internvideo", "x-clip", "vifi-clip", "x3d", "slowfast", "i3d", "r3d", "c3d", "r(2+1)d", "r2+1d", "r21d", "s3d", "tsm", "tsn",
    "resnet", "resnet50", "resnet3d", "shufflenet", "mobilenet", "squeezenet", "swin", "vit", "meltr", "univl", "violet", "all-in-one",
    "rotnet", "vcop", "prp", "cvrl", "tdl", "rspnet", "lstm", "movinet", "uniformer", "omnivore", "dinov2", "moco", "simclr", "byol",
    "mae",
)  # fmt: skip
DATA = (
    "ucf101", "ucf101-p", "ucf-101", "ucf101-ds", "ucf", "hmdb51", "hmdb51-p", "hmdb-51", "hmdb", "kinetics", "kinetics-p",
    "kinetics400-p", "kinetics-400", "kinetics400", "kinetics-600", "kinetics-700", "k400", "k700", "ssv2", "ssv2-p",
    "something-something", "something-something v2", "diving48", "imagenet", "imagenet-c", "imagenet-p", "mini-ssv2", "charades", "ava",
    "jester", "epic-kitchens", "activitynet", "breakfast", "mini-kinetics-c", "mini ssv2-c",
)  # fmt: skip
PERTURBATIONS = (
    "gaussian noise", "shot noise", "impulse noise", "speckle noise", "salt-and-pepper noise", "noise", "motion blur", "defocus blur",
    "zoom blur", "gaussian blur", "blur", "jpeg", "mpeg", "compression", "translation", "rotation", "static rotation",
    "variable rotation", "random rotation", "sampling", "reversal", "reversed", "jumbling", "box jumbling", "freezing", "freeze",
    "shuffling", "frame drop", "fog", "snow", "rain", "frost", "occlusion", "brightness", "camera motion", "temporal perturbations",
    "spatial perturbations", "temporal perturbation", "spatial perturbation", "digital perturbations",
)  # fmt: skip
UNITS = {
    "%": "%", "percent": "%", "percentage": "%", "points": "points", "point": "points", "ms": "ms", "milliseconds": "ms", "s": "s",
    "sec": "s", "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min", "h": "h", "hour": "h", "hours": "h",
    "day": "day", "days": "day", "frame": "frame", "frames": "frame", "fps": "fps", "hz": "fps", "video": "video", "videos": "video",
    "clip": "clip", "clips": "clip", "class": "class", "classes": "class", "epoch": "epoch", "epochs": "epoch", "step": "step",
    "steps": "step", "iterations": "step", "gb": "gb", "mb": "mb", "tb": "tb", "kb": "kb", "px": "px", "pixel": "px", "pixels": "px",
    "degree": "degree", "degrees": "degree", "radians": "radian", "seed": "seed", "seeds": "seed", "model": "model", "models": "model",
    "gpu": "gpu", "gpus": "gpu", "gflops": "gflops", "flops": "flops", "parameters": "parameter", "crop": "crop", "crops": "crop",
    "dataset": "dataset", "datasets": "dataset", "layers": "layer", "layer": "layer", "block": "block", "blocks": "block",
    "perturbations": "perturbation", "severities": "severity", "severity": "severity", "metrics": "metric", "tasks": "task",
    "samples": "sample", "images": "image", "losses": "loss", "heads": "head", "tokens": "token", "db": "db", "kg": "kg",
    "tables": "table", "kinds": "kind", "folds": "fold", "runs": "run", "annotators": "annotator", "subjects": "subject",
    "labels": "label", "bits": "bit", "bytes": "byte", "times": "x", "x": "x",
}  # fmt: skip
"""Word to unit; of a word that is none, nothing is concluded."""
_NEGATIONS_WORDS = """
no not never none neither nor without cannot can't don't doesn't didn't isn't aren't wasn't weren't hardly fails fail failed lacks lack
unable
"""
NEGATIONS = frozenset(_NEGATIONS_WORDS.split())
OPPOSITES = (
    (("more", "most", "greater", "greatest"), ("less", "least", "fewer", "fewest")),
    (("higher", "highest", "high"), ("lower", "lowest", "low")), (("better", "best"), ("worse", "worst")),
    (("larger", "largest", "bigger", "large"), ("smaller", "smallest", "small")),
    (("increase", "increases", "increased", "increasing",
      "rise", "rises", "rose", "grow", "grows", "grew", "gains",
      "gained", "raise", "raises", "raised"),
     ("decrease", "decreases", "decreased", "decreasing",
      "drop", "drops", "dropped", "fall", "falls", "fell", "shrink", "shrinks", "loses", "lost",
      "reduce", "reduces", "reduced", "lowers", "lowered", "declines")),
    (("improve", "improves", "improved", "helps", "help", "benefits"),
     ("degrade", "degrades", "degraded", "hurts", "hurt", "harms", "worsens")),
    (("outperform", "outperforms", "outperformed", "beats", "beat", "surpasses", "exceeds"),
     ("underperforms", "underperform", "trails", "trail", "lags")),
    (("above", "over"), ("below", "under")), (("faster", "fastest", "quicker"), ("slower", "slowest")),
    (("longer", "longest"), ("shorter", "shortest")), (("stronger", "strongest"), ("weaker", "weakest")), (("before",), ("after",)),
    (("first",), ("last",)), (("all", "every", "each"), ("none",)), (("maximum", "maximal", "upper"), ("minimum", "minimal")),
    (("robust",), ("fragile", "brittle", "sensitive", "vulnerable")), (("positive", "positively"), ("negative", "negatively")),
    (("early", "earlier"), ("late", "later")), (("deeper", "deepest", "deep"), ("shallower", "shallowest", "shallow")),
    (("wider", "widest", "wide"), ("narrower", "narrowest", "narrow")), (("easier", "easiest", "easy"), ("harder", "hardest", "hard")),
    (("cheaper", "cheapest", "cheap"), ("dearer", "dearest", "costlier", "expensive")), (("up",), ("down",)), (("left",), ("right",)),
)  # fmt: skip
"""Words that say the same of opposite directions; both words of a comparison are looked up, so a double turn is none."""

DIRECTION = {
    word: (pair, sign)
    for pair, sides in enumerate(OPPOSITES)
    for sign, side in zip((1, -1), sides, strict=True)
    for word in side
}
"""Word to pair and sign; ``lower`` is of the first pair that has it last."""
_COMPARING_WORDS = """
than outperforms outperform outperformed underperforms beats beat surpasses exceeds trails lags versus
"""
COMPARING = frozenset(_COMPARING_WORDS.split())
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "m": 1e6, "bn": 1e9}
"""Words behind a number that it is to be multiplied with."""
NUMBER_WORDS = {
    name: float(value)
    for value, name in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
        ]
    )
}


def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(names, key=len, reverse=True)
    return re.compile(
        r"(?<![\w-])(?:" + "|".join(re.escape(one) for one in longest) + r")(?![\w+(])(?!-[a-z0-9])"
    )


KINDS = {"model": _pattern(MODELS), "data": _pattern(DATA), "perturbation": _pattern(PERTURBATIONS)}


def entities(kind: str, text: str) -> Iterator[tuple[int, str]]:
    """Names of a kind in a text of the form of ``normal``, with their places; the longest of those that overlap."""
    for found in KINDS[kind].finditer(text):
        yield found.start(), found.group().replace("-", "").replace(" ", "").rstrip("s")
