"""How many unlabelled videos (Tables 4 and 5 of arXiv 2306.06010).

Subsets lie inside each other and hold as many of each class as there are.
"""

from muybridge.runs.contents.snapshots import SHARES, name_of
from muybridge.studies.plan import Study
from muybridge.studies.shipped.scales import Lab, Ours
from muybridge.studies.study_configs import SourcesConfig

OURS: Ours = {
    "tiny": {
        "source": tuple(f"builtin-motions@{number}" for number in (600, 1000, 2000)),
        "tasks": ("rotnet", "vcop", "rspnet"),
        "backbones": ("r2plus1d-tiny",),
    },
    "small": {
        "source": tuple(f"ucf101@{number}" for number in (1000, 3000, 9000)),
        "backbones": ("r2plus1d",),
    },
    "paper": {"source": tuple(f"kinetics400@{number}" for number in (10_000, 30_000, 50_000, 100_000))},
}
"""At tiny and small scale every subset has the same budget, so that size alone differs. At paper scale, as published, every subset is seen
for 200 epochs, so that larger subsets cost more; 50, 100 and 150 epochs of RSPNet (Table 5) are snapshots of the same run."""


def cells(config: SourcesConfig) -> Study:
    """Seed by seed, network by network and subset by subset: pretraining, then probe and fine-tuning of each arm; random weights once."""
    lab, published = Lab(config, OURS), config.scale == "paper"
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            for source in lab.scale.source:
                inits = yield from lab.pretrained(backbone, seed, data=(source,))
                if published and "rspnet" in inits:
                    inits |= {f"rspnet {share}": f"{inits['rspnet']}/{name_of(share)}" for share in SHARES}
                for data in lab.scale.data:
                    for init in inits.values():
                        yield lab.probe(data, init, backbone, seed)
                        yield lab.finetune(data, init, backbone, seed)
