"""What is pretrained on against what is tested on (Table 6 of the draft of arXiv 2306.06010).

Sources with and without motion, targets that need it or not.
"""

from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import SourcesConfig

TASKS = ("vcop", "rotnet", "cvrl", "rspnet")
STILL = "builtin-motions, one frame"
"""A source: the embedded videos, each clip one frame that is repeated."""
OURS: Ours = {
    "tiny": {"source": ("builtin-motions", STILL), "tasks": TASKS, "backbones": ("r2plus1d-tiny",)},
    "small": {"source": ("ucf101", "hmdb51"), "tasks": TASKS, "backbones": ("r2plus1d",)},
    "paper": {
        "source": ("kinetics400@30000", "ssv2@30000"),
        "data": ("ucf101", "diving48"),
        "tasks": TASKS,
        "backbones": ("r2plus1d",),
    },
}
"""The embedded data has one source only; at tiny scale the other one is the same videos held at one frame, so that only appearance can be
learnt. At small scale one GPU has UCF101 and HMDB51, which are of a kind."""


def on_source(source: str) -> dict[str, object]:
    """Fields of a pretraining on one source."""
    return {"data": ("builtin-motions",), "stride": 0} if source == STILL else {"data": (source,)}


def cells(config: SourcesConfig) -> Study:
    """Seed by seed, network by network and source by source: pretraining, then probe and fine-tuning on every target."""
    lab = Lab(config, OURS)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            for source in lab.scale.source:
                inits = yield from lab.pretrained(backbone, seed, **on_source(source))
                for data in lab.scale.data:
                    for init in inits.values():
                        yield lab.probe(data, init, backbone, seed)
                        yield lab.finetune(data, init, backbone, seed)
