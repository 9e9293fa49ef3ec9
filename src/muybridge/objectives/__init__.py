"""Objectives: everything that trains a backbone, pretext tasks and supervised learning alike.

Facts: ``kind`` (spatial, temporal or both; control for tasks that teach nothing), ``pretext`` (needs no labels), ``captions`` (needs a
sentence about each video), ``complexity`` (the option that has levels), ``presets`` (values of the original paper where they differ from
the benchmark's, which are the constructors' defaults), ``tiny`` (values under a backbone of the tiny group, whose data sets and budgets are
thousands of times smaller), ``consecutive`` (beside another task it takes every frame: it has several clips, or rates of its own) and
``augment`` (the task's own augmentations, where they are not those of ``AUGMENT``: by preset, or ``tiny``, a list for each view).

The lists of the benchmark are those of Kumar et al. (arXiv 2306.06010, sec. 3.4), which names none for TDL, speed, arrow of time and
masked: TDL keeps its own, masked a resized crop as VideoMAE, the others take the common list (marked choices).
"""

from muybridge.core.catalogue import Entry

AUGMENT = {"benchmark": (("benchmark",),), "tiny": (("crop",),)}
"""Augmentations of a task that names none: the benchmark's common list; a crop alone under a tiny backbone."""

OBJECTIVES = {
    "rotnet": Entry(
        "name the multiple of 90 degrees by which the clip was rotated (spatial; 3DRotNet, 2018)",
        "muybridge.objectives.pretext.rotnet:RotNet",
        {"kind": "spatial", "pretext": True, "complexity": "rotations"},
    ),
    "vcop": Entry(
        "name the order in which the clips of a video were shuffled (temporal; VCOP, CVPR 2019)",
        "muybridge.objectives.pretext.vcop:VCOP",
        {
            "kind": "temporal",
            "pretext": True,
            "consecutive": True,
            "complexity": "clips",
            "augment": {"paper": (("vcop",),)},
        },
    ),
    "prp": Entry(
        "name the rate at which the clip is played and paint the frames between (spatio-temporal; PRP, CVPR 2020)",
        "muybridge.objectives.pretext.prp:PRP",
        {
            "kind": "spatio-temporal",
            "pretext": True,
            "consecutive": True,
            "complexity": "rates",
            "tiny": {"width": 64},
            "augment": {"paper": (("prp",),)},
        },
    ),
    "speed": Entry(
        "name the rate at which the clip is played (temporal; SpeedNet, CVPR 2020; pace prediction, ECCV 2020)",
        "muybridge.objectives.pretext.speed:Speed",
        {"kind": "temporal", "pretext": True, "consecutive": True, "complexity": "rates"},
    ),
    "arrow-of-time": Entry(
        "say whether the clip runs forwards or backwards (temporal; Pickup et al., CVPR 2014; Wei et al., CVPR 2018)",
        "muybridge.objectives.pretext.arrow_of_time:ArrowOfTime",
        {"kind": "temporal", "pretext": True},
    ),
    "masked": Entry(
        "predict the pixels of nine tubes in ten from the tenth (spatio-temporal; VideoMAE, NeurIPS 2022; token backbones)",
        "muybridge.objectives.pretext.masked:Masked",
        {
            "kind": "spatio-temporal",
            "pretext": True,
            "tokens": True,
            "tiny": {"width": 64, "depth": 2},
            "augment": {"benchmark": (("resized-crop",),)},
        },
    ),
    "cvrl": Entry(
        "two clips of a video attract each other, clips of other videos repel (spatial; CVRL, CVPR 2021)",
        "muybridge.objectives.contrastive.cvrl:CVRL",
        {
            "kind": "spatial",
            "pretext": True,
            "consecutive": True,
            "contrastive": True,
            "tiny": {"hidden": 256, "layers": 2},
            "augment": {
                "benchmark": (("benchmark-cvrl",),),
                "paper": (("cvrl",), ("cvrl-2",)),
                "tiny": (("crop", "jitter"),),
            },
        },
    ),
    "tdl": Entry(
        "a clip attracts another look at the same frames and repels another segment of its video (temporal; TDL, 2020)",
        "muybridge.objectives.contrastive.tdl:TDL",
        {
            "kind": "temporal",
            "pretext": True,
            "consecutive": True,
            "contrastive": True,
            "presets": {"paper": {"queue": 16384}},
            "tiny": {"queue": 500, "momentum": 0.95, "head_norm": True},
            "augment": {"benchmark": (("tdl",),)},
        },
    ),
    "rspnet": Entry(
        "clips of a video look alike at every speed and move alike at the same one (spatio-temporal; RSPNet, AAAI 2021)",
        "muybridge.objectives.contrastive.rspnet:RSPNet",
        {
            "kind": "spatio-temporal",
            "pretext": True,
            "consecutive": True,
            "contrastive": True,
            "tiny": {"queue": 512, "momentum": 0.99, "head_norm": True},
            "augment": {"paper": (("rspnet",),)},
        },
    ),
    "video-text": Entry(
        "a clip attracts the sentence about it and repels other sentences (spatio-temporal; CLIP, ICML 2021; SigLIP, ICCV 2023; captions)",
        "muybridge.objectives.language.video_text:VideoText",
        {
            "kind": "spatio-temporal",
            "pretext": True,
            "captions": True,
            "contrastive": True,
            "tiny": {"width": 64, "layers": 0},
        },
    ),
    "tcons": Entry(
        "clips in a row look alike and embeddings keep their variance (temporal; VICReg, ICLR 2022, with neighbours in time)",
        "muybridge.objectives.contrastive.tcons:TCons",
        {
            "kind": "temporal",
            "pretext": True,
            "consecutive": True,
            "contrastive": True,
            "tiny": {"width": 128},
        },
    ),
    "sigreg": Entry(
        "two looks at a clip, most of it dropped, agree; all embeddings are an isotropic Gaussian (spatial; LeJEPA, 2025)",
        "muybridge.objectives.contrastive.sigreg:SIGReg",
        {"kind": "spatial", "pretext": True, "augment": {"tiny": (("crop", "jitter"),)}},
    ),
    "placebo-projection": Entry(
        "regress a fixed random projection of the clip (a control: nothing to learn from it)",
        "muybridge.objectives.pretext.placebo:PlaceboProjection",
        {"kind": "control", "pretext": True},
    ),
    "placebo-colour": Entry(
        "regress a random projection of the clip on 1 x 1 x 1 cells (a control)",
        "muybridge.objectives.pretext.placebo:PlaceboColour",
        {"kind": "control", "pretext": True},
    ),
    "placebo-coarse": Entry(
        "regress a random projection of the clip on 2 x 2 x 2 cells (a control)",
        "muybridge.objectives.pretext.placebo:PlaceboCoarse",
        {"kind": "control", "pretext": True},
    ),
    "placebo-blocks": Entry(
        "regress a random projection of the clip on 3 x 3 x 3 cells (a control)",
        "muybridge.objectives.pretext.placebo:PlaceboBlocks",
        {"kind": "control", "pretext": True},
    ),
    "placebo-fine": Entry(
        "regress a random projection of the clip on 6 x 6 x 6 cells (a control)",
        "muybridge.objectives.pretext.placebo:PlaceboFine",
        {"kind": "control", "pretext": True},
    ),
    "placebo-finest": Entry(
        "regress a random projection of the clip on 8 x 8 x 8 cells (a control)",
        "muybridge.objectives.pretext.placebo:PlaceboFinest",
        {"kind": "control", "pretext": True},
    ),
    "placebo-labels": Entry(
        "name a label that a hash gave to the video (a control: nothing to learn from it)",
        "muybridge.objectives.pretext.placebo:PlaceboLabels",
        {"kind": "control", "pretext": True},
    ),
    "supervised": Entry(
        "cross-entropy on the labels",
        "muybridge.objectives.labels.supervised:Supervised",
        {"kind": "supervised", "pretext": False},
    ),
}
