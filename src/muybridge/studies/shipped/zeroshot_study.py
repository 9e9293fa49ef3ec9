"""Zero-shot classification from text: what models tell of classes that they never saw, and what the order of frames is worth to them.

At tiny scale networks learn from sentences on ``builtin-scenes``; the controls average frames, or were shown one frame.
"""

from muybridge.config.stage_configs import ZeroshotConfig
from muybridge.core.errors import UsageError
from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import ZeroshotStudyConfig

ORDER = ("reversal", "jumbling", "box_jumbling", "freezing", "gaussian_noise")
OURS: Ours = {
    "tiny": {
        "source": ("builtin-scenes",),
        "data": ("builtin-scenes", "builtin-motions", "builtin-objects"),
        "backbones": ("r2plus1d-tiny", "shufflenet-tiny", "frame-average-tiny"),
        "pretrain": {"budget": 24_000, "batch": 48, "stride": 3},
        "robustness": {"types": ORDER, "severities": (1, 3)},
    },
    "small": {"data": ("ucf101", "hmdb51"), "robustness": {"severities": (1, 3, 5)}},
    "paper": {"data": ("ucf101", "ucf101-2", "ucf101-3", "hmdb51", "kinetics400", "ssv2"), "robustness": {}},
}
TEMPLATES = {"ucf101": "ucf101", "hmdb51": "ucf101", "kinetics400": "kinetics"}
"""Prompts by data set, the bare name for others; Perception Encoder takes CLIP's set for UCF101 for HMDB51 too."""


def cells(config: ZeroshotStudyConfig) -> Study:
    """Networks that learn from sentences, or public models; each asked about every data set, then perturbed."""
    lab = Lab(config, OURS)
    if config.scale != "tiny":
        yield from _public(config, lab)
        return
    for seed in lab.seeds:
        arms = [(backbone, 3) for backbone in lab.scale.backbones]
        for backbone, stride in [*arms, (lab.scale.backbones[0], 0)]:
            run = yield lab.pretrain("video-text", backbone, seed, stride=stride)
            yield from _asked(lab, model=run, templates="scenes")


def _public(config: ZeroshotStudyConfig, lab: Lab) -> Study:
    if not config.weights:
        raise UsageError(
            f"--scale {config.scale}: wanted --weights with the models to be asked, as hf:FOLDER= for a dual encoder or i3d=FILE with"
            " --words; public models are asked as they are."
        )
    for word in config.weights:
        model, _, file = word.partition("=")
        yield from _asked(lab, model=model, weights=file or None, words=config.words if file else None)


def _asked(lab: Lab, **model: str | None) -> Study:
    """One model about every data set; under perturbations on the first."""
    for data in lab.scale.data:
        prompts = {"templates": TEMPLATES.get(data.partition("-")[0], "bare")} | model
        asked = yield ZeroshotConfig(**{**lab.control((data,)), "data": (data,), **prompts})
        if data == lab.scale.data[0]:
            yield lab.robustness(data, asked)
