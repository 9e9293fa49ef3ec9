"""Families of models under five categories of perturbations (arXiv 2207.01398): plain CNNs, small CNNs, Inception, transformers.

At tiny and small scale the families are trained here on the labels alone; at paper scale public models are tested as they are.
"""

from dataclasses import replace

from muybridge.core.errors import UsageError
from muybridge.perturb import PERTURBATIONS
from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import ModelsConfig

FAMILIES = {
    "3D CNN": ("r2plus1d", "r3d", "c3d"),
    "Inception": ("i3d",),
    "small CNN": ("shufflenet", "mobilenet", "squeezenet"),
    "transformer": ("vit",),
}
"""Networks by family; the tiny ones have ``-tiny`` behind their names."""
CATEGORIES = ("noise", "blur", "digital", "temporal", "camera")
NETWORKS = tuple(name for family in FAMILIES.values() for name in family)
TYPES = tuple(
    name
    for name, entry in PERTURBATIONS.items()
    if entry.facts["category"] in CATEGORIES and "muybridge-1" in entry.facts["profiles"]
)
OURS: Ours = {
    "tiny": {
        "backbones": tuple(f"{name}-tiny" for name in NETWORKS),
        "seeds": 1,
        "finetune": {"epochs": 6, "batch": 32},
        "robustness": {"types": TYPES, "severities": (1, 3, 5), "limit": 200},
    },
    "small": {"backbones": NETWORKS[:-1], "data": ("ucf101",), "robustness": {"types": TYPES}},
    "paper": {"data": ("kinetics400",), "robustness": {"types": TYPES, "profile": "samples-2022"}},
}
"""A transformer of full size does not learn UCF101 from its labels alone; it is left out of the small scale."""


def cells(config: ModelsConfig) -> Study:
    """Train each network and test it, or test each public model."""
    lab = Lab(config, OURS)
    if config.scale == "paper":
        yield from _public(config, lab)
        return
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            for data in lab.scale.data:
                model = yield lab.finetune(data, "random", backbone, seed)
                yield lab.robustness(data, model)


def _public(config: ModelsConfig, lab: Lab) -> Study:
    if not config.weights:
        raise UsageError(
            "--scale paper: wanted --weights with MODEL=FILE words, as i3d=i3d.safetensors torchvision:mvit_v2_s=mvit.pth;"
            " public models are tested as they are."
        )
    for word in config.weights:
        model, _, file = word.partition("=")
        for data in lab.scale.data:
            yield replace(lab.robustness(data, model, weights=file or None), data=(data,))
