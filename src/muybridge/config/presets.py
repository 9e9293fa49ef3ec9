"""Named sets of values for the configs of the stages: ``tiny`` for a CPU (the defaults), and published protocols.

``benchmark`` is that of Kumar et al. (arXiv 2306.06010): 16 frames of 112 pixels, Resize(128, 171) and CenterCrop(112) in fine-tuning
and test, 100 epochs. It states no optimiser, learning rate, batch or test clips; of fine-tuning these are marked choices, those of VCOP's
code (SGD at 1e-3, momentum 0.9, decay 5e-4, batches of 8, 10 test clips, no warm-up, no schedule, no clipping). Pretraining is that of
each task (``config.recipes``). ``benchmark-small`` is the same for the small networks, with a learning rate of 0.01 in fine-tuning.

What the code of ``vcop`` (Xu et al., CVPR 2019), ``rspnet`` (Chen et al., AAAI 2021) and ``severe`` (Thoker et al., ECCV 2022) does in
fine-tuning, and where we depart:

- All: biases and norms are not decayed here; pictures are cut from a square of 128 pixels (theirs: of the whole frame), so that random
  crops reach less far to the sides; centre crops are the same. None clips its gradient: ``clip_norm`` is out of reach.
- Retrieval by VCOP's code compares its last map behind a max-pooling (9216-d), RSPNet's the pooled feature; both 10 clips of a video.
- ``vcop``: 800 of 9,537 training videos of UCF101 (400 of 3,570 of HMDB51) are held out, and the weights with the lowest loss on them are
  tested. Here 8.4 % are, by source group.
- ``rspnet``: the rate falls once per epoch to a thousandth, here every step to zero; it tests a square of 112 pixels without a margin. Its
  code chooses the best epoch on the test split; here the last epoch is tested.
- ``severe``: Adam; 32 frames at 16 frames per second are taken as every second frame, which is 12.5 to 15. An epoch of its code draws ten
  clips of each video (``clips_per_video``), ours one: ``--epochs 160 --decay-epochs 60 100 140`` makes as many steps. Its lists for UCF101
  and HMDB51 differ in epochs and decay; these are those of its configuration for FineGym. Its linear probe is trained on drawn clips
  (Adam at 0.01, batches of 128, 10 epochs); ours is solved to its optimum on 10 fixed clips of a video, of the same 32 frames.
"""

from typing import Any

from muybridge.config.recipes import FREE

SIZES: dict[str, object] = {"frames": 16, "stride": 1, "size": 128, "crop": 112, "backbone": "r2plus1d"}
SGD: dict[str, object] = {"optimiser": "sgd", "lr": 1e-3, "weight_decay": 5e-4}
VCOP: dict[str, object] = {
    **SIZES, **SGD, "batch": 8, "schedule": "steps", "warmup": 0.0, "clip_norm": FREE, "validation": 0.084, "views": 10,
}  # fmt: skip

FINETUNE: dict[str, dict[str, object]] = {
    "benchmark": {**VCOP, "epochs": 100, "augment": ("resize", "centre-crop")},
    "vcop": {**VCOP, "epochs": 150, "augment": ("vcop",), "keep": "best-validation"},
    "rspnet": {
        **SIZES, **SGD, "lr": 0.1, "weight_decay": 1e-4, "warmup": 0.0, "clip_norm": FREE, "batch": 8, "epochs": 30,
        "augment": ("rspnet-finetune",), "views": 10,
    },
    "severe": {
        **SIZES, "frames": 32, "stride": 2, "optimiser": "adamw", "lr": 1e-4, "weight_decay": 0.0, "warmup": 0.0, "clip_norm": FREE,
        "schedule": "steps", "decay_epochs": (6, 10, 14), "decay": 0.3, "batch": 32, "epochs": 16, "augment": ("severe",), "views": 10,
    },
}  # fmt: skip
"""Fine-tuning by preset."""

FROZEN: dict[str, object] = {**SIZES, "batch": 8, "views": 10}
BENCHMARK: dict[str, dict[str, object]] = {
    "pretrain": {"backbone": SIZES["backbone"]},
    "finetune": FINETUNE["benchmark"],
    "probe": FROZEN,
    "knn": FROZEN,
    "retrieval": FROZEN,
    "robustness": {},
    "neighbours": FROZEN,
}
SMALL: dict[str, object] = {"backbone": "shufflenet"}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "tiny": {},
    "benchmark": BENCHMARK,
    "benchmark-small": {
        **{stage: values | SMALL if values else {} for stage, values in BENCHMARK.items()},
        "finetune": FINETUNE["benchmark"] | SMALL | {"lr": 0.01},
    },
    "vcop": {"finetune": FINETUNE["vcop"], "retrieval": FROZEN | {"features": "conv5"}},
    "rspnet": {"finetune": FINETUNE["rspnet"], "retrieval": FROZEN},
    "severe": {"finetune": FINETUNE["severe"], "probe": FROZEN | {"frames": 32, "stride": 2}},
}
"""Values by preset and stage."""
