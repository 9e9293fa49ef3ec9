"""Stages: a frozen config and ``run``; they meet only through run folders."""

from muybridge.core.catalogue import Entry

STAGES = {
    "pretrain": Entry("learn from unlabelled videos with one pretext task", "muybridge.stages.pretrain:run"),
    "finetune": Entry("train backbone and linear layer on labels", "muybridge.stages.finetune:run"),
    "probe": Entry("train a linear layer on frozen features", "muybridge.stages.probe:run"),
    "knn": Entry("classify by the nearest training videos in feature space", "muybridge.stages.knn:run"),
    "retrieval": Entry(
        "find the training videos of a class in feature space", "muybridge.stages.retrieval:run"
    ),
    "robustness": Entry("measure a classifier on perturbed clips", "muybridge.stages.robustness:run"),
    "zeroshot": Entry(
        "classify videos by the names of classes, said in words", "muybridge.stages.zeroshot:run"
    ),
    "neighbours": Entry(
        "find the nearest videos of each video in feature space", "muybridge.stages.neighbours:run"
    ),
    "similarity": Entry(
        "compare the layers of two networks on the same clips", "muybridge.stages.similarity:run"
    ),
    "diversity": Entry(
        "measure how diverse auxiliary losses are, by their gradients on the shared weights",
        "muybridge.stages.diversity:run",
    ),
}
