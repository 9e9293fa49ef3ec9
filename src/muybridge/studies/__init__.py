"""Studies: functions that yield stage configs, and the machinery that runs them once."""

from muybridge.core.catalogue import Entry

STUDIES = {
    "quickstart": Entry(
        "pretrain two tasks, probe and fine-tune them, perturb the clips, report; embedded data or your own videos",
        "muybridge.studies.shipped.quickstart:cells",
        {"title": "Quickstart: what pretext tasks teach"},
    ),
    "pretext-backbones": Entry(
        "every pretext task on several backbones under one budget: probe, fine-tuning, noise (Table 1)",
        "muybridge.studies.benchmark.pretext_backbones:cells",
        {"title": "Pretext tasks and backbones", "tables": ("table-1",)},
    ),
    "probe-vs-finetune": Entry(
        "frozen features against a trained backbone (Table 2)",
        "muybridge.studies.benchmark.probe_vs_finetune:cells",
        {"title": "Linear probe against fine-tuning", "tables": ("table-2",)},
    ),
    "pretext-constraints": Entry(
        "spatial, temporal and spatio-temporal tasks, with and without contrast (Table 3)",
        "muybridge.studies.benchmark.pretext_constraints:cells",
        {"title": "Constraints of pretext tasks", "tables": ("table-3",)},
    ),
    "subset-size": Entry(
        "how many unlabelled videos (Tables 4 and 5)",
        "muybridge.studies.benchmark.subset_size:cells",
        {
            "title": "Size of the pretraining set",
            "tables": ("table-4", "table-2-2022", "table-5", "headline"),
        },
    ),
    "training-length": Entry(
        "how long to pretrain: snapshots at 25, 50 and 75 % of one run, and its end",
        "muybridge.studies.benchmark.training_length:cells",
        {"title": "Length of pretraining", "tables": ("training-length",)},
    ),
    "clip-length": Entry(
        "clips of twice as many frames, over twice the time and over the same",
        "muybridge.studies.benchmark.clip_length:cells",
        {"title": "Length of clips"},
    ),
    "complexity": Entry(
        "more rotations, more clips to order, more rates",
        "muybridge.studies.benchmark.complexity:cells",
        {"title": "Complexity of pretext tasks", "tables": ("complexity",)},
    ),
    "data-distribution": Entry(
        "what is pretrained on against what is tested on",
        "muybridge.studies.benchmark.data_distribution:cells",
        {"title": "Source and target data", "tables": ("data-distribution",)},
    ),
    "noise": Entry(
        "four kinds of noise on fine-tuned networks (Table 6, Figure 9)",
        "muybridge.studies.benchmark.noise_study:cells",
        {"title": "Robustness to noise", "tables": ("table-6", "noise-mean", "figure-9")},
    ),
    "retrieval": Entry(
        "nearest training videos in the space of pretrained networks, without fine-tuning (Table 9 and Figure 4 of the supplement)",
        "muybridge.studies.benchmark.retrieval_study:cells",
        {"title": "Retrieval", "tables": ("retrieval", "retrieval-sources")},
    ),
    "loss-weighting": Entry(
        "auxiliary losses beside few labels: single task, constants, and weightings by losses, gradients and meta learning",
        "muybridge.studies.shipped.loss_weighting:cells",
        {"title": "Weighting auxiliary losses"},
    ),
    "diversity-and-robustness": Entry(
        "sets of auxiliary losses: does diversity go with robustness in time? (pre-registered)",
        "muybridge.studies.shipped.diversity_study:cells",
        {"title": "Does a more diverse set of auxiliary losses make a network more robust in time?"},
    ),
    "distill-capacity": Entry(
        "a small student of a small and a larger teacher, five weightings of them, and the controls (the draft's Table 8)",
        "muybridge.studies.shipped.distill_capacity:cells",
        {"title": "Teachers of several sizes", "tables": ("kd-subset",)},
    ),
    "distill-complexity": Entry(
        "a student of teachers from three complexities of one pretext task, and the controls (Table 7 of the supplement)",
        "muybridge.studies.shipped.distill_complexity:cells",
        {"title": "Teachers of several complexities", "tables": ("kd-complexity",)},
    ),
    "distill-source": Entry(
        "a student of teachers that were pretrained on two sources, and the controls (Table 8 of the supplement)",
        "muybridge.studies.shipped.distill_source:cells",
        {"title": "Teachers from several sources", "tables": ("kd-sources",)},
    ),
    "distill-task": Entry(
        "a student of a spatial and a temporal teacher, and the controls (Table 9 of the supplement)",
        "muybridge.studies.shipped.distill_task:cells",
        {"title": "Teachers of several tasks", "tables": ("kd-tasks",)},
    ),
    "robustness-models": Entry(
        "families of models under five categories of perturbations",
        "muybridge.studies.benchmark.robustness_models:cells",
        {"title": "Families of models under perturbations", "tables": ("ucf101-p", "mini-kinetics-c")},
    ),
    "feature-analysis": Entry(
        "maps of layer similarity of every task and network (Figures 2, 5, 6, 8 and 10)",
        "muybridge.studies.benchmark.feature_analysis:cells",
        {"title": "What layers have in common"},
    ),
    "zeroshot": Entry(
        "classes that were never seen, said in words; with and without the order of frames, perturbed",
        "muybridge.studies.shipped.zeroshot_study:cells",
        {"title": "Zero-shot classification from text", "tables": ("zero-shot",)},
    ),
}
"""Shipped studies; ``tables`` are keys of ``core.reference.published_values``: the numbers that a report shows beside ours."""
